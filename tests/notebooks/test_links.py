"""Every link of a lesson's text that moves a bench means one that is there, and values that it takes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labcore import catalog
from labcore.experiment import Experiment, ParameterError
from labcore.texts import on_text
from tests.notebooks.test_lessons import LESSONS, PAGES, ROOT, named
from widgets.benches import sharing

# as widgets/benches/links.js tells them from links to headings; "?" and nothing after it may end a heading too
LINK = re.compile(r"\]\(<?#(?P<name>[^?#()\s]+)\?(?P<query>[^()\s>]+)>?\)|href=[\"']#([^?#\"']+)\?([^\"']+)[\"']")


def benches(notebook) -> Iterator[tuple[str, Experiment, dict]]:
    """Of each bench of an experiment, or of one on a sentence: its label, the experiment, and the values that it opens
    with, as far as its cell says them. That of a function has the function's name, and is left out.
    """
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for call in ast.walk(ast.parse(cell.source)):
            if not isinstance(call, ast.Call) or ast.unparse(call.func) != "bench":
                continue
            what, load = call.args[0], catalog.load_experiment
            if isinstance(what, ast.Call) and ast.unparse(what.func) == "on_text":
                what, load = what.args[0], on_text
            if isinstance(what, ast.Constant):
                given = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
                label = given.pop("label", "")
                given = {name: value for name, value in given.items() if name not in ("opening", "without")}
                yield label or what.value, load(what.value), given


def faults(notebook) -> list[str]:
    """What is wrong with the names of a lesson's benches, and with the links of its text."""
    found = {}
    wrong = []
    for label, experiment, given in benches(notebook):
        if label in found:
            wrong.append(f"two benches are named {label}: links need a label")
        found[label] = (experiment, given)
    for cell in notebook.cells:
        for match in LINK.finditer(cell.source):
            name, query = match[1] or match[3], match[2] or match[4]
            if name not in found:
                wrong.append(f"{match[0]}: no bench is named {name}; there are {', '.join(found)}")
                continue
            experiment, given = found[name]
            query = f"bench={name}&{query}"
            try:
                sharing.link_values(experiment, query, name, experiment.settings(**given))
                if moved := sharing.link_moved(experiment, query, name):
                    wrong.append(f"{match[0]}: {moved}")
            except ParameterError as error:
                wrong.append(f"{match[0]}: {error}")
    return wrong


@pytest.mark.parametrize("lesson", [*LESSONS, *PAGES], ids=named)
def test_each_bench_has_a_name_and_each_link_means_one(lesson):
    assert faults(nbformat.read(ROOT / lesson, as_version=4)) == []


BENCH = 'bench("double_descent.model_wise", budget=budget, label="curve", n_train=50)'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[x](#curve?steps=10&ridge=0.1)", ""),
        ("[a heading](#Why?) and [one more](#curve) and [a page](https://a.org/#b?c=d)", ""),
        ("[x](#cruve?steps=10)", "no bench is named cruve; there are curve"),
        ("[x](#double_descent.model_wise?steps=10)", "no bench is named double_descent.model_wise"),
        ("[x](#curve?stpes=10)", "no parameter 'stpes'"),
        ("[x](#curve?n_train=1)", "training samples n = '1' is not allowed, "),
        ("[x](#curve?n_train=ten)", "n_train = 'ten'"),
        ('<a href="#curve?n_train=1">x</a>', "training samples n = '1' is not allowed, "),
    ],
)
def test_a_link_that_means_nothing_is_found(text, fault):
    for cell in (new_markdown_cell(text), new_code_cell(f"why = {text!r}")):
        wrong = faults(new_notebook(cells=[new_code_cell(BENCH), cell]))
        assert len(wrong) == bool(fault) and fault in "".join(wrong)


def test_two_benches_of_one_name_are_found():
    twice = new_notebook(cells=[new_code_cell(f"{BENCH}\n{BENCH}")])
    assert faults(twice) == ["two benches are named curve: links need a label"]
