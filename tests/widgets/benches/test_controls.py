"""Controls: where a slider stops, what a typed value may be, and which rows are seen."""

import ipywidgets as w
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from labcore.experiment import Parameter
from tests.widgets.hands import LINE, all_of, open_bench, relaxed, row, slope, status, visible
from widgets.benches.controls import Control, control_panel, nice_step, positions, shown
from widgets.benches.parts import is_shown


def parameter(low, high, kind="float", log=False, name="x", **more):
    return Parameter(name=name, kind=kind, default=low, description="", low=low, high=high, log=log, **more)


def check_grid(p):
    grid = positions(p)
    assert grid[0] == p.low and grid[-1] == p.high
    assert (np.diff(grid) > 0).all()
    # a step that a person cannot see, or a drag that never ends, would be no slider
    assert len(grid) <= 400
    if p.kind == "int":
        assert (grid == np.round(grid)).all()
    return grid


rounded = st.integers(-(10**6), 10**6).flatmap(lambda m: st.sampled_from([m, m / 10, m / 100, m / 3]))


@relaxed
@given(rounded, rounded)
def test_linear_positions(low, high):
    assume(high - low > 1e-3 * max(abs(low), abs(high), 1))
    grid = check_grid(parameter(low, high))
    assert len(grid) >= 100, "a slider has at least a hundred stops"


@relaxed
@given(st.integers(-(10**6), 10**6), st.integers(1, 10**7))
def test_whole_positions(low, span):
    grid = check_grid(parameter(low, low + span, "int"))
    assert len(grid) == span + 1 if span <= 100 else len(grid) > 100


@relaxed
@given(st.floats(1e-9, 1e3), st.floats(10, 1e9))
def test_log_positions_are_round_and_dense(low, ratio):
    grid = check_grid(parameter(low, low * ratio, log=True))
    assert (grid[1:] / grid[:-1]).max() < 1.34
    inner = grid[1:-1]
    assert all(float(f"{v:.2g}") == v or f"{v:.2e}".startswith("1.25") for v in inner), "ten round numbers a decade"


@relaxed
@given(st.integers(1, 1000), st.integers(2, 10**6))
def test_log_positions_of_whole_numbers(low, ratio):
    check_grid(parameter(low, low * ratio, "int", log=True))


def test_log_positions_hold_every_power_of_ten():
    assert {1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0} <= set(positions(parameter(3e-6, 30, log=True)))


@relaxed
@given(st.floats(1e-9, 1e9))
def test_step_is_a_hundredth_or_a_bit_less(span):
    step = nice_step(span)
    assert span / 251 < step <= span / 100 * (1 + 1e-8)
    assert f"{step:.3e}"[:5] in ("1.000", "2.000", "5.000")


def test_the_ends_of_a_slider_are_the_bounds_to_the_last_bit():
    said = []
    control = Control(parameter(1 / 3, 2 / 3), lambda _, value: said.append(value), None)
    slider, _ = control.row.children
    slider.value = slider.max
    slider.value = 0
    assert said == [2 / 3, 1 / 3]


def test_a_value_between_stops_is_shown_and_kept():
    said = []
    control = Control(parameter(0, 2), lambda *change: said.append(change), lambda *typed: said.append(typed))
    control.show(0.71234)
    slider, box = control.row.children
    assert box.value == "0.71234"
    assert abs(positions(control.parameter)[slider.value] - 0.71234) <= 0.01
    assert said == [], "showing a value is not a change by a person"


@pytest.mark.parametrize(
    "value, text", [(100000.0, "100000"), (0.15, "0.15"), ("relu", "relu"), (7, "7"), (1e-8, "1e-08")]
)
def test_values_as_a_person_writes_them(value, text):
    assert shown(value) == text


def test_typed_value_between_stops_reaches_the_run():
    bench = open_bench()
    row(bench, "slope")[w.Text].value = "1.23456"
    assert bench.wait()
    assert bench.values["slope"] == 1.23456 and slope(bench.frame) == 1.23456
    assert row(bench, "slope")[w.Text].value == "1.23456"


def test_typing_is_converted_and_shown_as_taken():
    bench = open_bench()
    row(bench, "count")[w.Text].value = " 12 "
    assert bench.values["count"] == 12 and row(bench, "count")[w.Text].value == "12"
    row(bench, "rate")[w.Text].value = "1e-2"
    assert bench.values["rate"] == 0.01 and row(bench, "rate")[w.Text].value == "0.01"


