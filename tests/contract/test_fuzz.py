"""Any allowed parameters give finite frames, or one clear line: never a hang, a NaN or a bare error.

`FUZZ_EXAMPLES=300` tries that many parameter sets an experiment instead of a few, other ones in every run, and follows
each run for longer.
"""

from __future__ import annotations

import json
import math
import os
import queue
import re
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from labcore import catalog
from labcore.experiment import Experiment, Parameter
from labcore.figure import view_of
from widgets.benches.plot import jsonable

NAMES = [f"{p.key}.{name}" for p in catalog.papers() for name in p.experiments]
LONG = int(os.environ.get("FUZZ_EXAMPLES", 0))
# A run is followed for so long and then closed; how many frames that makes is of no matter to what is checked.
FOLLOW = 10.0 if LONG else 0.1
# A first frame may wait for a compiler. No frame of a tiny run takes this long on any machine.
PATIENCE = 120.0


class Hang(BaseException):
    """A frame did not come. No `Exception`, so that Hypothesis does not wait for the same hang again."""


def values_of(p: Parameter, top: float) -> st.SearchStrategy:
    """What a parameter may be, not over `top`: both ends often, a log parameter on the log scale."""
    if p.kind == "bool":
        return st.booleans()
    if p.kind == "choice":
        return st.sampled_from(p.choices)
    if p.log:
        inner = st.floats(math.log(p.low), math.log(top)).map(lambda v: min(max(math.exp(v), p.low), top))
        inner = inner.map(round) if p.kind == "int" else inner
    else:
        inner = st.integers(p.low, int(top)) if p.kind == "int" else st.floats(p.low, top)
    return st.sampled_from([p.low, top]).map(int if p.kind == "int" else float) | inner


def parameters_of(experiment: Experiment) -> st.SearchStrategy[dict[str, Any]]:
    """All parameters; those that the quick budget lowers stay at or under its value."""
    return st.fixed_dictionaries(
        {name: values_of(p, experiment.quick.get(name, p.high)) for name, p in experiment.parameters.items()}
    )


class Follower:
    """Takes frames in one thread of its own: compiled code that never returns would not hear an alarm in this one."""

    def __init__(self, frames: Iterator[xr.Dataset]):
        self._frames, self._asked, self._answers = frames, queue.SimpleQueue(), queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while self._asked.get():
            try:
                self._answers.put((next(self._frames, None), None))
            except BaseException as error:
                self._answers.put((None, error))
                return
        self._frames.close()
        self._answers.put((None, None))

    def next(self) -> xr.Dataset | None:
        """The next frame, or None at the end. Raises what the run raises, or `Hang`."""
        return self._answer(True)

    def close(self) -> None:
        self._answer(False)

    def _answer(self, more: bool) -> xr.Dataset | None:
        self._asked.put(more)
        try:
            frame, error = self._answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise Hang(f"nothing within {PATIENCE:g} s") from None
        if error is not None:
            raise error
        return frame


def check(experiment: Experiment, values: dict[str, Any], follow: float = FOLLOW) -> None:
    """Follow one run for about `follow` seconds and assert that it is finite, in order and drawn."""
    until, last, progress = time.monotonic() + follow, None, 0.0
    run = Follower(experiment.frames(**values))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # numpy's word for a number that is lost on the way
        try:
            # the experiment itself checks that every frame is finite
            while (frame := run.next()) is not None:
                assert progress <= frame.attrs["progress"], f"progress fell from {progress}"
                last, progress = frame, frame.attrs["progress"]
                check_reading(frame)
                if time.monotonic() > until:
                    break
            else:
                assert progress == 1, f"the run ended at progress {progress}"
        except ValueError as error:
            named = any(re.search(rf"\b{name} = ", str(error)) for name in experiment.parameters)
            assert named and "\n" not in str(error), f"{error!r} names no parameter"
            return
        except Hang as error:
            raise Hang(f"{experiment.id} {values}: {error}") from None
        run.close()
        json.dumps(jsonable(view_of(experiment)(last)), allow_nan=False)


def check_reading(frame: xr.Dataset) -> None:
    reading = frame.attrs["reading"]
    assert reading.rstrip().endswith((".", "!", "?")), reading
    assert not re.search(r"\b(nan|inf)\b", reading), reading


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.xdist_group(n)) for n in NAMES])
def test_any_parameters_give_finite_frames_or_a_clear_line(name: str):
    experiment = catalog.load_experiment(name)

    @settings(
        max_examples=LONG or 3,
        derandomize=not LONG,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # a run takes too long to look for the smallest failure
        suppress_health_check=list(HealthCheck),
    )
    @given(values=parameters_of(experiment))
    def holds(values: dict[str, Any]) -> None:
        check(experiment, values)

    holds()


MENDED = {
    "double_descent.model_wise": dict(
        method="exact", data="teacher", activation="linear", normalization="standardize", label_noise=0, n_train=400,
        init_scale=2.95, look_at=8, error_rate=True, n_seeds=1, seed=1068491319,
    ),
    "electronic_synapse.cancel": dict(curvature=5e-324, pulses=36, ups=0, downs=100, seed=2**31 - 1),
    "hebbian_projection.continual": dict(
        lr=0.3, hidden=63, protect=0, steps=12, n_tasks=2, hlop_lr=0.0040675, epochs=2, n_seeds=5, seed=63,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MENDED)
def test_what_was_found_once_stays_mended(name: str):
    experiment = catalog.load_experiment(name)
    check(experiment, experiment.settings(**MENDED[name]), follow=5.0)
