"""A run that nobody sees ends; one that somebody sees, or that nobody has seen yet, does not."""

import threading

import pytest

from tests.widgets.hands import PATIENCE, button, experiment_of, frame, open_bench, plot, until
from widgets.benches import audience
from widgets.benches.bench import bench
from widgets.benches.prediction import Prediction


@pytest.fixture
def timers(monkeypatch):
    """The timers of audiences that were started and not cancelled; `fire` them by hand."""
    running = []

    class Timer:
        def __init__(self, seconds, action):
            self.seconds, self.action = seconds, action

        def start(self):
            running.append(self)

        def cancel(self):
            if self in running:
                running.remove(self)

        def fire(self):
            running.remove(self)
            self.action()

    monkeypatch.setattr(audience.threading, "Timer", Timer)
    return running


@pytest.fixture
def running():
    """A bench in the middle of a run."""
    gate = threading.Semaphore(3)

    def gated(x):
        for i in range(10):
            assert gate.acquire(timeout=PATIENCE)
            yield frame(x, (i + 1) / 10)

    opened = open_bench(experiment_of(gated))
    opened.said = []
    button(opened, "Run").click()
    until(plot(opened), "film", lambda film: film.get("number") == 1)
    yield opened
    opened.stop()
    gate.release(20)
    assert opened.wait(PATIENCE)


def says(opened, kind):
    plot(opened)._handle_custom_msg({"type": kind}, [])


def test_a_bench_that_nobody_has_seen_yet_is_left_alone(running, timers):
    assert not timers and running._runner.active


def test_when_the_last_view_is_gone_the_pages_are_asked_and_then_the_run_ends(running, timers, monkeypatch):
    sent = []
    monkeypatch.setattr(running._audience, "_ask", lambda: sent.append("anyone"))
    says(running, "opened")
    says(running, "gone")
    assert not sent and len(timers) == 1
    timers[0].fire()
    assert sent == ["anyone"] and not running._runner._stop
    timers[0].fire()
    assert running._runner._stop and not timers


@pytest.mark.parametrize("answer", ["here", "opened"])
@pytest.mark.parametrize("fired", [0, 1])
def test_another_view_or_a_new_one_keeps_the_run(running, timers, answer, fired):
    says(running, "gone")
    for _ in range(fired):
        timers[0].fire()
    says(running, answer)
    assert not timers and not running._runner._stop


def test_a_bench_that_is_closed_ends_its_run(running, timers):
    says(running, "gone")
    running.close()
    assert running._runner._stop and not timers


def test_as_text_a_bench_is_a_sentence(monkeypatch):
    monkeypatch.delenv("SERVER_SOFTWARE", raising=False)
    shown = []
    monkeypatch.setattr("widgets.benches.bench.display", lambda bundle, raw: shown.append(bundle))
    open_bench()._ipython_display_()
    bench, words = shown
    assert bench["text/plain"].startswith("This bench of toy.line is not running. To see it and move it, run its cell")
    assert "application/vnd.jupyter.widget-view+json" in bench and bench["text/plain"] in words["text/html"]


@pytest.mark.parametrize("name, stands", [("epochwise_descent.trajectory", True), ("double_descent.two_layer", False)])
@pytest.mark.parametrize("covers", [False, True])
def test_where_a_bench_will_stand_a_page_of_the_gallery_shows_its_card(name, stands, covers, monkeypatch):
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5")
    shown = []
    monkeypatch.setattr("widgets.benches.bench.display", lambda bundle, raw: shown.append(bundle))
    question = Prediction("Up?", ("yes", "no"), lambda frame: "yes") if covers else None
    made = bench(name, budget="quick", predict=question)
    made._ipython_display_()
    made.wait()
    made.close()
    stills = [b["text/html"] for b in shown if "text/html" in b and "labcore-first" in b["text/html"]]
    assert len(stills) == (stands and not covers)
    assert all("<svg" in still and "display: none" in still for still in stills)
