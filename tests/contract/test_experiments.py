"""One contract for every experiment of the catalogue, whatever its paper."""

from __future__ import annotations

import io
import json
import re
import threading
import time

import numpy as np
import plotly.graph_objects as go
import pytest
import xarray as xr

from labcore import catalog
from labcore.experiment import Experiment, ParameterError
from labcore.figure import on_paper, view_of
from tests.widgets.hands import check_csv, parameters_of
from widgets.benches.plot import jsonable
from widgets.benches.sharing import to_netcdf

NAMES = [f"{p.key}.{name}" for p in catalog.papers() for name in p.experiments]
QUICK_SECONDS = 4
# a shared runner with cold caches can be several times slower than a person's machine; a hang is what this must catch
PATIENCE = 10

# the tests of one experiment share its frames, so they stay in one process where there are several
pytestmark = pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.xdist_group(n)) for n in NAMES])


@pytest.fixture
def experiment(name: str) -> Experiment:
    return catalog.load_experiment(name)


def quick_frames(experiment: Experiment, **values) -> list[xr.Dataset]:
    return list(experiment.frames("quick", **values))


@pytest.fixture(scope="module")
def runs():
    """The quick frames of each experiment, computed once a seed for the module; `runs.seconds` says what they took."""

    def frames(experiment: Experiment, seed: int = 0) -> list[xr.Dataset]:
        if (experiment.id, seed) not in kept:
            began = time.perf_counter()
            kept[experiment.id, seed] = quick_frames(experiment, seed=seed)
            frames.seconds[experiment.id, seed] = time.perf_counter() - began
        return kept[experiment.id, seed]

    kept: dict[tuple[str, int], list[xr.Dataset]] = {}
    frames.seconds = {}
    return frames


def test_quick_run_ends_in_its_budget(experiment, runs):
    runs(experiment)  # compiles what there is to compile
    runs(experiment, seed=1)
    assert runs.seconds[experiment.id, 1] < QUICK_SECONDS * PATIENCE


def test_frames_are_labelled_and_finite(experiment, runs):
    for frame in runs(experiment):
        for variable in frame.variables:
            attrs = frame[variable].attrs
            assert attrs.get("long_name"), f"{variable} has no long_name"
            assert "units" in attrs, f"{variable} has no units"
            assert np.isfinite(frame[variable].values).all() if frame[variable].dtype.kind == "f" else True
            assert frame[variable].size > 0, f"{variable} is empty"
        for dim in frame.dims:
            assert dim in frame.coords, f"dimension {dim} has no coordinate"


def test_progress_rises_to_one(experiment, runs):
    progress = [frame.attrs["progress"] for frame in runs(experiment)]
    assert progress == sorted(progress)
    assert progress[-1] == 1


def test_reading_is_a_sentence_with_a_number(experiment, runs):
    for frame in runs(experiment):
        reading = frame.attrs["reading"]
        assert re.search(r"\d", reading), reading
        assert reading[0].isupper() and reading.rstrip().endswith((".", "!", "?")), reading
        assert "nan" not in reading.lower().split() and "{" not in reading


def test_another_seed_another_result(experiment, runs):
    assert "seed" in experiment.parameters, "all randomness flows from a parameter called seed"
    assert not runs(experiment, seed=1)[-1].equals(runs(experiment)[-1])


def test_global_random_state_is_not_touched(experiment):
    import torch

    np.random.seed(3)
    torch.manual_seed(3)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    next(experiment.frames("quick", seed=2))
    assert (np.random.get_state()[1] == before[0]).all() and (torch.get_rng_state() == before[1]).all()


def test_every_bound_is_enforced(experiment):
    for name, p in experiment.parameters.items():
        assert p.description, f"{name} has no description: it is the tooltip"
        bad = (
            [p.low - 1, p.high + 1, "many", None, float("nan")]
            if p.kind in ("int", "float")
            else ["no such choice", None]
        )
        for value in bad:
            with pytest.raises(ParameterError) as error:
                experiment.validate(**{name: value})
            assert name in str(error.value) and p.allowed in str(error.value)


def test_conditions_name_real_parameters(experiment):
    for p in experiment.parameters.values():
        for other, allowed in p.when.items():
            for value in allowed:
                experiment.validate(**{other: value})


def test_same_seed_same_bits_and_stopping_leaves_nothing_behind(experiment, runs):
    threads = threading.active_count()
    frames = experiment.frames("quick")
    next(frames)
    frames.close()
    assert threading.active_count() <= threads
    xr.testing.assert_identical(quick_frames(experiment)[-1], runs(experiment)[-1])


def test_figure_builds_from_every_frame(experiment, runs):
    view = view_of(experiment)
    for frame in runs(experiment):
        before = frame.copy(deep=True)
        spec = view(frame)
        xr.testing.assert_identical(frame, before)
        figure = go.Figure(on_paper(spec))  # raises on anything that plotly does not know
        assert sum(len(t.y) if t.y is not None else 1 for t in figure.data) > 0
        assert any(a.title.text for a in figure.select_xaxes()) and any(a.title.text for a in figure.select_yaxes())
        json.dumps(jsonable(spec), allow_nan=False)


def test_a_frame_survives_its_files(experiment, runs):
    shown = runs(experiment)[-1]
    check_csv(shown)
    with xr.open_dataset(io.BytesIO(to_netcdf(shown)), engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), shown)
    assert json.loads(back.attrs["parameters"]) == parameters_of(shown)