@pytest.mark.parametrize(
    "name, bad, allowed",
    [
        ("slope", "9", "from 0 to 2"),
        ("slope", "steep", "from 0 to 2"),
        ("slope", "nan", "from 0 to 2"),
        ("slope", "", "from 0 to 2"),
        ("count", "2.5", "a whole number from 1 to 400"),
        ("count", "9" * 5000, "a whole number from 1 to 400"),
        ("seed", "-1", "a whole number from 0 to 2147483647"),
    ],
)
def test_a_bad_typed_value_is_refused_and_explained(name, bad, allowed):
    bench = open_bench()
    before, old = dict(bench.values), row(bench, name)[w.Text].value
    row(bench, name)[w.Text].value = bad
    assert bench.values == before
    assert row(bench, name)[w.Text].value == old
    line = status(bench)
    assert "labcore-error" in line and f"{name} = &#x27;{bad[:50]}" in line and allowed in line
    # the same mistake again must be seen again
    row(bench, name)[w.Text].value = "1"
    assert bench.wait() and "labcore-error" not in status(bench)
    row(bench, name)[w.Text].value = bad
    assert "labcore-error" in status(bench) and row(bench, name)[w.Text].value == "1"


def test_markup_in_a_typed_value_is_text():
    bench = open_bench()
    row(bench, "slope")[w.Text].value = "<img src=x onerror=alert(1)>"
    assert "<img" not in status(bench) and "&lt;img" in status(bench)


def test_a_control_that_does_not_matter_is_hidden():
    bench = open_bench(method="adam")
    assert visible(bench, "rate") and not visible(bench, "momentum")
    method = next(d for d in all_of(bench) if isinstance(d, w.Dropdown) and d.description == "method")
    method.value = "gd"
    assert visible(bench, "rate") and visible(bench, "momentum")
    method.value = "exact"
    assert not visible(bench, "rate") and not visible(bench, "momentum")


def headings(bench):
    """Group headings in order, with whether they are seen."""
    found = [b for b in all_of(bench) if isinstance(b, w.HTML) and "labcore-group" in b.value]
    return [(h.value.split(">")[1].split("<")[0], is_shown(h)) for h in found]


def test_a_heading_is_seen_while_one_of_its_controls_is():
    bench = open_bench(method="adam")
    assert headings(bench) == [("line", True), ("training", True)]
    bench.set(method="exact")
    assert headings(bench) == [("line", True), ("training", False)]
    bench.set(method="gd")
    assert headings(bench) == [("line", True), ("training", True)]


def test_groups_gather_in_the_order_of_the_signature():
    names = [("a", "one"), ("b", "two"), ("c", "one"), ("d", "")]
    made = [Control(parameter(0, 1, name=n, group=g), None, None) for n, g in names]
    parts = control_panel(made).children
    order = [p.children[0].description if isinstance(p, w.HBox) else p.value.split(">")[1][:3] for p in parts]
    assert order == ["one", "a", "c", "two", "b", "d"]


def test_choices_and_switches_report_typed_values():
    bench = open_bench()
    order = next(d for d in all_of(bench) if isinstance(d, w.Dropdown) and d.description == "order")
    clip = next(c for c in all_of(bench) if isinstance(c, w.Checkbox))
    order.value, clip.value = 2, True
    assert bench.values["order"] == 2 and bench.values["clip"] is True


def test_the_die_throws_a_seed_that_is_shown(monkeypatch):
    bench = open_bench()
    seed = row(bench, "seed")
    thrown = iter([613, 7])

    class Die:
        def integers(self, _):
            return np.int64(next(thrown))

    monkeypatch.setattr(np.random, "default_rng", Die)
    for expected in (613, 7):
        seed[w.Button].click()
        assert bench.wait()
        assert bench.values["seed"] == expected and seed[w.Text].value == str(expected)


def test_every_control_says_what_it_is_and_what_is_allowed():
    for p in LINE.parameters.values():
        main = Control(p, None, None).row.children[0]
        assert p.allowed in main.tooltip and p.description in main.tooltip
        assert main.description == p.name.replace("_", " ")
