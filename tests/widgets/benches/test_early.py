"""What a page shows of a bench before its kernel answers: the picture that the bench will show, and no more."""

from __future__ import annotations

import re

import numpy as np
import pytest

from widgets import Prediction, bench
from widgets.benches.early import _with_arrays, early
from widgets.benches.plot import jsonable

NAME = "epochwise_descent.trajectory"


@pytest.fixture
def made(monkeypatch):
    """`made(...)` is a bench that shows its first figure; it is closed at the end."""
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5")
    benches = []

    def make(**more):
        benches.append(bench(NAME, budget="quick", **more))
        assert benches[-1].wait()
        return benches[-1]

    yield make
    for each in benches:
        each.close()


def asked(**more):
    return Prediction("Up?", ("yes", "no"), lambda frame: "yes", **more)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_the_picture_is_there_with_its_reading_and_nothing_can_be_moved(made):
    shown = made()
    html = early(shown)
    assert html.count("<svg") == 1 and "labcore-early" in html
    assert words(shown.frame.attrs["reading"]) in words(html)
    assert not re.search("<(button|input|select|script)", html)
    main = next(p for p in shown.experiment.parameters.values() if p.main)
    assert main.label.split()[0] in words(html)


def test_before_a_question_is_answered_nothing_of_the_figure_is_given_away(made):
    shown = made(predict=asked())
    html, frame = early(shown), shown.experiment.still(**shown.values)
    assert "First your prediction" in words(html) and "Up?" in words(html) and "yes" in words(html)
    assert frame.attrs["reading"] not in words(html)
    assert "labcore-commit" not in html, "a class's page would take a press for an answer"
    assert html.count("<polyline") == 0 and len(re.findall(r"<path\b", html)) == 0


def test_the_figure_before_the_one_that_a_question_asks_about_is_shown(made):
    name, parameter = next((n, p) for n, p in made().experiment.parameters.items() if p.kind in ("int", "float"))
    shown = made(predict=asked(then={name: parameter.high}), label="before")
    assert shown.frame.attrs["reading"] in words(early(shown))


def test_a_bench_without_a_figure_has_nothing_to_show(made):
    shown = made()
    shown._plot.spec = {"data": [], "layout": {}}
    assert early(shown) == ""


def test_arrays_come_back_as_a_view_made_them():
    trace = {"x": np.arange(3.0), "z": np.ones((2, 3)), "n": [np.array([1, 2]), "a"]}
    spec = {"data": [trace], "layout": {"height": 3}}
    back = _with_arrays(jsonable(spec))
    assert back["data"][0]["x"].tolist() == [0, 1, 2] and back["data"][0]["z"].shape == (2, 3)
    assert back["data"][0]["n"][0].tolist() == [1, 2] and back["layout"] == {"height": 3}
