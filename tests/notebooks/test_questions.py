"""What the questions of the lessons promise: a wrong option that has its own experiment is right there.

And what the page for teachers says is right is what comes out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import nbformat
import pytest

import widgets
from labcore import catalog
from labcore.lesson_files import TEACHING
from tests.notebooks.test_lessons import LESSONS, ROOT, named
from widgets import Prediction, teaching

pytestmark = pytest.mark.nightly  # whole runs at the lessons' own sizes


def predictions(lesson: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict, Prediction]]:
    """Of each prediction of a lesson: its experiment, the values of the run that it asks for, and the question."""
    found: list[tuple[str, dict, Prediction]] = []

    def bench(name, *, predict=None, budget="full", opening=False, label="", without=False, **values):
        if isinstance(predict, Prediction):
            asked = catalog.load_experiment(name).settings(budget, **{**values, **predict.then})
            found.append((name, asked, predict))

    # nothing but the questions is made
    monkeypatch.setattr(widgets, "bench", bench)
    for rest in ("ledger", "exercise", "source"):
        monkeypatch.setattr(widgets, rest, lambda *_, **__: None)
    monkeypatch.chdir(os.path.dirname(ROOT / lesson))
    notebook, names = nbformat.read(ROOT / lesson, as_version=4), {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and ("bench(" in cell.source or "import" in cell.source or "budget" in cell.source):
            exec(cell.source, names)
    yield from found


@pytest.mark.parametrize("lesson", LESSONS, ids=named)
def test_a_wrong_option_is_right_in_its_own_experiment(lesson, monkeypatch):
    wrong = []
    for name, asked, question in list(predictions(lesson, monkeypatch)):
        experiment = catalog.load_experiment(name)
        for option, values in question.instead.items():
            frame = experiment.run(**experiment.validate(**{**asked, **values}))
            if option not in question.holding(frame):
                wrong.append(f"{name} with {values}: {question.holding(frame)} holds, and not {option!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("lesson", LESSONS, ids=named)
def test_teachers_are_told_what_holds(lesson, monkeypatch):
    told = teaching.held(TEACHING.read_text(encoding="utf-8"))
    name = lesson.removeprefix("notebooks/").removesuffix(".ipynb")
    wrong = []
    for experiment, asked, question in list(predictions(lesson, monkeypatch)):
        holds = set(question.holding(catalog.load_experiment(experiment).run(**asked)))
        if holds != told[name, question.question]:
            wrong.append(f"{question.question} {holds} holds, and not {told[name, question.question]}")
    assert not wrong, "\n".join(wrong)
