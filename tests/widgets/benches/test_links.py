"""Links of the prose that move a bench, the way back, and what one view of several asked for."""

import time

import ipywidgets as w
import pytest

from labcore import catalog
from labcore.figure import view_of
from tests.widgets.benches.test_sharing import HOSTILE, Tags, refusal
from tests.widgets.hands import (
    LINE,
    PATIENCE,
    all_of,
    button,
    experiment_of,
    frame,
    open_bench,
    plot,
    slope,
    status,
    visible,
)
from widgets import Prediction
from widgets.benches import sharing
from widgets.benches.parts import is_shown


def follow(bench, values, name=None, page="here"):
    """Click a link of the prose; `bench` is one of the notebook's, which the page has found by its name."""
    message = {"type": "link", "name": name or bench.label, "values": values, "page": page}
    plot(bench)._handle_custom_msg(message, [])
    assert bench.wait(PATIENCE)


def of_a_lesson(label=""):
    """A bench whose experiment has a lesson, as Share needs it."""
    experiment = catalog.load_experiment("epochwise_descent.trajectory")
    return open_bench(experiment, view=view_of(experiment), label=label, n_seeds=2)


@pytest.fixture
def said(monkeypatch):
    """A function: what a bench tells its pages from then on."""

    def listen(bench):
        sent = []
        monkeypatch.setattr(plot(bench), "send", lambda message, buffers=None: sent.append(message))
        return sent

    return listen


def test_a_link_sets_its_values_and_the_others_as_the_lesson_opened_them():
    opened = open_bench(slope=1.25, method="adam")
    opened.set(clip=True)
    follow(opened, "slope=0.25&count=7")
    assert opened.values == LINE.settings(slope=0.25, count=7, method="adam")
    assert slope(opened.frame) == 0.25 and not opened._status.refusal.value


def test_a_link_runs_a_long_experiment_to_its_end():
    opened = open_bench(experiment_of(lambda x: (frame(x, p / 4) for p in range(5))))
    follow(opened, "x=2")
    assert opened.frame.attrs["progress"] == 1 and slope(opened.frame) == 2


def test_the_newest_bench_of_the_name_answers_and_says_so_to_the_page_that_asked(said):
    older, other, newer = (open_bench(label=label) for label in ("two", "one", "two"))
    sent = said(newer), said(older)
    follow(older, "slope=1.5", page="there")
    assert newer.wait(PATIENCE)
    assert [b.values["slope"] for b in (older, other, newer)] == [0.5, 0.5, 1.5]
    assert sent == ([{"type": "look", "page": "there"}], [])


def test_a_bench_that_was_closed_answers_no_more():
    older, closed = (open_bench(label="closed") for _ in range(2))
    closed.close()
    follow(older, "slope=1.5")
    assert closed.values["slope"] == 0.5 and older.values["slope"] == 1.5


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_link_is_answered_in_words_and_the_bench_stays_as_it_was(text):
    opened = open_bench(slope=1.25)
    before, shown = dict(opened.values), opened.frame
    follow(opened, text)
    assert opened.values == before and opened.frame is shown and not is_shown(opened._story)
    answer = Tags(opened._status.refusal.value)
    assert answer.tags == [("span", {"class": "labcore-error", "role": "alert"})]
    # one more field than a share link has is in neither
    assert answer.text == f"The link was not taken. {refusal(f'bench=toy.line&{text}')}"


def test_a_number_outside_its_range_is_moved_with_a_word():
    opened = open_bench()
    follow(opened, "slope=9")
    assert opened.values["slope"] == 2 and "slope = '9' is not allowed, 2 is the nearest" in Tags(status(opened)).text


