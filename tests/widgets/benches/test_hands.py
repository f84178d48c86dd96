"""What the page is told of the parameters that a hand can move in a figure, and what a hand moves."""

import math

import pytest

from labcore.experiment import ParameterError
from labcore.figure import hand, scale
from tests.widgets.hands import LINE, PATIENCE, open_bench, plot, slope, status, view
from widgets.benches.controls import positions
from widgets.benches.hands import hand_facts, hands_of, place_of
from widgets.benches.prediction import Prediction
from widgets.benches.static_bench import StaticBench


def held(shown, **more):
    """The line with its end as a hand for its slope."""
    spec = view(shown)
    made = hand(2.0, 2 * slope(shown), up=scale("slope", [0, 2], [0, 1]), **more)
    return spec | {"layout": spec["layout"] | {"meta": {"hands": [made]}}}


def drawn(*hands):
    return {"data": [], "layout": {"meta": {"hands": list(hands)}}}


def test_the_page_knows_the_stops_of_the_control():
    assert hand_facts(LINE, drawn(hand(1, 1, up="slope", across="rate"))) == {
        "rate": {"label": "rate", "stops": positions(LINE.parameters["rate"]).tolist(), "log": True},
        "slope": {"label": "slope", "stops": positions(LINE.parameters["slope"]).tolist(), "log": False},
    }
    assert hand_facts(LINE, {"data": []}) == hand_facts(LINE, {"layout": {"meta": None}}) == {}


def test_the_place_of_a_hand_on_a_circle_is_its_angle_on_the_scale():
    """All turns of an angle are one place; it is told as the one nearest to the middle of the scale."""
    assert set(hand_facts(LINE, drawn(hand(1, 0, around="slope")))) == {"slope"}
    assert place_of(hand(2, 5, up="slope"), "y") == 5
    down = hand(3, 1, around="slope", centre=(3, 3))
    assert place_of(down, "o") == pytest.approx(-math.pi / 2)
    clock = scale("slope", [math.pi / 2, -math.pi], [0, 2])
    assert place_of(hand(3, 1, around=clock, centre=(3, 3)), "o") == pytest.approx(-math.pi / 2)
    assert place_of(hand(0, 3.1, around=clock, centre=(3, 3)), "o") == pytest.approx(-math.pi, abs=0.04)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (hand(1, 1, up="slop"), "toy.line: .* 'slop', which is no parameter; it has slope, count"),
        (hand(1, 1, up=scale("slop", [0, 1], [0, 1])), "'slop', which is no parameter"),
        (hand(1, 1, across="method"), "method, which no place means; it is one of exact, gd, adam"),
        (hand(1, 1, around="slop"), "'slop', which is no parameter"),
        (hand(1, 1, across="clip"), "clip, which no place means; it is true or false"),
        (hand(1, 1, up="slope", sets={"order": 7}), "order = 7 is not allowed; it must be one of 1, 2"),
    ],
)
def test_a_hand_for_what_is_not_there_is_refused(made, words):
    with pytest.raises(ParameterError, match=words):
        hand_facts(LINE, drawn(made))


def test_a_view_with_a_wrong_hand_says_so_in_its_bench():
    opened = open_bench(view=lambda shown: view(shown) | drawn(hand(1, 1, up="slop")))
    assert "slop" in status(opened) and "no parameter" in status(opened)


def test_a_hand_moves_its_control_and_no_other_value_than_the_control_may():
    opened = open_bench(view=held)
    assert plot(opened).hands["slope"]["stops"][-1] == 2
    for wanted, value in ((1.25, 1.25), (99, 2.0), (-3, 0.0)):
        plot(opened)._handle_custom_msg({"type": "set", "values": {"slope": wanted}}, [])
        assert opened.wait(PATIENCE) and opened.values["slope"] == slope(opened.frame) == value
        assert opened._controls["slope"]._box.value == f"{value:g}"


def test_before_the_question_is_answered_nothing_can_be_held():
    asked = Prediction("Steep?", ("Yes", "No"), right=lambda shown: "Yes")
    opened = open_bench(view=held, predict=asked)
    assert hands_of(opened._spec) and plot(opened).hands == {}
    opened._committed(None)
    assert opened.wait(PATIENCE) and "slope" in plot(opened).hands


def test_where_nothing_runs_a_figure_with_hands_is_a_figure():
    still = StaticBench(LINE, LINE.settings(), held)
    assert any("image/svg+xml" in output for output in still.outputs)
