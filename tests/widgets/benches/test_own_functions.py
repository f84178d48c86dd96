"""A bench for a function of a cell: it runs, is stopped, goes wrong in plain words, and its cell is run again."""

import threading
import time

import numpy as np
import pytest

from labcore.experiment import ParameterError
from labcore.figure import curve
from tests.widgets.hands import PATIENCE, all_of, button, plot, row, status, until
from widgets import Prediction, bench, ledger
from widgets.benches import runner, sharing
from widgets.benches.bench import Bench
from widgets.benches.cells import Cell
from widgets.benches.static_bench import StaticBench
from widgets.benches.sweep_panel import SweepPanel
from widgets.lesson import BrokenClaim


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "live")


@pytest.fixture
def cell(monkeypatch):
    """`cell(name, run)`: from here on this cell runs."""

    def enter(name, run):
        monkeypatch.setattr(Cell, "here", classmethod(lambda cls: Cell(name, run)))

    enter("first", "1")
    return enter


def opened(function, **values):
    made = bench(function, **values)
    assert made.wait(PATIENCE)
    return made


def ran(made):
    made.run()
    assert made.wait(PATIENCE)
    return made


def wave(frequency=(0.5, 5.0), shape=["sine", "square"], steps=4):  # noqa: B006
    """Words."""
    x = np.linspace(0, 1, 50)
    for k in range(steps):
        y = np.sin(2 * np.pi * frequency * x) * (k + 1)
        yield dict(x=x, y=y if shape == "sine" else np.sign(y))


def test_a_bench_for_a_function_has_controls_a_figure_and_a_reading():
    made = opened(wave)
    assert isinstance(made, Bench) and made.values == {"frequency": 2.75, "shape": "sine", "steps": 4}
    assert made.frame.attrs["open_ended"] == 1 and "Press Run" in status(made)
    assert "Y goes from -1 to 0.999 and ends at -1." == plot(made).reading and plot(made).spec["data"][0]["name"] == "y"
    ran(made)
    assert len(made._film.shots) == 4 and plot(made).film["counted"] and float(abs(made.frame.y).max()) > 3


def test_the_usual_buttons_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = ran(opened(wave))
    made.pin()
    made.set(frequency=1.0)
    ran(made)
    assert plot(made).ghosts[0]["name"] == "pinned: frequency = 2.75"
    made.share()
    lines = [part.value for part in made._drawer.children if hasattr(part, "value")]
    assert "import labcore; frame = labcore.run(wave, frequency=1.0)" in lines
    assert any("this bench when its cell has run" in line for line in lines)
    query = sharing.link_query(made.experiment, made.values)
    assert sharing.link_values(made.experiment, query) == made.values
    made.sweep()
    panel = next(part for part in all_of(made) if isinstance(part, SweepPanel))
    panel._list.value = "1, 2, 3"
    button(panel, "Run sweep").click()
    assert panel.wait(PATIENCE) and "Done: 3 of 3 points." in panel._words.value
    assert 'labcore.open_sweep("sweeps/wave", wave)' in panel._words.value.replace("&quot;", '"')
    made.reset()
    assert made.values["frequency"] == 2.75


def test_it_is_shown_once_on_a_dashboard_too(monkeypatch):
    shown = []
    monkeypatch.setattr("widgets.benches.bench.display", lambda bundle, raw: shown.append(bundle))
    monkeypatch.setattr("widgets.benches.bench.on_voila", lambda: True)
    opened(wave)._ipython_display_()
    assert len(shown) == 1 and "application/vnd.jupyter.widget-view+json" in shown[0]


def test_a_slider_stops_where_its_steps_are():
    def made(x=(1.0, 2.0, 0.25)):
        return x

    slider = next(part for part in row(opened(made), "x").values() if hasattr(part, "max"))
    assert slider.max == 4


def test_a_view_of_your_own_makes_the_figure():
    def view(frame):
        return {"data": [curve(frame.x.values, -frame.y.values, "mine", "#123456")], "layout": {}}

    assert plot(opened(wave, view=view)).spec["data"][0]["name"] == "mine"
    nothing = {"data": [], "layout": {}}
    assert plot(opened("epochwise_descent.trajectory", budget="quick", view=lambda frame: nothing)).spec == nothing


def test_a_function_can_be_predicted():
    then = {"frequency": 1.0}
    made = bench(wave, predict=Prediction("How many waves?", ("1", "5"), then=then, right=lambda f: "1", why="Count."))
    assert made.wait(PATIENCE)
    button(made, "Skip").click()
    assert made.wait(PATIENCE) and made.values["frequency"] == 1
    until(made._question, "children", lambda parts: any("It was: <b>1</b>" in getattr(p, "value", "") for p in parts))


