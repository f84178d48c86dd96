"""What an experiment computes, one contract for every experiment of the catalogue: its quick frames, figures and files.

Seed 0 is computed twice and seed 1 once; everything here looks at these frames. The rules are those of `labcore check`.
"""

from __future__ import annotations

import json

import pytest
import xarray as xr

from labcore import catalog
from labcore.experiment import Experiment
from tests.frames import NAMES, quick
from tests.widgets.hands import check_csv, parameters_of
from widgets.check import frames as rules

pytestmark = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def experiment(name: str) -> Experiment:
    return catalog.load_experiment(name)


@pytest.fixture
def frames(name: str) -> list[xr.Dataset]:
    return quick(name)


def test_frames_are_labelled_and_finite(frames):
    assert not list(rules.labelled_and_finite(frames))


def test_frames_hold_what_is_declared(experiment, frames):
    assert not list(rules.as_declared(experiment, frames))


def test_progress_rises_to_one(frames):
    assert not list(rules.progress_rises_to_one(frames))


def test_reading_is_a_sentence_with_a_number(frames):
    assert not list(rules.readings(frames))


def test_another_seed_another_result(name, experiment, frames):
    assert not list(rules.another_seed_another_result(experiment, frames, quick(name, seed=1)))


def test_same_seed_same_bits_and_a_run_leaves_nothing_behind(experiment, frames):
    """The second run of seed 0, watched: what it computes, what it draws from, and what stays when it is stopped."""
    assert not list(rules.same_bits_and_nothing_left(experiment, frames))


def test_figure_builds_from_every_frame(experiment, frames):
    assert not list(rules.figures(experiment, frames))


def test_a_frame_survives_its_files(frames):
    shown = frames[-1]
    check_csv(shown)
    assert not list(rules.netcdf(shown))
    assert json.loads(shown.attrs["parameters"]) == parameters_of(shown)
