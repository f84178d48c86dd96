"""What an experiment computes, one contract for every experiment of the catalogue: its quick frames, figures and files.

Seed 0 is computed twice and seed 1 once; everything here looks at these frames.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import threading

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
import xarray as xr

from labcore import catalog, live_code
from labcore.experiment import Experiment
from labcore.figure import on_paper, view_of
from labcore.frame_files import to_netcdf
from tests.frames import NAMES, quick
from tests.widgets.hands import check_csv, parameters_of
from widgets.benches.plot import jsonable

pytestmark = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def experiment(name: str) -> Experiment:
    return catalog.load_experiment(name)


@pytest.fixture
def frames(name: str) -> list[xr.Dataset]:
    return quick(name)


def test_frames_are_labelled_and_finite(frames):
    for frame in frames:
        for variable in frame.variables:
            attrs = frame[variable].attrs
            assert attrs.get("long_name"), f"{variable} has no long_name"
            assert "units" in attrs, f"{variable} has no units"
            assert np.isfinite(frame[variable].values).all() if frame[variable].dtype.kind == "f" else True
            assert frame[variable].size > 0, f"{variable} is empty"
        for dim in frame.dims:
            assert dim in frame.coords, f"dimension {dim} has no coordinate"


def test_frames_hold_what_is_declared(experiment, frames):
    declared = experiment.frame.columns
    needed = {name for name, column in declared.items() if column.dims is not None and not column.optional}
    for frame in frames:
        assert needed <= set(frame.variables) <= set(declared)
        for name, variable in frame.variables.items():
            dims = declared[name].dims
            assert variable.dims == ((name,) if dims is None else dims), name
            assert variable.attrs["units"] == declared[name].units, name


def test_progress_rises_to_one(frames):
    progress = [frame.attrs["progress"] for frame in frames]
    assert progress == sorted(progress)
    assert progress[-1] == 1


def test_reading_is_a_sentence_with_a_number(frames):
    for frame in frames:
        reading = frame.attrs["reading"]
        assert re.search(r"\d", reading), reading
        assert reading[0].isupper() and reading.rstrip().endswith((".", "!", "?")), reading
        assert not re.search(r"\b(nan|inf)\b", reading, re.IGNORECASE) and "{" not in reading, reading
        # a zero has no sign: -0, -0.00, -0%
        assert not re.search(r"(?<![\w.])-0(\.0*)?(?![\d.])", reading), reading


def test_another_seed_another_result(name, experiment, frames):
    assert "seed" in experiment.parameters, "all randomness flows from a parameter called seed"
    assert not quick(name, seed=1)[-1].equals(frames[-1])


def test_same_seed_same_bits_and_a_run_leaves_nothing_behind(experiment, frames):
    """The second run of seed 0, watched: what it computes, what it draws from, and what stays when it is stopped."""
    np.random.seed(3)
    torch.manual_seed(3)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    threads = threading.active_count()
    run = experiment.frames("quick")
    again = list(itertools.islice(run, len(frames)))
    run.close()  # the run stands at its last frame and does not know it: this is a stop like any other
    assert threading.active_count() <= threads
    assert (np.random.get_state()[1] == before[0]).all() and (torch.get_rng_state() == before[1]).all()
    for one, other in zip(again, frames, strict=True):
        xr.testing.assert_identical(one, other)
    assert live_code.changed(experiment.__module__) is None, "a sweep would refuse to start"


def test_figure_builds_from_every_frame(experiment, frames):
    view = view_of(experiment)
    for frame in frames:
        before = frame.copy(deep=True)
        spec = view(frame)
        xr.testing.assert_identical(frame, before)
        figure = go.Figure(on_paper(spec))  # raises on anything that plotly does not know
        assert sum(len(t.y) if t.y is not None else 1 for t in figure.data) > 0
        assert any(a.title.text for a in figure.select_xaxes()) and any(a.title.text for a in figure.select_yaxes())
        json.dumps(jsonable(spec), allow_nan=False)


def test_a_frame_survives_its_files(frames):
    shown = frames[-1]
    check_csv(shown)
    with xr.open_dataset(io.BytesIO(to_netcdf(shown)), engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), shown)
    assert json.loads(back.attrs["parameters"]) == parameters_of(shown)