def test_a_function_without_parameters_has_nothing_to_sweep():
    def made():
        return [1.0, 2.0]

    shown = opened(made)
    shown.sweep()
    assert "made has no parameter that a sweep could vary" in status(shown)


def test_no_idea_can_be_taken_out_of_a_function():
    with pytest.raises(LookupError, match="wave is no paper's"):
        bench(wave, without=True)


# --- the cell, run again ---


def test_the_cell_run_again_ends_the_old_run_and_keeps_what_was_moved(cell):
    def wave(frequency=(0.5, 5.0), shape=["sine", "square"], steps=4, gone=1.0):  # noqa: B006
        while True:
            yield [frequency, steps]

    old = opened(wave)
    old.set(frequency=4.0, shape="square", steps=7, gone=2.0)
    old.run()
    until(old._status.words, "value", lambda said: "Running" in said)

    def wave(frequency=(0.5, 5.0), shape=["square", "sine"], steps=5, new=3.0):  # noqa: B006
        return [frequency, steps]

    cell("first", "2")
    new = opened(wave)
    assert old.wait(PATIENCE) and "Stopped" in status(old)
    assert new.values == {"frequency": 4.0, "shape": "square", "steps": 5, "new": 3.0}
    assert new.frame.wave.values[0] == 4.0 and new._controls["frequency"].parameter.default == 2.75
    new.reset()
    assert new.values["frequency"] == 2.75


def test_a_value_that_is_not_allowed_any_more_is_not_kept(cell):
    def wave(x=2.0):
        return x

    opened(wave).set(x=5.5)

    def wave(x: "Annotated[float, number(0, 3, 'x')]" = 2.0):
        return x

    cell("first", "2")
    wave.__annotations__ = {}
    from typing import Annotated

    from labcore.experiment import number

    wave.__annotations__["x"] = Annotated[float, number(0, 3, "x")]
    assert opened(wave).values == {"x": 2.0}


def test_values_that_the_cell_itself_changes_have_the_last_word(cell):
    opened(wave, frequency=1.0).set(frequency=3.0)
    cell("first", "2")
    assert opened(wave, frequency=1.0).values["frequency"] == 3.0
    cell("first", "3")
    assert opened(wave, frequency=2.0).values["frequency"] == 2.0


def test_another_cell_has_a_bench_of_its_own(cell):
    first = opened(wave)
    first.set(frequency=3.0)
    cell("second", "2")
    second = opened(wave)
    assert second.values["frequency"] == 2.75
    assert ran(first).frame is not None and first.comm is not None


def test_two_benches_of_one_run_of_a_cell_stay_both(cell):
    first, second = opened(wave), opened(wave, label="two")
    third = opened(wave)
    assert [b.comm is not None for b in (first, second, third)] == [True] * 3


# --- what goes wrong ---


def test_a_function_that_raises_at_once_says_its_line():
    def broken(n=2):
        return {}["nothing"]

    made = opened(broken)
    line = broken.__code__.co_firstlineno + 1
    assert f"KeyError: &#x27;nothing&#x27; (line {line} of" in status(made) and "in broken: return" in status(made)
    assert "labcore/" not in status(made) and plot(made).reading == "No figure: the run failed before its first frame."


def test_a_function_that_raises_at_its_third_frame_keeps_the_two_before():
    def broken(n=2):
        for k in range(9):
            yield [1 / (n - k)]

    made = ran(opened(broken))
    assert "ZeroDivisionError: division by zero (line" in status(made) and "yield [1 / (n - k)]" in status(made)
    assert len(made._film.shots) == 2 and float(made.frame.broken[0]) == 1
    made.set(n=5)
    ran(made)
    assert len(made._film.shots) == 5, "the next run works"


def test_a_view_that_raises_says_its_line():
    made = opened(wave, view=lambda frame: 1 / 0)
    assert "ZeroDivisionError: division by zero (line" in status(made)


def test_frames_of_changing_shape_are_refused_in_plain_words():
    def shapes(n=2):
        yield np.zeros(3)
        yield np.zeros(4)
        yield np.zeros((2, 2))

    made = ran(opened(shapes))
    assert "shapes, frame 3: shapes has the shape (2, 2), of 2 dimensions, and 1 in the first frame" in status(made)
    assert made.frame.sizes["index"] == 4


def test_a_bad_signature_is_an_error_of_the_cell():
    def bad(rate="sine"):
        return 0

    with pytest.raises(ParameterError, match="bad: parameter 'rate': a text is not allowed"):
        bench(bad)


