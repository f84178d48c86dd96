"""The bench: when it runs, what it says, where it goes back to, and what it leaves where nothing runs."""

import threading
from types import SimpleNamespace
from xml.etree import ElementTree

import ipywidgets as w
import numpy as np
import pytest
import torch

from labcore import catalog
from labcore.catalog import UnknownKey
from labcore.experiment import ParameterError
from labcore.figure import view_of
from tests.widgets.hands import (
    LINE,
    PATIENCE,
    all_of,
    button,
    experiment_of,
    frame,
    open_bench,
    plot,
    row,
    slope,
    status,
    until,
    view,
)  # fmt: skip
from widgets.benches import sharing
from widgets.benches.bench import REST, Bench, bench
from widgets.benches.front_end import is_static
from widgets.benches.static_bench import StaticBench

FAST = "epochwise_descent.trajectory"


@pytest.fixture
def clock(monkeypatch):
    """The clock by which the runner measures; an experiment moves it by what it pretends to cost."""
    made = SimpleNamespace(now=0.0)
    monkeypatch.setattr(
        "widgets.benches.runner.time", SimpleNamespace(perf_counter=lambda: made.now, thread_time=lambda: 0.0)
    )
    return made


@pytest.fixture
def timers(monkeypatch):
    """The timers that were started and not cancelled; `fire` them by hand."""
    running = []

    class Timer:
        def __init__(self, seconds, action):
            self.seconds, self.fire = seconds, action

        def start(self):
            running.append(self)

        def cancel(self):
            if self in running:
                running.remove(self)

    monkeypatch.setattr(threading, "Timer", Timer)
    return running


def costing(clock, seconds, frames=1):
    """A bench whose runs pretend to take so long, and the list of the values it ran with."""
    runs = []

    def steps(x):
        runs.append(x)
        for i in range(frames):
            clock.now += seconds / frames
            yield frame(x, (i + 1) / frames)

    return open_bench(experiment_of(steps)), runs


def moved(opened, x):
    opened.set(x=x)
    assert opened.wait(PATIENCE)


def test_an_instant_experiment_follows_every_move(clock, timers):
    opened, runs = costing(clock, 0.01)
    for x in (2.0, 3.0, 4.0):
        moved(opened, x)
        assert slope(opened.frame) == x
    assert runs == [1, 2, 3, 4] and not timers


def test_a_short_experiment_waits_until_the_hand_rests(clock, timers):
    opened, runs = costing(clock, 1.0)
    moved(opened, 2.0)  # the bench learns what moving x costs
    before = list(runs)
    moved(opened, 3.0)
    moved(opened, 4.0)
    assert runs == before, "nothing runs while the hand moves"
    (timer,) = timers
    assert timer.seconds == REST
    timer.fire()
    assert opened.wait(PATIENCE) and runs == [*before, 4.0] and slope(opened.frame) == 4.0


def test_a_long_experiment_waits_for_run(clock, timers):
    opened, runs = costing(clock, 10.0)
    moved(opened, 2.0)
    before = list(runs)
    moved(opened, 3.0)
    assert runs == before and not timers and "Press Run" in status(opened)
    button(opened, "Run").click()
    assert opened.wait(PATIENCE) and runs == [*before, 3.0] and slope(opened.frame) == 3.0


def test_a_run_of_many_frames_opens_with_its_first_and_waits_for_run(clock, timers):
    opened, runs = costing(clock, 0.001, frames=5)
    assert opened.frame.attrs["progress"] == 0.2 and "Press Run" in status(opened)
    moved(opened, 2.0)
    assert runs == [1] and "Press Run" in status(opened)
    button(opened, "Run").click()
    assert opened.wait(PATIENCE) and opened.frame.attrs["progress"] == 1
    moved(opened, 3.0)
    assert runs == [1, 2, 3], "it turned out to be quick: it follows from now on"


