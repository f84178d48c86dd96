"""The run thread: the newest job wins; it stops, pauses and steps between frames; no error ends it."""

import threading
import time
from types import SimpleNamespace

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from tests.widgets.hands import PATIENCE, frame
from widgets.benches import runner
from widgets.benches.runner import Job, Runner


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """On a busy machine a first frame may be late in any test."""
    monkeypatch.setattr(runner, "SILENT", 10 * PATIENCE)


class Tape:
    """Frames that wait to be let through, and everything that a runner told. `values` are n frames of a named run."""

    def __init__(self, gated=False):
        self.changed = threading.Condition()
        self.gate = threading.Semaphore(0) if gated else None
        self.begun, self.closed, self.drawn, self.reports, self.threads = [], [], [], [], set()
        self.computed = 0
        self.runner = Runner(self.frames, self.on_frame, self.on_report)

    def frames(self, values):
        if "refuse" in values:
            raise ValueError("these values are refused")
        return self._frames(values)

    def _frames(self, values):
        name, n = values["name"], values.get("n", 1)
        with self.changed:
            self.begun.append(name)
            self.changed.notify_all()
        try:
            for i in range(n):
                assert self.gate is None or self.gate.acquire(timeout=PATIENCE)
                if i == values.get("fail"):
                    raise values.get("error", RuntimeError)(f"frame {i} of {name} fails")
                self.computed += 1
                yield frame(1.0, (i + 1) / n)
        finally:
            self.closed.append(name)

    def on_frame(self, job, shown):
        if job.values.get("unseen"):
            raise LookupError("the view fails")
        with self.changed:
            self.threads.add(threading.get_ident())
            self.drawn.append(job.values["name"])
            self.changed.notify_all()

    def on_report(self, report):
        with self.changed:
            self.reports.append(report)
            self.changed.notify_all()

    def until(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE), (self.drawn, self.reports)

    def submit(self, name="run", paused=False, preview=False, **values):
        self.runner.submit(Job({"name": name, **values}, preview), paused)

    def let(self, n=1):
        self.gate.release(n)

    def rest(self):
        assert self.runner.wait(PATIENCE)
        assert self.closed == self.begun, "every generator that was begun was closed, in order"

    def last(self, name):
        """The state in which a run ended."""
        return [r.state for r in self.reports if r.job.values["name"] == name][-1]

    def paused_at(self):
        return [r.frames for r in self.reports if r.state == "paused"]


def test_a_run_shows_all_its_frames_and_ends():
    tape = Tape()
    tape.submit(n=4)
    tape.rest()
    assert tape.drawn == ["run"] * 4
    assert [(r.state, r.frames) for r in tape.reports] == [("running", 1), ("running", 2), ("running", 3), ("done", 4)]
    assert [r.progress for r in tape.reports] == [0.25, 0.5, 0.75, 1]
    assert not tape.runner.active


def test_work_happens_in_one_thread_that_ends_with_the_process():
    tape = Tape()
    for _ in range(3):
        tape.submit()
        tape.rest()
    (thread,) = tape.threads
    assert thread != threading.get_ident()
    assert next(t for t in threading.enumerate() if t.ident == thread).daemon


def test_of_five_quick_submits_the_last_one_wins():
    tape = Tape(gated=True)
    tape.submit("a", n=3)
    tape.let()
    tape.until(lambda: tape.drawn == ["a"])
    for name in "bcde":
        tape.submit(name, n=3)
    tape.let(4)
    tape.rest()
    assert tape.begun == ["a", "e"], "jobs that were replaced before they began are never begun"
    assert tape.drawn == ["a", "e", "e", "e"], "a frame that is out of date is not drawn"
    assert (tape.last("a"), tape.last("e")) == ("stopped", "done")


def test_runs_of_one_frame_under_rapid_submits_end_with_the_last():
    tape = Tape()
    for number in range(200):
        tape.submit(number)
    tape.rest()
    assert tape.drawn[-1] == 199 and tape.last(199) == "done"
    assert tape.drawn == sorted(tape.drawn) and len(set(tape.drawn)) == len(tape.drawn)


