"""The reference: all that it lists says what it is, and `make reference` writes it."""

import importlib
import inspect
import pkgutil
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import labcore.primitives
from labcore import catalog

ROOT = Path(__file__).parents[2]
READY = [p.key for p in catalog.papers() if p.status == "ready"]
SHELVES = [m.name for m in pkgutil.walk_packages(labcore.primitives.__path__, "labcore.primitives.")]


def public(module):
    """Classes and functions of a module, and the methods of its classes, by name."""
    for name in getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")]):
        thing = getattr(module, name)
        where = getattr(thing, "__module__", "") or ""
        if callable(thing) and (where == module.__name__ or name in getattr(module, "__all__", [])):
            if where.startswith("labcore"):
                yield name, thing
                if inspect.isclass(thing):
                    own = {n: m for n, m in vars(thing).items() if inspect.isfunction(m) and not n.startswith("_")}
                    yield from ((f"{name}.{n}", m) for n, m in own.items())


def silent(module):
    """What says nothing about itself; a type alias and what torch calls by a known name need no words."""
    known = {"forward", "replace"}
    return [n for n, t in public(module) if not (inspect.getdoc(t) or "").strip() and n.split(".")[-1] not in known]


@pytest.mark.parametrize("name", [*SHELVES, "labcore.diagrams"])
def test_everything_in_the_library_says_what_it_is(name):
    module = importlib.import_module(name)
    assert module.__doc__ and not silent(module)


@pytest.mark.parametrize("key", READY)
def test_everything_that_a_paper_hands_on_says_what_it_is(key):
    module = catalog.load_paper(key)
    assert module.__doc__ and not silent(module)


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_reference_can_be_written(tmp_path):
    pytest.importorskip("pdoc")
    told = subprocess.run(["make", "-n", "reference"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words = shlex.split(told.splitlines()[-1].replace("build/reference", str(tmp_path)))
    subprocess.run([sys.executable, *words[1:]], cwd=ROOT, check=True, timeout=600)
    written = {p.relative_to(tmp_path).with_suffix("").as_posix().replace("/", ".") for p in tmp_path.rglob("*.html")}
    assert {"labcore.experiment", "labcore.kan.noble", "labcore.diagrams", "index", *SHELVES} <= written
    assert "Float[Array" in (tmp_path / "labcore/primitives/spiking/lif.html").read_text("utf-8")