def test_stop_and_run_forget_the_timer(clock, timers):
    opened, _ = costing(clock, 1.0)
    moved(opened, 2.0)
    for text in ("Stop", "Run"):
        moved(opened, 3.0)
        assert timers
        button(opened, text).click()
        assert opened.wait(PATIENCE) and not timers


def test_reset_goes_back_to_where_the_bench_opened():
    opened = open_bench(slope=1.5, method="adam")
    start = dict(opened.values)
    opened.set(slope=0.0, method="exact", seed=9)
    button(opened, "Reset").click()
    assert opened.wait(PATIENCE) and opened.values == start and slope(opened.frame) == 1.5
    assert start["slope"] != LINE.parameters["slope"].default


def test_set_out_of_range_changes_nothing():
    opened = open_bench()
    before, shown = dict(opened.values), opened.frame
    with pytest.raises(ParameterError, match="slope = 7 is not allowed; it must be from 0 to 2"):
        opened.set(slope=7, seed=3)
    with pytest.raises(ParameterError, match="no parameter 'slop'; did you mean 'slope'"):
        opened.set(slop=1)
    assert opened.wait(PATIENCE) and opened.values == before and opened.frame is shown


def test_a_click_beyond_the_range_takes_the_nearest_value():
    opened = open_bench()
    plot(opened)._handle_custom_msg({"type": "set", "values": {"slope": 99, "count": 12.4}}, [])
    assert opened.wait(PATIENCE) and (opened.values["slope"], opened.values["count"]) == (2.0, 12)


def test_a_link_moves_the_bench_and_a_bad_one_says_why():
    opened = open_bench()
    hear = plot(opened)._handle_custom_msg
    hear({"type": "opened", "link": "bench=toy.line&slope=1.25&method=adam"}, [])
    assert opened.wait(PATIENCE) and slope(opened.frame) == 1.25 and opened.values["method"] == "adam"
    before = dict(opened.values)
    hear({"type": "opened", "link": "bench=toy.line&slope=<b>&method=gd"}, [])
    assert opened.wait(PATIENCE) and opened.values == before, "a link is taken whole or not at all"
    assert "labcore-error" in status(opened) and "<b>" not in status(opened)


def test_a_page_that_opens_late_hears_the_figure_again(monkeypatch):
    """A page loses what the kernel says between asking for the widgets and having made them."""
    opened = open_bench(slope=1.0)
    assert opened.wait(PATIENCE)
    sent = {}
    monkeypatch.setattr(w.Widget, "send_state", lambda self, key=None: sent.update({self: self.get_state(key)}))
    plot(opened)._handle_custom_msg({"type": "opened"}, [])
    assert sent[plot(opened)]["reading"] == opened.frame.attrs["reading"] and sent[plot(opened)]["spec"]["data"]
    assert "Ready." in sent[opened._status.words]["value"]


def test_figure_and_reading_change_together():
    opened = open_bench(slope=1.0)
    assert plot(opened).reading == opened.frame.attrs["reading"] == "The line rises to 2 m."
    opened.set(slope=2.0)
    assert opened.wait(PATIENCE) and plot(opened).reading == "The line rises to 4 m."


def failing(x):
    if x > 5:
        raise RuntimeError("the <matrix> is singular\nsecond line")
    yield frame(x)


def blind(shown):
    if slope(shown) > 5:
        raise KeyError("no <such> variable")
    return view(shown)


@pytest.mark.parametrize(
    "frames, picture, line",
    [
        (failing, view, "the &lt;matrix&gt; is singular"),
        (lambda x: iter([frame(x)]), blind, "no &lt;such&gt; variable"),
    ],
)
def test_an_error_is_one_readable_line_with_details_and_the_bench_lives(frames, picture, line):
    opened = open_bench(experiment_of(frames), view=picture)
    opened.set(x=9.0)
    assert opened.wait(PATIENCE)
    shown, _, details = status(opened).partition("<details>")
    assert "labcore-error" in shown and line in shown and "\n" not in shown and "Traceback" in details
    assert slope(opened.frame) == 1.0, "the last good figure stays"
    opened.set(x=2.0)
    assert opened.wait(PATIENCE) and slope(opened.frame) == 2.0 and "labcore-error" not in status(opened)


