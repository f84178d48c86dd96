"""Predict first: the result stays covered, or the bench stays put, until the learner commits or skips, once."""

import ipywidgets as w
import pytest

from tests.widgets.hands import PATIENCE, all_of, button, open_bench, plot, row, slope
from widgets.benches.prediction import Prediction, PredictionPanel

COVERED = Prediction("Does it <b>rise</b>?", ("It rises", "It <i>falls</i>"))
MOVING = Prediction("And when it is steeper?", ("Up", "Down"), then={"slope": 2.0})


def asked(bench):
    return next(o for o in all_of(bench) if isinstance(o, w.RadioButtons))


def text(widget):
    return " ".join(h.value for h in all_of(widget) if isinstance(h, w.HTML))


@pytest.fixture
def panel():
    heard = []
    made = PredictionPanel(COVERED, heard.append)
    return made, heard


@pytest.mark.parametrize("options", [(), ("only one",)])
def test_a_prediction_is_a_choice(options):
    with pytest.raises(ValueError, match="at least 2 options"):
        Prediction("What?", options)


def test_nothing_is_chosen_for_the_learner(panel):
    made, heard = panel
    assert asked(made).value is None and button(made, "Commit").disabled and heard == []
    asked(made).value = "It rises"
    assert not button(made, "Commit").disabled and heard == [], "choosing is not committing"


def test_commit_tells_the_choice_and_shows_it(panel):
    made, heard = panel
    asked(made).value = COVERED.options[1]
    button(made, "Commit").click()
    assert heard == [COVERED.options[1]]
    assert "You predicted: <b>It &lt;i&gt;falls&lt;/i&gt;</b>" in text(made)
    assert not [o for o in all_of(made) if isinstance(o, (w.RadioButtons, w.Button))], "it cannot be changed afterwards"


def test_skip_tells_none(panel):
    made, heard = panel
    button(made, "Skip").click()
    assert heard == [None] and "You skipped" in text(made)


def test_a_double_click_commits_once(panel):
    made, heard = panel
    asked(made).value = "It rises"
    commit, skip = button(made, "Commit"), button(made, "Skip")
    for pressed in (commit, commit, skip):
        pressed.click()
    assert heard == ["It rises"]


def test_the_question_is_text(panel):
    assert "&lt;b&gt;rise&lt;/b&gt;" in text(panel[0])


def locked(bench):
    parts = [p for name in ("slope", "seed") for p in row(bench, name)["row"].children]
    parts += [button(bench, b) for b in ("Run", "Pause", "Step", "Stop", "Pin", "Reset", "Share", "Export")]
    (answer,) = {p.disabled for p in parts}
    return answer


def test_the_figure_is_covered_and_the_controls_are_locked_until_commitment():
    bench = open_bench(predict=COVERED)
    assert plot(bench).layout.visibility == "hidden" and locked(bench)
    asked(bench).value = "It rises"
    assert plot(bench).layout.visibility == "hidden" and locked(bench)
    button(bench, "Commit").click()
    assert plot(bench).layout.visibility != "hidden" and not locked(bench)
    assert bench.wait(PATIENCE) and slope(bench.frame) == 0.5


def test_skipping_uncovers_too():
    bench = open_bench(predict=COVERED)
    button(bench, "Skip").click()
    assert plot(bench).layout.visibility != "hidden" and not locked(bench)


@pytest.mark.parametrize("how", ["Commit", "Skip"])
def test_then_pins_the_start_and_moves(how):
    bench = open_bench(predict=MOVING)
    assert plot(bench).layout.visibility != "hidden" and locked(bench), "the start is seen, and stays put"
    asked(bench).value = "Up"
    button(bench, how).click()
    assert bench.wait(PATIENCE) and not locked(bench)
    assert bench.values["slope"] == 2.0 and slope(bench.frame) == 2.0
    assert [t["name"] for t in plot(bench).spec["data"]] == ["pinned: slope = 0.5", "height"]


def test_a_click_in_the_figure_does_not_move_a_locked_bench():
    bench = open_bench(predict=MOVING)
    plot(bench)._handle_custom_msg({"type": "set", "values": {"slope": 1.5}}, [])
    assert bench.wait(PATIENCE) and bench.values["slope"] == 0.5
