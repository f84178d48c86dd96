"""The copy of a paper without its essential line: what it changes, and that the real paper stays as it is."""

import dataclasses
import inspect
import os
import subprocess
import sys

import numpy as np
import pytest

from labcore import catalog, live_code, sweep
from labcore.catalog import UnknownKey
from labcore.claims import claims_of
from labcore.code_version import code_version
from labcore.experiment import key_of
from labcore.primitives.local_rules import hebb_rules
from labcore.without import Without, declared

PLANE = "hebbian_projection.plane"
SHELF = declared("hebbian_projection")
OWN = declared("double_descent")
GOOD = dict(idea="the idea", file="mechanism.py", line="a = 1", instead="a = 2", shows=PLANE, breaks=("one",))


def last(frames):
    *_, frame = frames
    return frame


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (dict(idea=""), "idea"),
        (dict(idea="the idea."), "idea"),
        (dict(line="  a = 1"), "line"),
        (dict(line="a = 1\nb = 2"), "line"),
        (dict(instead=""), "instead"),
        (dict(instead="a = 1"), "instead"),
        (dict(breaks=()), "breaks"),
    ],
)
def test_a_declaration_that_says_nothing_is_refused(changed, named):
    assert Without(**GOOD).key == "hebbian_projection"
    with pytest.raises(ValueError, match=f"^{named} = .* is not allowed"):
        Without(**{**GOOD, **changed})


@pytest.mark.parametrize(
    ("line", "times"), [("w = w * 3", "0 times"), ("for k in range(units):", "[2-9] times|1. times")]
)
def test_a_line_that_is_not_there_once_is_refused_before_anything_is_loaded(line, times):
    without = dataclasses.replace(SHELF, idea="this line", line=line)
    with pytest.raises(ValueError, match=times):
        without.load("experiments")
    assert not [name for name in sys.modules if "without this line" in name]


def test_a_paper_that_names_no_line_says_so():
    key = next(p.key for p in catalog.papers() if not p.has_without)
    with pytest.raises(LookupError, match=f"{key} does not say"):
        declared(key)
    with pytest.raises(UnknownKey):
        declared("no_such_paper")


def test_the_copy_is_of_other_code_and_the_real_paper_stays_as_it_is():
    real = catalog.load_experiment(OWN.shows)
    before = real.run("quick")
    copy = OWN.experiment()
    assert not last(copy.frames("quick")).equals(before)
    assert real.run("quick").equals(before)
    assert copy is not real and OWN.experiment() is copy, "it is loaded once"
    assert live_code.changed(real.__module__) is None, "the copy passes for a change of the paper"
    assert key_of(real.__module__) == "double_descent" != key_of(copy.__module__) == copy.key


def test_inside_the_copy_everything_is_the_copys():
    package = OWN.load("experiments").__name__.rpartition(".")[0]
    mechanism, shelf = OWN.load("mechanism"), SHELF.load("experiments")
    assert mechanism.__name__ == f"{package}.mechanism"
    assert mechanism.SpectralBank is OWN.load("spectral_bank").SpectralBank
    assert shelf.hebb_stream is not hebb_rules.hebb_stream and shelf.BLOWN_UP == hebb_rules.BLOWN_UP
    assert shelf.Frame is catalog.load_experiment(PLANE).frame.__class__, "what the line does not reach is shared"


def test_the_copys_source_is_what_runs():
    shown = inspect.getsource(inspect.unwrap(OWN.load("mechanism").filters))
    assert OWN.instead in shown and OWN.line not in shown


def test_a_frame_says_that_it_is_of_the_copy():
    first = next(SHELF.frames(samples=200))
    assert first.attrs["reading"].startswith("Without the forgetting: After ")
    assert first.attrs["without"] == "the forgetting"
    assert first.attrs["experiment"] == "hebbian_projection without the forgetting.plane"


def test_nothing_of_the_copy_is_recorded(tmp_path):
    copy = OWN.experiment()
    with pytest.raises(UnknownKey):
        code_version(copy.key)
    with pytest.raises(UnknownKey):
        sweep(copy.id, out=tmp_path / "points", seed=[0, 1])
    assert {c.key for c in claims_of("double_descent")} == {"double_descent"}
    quick = next(c for c in vars(OWN.load("claims")).values() if getattr(c, "name", "") == "spike_iff_low_loss")
    with pytest.raises(UnknownKey):
        quick.measure()


RUN = f"""
import sys
from labcore import load_experiment
from labcore.without import declared
frames = declared("hebbian_projection").frames if sys.argv[1] == "copy" else load_experiment("{PLANE}").frames
*_, frame = frames(samples=200)
print(float(frame.w.values.sum()).hex())
"""


def test_no_compiled_code_of_the_copy_is_kept(tmp_path):
    """A process that runs the copy first leaves nothing that the real kernel would take for its own."""

    def weights(which):
        env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", RUN, which], env=env, capture_output=True, text=True, check=True)
        return float.fromhex(done.stdout.split()[-1])

    copy = weights("copy")
    assert not [f.name for f in tmp_path.rglob("*") if "_stream" in f.name]
    real = weights("real")
    assert [f.name for f in tmp_path.rglob("*") if "_stream" in f.name], "the real kernel is kept"
    assert np.isclose(weights("copy"), copy, rtol=1e-12) and real != copy
    assert real == float(catalog.load_experiment(PLANE).run(samples=200).w.values.sum())


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("kan_assessment", {}, "100% of the curve moves: 17 of its 17 intervals. At x = 0.1 20 of the 20 bases"),
        ("multitasking_hebbian", {"d": 0.5, "N": 2000}, "the most possible is 1.00"),
    ],
)
def test_the_reading_of_a_copy_says_what_the_copy_does(key, values, said):
    without = declared(key)
    experiment = catalog.load_experiment(without.shows)
    *_, last = without.frames(experiment.name, **experiment.settings("full", **values))
    assert said in last.attrs["reading"]
