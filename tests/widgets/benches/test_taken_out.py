"""The switch of a bench that takes the paper's idea out: what runs, what is shown, and what waits or is refused."""

import ipywidgets as w
import pytest

from labcore import catalog
from labcore.figure import view_of
from labcore.without import declared
from tests.widgets.hands import PATIENCE, all_of, button, plot, status
from widgets import Prediction
from widgets.benches import taken_out
from widgets.benches.bench import Bench, bench
from widgets.benches.parts import is_shown
from widgets.benches.static_bench import StaticBench

EDGE = declared("kan_assessment")
WITHOUT = "Without the local support: "


def opened(predict=None, **values):
    experiment = catalog.load_experiment(EDGE.shows)
    made = Bench(experiment, experiment.settings(**values), view_of(experiment), predict, without=EDGE)
    assert made.wait(PATIENCE)
    return made


def html(shown):
    return "".join(getattr(part, "value", "") for part in all_of(shown) if isinstance(getattr(part, "value", ""), str))


def turn(shown, out):
    shown._idea.switch.value = out
    assert shown.wait(PATIENCE)


def test_the_switch_shows_the_line_and_the_picture_without_it_before_the_real_curves():
    shown = opened()
    real = plot(shown).reading
    assert "labcore-difference" not in html(shown)
    assert shown._idea.switch.description == "Take the idea out: the local support"
    turn(shown, True)
    assert shown._idea.switch.description == "Put it back: the local support"
    text = html(shown)
    assert "<del>- np.put_along_axis(out" in text and "<ins>+ out[:] = np.cos(" in text
    assert f"labcore/primitives/splines/bspline.py, line {EDGE.number}" in text and "(2024)" in text
    assert plot(shown).reading.startswith(WITHOUT) and plot(shown).reading != WITHOUT + real
    assert plot(shown).ghosts[0]["name"] == "pinned: the local support = in place"
    assert not plot(shown).stale


def test_off_is_back():
    shown = opened()
    shown.pin()
    real, pins = plot(shown).reading, list(shown.pins)
    turn(shown, True)
    turn(shown, False)
    assert shown._idea.switch.description == "Take the idea out: the local support"
    assert plot(shown).reading == real and shown.pins == pins and "labcore-difference" not in html(shown)
    assert plot(shown).ghosts[0]["name"] == "pinned: the same settings"
    assert not plot(shown).stale


def test_a_control_moves_the_copy():
    shown = opened()
    turn(shown, True)
    before = plot(shown).spec
    shown.set(height=-1.0)
    shown.run()
    assert shown.wait(PATIENCE)
    assert plot(shown).reading.startswith(WITHOUT) and plot(shown).spec != before
    assert shown.values["height"] == -1.0 and set(shown.values) == set(shown.experiment.parameters)


def test_what_leaves_the_bench_is_of_the_paper_or_says_that_it_is_not(monkeypatch):
    shown, sent = opened(), []
    monkeypatch.setattr(plot(shown), "send", lambda message, buffers=None: sent.append((message, buffers)))
    turn(shown, True)
    shown.share()
    assert "Put the local support back first." in status(shown) and not sent
    shown.sweep()
    assert "What is swept is the paper itself." in status(shown) and not shown._drawer.children
    shown.export()
    button(shown, "CSV").click()
    button(shown, "PNG").click()
    assert {m["name"] for m, _ in sent} == {
        "kan_assessment.edge-without-the-local-support.csv",
        "kan_assessment.edge-without-the-local-support.png",
    }
    turn(shown, False)
    shown.share()
    assert sent[-1][0]["type"] == "share"


def test_reset_and_a_link_are_of_the_paper():
    shown = opened()
    turn(shown, True)
    shown.reset()
    assert shown.wait(PATIENCE) and not shown._idea.switch.value
    shown.run()
    assert shown.wait(PATIENCE) and not plot(shown).reading.startswith(WITHOUT)
    turn(shown, True)
    shown._heard(None, {"type": "opened", "link": f"bench={EDGE.shows}&height=0.5"}, None)
    assert shown.wait(PATIENCE) and not shown._idea.switch.value
    assert not plot(shown).reading.startswith(WITHOUT) and shown.values["height"] == 0.5


def visible_words(shown):
    return "".join(part.value for part in all_of(shown) if isinstance(part, w.HTML) and is_shown(part))


def test_the_switch_waits_for_the_answer_and_says_so():
    shown = opened(Prediction("How much moves?", ("All", "A part"), right=lambda frame: "A part"))
    assert shown._idea.switch.disabled and "First answer or skip the question." in visible_words(shown)
    shown._question._close("All")
    assert shown.wait(PATIENCE) and not shown._idea.switch.disabled
    assert "First answer" not in visible_words(shown)
    turn(shown, True)
    assert plot(shown).reading.startswith(WITHOUT)
    assert "First answer" not in visible_words(opened())


def test_it_says_that_it_compiles():
    assert taken_out.waiting(declared("hebbian_projection")) == "Compiling the mechanism without the forgetting ..."
    assert taken_out.waiting(declared("double_descent")).startswith("Compiling")


def test_words_of_a_declaration_are_escaped(monkeypatch):
    import dataclasses

    hostile = dataclasses.replace(EDGE, instead="out[:] = x <script>")
    assert "<script>" not in taken_out.as_html(hostile)


def test_where_nothing_runs_the_line_stands_in_a_fold(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "static")
    shown = bench(EDGE.shows, without=True)
    assert isinstance(shown, StaticBench)
    text = shown._repr_mimebundle_()["text/html"]
    assert "<details><summary>The line that carries the idea: the local support</summary>" in text
    assert "<del>- np.put_along_axis(out" in text
    assert not shown.reading.startswith("Without")


def test_an_experiment_whose_picture_does_not_fail_is_refused():
    with pytest.raises(LookupError, match="double_descent.two_layer does not fail without"):
        bench("double_descent.two_layer", without=True)
    plain = Bench(
        catalog.load_experiment(EDGE.shows),
        catalog.load_experiment(EDGE.shows).settings(),
        lambda f: {"data": [], "layout": {}},
    )
    with pytest.raises(ValueError, match="without=True"):
        plain.take_out()
    assert plain.wait(PATIENCE)
