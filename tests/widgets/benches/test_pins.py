"""Pins: ghosts behind the figure, labelled by the parameters in which they differ."""

import numpy as np
import plotly.graph_objects as go

from labcore.experiment import Parameter
from labcore.figure import curve, on_paper
from tests.widgets.hands import button, frame, open_bench, plot, status, view
from widgets.benches.pins import difference, ghosts, pin

SPEC = {
    "data": [
        curve([1, 2], [3, 4], "test", "#d55e00", pin=True, mode="lines+markers", marker={"size": 9}),
        curve([1, 2], [1, 1], "train", "#2f86c9", pin=True),
        curve([1, 2], [0, 0], "theory", "#009e73"),
    ],
    "layout": {"legend": {"y": 2}},
}


def test_only_marked_curves_are_kept():
    kept = pin(SPEC, {"noise": 0.5})
    assert [t["name"] for t in kept.traces] == ["test", "train"]


def test_a_pin_keeps_its_values_when_the_bench_moves_on():
    values = {"noise": 0.5}
    kept = pin(SPEC, values)
    values["noise"] = 1.0
    assert kept.values == {"noise": 0.5}


def test_a_label_names_what_differs_and_nothing_else():
    assert difference({"label_noise": 0.25, "n": 9, "method": "gd"}, {"label_noise": 1.0, "n": 9, "method": "sgd"}) == (
        "label noise = 0.25, method = gd"
    )


def test_a_switch_is_on_or_off():
    assert difference({"follow": False, "train": True}, {}) == "follow = off, train = on"


def test_a_choice_is_said_in_its_words():
    rule = Parameter("rule", "choice", "ab", "", "learning rule", choices=("ab", "c_d"), words={"ab": "by hand"})
    assert difference({"rule": "ab"}, {}, {"rule": rule}) == "learning rule = by hand"
    assert difference({"rule": "c_d"}, {}, {"rule": rule}) == "learning rule = c d"


def test_values_that_differ_in_the_fifth_digit_have_different_labels():
    assert difference({"x": 0.12345}, {"x": 0.5}) != difference({"x": 0.12346}, {"x": 0.5})


def test_no_difference_is_said_in_words():
    assert difference({"n": 9}, {"n": 9}) == "the same settings"


def test_no_pins_are_no_ghosts():
    assert ghosts([], {"n": 1}) == []


def test_ghosts_have_one_legend_entry_a_pin():
    pins = [pin(SPEC, {"n": n}) for n in (1, 2)]
    made = ghosts(pins, {"n": 3})
    assert [g["showlegend"] for g in made] == [True, False, True, False]
    assert [g["name"] for g in made] == ["pinned: n = 1"] * 2 + ["pinned: n = 2"] * 2
    assert len({g["line"]["dash"] for g in made}) == 2, "two pins are told apart"
    assert [list(g["y"]) for g in made] == [[3, 4], [1, 1]] * 2


def test_the_index_of_a_symbol_is_one_in_the_legend_too():
    weight = Parameter("n", "int", 1, "", "weight w_n", 0, 9)
    assert ghosts([pin(SPEC, {"n": "a_b"})], {}, {"n": weight})[0]["name"] == "pinned: weight w<sub>n</sub> = a_b"


def test_a_ghost_cannot_be_pinned_clicked_or_hovered():
    for ghost in ghosts([pin(SPEC, {})], {}):
        assert not ghost["meta"] and ghost["hoverinfo"] == "skip" and "marker" not in ghost


def test_ghosts_leave_the_view_s_own_specification_as_it_was():
    spec = view(frame(1.0))
    before = {k: list(v) for k, v in spec.items()}
    ghosts([pin(spec, {"n": 1})], {"n": 2})
    assert {k: list(v) for k, v in spec.items()} == before and spec["data"][0]["meta"] == {"pin": True}


def test_plotly_takes_the_ghosts():
    go.Figure(on_paper({"data": ghosts([pin(SPEC, {"n": n}) for n in range(6)], {"n": 9}), "layout": {}}))


def names(bench):
    return [t["name"] for t in plot(bench).ghosts + plot(bench).spec["data"]]


def test_pins_of_a_bench_follow_its_runs():
    bench = open_bench(slope=0.5)
    button(bench, "Pin").click()
    bench.set(slope=1.0)
    assert bench.wait()
    assert names(bench) == ["pinned: slope = 0.5", "height"]
    button(bench, "Pin").click()
    bench.set(slope=2.0, order=2)
    assert bench.wait()
    assert names(bench) == ["pinned: slope = 0.5, order = 1", "pinned: slope = 1, order = 1", "height"]
    bench.set(slope=0.5, order=1)
    assert bench.wait()
    assert names(bench)[0] == "pinned: the same settings"
    button(bench, "Unpin").click()
    assert names(bench) == ["height"]


def test_a_figure_without_curves_says_so():
    def bare(shown):
        return {"data": [{"type": "heatmap", "z": np.outer(shown.y, shown.y)}], "layout": {}}

    bench = open_bench(view=bare)
    button(bench, "Pin").click()
    assert "no curves to pin" in status(bench) and not bench.pins