def hungry(x):
    if x > 5:
        np.ones(2**55)
    yield frame(x)


def hungry_in_torch(x):
    if x > 5:
        torch.ones(2**55)
    yield frame(x)


@pytest.mark.parametrize("frames", [hungry, hungry_in_torch])
def test_where_memory_is_short_the_bench_says_so_in_words(frames):
    opened = open_bench(experiment_of(frames))
    opened.set(x=9.0)
    assert opened.wait(PATIENCE) and "Memory is short" in status(opened)
    opened.set(x=2.0)
    assert opened.wait(PATIENCE) and "Memory is short" not in status(opened)


@pytest.fixture
def gated():
    """A bench with a run of ten frames, each let through by hand. Nothing waits when the test is over."""
    gate = threading.Semaphore(1)

    def steps(x):
        for i in range(10):
            assert gate.acquire(timeout=PATIENCE)
            yield frame(x, (i + 1) / 10)

    opened = open_bench(experiment_of(steps))
    yield opened, gate
    button(opened, "Stop").click()
    gate.release(20)
    assert opened.wait(PATIENCE)


def status_of(opened):
    return next(b for b in all_of(opened) if "labcore-status" in getattr(b, "_dom_classes", ()))


def test_stop_pause_and_step_of_a_running_bench(gated):
    opened, gate = gated
    button(opened, "Run").click()
    gate.release(2)
    until(status_of(opened), "value", lambda s: "Running: 20%" in s)
    button(opened, "Step").click()
    gate.release(2)
    until(status_of(opened), "value", lambda s: "Paused: 30%" in s)
    assert opened.frame.attrs["progress"] == 0.3
    button(opened, "Resume").click()
    until(status_of(opened), "value", lambda s: "Running: 40%" in s)
    button(opened, "Pause").click()
    gate.release()
    until(status_of(opened), "value", lambda s: "Paused: 50%" in s)
    button(opened, "Stop").click()
    assert opened.wait(PATIENCE) and "Stopped at 50%" in status(opened)


def test_step_with_nothing_under_way_begins_a_run_that_pauses(gated):
    opened, gate = gated
    gate.release(10)
    button(opened, "Step").click()
    until(status_of(opened), "value", lambda s: "Paused: 10%" in s)
    button(opened, "Step").click()
    until(status_of(opened), "value", lambda s: "Paused: 20%" in s)


def test_benches_of_one_page_do_not_share_anything():
    one, two = open_bench(slope=0.5), open_bench(slope=1.5)
    one.set(slope=2.0)
    button(one, "Pin").click()
    assert one.wait(PATIENCE) and slope(two.frame) == 1.5 and not two.pins and two.values["slope"] == 1.5


def test_share_shows_lines_that_reproduce_the_values(monkeypatch):
    experiment = catalog.load_experiment(FAST)
    opened = open_bench(experiment, view=view_of(experiment), n_seeds=2)
    sent = []
    monkeypatch.setattr(plot(opened), "send", sent.append)
    button(opened, "Share").click()
    lines = {t.description: t.value for t in all_of(opened) if isinstance(t, w.Text)}
    assert lines["Python"] == f'import labcore; frame = labcore.run("{FAST}", n_seeds=2)'
    assert "--n-seeds 2" in lines["Shell"] and "n_seeds=2" in lines["Papermill"] and "n_seeds=2" in lines["PowerShell"]
    assert any("in Labcore's folder" in h.value for h in all_of(opened) if isinstance(h, w.HTML))
    (message,) = sent
    assert experiment.validate(**sharing.link_values(experiment, message["query"])) == opened.values
    for name in ("BINDER_LAUNCH_HOST", "BINDER_REQUEST", "BINDER_PERSISTENT_REQUEST"):
        monkeypatch.delenv(name, raising=False)
    plot(opened)._handle_custom_msg({"type": "shared", "url": "http://here/?x"}, [])
    assert next(t for t in all_of(opened) if getattr(t, "description", "") == "Link").value == "http://here/?x"