def test_a_bench_that_waits_for_an_answer_says_so_and_does_not_move(said):
    opened = open_bench(predict=Prediction("Steeper?", ("Up", "Down"), lambda _: "Up", then={"slope": 2.0}), slope=1.0)
    shown, sent = opened.frame, said(opened)
    follow(opened, "slope=0.25")
    assert opened.values["slope"] == 1 and opened.frame is shown and not opened._controls_enabled
    assert "asks you something first" in status(opened) and sent == [{"type": "look", "page": "here"}]
    button(opened, "Skip").click()
    assert opened.wait(PATIENCE) and opened.values["slope"] == 2 and "first" not in status(opened)
    follow(opened, "slope=0.25")
    assert opened.values["slope"] == 0.25


# back to the story


def story_of(bench):
    return dict(bench.values), bench.frame, list(bench.pins), plot(bench).spec, plot(bench).ghosts


def test_back_restores_controls_figure_and_pins_as_they_were_before_the_first_link():
    opened = open_bench(slope=1.25)
    button(opened, "Pin").click()
    opened.set(slope=0.75, method="exact")
    assert opened.wait(PATIENCE) and not is_shown(opened._story) and not visible(opened, "rate")
    before = story_of(opened)
    follow(opened, "slope=0.25")
    assert is_shown(opened._story) and visible(opened, "rate")
    assert "slope = 0.25" in opened._story._told.value.lower()
    button(opened, "Pin").click()
    opened.set(slope=2.0)
    assert opened.wait(PATIENCE)
    follow(opened, "slope=0.5&clip=true")
    assert len(opened.pins) == 2 and story_of(opened) != before
    button(opened, "Back to the story").click()
    assert story_of(opened) == before and not is_shown(opened._story) and not visible(opened, "rate")
    assert not plot(opened).stale and "story" in status(opened)
    opened.set(slope=1.5)
    assert opened.wait(PATIENCE) and slope(opened.frame) == 1.5, "and from there it goes on"


def test_back_to_a_figure_that_was_stale_says_so_again():
    opened = open_bench()
    opened._long = 60.0
    opened.set(slope=1.0)
    assert plot(opened).stale and slope(opened.frame) == 0.5
    follow(opened, "slope=2")
    assert not plot(opened).stale
    opened.back()
    assert plot(opened).stale and slope(opened.frame) == 0.5 and opened.values["slope"] == 1
    opened.set(slope=1.25)
    assert opened._runner.job is None, "what a run costs is as it was, too"


def test_back_goes_to_the_frame_that_was_shown_and_all_of_its_run_is_kept():
    opened = open_bench(experiment_of(lambda x: (frame(x * p, p / 4) for p in range(5))))
    opened.run()
    assert opened.wait(PATIENCE)
    run = plot(opened).film["run"]
    plot(opened)._handle_custom_msg({"type": "shown", "run": run, "number": 2}, [])
    before = opened.frame
    assert slope(before) == 2
    follow(opened, "x=3")
    assert slope(opened.frame) == 12
    opened.back()
    facts = plot(opened).film
    assert opened.frame is before and (facts["number"], facts["last"], facts["every"]) == (2, 4, 1)
    assert facts["run"] not in (run, run + 1), "the page has thrown those frames away"
    assert [s.number for s in opened._film.shots] == [0, 1, 2, 3, 4]


def test_back_from_a_run_under_way_shows_nothing_more_of_it():
    steps = []

    def slow(x):
        for p in range(100):
            if x > 1:
                steps.append(p)
                time.sleep(0.02)
            yield frame(x, p / 99)

    opened = open_bench(experiment_of(slow))
    before = story_of(opened)
    message = {"type": "link", "name": opened.label, "values": "x=2", "page": ""}
    plot(opened)._handle_custom_msg(message, [])
    end = time.monotonic() + PATIENCE
    while slope(opened.frame) != 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert slope(opened.frame) == 2 and opened._runner.active
    opened.back()
    assert opened.wait(PATIENCE) and len(steps) < 100
    assert story_of(opened) == before and "story" in status(opened)
    assert opened._status.bar.layout.visibility == "hidden" and opened._run_button.description == "Run"


def test_back_without_a_link_does_nothing():
    opened = open_bench(slope=1.0)
    before = story_of(opened), status(opened)
    opened.back()
    assert (story_of(opened), status(opened)) == before


