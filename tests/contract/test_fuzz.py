"""Any allowed parameters give finite frames, or one clear line: never a hang, a NaN or a bare error.

A test run tries a few parameter sets an experiment, always the same. The nightly run tries 100, or FUZZ_EXAMPLES, other
ones each time, and follows each run for longer.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from labcore import catalog
from labcore.experiment import Experiment, Parameter
from tests.frames import NAMES
from widgets.check.parameters import runs_well

# A run is followed for so many frames and then closed.
FOLLOW, FOLLOW_LONG = 3, 30
TRIED = Path(__file__).parents[2] / "build" / "fuzz"


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


def check(experiment: Experiment, values: dict[str, Any], follow: int) -> None:
    """Follow one run for at most `follow` frames and assert that it is finite, in order and drawn, and ends cleanly.

    A frame that never comes is a hang: the timeout of all tests ends the process, and the file in `TRIED` stays.
    """
    TRIED.mkdir(parents=True, exist_ok=True)
    tried = TRIED / f"{experiment.id}.txt"
    tried.write_text(repr(values), "utf-8")
    try:
        assert not list(runs_well(experiment, values, follow))
    finally:
        tried.unlink()


def fuzz(name: str, follow: int, **more: Any) -> None:
    experiment = catalog.load_experiment(name)

    @settings(
        database=None,
        deadline=None,
        phases=[Phase.generate],  # a run takes too long to look for the smallest failure
        suppress_health_check=list(HealthCheck),
        **more,
    )
    @given(values=parameters_of(experiment))
    def holds(values: dict[str, Any]) -> None:
        check(experiment, values, follow)

    holds()


@pytest.mark.parametrize("name", NAMES)
def test_any_parameters_give_finite_frames_or_a_clear_line(name: str):
    fuzz(name, FOLLOW, max_examples=3, derandomize=True)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
def test_many_parameters_give_finite_frames_or_a_clear_line(name: str):
    fuzz(name, FOLLOW_LONG, max_examples=int(os.environ.get("FUZZ_EXAMPLES", 100)), derandomize=False)


MENDED = {
    "double_descent.model_wise": dict(
        method="exact", data="teacher", activation="linear", normalization="standardize", label_noise=0, n_train=400,
        init_scale=2.95, look_at=8, error_rate=True, n_seeds=1, seed=1068491319,
    ),
    "electronic_synapse.cancel": dict(curvature=5e-324, pulses=36, ups=0, downs=100, seed=2**31 - 1),
    "hebbian_projection.continual": dict(
        lr=0.3, hidden=63, protect=0, steps=7, n_tasks=2, hlop_lr=0.0040675, epochs=2, n_seeds=5, seed=63,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MENDED)
def test_what_was_found_once_stays_mended(name: str):
    experiment = catalog.load_experiment(name)
    check(experiment, experiment.settings(**MENDED[name]), FOLLOW_LONG)