def test_the_first_frame_of_a_replaced_run_is_still_shown():
    """Else a slider in motion would show nothing until the hand rests."""
    tape = Tape(gated=True)
    tape.submit("a", n=3)
    tape.until(lambda: tape.begun == ["a"])
    tape.submit("b")
    tape.let(2)
    tape.rest()
    assert tape.drawn == ["a", "b"] and tape.last("a") == "stopped"


def test_stop_takes_effect_within_one_frame():
    tape = Tape(gated=True)
    tape.submit(n=100)
    tape.let()
    tape.until(lambda: tape.drawn)
    tape.runner.stop()
    tape.let(100)
    tape.rest()
    assert tape.computed <= 2 and tape.last("run") == "stopped"
    assert tape.reports[-1].progress == tape.computed / 100


def test_stop_drops_a_job_that_waits():
    tape = Tape(gated=True)
    tape.submit("a", n=2)
    tape.until(lambda: tape.begun)
    tape.submit("b")
    tape.runner.stop()
    tape.let(3)
    tape.rest()
    assert tape.begun == ["a"]


def test_stop_is_for_the_run_under_way_only():
    tape = Tape()
    tape.runner.stop()
    tape.submit(n=3)
    tape.rest()
    assert tape.last("run") == "done"


def test_pause_step_and_resume():
    tape = Tape(gated=True)
    tape.submit(n=6)
    tape.let()
    tape.until(lambda: tape.drawn)
    tape.runner.pause(True)
    tape.let(5)  # from here nothing but the pause holds it
    tape.until(lambda: tape.paused_at() == [2] or tape.paused_at() == [1])
    at = tape.paused_at()[0]
    assert tape.runner.paused and tape.runner.active
    tape.runner.step()
    tape.until(lambda: tape.paused_at()[-1] == at + 1)
    assert len(tape.drawn) == at + 1
    tape.runner.step()
    tape.until(lambda: tape.paused_at()[-1] == at + 2)
    assert len(tape.drawn) == at + 2
    tape.runner.pause(False)
    tape.rest()
    assert len(tape.drawn) == 6 and tape.last("run") == "done" and tape.paused_at() == [at, at + 1, at + 2]


def test_a_run_may_begin_paused_after_its_first_frame():
    tape = Tape()
    tape.submit(n=3, paused=True)
    tape.until(lambda: tape.paused_at() == [1])
    assert tape.drawn == ["run"]
    tape.runner.pause(False)
    tape.rest()
    assert tape.last("run") == "done"


def test_two_steps_asked_at_once_are_two_frames():
    tape = Tape(gated=True)
    tape.submit(n=9, paused=True)
    tape.runner.step()
    tape.runner.step()
    tape.let(9)
    tape.until(lambda: tape.paused_at())
    assert tape.paused_at() == [3] and len(tape.drawn) == 3
    tape.runner.stop()
    tape.rest()


def test_a_paused_run_can_be_stopped():
    tape = Tape()
    tape.submit(n=3, paused=True)
    tape.until(lambda: tape.paused_at())
    tape.runner.stop()
    tape.rest()
    assert tape.last("run") == "stopped" and tape.computed == 1


def test_a_new_job_replaces_a_paused_one_and_is_not_paused():
    tape = Tape()
    tape.submit("a", n=3, paused=True)
    tape.until(lambda: tape.paused_at())
    tape.submit("b", n=3)
    tape.rest()
    assert tape.last("a") == "stopped" and tape.drawn == ["a", "b", "b", "b"]


@pytest.mark.parametrize(
    "values, error",
    [
        ({"n": 3, "fail": 1}, RuntimeError),
        ({"n": 3, "fail": 0, "error": SystemExit}, SystemExit),
        ({"n": 3, "unseen": True}, LookupError),
        ({"refuse": 1}, ValueError),
    ],
)
def test_an_error_is_reported_and_the_thread_lives(values, error):
    """In the generator, in the view, and before the first frame."""
    tape = Tape()
    tape.submit("bad", **values)
    tape.rest()
    assert tape.last("bad") == "failed" and type(tape.reports[-1].error) is error
    tape.submit("good", n=2)
    tape.rest()
    assert tape.last("good") == "done" and tape.drawn[-2:] == ["good", "good"]


