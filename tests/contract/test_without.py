"""Each paper that says which line carries its idea fails without it: the essential line, mutated."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import nbformat
import pytest

from labcore import catalog
from labcore.claims import Seeds, claims_of
from labcore.figure import view_of
from labcore.without import declared
from tests.frames import quick
from widgets.benches.plot import jsonable

ROOT = Path(__file__).parents[2]
KEYS = [p.key for p in catalog.papers() if p.has_without]
SEEDS = range(5)


def benches(notebook):
    """The calls of `bench` in a lesson: the experiment, and the names and values of what else is written out."""
    for cell in nbformat.read(ROOT / notebook, as_version=4).cells:
        for node in ast.walk(ast.parse(cell.source)) if cell.cell_type == "code" else ():
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "bench"
            if called and isinstance(node.args[0], ast.Constant):  # not one of the reader's own data
                yield node.args[0].value, {k.arg: getattr(k.value, "value", None) for k in node.keywords}


def last(frames):
    *_, frame = frames
    return frame


@pytest.mark.parametrize("key", KEYS)
def test_the_line_is_there_once_and_code_stands_in_its_place(key):
    without = declared(key)
    line = without.path.read_text(encoding="utf-8").splitlines()[without.number - 1]
    assert line.strip() == without.line
    assert without.path.is_relative_to(catalog.paper(key).folder) or without.file.startswith(
        ("diagrams/", "primitives/")
    )
    ast.parse(without.source_of(without.path))
    assert without.shows == f"{key}.{without.shows.partition('.')[2]}"
    assert set(without.breaks) <= {c.name for c in claims_of(key)}


@pytest.mark.parametrize("key", KEYS)
def test_the_picture_is_another_one(key):
    without = declared(key)
    experiment = catalog.load_experiment(without.shows)
    real, copy = quick(without.shows)[-1], list(without.frames(budget="quick"))
    assert not copy[-1].equals(real), "without the line the last frame is the same"
    view = view_of(experiment)
    for frame in copy:
        assert frame.attrs["reading"].startswith(f"Without {without.idea}: ")
        json.dumps(jsonable(view(frame)))
    assert json.dumps(jsonable(view(copy[-1]))) != json.dumps(jsonable(view(real)))


@pytest.mark.parametrize("key", [key for key in KEYS if declared(key).breaks])
def test_its_claims_do_not_hold_without_the_line(key):
    without = declared(key)
    for name in without.breaks:
        evidence = getattr(without.load("claims"), name).check(Seeds())
        assert evidence.firm and not evidence.holds, f"{name} holds without {without.idea}: {evidence.checks}"


@pytest.mark.parametrize("key", [key for key in KEYS if declared(key).fails])
def test_the_rule_tells_the_copy_from_the_paper(key):
    without = declared(key)
    real = catalog.load_experiment(without.shows)
    assert not [s for s in SEEDS if without.fails(real.run("quick", seed=s))]
    assert all(without.fails(last(without.frames(budget="quick", seed=s))) for s in SEEDS)


@pytest.mark.parametrize("notebook", sorted({catalog.paper(key).notebook for key in KEYS}))
def test_the_lesson_opens_with_the_switch_and_has_it_for_each_paper_that_says_its_line(notebook):
    switched = [name for name, given in benches(notebook) if given.get("without") is True]
    assert switched[0] == next(benches(notebook))[0]
    assert set(switched) == {declared(key).shows for key in KEYS if catalog.paper(key).notebook == notebook}
