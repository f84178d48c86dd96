"""The film: which frames are kept, what a page that missed them gets, and what the bench takes for the current one."""

import base64
import gzip
import json
import threading
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.widgets.hands import PATIENCE, button, experiment_of, frame, open_bench, plot, read, slope, until, view
from widgets.benches import ahead, pacing, recording
from widgets.benches import bench as benches
from widgets.benches import film as films
from widgets.benches.bench import Bench
from widgets.benches.film import Film
from widgets.benches.plot import Plot, jsonable
from widgets.benches.prediction import Prediction
from widgets.benches.recording import FRAMES


class Page(Plot):
    """A figure that keeps what it sends, and asks as a page does."""

    def __init__(self):
        super().__init__({"data": [], "layout": {}})
        self.answers = []

    def send(self, content, buffers=None):
        self.answers.append((content, buffers))

    def fetch(self, film):
        """The readings and figures of all frames, by number, and how many messages brought them."""
        got, after, before = {}, -1, len(self.answers)
        while True:
            film.hear({"type": "film", "run": self.film["run"], "after": after})
            answer, buffers = self.answers[-1]
            for facts, packed in zip(answer["shots"], buffers, strict=True):
                got[facts["number"]] = (facts["reading"], json.loads(gzip.decompress(packed)))
                after = facts["number"]
            if not answer["more"]:
                return got, len(self.answers) - before


def filmed(count, size=3):
    """A film of so many frames, each of so many numbers, and its page."""
    page = Page()
    film = Film(page, view)
    for i in range(count):
        shown = frame(i, i / max(count - 1, 1))
        film.add("run", {}, shown.isel(x=np.arange(size) % 3))
        film.show()
    return film, page


@pytest.mark.parametrize("count", [1, 2, FRAMES, FRAMES + 1, 1000, 2049])
def test_a_film_is_thinned_evenly_and_keeps_its_ends(count):
    film, page = filmed(count)
    numbers = [s.number for s in film.shots]
    assert numbers[0] == 0 and numbers[-1] == count - 1 and len(numbers) <= FRAMES
    every = page.film["every"]
    assert numbers == sorted({*range(0, count, every), count - 1}), "the page counts them by the same rule"
    assert every == 1 or count / every > FRAMES / 2 - 1, "no more is dropped than must be"
    assert [slope(s.frame) for s in film.shots] == numbers


@pytest.mark.parametrize("size", [100, 20_000])
def test_a_film_has_a_limit_of_bytes_for_its_data_and_for_its_figures(monkeypatch, size):
    monkeypatch.setattr(recording, "BYTES", 60_000)
    film, _ = filmed(100, size)
    assert (sum(s.size for s in film.shots) <= 60_000 and sum(s.frame.nbytes for s in film.shots) <= 60_000) or len(
        film.shots
    ) == 2
    assert [film.shots[0].number, film.shots[-1].number] == [0, 99]


def test_a_page_that_comes_late_gets_the_whole_film_in_bounded_messages(monkeypatch):
    film, page = filmed(50)
    monkeypatch.setattr(films, "MESSAGE", 10 * film.shots[0].size)
    got, messages = page.fetch(film)
    assert sorted(got) == [s.number for s in film.shots] and messages > 3
    for shot in film.shots:
        assert got[shot.number] == (shot.frame.attrs["reading"], jsonable(view(shot.frame)))


@pytest.mark.parametrize("message", [{}, {"after": "x"}, {"after": None}, {"run": "1"}, {"number": []}, {"run": 99}])
def test_nonsense_of_a_page_is_nothing(message):
    film, page = filmed(3)
    for kind in ("film", "shown"):
        film.hear({"type": kind, "run": page.film["run"], **message})
    assert film.shown.number == 2


def growing(x):
    for i in range(1, 6):
        yield frame(x * i / 5, i / 5)


def look_at(opened, number):
    plot(opened)._handle_custom_msg({"type": "shown", "run": plot(opened).film["run"], "number": number}, [])


def ran(**more):
    opened = open_bench(experiment_of(growing), **more)
    button(opened, "Run").click()
    assert opened.wait(PATIENCE)
    return opened


def test_pin_and_export_take_the_frame_that_is_shown(monkeypatch):
    opened = ran()
    assert slope(opened.frame) == 1.0
    look_at(opened, 1)
    assert slope(opened.frame) == pytest.approx(0.4)
    button(opened, "Pin").click()
    sent = []
    monkeypatch.setattr(plot(opened), "send", lambda content, buffers=None: sent.append((content, buffers)))
    button(opened, "Export").click()
    button(opened, "CSV").click()
    ((_, (data,)),) = sent
    assert pd.to_numeric(read(data).value).tolist() == pytest.approx([0, 0.4, 0.8])
    look_at(opened, None)
    assert slope(opened.frame) == 1.0
    (ghost,) = plot(opened).ghosts
    assert np.frombuffer(base64.b64decode(ghost["y"]["bdata"])).tolist() == pytest.approx([0, 0.4, 0.8])