def test_a_preview_holds_after_the_first_frame():
    tape = Tape()
    tape.submit(n=5, preview=True)
    tape.rest()
    assert tape.computed == 1 and tape.last("run") == "ready" and tape.drawn == ["run"]


def test_a_preview_that_was_stopped_says_so():
    tape = Tape(gated=True)
    tape.submit(n=5, preview=True)
    tape.until(lambda: tape.begun)
    tape.runner.stop()
    tape.let()
    tape.rest()
    assert tape.last("run") == "stopped"


def test_a_preview_of_one_frame_is_the_result():
    tape = Tape()
    tape.submit(n=1, preview=True)
    tape.rest()
    assert tape.last("run") == "done"


def test_wait_tells_whether_the_run_ended():
    tape = Tape(gated=True)
    assert tape.runner.wait(0), "nothing under way"
    tape.submit()
    assert not tape.runner.wait(0) and tape.runner.active
    tape.let()
    tape.rest()


def test_seconds_count_computing_and_nothing_else(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(
        "widgets.benches.runner.time", SimpleNamespace(perf_counter=lambda: clock.now, thread_time=lambda: 0.0)
    )
    reports = []

    def frames(_):
        for i in range(3):
            clock.now += 0.25
            yield frame(1.0, (i + 1) / 3)

    def spend(*_):
        clock.now += 100

    runner = Runner(frames, spend, lambda report: (reports.append(report), spend()))
    runner.submit(Job({}))
    assert runner.wait(PATIENCE)
    assert [r.seconds for r in reports] == [0.25, 0.5, 0.75]


def test_a_run_whose_first_frame_is_late_is_said_to_be_at_work(monkeypatch):
    """What somebody waits for; a preview opens with the page, and the page says that it opens."""
    monkeypatch.setattr(runner, "SILENT", 0.01)
    for preview in (False, True):
        tape = Tape(gated=True)
        tape.submit(preview=preview)
        if not preview:
            tape.until(lambda t=tape: t.reports)
        time.sleep(0.1)
        assert [r.state for r in tape.reports] == ([] if preview else ["silent"])
        tape.gate.release()
        tape.until(lambda t=tape: t.reports and t.reports[-1].state == "done")


@pytest.mark.parametrize("brief", [True, False])
def test_a_brief_run_is_let_to_its_end_before_the_next_one(monkeypatch, brief):
    monkeypatch.setattr(runner, "GRACE", PATIENCE)
    tape = Tape(gated=True)
    tape.runner.submit(Job({"name": "a", "n": 4}, brief=brief))
    tape.gate.release(2)
    tape.until(lambda: len(tape.drawn) == 2)
    tape.runner.submit(Job({"name": "b"}))
    tape.gate.release(3)
    assert tape.runner.wait(PATIENCE)
    assert tape.drawn == (["a"] * 4 if brief else ["a"] * 2) + ["b"]


def test_a_brief_run_that_takes_its_time_after_all_gives_way(monkeypatch):
    monkeypatch.setattr(runner, "GRACE", 0.0)
    tape = Tape(gated=True)
    tape.runner.submit(Job({"name": "a", "n": 4}, brief=True))
    tape.gate.release(2)
    tape.until(lambda: len(tape.drawn) == 2)
    tape.runner.submit(Job({"name": "b"}))
    tape.gate.release(2)
    assert tape.runner.wait(PATIENCE) and tape.drawn.count("a") < 4 and tape.drawn[-1] == "b"


def test_a_run_that_follows_a_hand_keeps_to_one_thread_and_gives_the_others_back():
    """Two threads for its small products take twice the work, and wait for each other where the cores are busy."""
    seen, done = {}, threading.Event()

    def frames(values):
        seen[values["name"]] = torch.get_num_threads(), _blas()
        yield frame(1.0, 1.0)

    with threadpool_limits(2, "blas"):
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            one = Runner(frames, lambda *_: None, lambda report: report.state == "done" and done.set())
            for name, brief in {"asked": False, "hand": True, "again": False}.items():
                done.clear()
                one.submit(Job({"name": name}, brief=brief))
                assert done.wait(PATIENCE) and one.wait(PATIENCE)
        finally:
            torch.set_num_threads(before)
    assert seen == {"asked": (2, {2}), "hand": (1, {1}), "again": (2, {2})}


def _blas() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
