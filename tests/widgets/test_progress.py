"""What a learner has answered: kept by the page, shown again by another kernel, forgotten on request."""

import ipywidgets as w
import pytest

from tests.widgets.hands import PATIENCE, all_of, button, open_bench, plot, slope, until
from widgets.atlas import progress
from widgets.benches.prediction import Prediction
from widgets.benches.ruler import Ruler
from widgets.benches.sketch import Sketch
from widgets.lesson import exercise

MOVING = Prediction("And when it is steeper?", ("Up", "Down"), lambda _: "Up", then={"slope": 2.0}, why="It rises.")
COVERED = Prediction("Does it rise?", ("Yes", "No"), lambda _: "Yes")
DRAWN = Sketch(
    "How high?",
    x=Ruler("place", 0, 2, at=(0, 1, 2)),
    y=Ruler("height", 0, 4),
    answer=lambda frame: (frame.x, frame.y),
    judge="height",
)


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "live")
    monkeypatch.setattr(progress, "_opened", None)


def sitting():
    """A kernel that has just executed a lesson: its progress, an exercise and two benches that ask."""
    mine = progress.begin("theme/topic")
    card = exercise("How much?", lambda text: text == "2", "Two.")
    benches = [open_bench(predict=asked, label=label) for asked, label in ((MOVING, "moving"), (COVERED, "covered"))]
    return mine, card, benches


def opened(mine, kept):
    mine._hear(mine, {"type": "opened", "kept": kept}, [])


def text(widget):
    return " ".join(h.value for h in all_of(widget) if isinstance(h, (w.HTML, w.HTMLMath)))


def box(card):
    return next(t for t in all_of(card) if isinstance(t, w.Text))


def answer(card, said):
    box(card).value = said
    until(card._verdict, "value", lambda value: "Checking" not in value)


def commit(bench, option):
    bench._question._options.value = option
    button(bench, "Commit").click()
    assert bench.wait(PATIENCE)


def test_answers_are_counted_and_kept():
    mine, card, (moving, covered) = sitting()
    assert mine.counts == [0, 1, 0, 2] and mine.kept == {}
    answer(card, "1")
    assert mine.kept == {"exercise How much?": {"text": "1", "right": False}} and mine.counts == [0, 1, 0, 2]
    answer(card, "2")
    commit(moving, "Down")
    assert mine.counts == [1, 1, 1, 2] and mine.kept["prediction moving"] == "Down"
    answer(card, "3")
    assert mine.kept["exercise How much?"] == {"text": "2", "right": True}, "one that was right stays so"
    button(covered, "Skip").click()
    assert covered.wait(PATIENCE) and mine.counts == [1, 1, 1, 2], "what was skipped was not answered"


def test_another_kernel_shows_what_was_answered_and_offers_the_result():
    mine, card, (moving, covered) = sitting()
    stored = {
        "exercise How much?": {"text": "2", "right": True},
        "prediction moving": "Down",
        "prediction covered": "Yes",
        "prediction of another lesson's bench": "?",
    }
    opened(mine, stored)
    assert mine.counts == [1, 1, 2, 2] and mine.heard and mine.kept == stored
    assert box(card).value == "2" and "Right." in card._verdict.value and "Checking" not in card._verdict.value
    for bench, option in ((moving, "Down"), (covered, "Yes")):
        assert f"You predicted: <b>{option}</b>" in text(bench._question)
        assert bench._controls_enabled and not plot(bench).covered and not bench._answered
    assert slope(moving.frame) == 0.5, "nothing runs by itself"
    show = button(moving, "Show the result")
    for _ in range(2):  # a double click
        show.click()
    assert moving.wait(PATIENCE) and slope(moving.frame) == 2.0
    assert "It was: <b>Up</b>" in text(moving._question) and "It rises." in text(moving._question)
    assert len(moving.pins) == 1


def test_a_cell_that_runs_again_shows_what_was_answered():
    mine, _, (moving, _) = sitting()
    commit(moving, "Up")
    again = open_bench(predict=MOVING, label="moving")
    assert "You predicted: <b>Up</b>" in text(again._question) and mine.counts == [0, 1, 1, 2]


def test_what_is_answered_now_counts_more_than_what_was_kept():
    mine, card, (moving, _) = sitting()
    answer(card, "1")
    commit(moving, "Up")
    opened(mine, {"exercise How much?": {"text": "2", "right": True}, "prediction moving": "Down"})
    assert mine.kept["prediction moving"] == "Up" and box(card).value == "1"


NONSENSE = [None, 3, "Sideways", [], [1, 2, 3, 4], ["a", "b", "c"], [1, 2, float("nan")], [True, 1, 1], {"text": 3}]


@pytest.mark.parametrize("stored", NONSENSE)
def test_what_is_no_answer_is_passed_over(stored):
    mine, card, (moving, covered) = sitting()
    drawn = open_bench(predict=DRAWN, label="drawn")
    names = ["exercise How much?", "prediction moving", "prediction covered", "prediction drawn"]
    opened(mine, dict.fromkeys(names, stored))
    assert mine.kept == {} and mine.counts == [0, 1, 0, 3] and box(card).value == ""
    assert not moving._controls_enabled and plot(covered).covered and button(drawn, "Commit").disabled


@pytest.mark.parametrize("stored", [None, "x", 3, [1]])
def test_a_page_that_keeps_nonsense_keeps_nothing(stored):
    mine, *_ = sitting()
    opened(mine, stored)
    assert mine.heard and mine.kept == {}


def test_a_drawing_is_kept_and_shown_again():
    mine = progress.begin("theme/topic")
    bench = open_bench(predict=DRAWN)
    bench._question.canvas.drawn = [1.0, None, 3.0]
    button(bench, "Commit").click()
    assert bench.wait(PATIENCE) and mine.kept == {"prediction toy.line": [1.0, 2.0, 3.0]}
    another = progress.begin("theme/topic")
    bench = open_bench(predict=DRAWN)
    opened(another, mine.kept)
    canvas = bench._question.canvas
    assert canvas.drawn == [1, 2, 3] and canvas.done and canvas.measured == {}
    button(bench, "Show the result").click()
    assert bench.wait(PATIENCE) and "Your drawing is off by" in text(bench._question) and canvas.measured["y"]


def test_start_afresh_asks_everything_anew():
    mine, card, (moving, covered) = sitting()
    drawn = open_bench(predict=DRAWN, label="drawn")
    answer(card, "2")
    button(card, "Hint").click()
    commit(moving, "Down")
    commit(covered, "Yes")
    mine._hear(mine, {"type": "afresh"}, [])
    assert mine.kept == {} and mine.counts == [0, 1, 0, 3]
    assert box(card).value == "" and card._verdict.value == "" and card._told.value == ""
    for bench in (moving, covered, drawn):
        assert bench.wait(PATIENCE) and not bench._controls_enabled and bench.pins == []
        assert slope(bench.frame) == 0.5 and button(bench, "Commit").disabled
    assert plot(covered).covered and not plot(moving).covered
    commit(moving, "Up")
    assert slope(moving.frame) == 2.0 and "That is what happened." in text(moving._question)
    assert len(moving.pins) == 1


def test_outside_a_lesson_nothing_is_kept():
    bench = open_bench(predict=MOVING)
    commit(bench, "Up")
    answer(exercise("How much?", lambda text: True), "1")
    assert progress.opened() is None