def test_who_looks_at_an_earlier_frame_stays_there_while_the_run_goes_on():
    gate = threading.Semaphore(3)

    def gated(x):
        for shown in growing(x):
            assert gate.acquire(timeout=PATIENCE)
            yield shown

    opened = open_bench(experiment_of(gated))
    button(opened, "Run").click()
    until(plot(opened), "film", lambda film: film.get("number") == 1)
    look_at(opened, 0)
    gate.release(9)
    assert opened.wait(PATIENCE)
    assert slope(opened.frame) == pytest.approx(0.2) and plot(opened).film["last"] == 4
    gate.release(9)
    opened.run()
    assert opened.wait(PATIENCE) and slope(opened.frame) == 1.0, "a new run is a new film"


def test_a_figure_that_waits_for_run_says_so_and_no_other_does():
    opened = ran()
    assert not plot(opened).stale
    opened._long = 100.0
    opened.set(x=3.0)
    assert plot(opened).stale
    opened.set(x=1.0)
    assert not plot(opened).stale, "back where the figure is"
    opened.set(x=3.0)
    opened.run()
    assert opened.wait(PATIENCE) and not plot(opened).stale


def test_a_bench_opens_with_its_first_frame_and_the_film_of_its_run():
    opened = open_bench(experiment_of(growing), opening=True)
    facts = plot(opened).film
    assert facts["opening"] and (facts["number"], facts["last"]) == (0, 4) and slope(opened.frame) == pytest.approx(0.2)
    look_at(opened, 4)
    assert slope(opened.frame) == 1.0
    button(opened, "Run").click()
    assert opened.wait(PATIENCE) and not plot(opened).film.get("opening")


@pytest.mark.parametrize("press", ["step", "pause"])
def test_the_run_that_is_computed_beforehand_is_not_stepped_or_paused(press):
    gate = threading.Semaphore(3)  # the first figure, and two frames of the run that is recorded

    def gated(x):
        for shown in growing(x):
            assert gate.acquire(timeout=PATIENCE)
            yield shown

    opened = Bench(experiment_of(gated), {"x": 1.0, "seed": 0}, view, opening=True)
    until(plot(opened), "film", lambda film: film.get("number") == 0)
    recorded = opened._prepared.opening
    end = time.monotonic() + PATIENCE
    while len(recorded.frames) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    getattr(opened, press)()
    gate.release(9)
    if press == "step":
        until(opened._status.words, "value", lambda said: "Paused: 20%" in said)
        assert plot(opened).film["number"] == 0 and opened._run_button.description == "Resume"
        opened.step()
        until(plot(opened), "film", lambda film: film.get("number") == 1)
        opened.stop()
    assert opened.wait(PATIENCE)
    assert recorded.complete == (press == "pause")


def test_no_film_is_recorded_for_a_bench_that_does_not_open_with_it():
    assert plot(open_bench(experiment_of(growing))).film["last"] == 0


def test_what_a_question_asks_is_not_in_the_film_before_it_is_answered(monkeypatch):
    asked = Prediction("Where?", ("Up", "Down"), then={"x": 4.0}, right=lambda shown: "Up")
    opened = open_bench(experiment_of(growing), predict=asked, opening=True)
    assert plot(opened).film["opening"] and opened._prepared.asked.complete, "both runs were computed"
    slopes = [slope(s.frame) for s in opened._film.shots]
    assert slopes == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0]), "those of the bench's own values"
    button(opened, "Skip").click()
    assert opened.wait(PATIENCE) and slope(opened.frame) == 4.0


def test_a_question_about_the_bench_s_own_run_leaves_nothing_to_be_played(monkeypatch):
    asked = Prediction("Where?", ("Up", "Down"), right=lambda shown: "Up")
    opened = open_bench(experiment_of(growing), predict=asked, opening=True)
    assert plot(opened).film == {}
    sent = []
    monkeypatch.setattr(plot(opened), "send", lambda *message, **more: sent.append(message))
    plot(opened)._handle_custom_msg({"type": "film", "run": opened._film._run, "after": -1}, [])
    assert not sent
    button(opened, "Skip").click()
    assert opened.wait(PATIENCE) and plot(opened).film["last"] > 0 and slope(opened.frame) == 1.0


ASKED = Prediction("Where?", ("Up", "Down"), lambda _: "Up")