# --- without a front end ---


@pytest.mark.parametrize(
    "environment, static",
    [
        ({"LABCORE_FRONTEND": "static"}, True),
        ({"LABCORE_FRONTEND": "live"}, False),
        ({"LABCORE_FRONTEND": "static", "SERVER_SOFTWARE": "voila/0.5.13"}, True),
        ({"SERVER_SOFTWARE": "voila/0.5.13"}, False),
        ({"SERVER_SOFTWARE": "jupyter_server"}, True),
        ({"VOILA_PREHEAT": "True"}, False),
        ({"LABCORE_FRONTEND": "perhaps"}, True),
        ({}, True),
    ],
)
def test_who_is_there_decides_the_kind_of_bench(monkeypatch, environment, static):
    for name in ("LABCORE_FRONTEND", "SERVER_SOFTWARE", "VOILA_PREHEAT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_static() is static


@pytest.mark.parametrize("allow_stdin", [True, False])
def test_a_kernel_that_may_ask_has_a_person_before_it(monkeypatch, allow_stdin):
    for name in ("LABCORE_FRONTEND", "SERVER_SOFTWARE", "VOILA_PREHEAT"):
        monkeypatch.delenv(name, raising=False)
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=allow_stdin))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert is_static() is not allow_stdin


def test_bench_makes_the_kind_that_fits(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "static")
    assert isinstance(bench(FAST, budget="quick", kappa=10.0), StaticBench)
    monkeypatch.setenv("LABCORE_FRONTEND", "live")
    opened = bench(FAST, budget="quick", kappa=10.0)
    assert isinstance(opened, Bench) and opened.wait(PATIENCE) and opened.values["kappa"] == 10.0


@pytest.mark.parametrize("kind", ["live", "static"])
def test_a_wrong_name_or_value_is_an_error_in_the_cell(monkeypatch, kind):
    monkeypatch.setenv("LABCORE_FRONTEND", kind)
    with pytest.raises(UnknownKey, match="did you mean"):
        bench("epochwise_descent.trajectori")
    with pytest.raises(ParameterError, match="kappa = -1"):
        bench(FAST, kappa=-1)
    with pytest.raises(ParameterError, match="budget = 'huge'"):
        bench(FAST, budget="huge")


def test_static_output_holds_the_figure_and_the_reading():
    def labelled(shown):
        spec = view(shown)
        spec["layout"]["annotations"] = [{"x": 0, "y": 0, "text": "here", "font": {"color": "@ink"}}]
        return spec

    def marked(x):
        yield frame(x, 0.5, "Not yet 1.")
        yield frame(x, 1.0, "It is 3 < 4 & <b>done</b>.")

    made = StaticBench(experiment_of(marked), {"x": 2.0, "seed": 0}, labelled)
    figure, below = made.outputs
    assert figure["text/plain"] == made.reading == "It is 3 < 4 & <b>done</b>."
    assert "It is 3 &lt; 4 &amp; &lt;b&gt;done&lt;/b&gt;." in below["text/html"]
    picture = ElementTree.fromstring(figure["image/svg+xml"])
    (note,) = [t for t in picture.iter("{http://www.w3.org/2000/svg}text") if "".join(t.itertext()) == "here"]
    assert note.get("fill").startswith("#"), "no page gives @ink a colour here"
    assert any(g.get("data-trace") == "0" for g in picture.iter())


def test_a_control_of_a_bench_moves_the_figure():
    opened = open_bench()
    slider = row(opened, "slope")[w.IntSlider]
    slider.value = slider.max
    assert opened.wait(PATIENCE) and opened.values["slope"] == 2.0 and slope(opened.frame) == 2.0