def test_an_endless_generator_runs_pauses_and_stops_and_counts_its_frames():
    def endless(n=2):
        k = 0
        while True:
            k += 1
            yield k

    made = opened(endless)
    made.run()
    until(made._status.words, "value", lambda said: "Running: frame" in said)
    made.pause()
    until(made._status.words, "value", lambda said: "Paused at frame" in said)
    before = len(made.frame.frame)
    made.step()
    until(made._status.words, "value", lambda said: f"Paused at frame {before + 1}." in said)
    made.stop()
    assert made.wait(PATIENCE) and f"Stopped at frame {before + 1}." in status(made)


@pytest.fixture
def soon(monkeypatch):
    for name in ("STOPPED", "REPLACED", "AGAIN", "SILENT"):
        monkeypatch.setattr(runner, name, 0.05)


def test_a_function_that_never_yields_says_so_and_is_stopped(soon):
    def stuck(n=2):
        while True:
            pass

    made = bench(stuck)
    until(made._status.words, "value", lambda said: "stuck is at work, without a frame so far. Stop ends it." in said)
    made.stop()
    assert made.wait(PATIENCE) and "Stopped before the first frame." in status(made)
    assert plot(made).reading == "No figure: the run was stopped before its first frame."


def test_a_function_inside_one_long_call_is_said_to_be_stopping(soon):
    gate = threading.Lock()

    def waits(n=2):
        with gate:
            return n

    with gate:
        made = bench(waits)
        until(made._status.words, "value", lambda said: "at work" in said)
        made.stop()
        assert "Stopping: it ends when the call that it is in returns." in status(made)
    assert made.wait(PATIENCE) and "Stopped" in status(made)


def test_a_function_that_leaves_the_program_has_failed():
    def leaves(n=2):
        raise SystemExit(n)

    made = opened(leaves)
    assert "SystemExit: 2 (line" in status(made)
    assert plot(made).reading == "No figure: the run failed before its first frame."


def test_a_function_that_takes_the_interrupt_for_an_error_is_stopped_in_the_end(soon):
    caught = []

    def stubborn(n=2):
        while len(caught) < 3:
            try:
                while True:
                    time.sleep(0.001)
            except BaseException as error:  # noqa: BLE001
                caught.append(error)
        return n

    made = bench(stubborn)
    until(made._status.words, "value", lambda said: "at work" in said)
    made.stop()
    assert made.wait(PATIENCE) and len(caught) == 3


def test_a_stuck_function_gives_way_to_other_values(soon):
    def stuck(n=2):
        while n == 2:
            pass
        return n

    made = bench(stuck)
    made.set(n=3)
    made.run()
    assert made.wait(PATIENCE) and float(made.frame.stuck) == 3


def test_a_papers_run_is_never_interrupted(soon):
    """It yields often, and may be in the midst of loading torch."""
    made = opened("epochwise_descent.trajectory", budget="quick")
    assert not made._runner._interrupts


def test_a_bench_leaves_no_thread(soon):
    before = threading.active_count()
    made = opened(wave)
    made.close()
    end = time.monotonic() + PATIENCE
    while threading.active_count() > before:
        assert time.monotonic() < end
        time.sleep(0.05)


# --- where nothing runs ---


def test_executed_as_a_batch_it_leaves_its_figure_and_reading(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "static")
    made = bench(wave, frequency=1.0)
    assert isinstance(made, StaticBench) and made.reading.startswith("Y goes from -4 to 4")
    assert any("image/svg+xml" in output for output in made.outputs)

    def endless():
        while True:
            yield 1.0

    assert bench(endless).reading.endswith("It had not ended after 1,000 frames.")
    monkeypatch.setenv("LABCORE_FRONTEND", "site")
    assert isinstance(bench(wave), StaticBench)


# --- a claim ---


def test_a_claim_of_a_cell_is_measured_in_a_ledger(monkeypatch):
    from labcore.claims import Seeds, claim, exact
    from labcore.evidence import Evidence

    monkeypatch.setenv("LABCORE_FRONTEND", "static")

    def check(seeds: Seeds):
        return Evidence(exact("waves", 3.0) >= limit, size="one run")

    check.__module__ = "__main__"
    made = claim("There are three waves")(check)
    limit = 2.5
    table = ledger(made).data
    assert "There are three waves" in table and "waves = 3" in table and "of this notebook" in table
    limit = 3.5
    with pytest.raises(BrokenClaim, match="__main__.check: broken"):
        ledger(made)


def test_a_claim_that_returns_no_evidence_says_what_it_must_return(monkeypatch):
    from labcore.claims import claim

    monkeypatch.setenv("LABCORE_FRONTEND", "static")

    def more(seeds):
        return 3 > 2

    more.__module__ = "__main__"
    with pytest.raises(
        TypeError, match=r"more returns True; it must return Evidence\(mean\(...\) >= limit, size=...\)"
    ):
        ledger(claim("More is more")(more))