def growing_by_itself(x: float = 1.0):
    yield from growing(x)


@pytest.fixture
def clock(monkeypatch):
    """The clock by which benches measure what a run costs."""
    made = SimpleNamespace(now=0.0)
    fake = SimpleNamespace(perf_counter=lambda: made.now, thread_time=lambda: made.now)
    for module in ("runner", "bench"):
        monkeypatch.setattr(f"widgets.benches.{module}.time", fake)
    return made


def slowly(clock):
    """A run of ten frames; each takes half a second of this clock."""
    made = []

    def frames(x):
        for i in range(1, 11):
            clock.now += 0.5
            made.append(i)
            yield frame(x * i / 10, i / 10)

    return frames, made


@pytest.mark.parametrize(("frames", "ready"), [(growing, True), (None, False)])
def test_a_brief_run_plays_without_being_asked_for_and_a_long_one_waits(clock, frames, ready):
    slow, made = slowly(clock)
    opened = Bench(experiment_of(frames or slow), {"x": 1.0, "seed": 0}, view, brief=True)
    assert opened.wait(PATIENCE)
    facts = plot(opened).film
    assert bool(facts.get("opening")) == ready and facts["number"] == 0 and (facts["last"] > 0) == ready
    if not ready:
        assert 2 < len(made) < 10, "it was tried for a while"
        assert "Press Run" in opened._status.words.value
        button(opened, "Run").click()
        assert opened.wait(PATIENCE) and slope(opened.frame) == 1.0 and made == list(range(1, 11)), "and went on"


def test_a_ready_lesson_leaves_a_long_run_where_it_is(clock, monkeypatch):
    monkeypatch.setattr(ahead, "_kept", [])
    slow, made = slowly(clock)
    opened = Bench(experiment_of(slow), {"x": 1.0, "seed": 0}, view, brief=True)
    assert opened.wait(PATIENCE)
    (work,) = ahead.left()
    assert sum(1 for _ in work()) == len(made) < 10 and "opening" not in plot(opened).film


@pytest.mark.parametrize(("more", "brief"), [({}, True), ({"opening": True}, False), ({"predict": ASKED}, False)])
def test_who_asks_nothing_plays_what_is_brief(monkeypatch, more, brief):
    made = []
    monkeypatch.setattr(benches, "is_static", lambda: False)
    monkeypatch.setattr(benches, "Bench", lambda *args: made.append(args[-1]))
    benches.bench("hebbian_projection.extract", **more)
    benches.bench(growing_by_itself, **more)
    assert made == [brief, False], "of a function nobody knows what it does"


def test_a_hand_that_moves_a_quick_film_sees_its_end_and_the_page_gets_the_rest_when_it_asks(monkeypatch):
    monkeypatch.setattr(benches, "INSTANT", PATIENCE)  # on a busy machine too
    monkeypatch.setattr(pacing, "PACE", PATIENCE)
    monkeypatch.setattr(pacing, "LATE", PATIENCE)
    opened = ran()
    seen = []
    plot(opened).observe(lambda change: seen.append(change["new"]["data"][0]["y"]), "spec")
    for x in (2.0, 3.0):
        opened.set(x=x)
        assert opened.wait(PATIENCE)
    assert len(seen) == 2 and slope(opened.frame) == 3 and not plot(opened).stale
    assert [slope(s.frame) for s in opened._film.shots] == pytest.approx([0.6, 1.2, 1.8, 2.4, 3.0])


def test_a_frame_that_no_other_one_follows_is_shown_all_the_same(monkeypatch):
    go_on = threading.Event()

    def stuck(x):
        yield frame(x, 0.1)
        yield frame(2 * x, 0.2)
        assert go_on.wait(PATIENCE)
        yield frame(3 * x, 1.0)

    monkeypatch.setattr(pacing, "PACE", PATIENCE)
    opened = open_bench(experiment_of(stuck))
    button(opened, "Run").click()
    until(plot(opened), "film", lambda film: film.get("number") == 1)
    assert slope(opened.frame) == 2 and button(opened, "Pause")
    go_on.set()
    assert opened.wait(PATIENCE) and slope(opened.frame) == 3


def test_what_a_run_writes_on_into_its_arrays_is_not_what_was_kept():
    def same_array(x):
        shown = frame(0.0, 0.5)
        for i in (1, 2):
            shown.y.values[:] = i * x * shown.x.values
            yield shown.assign_attrs(progress=i / 2)

    opened = open_bench(experiment_of(same_array), x=2.0)
    button(opened, "Run").click()
    assert opened.wait(PATIENCE)
    assert [slope(s.frame) for s in opened._film.shots] == [2.0, 4.0]
