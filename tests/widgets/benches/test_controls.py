"""Controls: where a slider stops, what a typed value may be, and which rows are seen."""

from typing import Annotated, Literal

import ipywidgets as w
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from labcore.answers import taken
from labcore.experiment import Experiment, Parameter, ParameterError, choice, number
from tests.widgets.hands import LINE, all_of, frame, open_bench, relaxed, row, slope, status, visible
from widgets.benches.controls import Control, control_panel, nice_step, positions, shown
from widgets.benches.parts import is_shown
from widgets.benches.prediction import Prediction


def parameter(low, high, kind="float", log=False, name="x", **more):
    facts = {"name": name, "kind": kind, "default": low, "description": "", "label": name}
    return Parameter(low=low, high=high, log=log, **(facts | more))


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
    "value, text",
    [
        (100000.0, "100000"),
        (0.15, "0.15"),
        ("relu", "relu"),
        (7, "7"),
        (1e-8, "1e-8"),
        (1.5e20, "1.5e20"),
        (0, "0"),
        (10_000_000, "10 million"),
        (1e7, "10 million"),
        (2_500_000, "2.5 million"),
        (-3_000_000, "-3 million"),
        (2_000_000_000, "2 billion"),
        (1_234_567, "1\u202f234\u202f567"),
        (True, "True"),
    ],
)
def test_values_as_a_person_writes_them(value, text):
    assert shown(value) == text


@relaxed
@given(st.integers(0, 10**13))
def test_a_whole_number_is_read_back_as_it_is_shown(value):
    assert taken(parameter(0, 10**13, "int"), shown(value)) == value


@relaxed
@given(st.floats(0, 1e13))
def test_what_a_box_shows_is_read_back(value):
    assert taken(parameter(0, 2e13), shown(value)) == pytest.approx(value, rel=1e-5)


def test_a_box_is_wide_enough_for_what_it_holds():
    """Twelve characters: 10 000 000 with its blanks, or 123.5 million."""
    longest = max(len(shown(v)) for v in (123_456_789, 999_999_999, 123_500_000, 1.23457e-10))
    control = Control(parameter(0, 10**9, "int"), None, None)
    assert int(control.row.children[1].layout.width.removesuffix("px")) >= 8 * longest


@pytest.mark.parametrize(
    "text, value",
    [("0,01", 0.01), ("1/100", 0.01), ("1e-3", 0.001), ("10 million", 1e7), ("2^20", 2**20), ("50%", 0.5)],
)
def test_a_number_may_be_typed_as_a_person_writes_it(text, value):
    assert taken(parameter(0, 1e9), text) == value


@pytest.mark.parametrize("kind", ["float", "int"])
def test_a_comma_before_three_digits_is_asked_back(kind):
    with pytest.raises(ParameterError, match="'1,000' could be two numbers; .* as 1000 or as 1.000"):
        taken(parameter(0, 1e4, kind, name="n_train"), "1,000")
    bench = open_bench()
    row(bench, "count")[w.Text].value = "1,000"
    assert bench.values["count"] == 100 and "could be two numbers" in status(bench)
    assert row(bench, "count")[w.Text].value == "100"


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
    assert headings(bench) == [("training", False)], "what the first three numbers leave"
    bench.set(method="gd")
    assert headings(bench) == [("training", True)]
    bench.set(method="exact")
    assert headings(bench) == [("training", False)]


def open_and_folded(bench):
    """The names of the parameters whose controls stand open, and of the others."""
    main, more = (next(b for b in all_of(bench) if css in b._dom_classes) for css in ("labcore-main", "labcore-side"))
    inside = [n for n, c in bench._controls.items() if c.row in main.children]
    return inside, [n for n, c in bench._controls.items() if c.row in all_of(more) and n not in inside]


def test_three_controls_stand_open():
    assert open_and_folded(open_bench()) == (
        ["slope", "count", "rate"],
        ["momentum", "method", "order", "clip", "seed"],
    )


def test_what_the_question_moves_stands_open():
    then = {"momentum": 0.5, "method": "adam"}
    bench = open_bench(predict=Prediction("Which?", ("a", "b"), lambda _: "a", then=then))
    assert open_and_folded(bench)[0] == ["slope", "momentum", "method"]


def test_what_an_experiment_calls_its_main_parameters_stands_open():
    def made(
        a: Annotated[float, number(0, 1, "a")] = 0.5,
        b: Annotated[float, number(0, 1, "b", label="learning rate η", main=True)] = 0.5,
        c: Annotated[bool, choice("c", label="with memory", main=True)] = False,
    ):
        yield frame(a)

    bench = open_bench(Experiment(made, "toy", {}))
    assert open_and_folded(bench) == (["b", "c"], ["a"])
    assert row(bench, "b")[w.IntSlider].description == "learning rate <em>η</em>"
    assert row(bench, "c")[w.Checkbox].description == "with memory"
    row(bench, "b")[w.Text].value = "7"
    assert "learning rate η = &#x27;7&#x27; is not allowed; it must be from 0 to 1" in status(bench)


@pytest.mark.parametrize(
    "label, html",
    [
        ("learning rate η", "learning rate <em>η</em>"), ("temperature T", "temperature <em>T</em>"),
        ("first weight w_1", 'first weight <em>w<i class="labcore-index">1</i></em>'),
        ("label noise", "label noise"), ("T", "T"),
        ("R&D share p(x)", "R&amp;D share <em>p(x)</em>"), ("size of a step", "size of a step"),
    ],
)  # fmt: skip
def test_a_symbol_after_the_words_is_marked(label, html):
    assert Control(parameter(0, 1, label=label), None, None).row.children[0].description == html


def test_groups_gather_in_the_order_of_the_signature():
    names = [("a", "one"), ("b", "two"), ("c", "one"), ("d", "")]
    made = [Control(parameter(0, 1, name=n, group=g), None, None) for n, g in names]
    _, _, folded = control_panel(made, ())
    parts = folded.children
    order = [p.children[0].description if isinstance(p, w.HBox) else p.value.split(">")[1][:3] for p in parts]
    assert order == ["one", "a", "c", "two", "b", "d"]


def test_a_choice_is_read_in_words_and_reported_as_its_value():
    def made(a: Annotated[Literal["ab", "c_d"], choice("Which", words={"ab": "the first"})] = "ab"):
        yield frame(1.0)

    bench = open_bench(Experiment(made, "toy", {}))
    menu = next(d for d in all_of(bench) if isinstance(d, w.Dropdown))
    assert menu.options == (("the first", "ab"), ("c d", "c_d")) and menu.tooltip == "Which"
    menu.label = "c d"
    assert bench.values["a"] == "c_d"


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
        assert p.description in main.tooltip
        assert p.kind == "choice" or p.allowed in main.tooltip, "a menu shows what may be chosen"
        assert main.description == p.name.replace("_", " ")