# one view of several


def test_what_is_saved_or_copied_is_for_the_view_where_it_was_asked_for(said):
    opened = of_a_lesson()
    sent = said(opened)
    for hand in ("a.0", "b.3"):
        plot(opened)._handle_custom_msg({"type": "hand", "view": hand}, [])
        for press in ("Share", "Export", "CSV", "NetCDF", "PNG", "SVG"):
            button(opened, press).click()
        assert [m["type"] for m in sent] == ["share", "file", "file", "image", "image"]
        assert {m["view"] for m in sent} == {hand}
        sent.clear()


@pytest.mark.parametrize(("done", "words"), [(True, "The link is copied"), (False, "selected")])
def test_share_says_whether_the_link_is_copied(done, words):
    opened = of_a_lesson()
    button(opened, "Share").click()
    assert "link is" not in opened._drawer._copied.value
    plot(opened)._handle_custom_msg({"type": "copied", "done": done}, [])
    assert words in opened._drawer._copied.value and 'role="status"' in opened._drawer._copied.value


def test_share_takes_the_figure_that_is_shown(said):
    opened = of_a_lesson("mine")
    shown, opened._long = opened.values["noise"], 60.0
    opened.set(noise=0.75)
    sent = said(opened)
    button(opened, "Share").click()
    assert f"&noise={shown}&" in sent[0]["query"] and sent[0]["query"].startswith("bench=mine&") and shown != 0.75


def test_share_takes_the_frame_that_is_shown_and_its_link_leads_there(said, monkeypatch):
    monkeypatch.setattr(sharing, "papermill_command", lambda *_, **__: "")  # a toy has no lesson
    opened = open_bench(experiment_of(lambda x: (frame(x * p, p / 8) for p in range(9))))
    opened.set(x=2.0)
    opened.run()
    assert opened.wait(PATIENCE)
    plot(opened)._handle_custom_msg({"type": "shown", "run": plot(opened).film["run"], "number": 3}, [])
    opened._long = 60.0
    opened.set(x=5.0)
    sent = said(opened)
    button(opened, "Share").click()
    query = sent[0]["query"]
    assert "&x=2.0&" in query and any("at 38%" in h.value for h in all_of(opened) if isinstance(h, w.HTML))
    other = open_bench(experiment_of(lambda x: (frame(x * p, p / 8) for p in range(9))))
    plot(other)._handle_custom_msg({"type": "opened", "link": query}, [])
    assert other.wait(PATIENCE) and slope(other.frame) == slope(opened.frame) == 6
    facts = plot(other).film
    assert (facts["number"], facts["last"]) == (3, 8), "and the rest of the run is there"


@pytest.mark.parametrize("at", ["nan", "-1", "2", "x", "", "1e999"])
def test_a_link_whose_place_in_the_run_is_nonsense_leads_to_its_end(at):
    opened = open_bench(experiment_of(lambda x: (frame(x * p, p / 8) for p in range(9))))
    plot(opened)._handle_custom_msg({"type": "opened", "link": f"bench={opened.label}&x=3&at={at}"}, [])
    assert opened.wait(PATIENCE) and slope(opened.frame) == 24


def test_a_share_link_is_followed_by_the_bench_that_it_names():
    one, two = (open_bench(label=label) for label in ("first", "second"))
    for opened in (one, two):
        plot(opened)._handle_custom_msg({"type": "opened", "link": "bench=second&slope=2"}, [])
        assert opened.wait(PATIENCE)
    assert (one.values["slope"], two.values["slope"]) == (0.5, 2.0)
    assert [plot(b).bench_id for b in (one, two, open_bench())] == ["first", "second", "toy.line"]


def test_pause_at_rest_does_nothing():
    opened = open_bench(slope=1.0)
    opened.pause()
    assert opened._run_button.description == "Run" and not opened._runner.paused
    opened.set(slope=2.0)
    assert opened.wait(PATIENCE) and slope(opened.frame) == 2
