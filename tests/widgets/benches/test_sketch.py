"""Draw first: what a drawing is judged by, what a sketch refuses, and the panel before and after the answer."""

import ipywidgets as w
import numpy as np
import pytest
import xarray as xr

from tests.widgets.hands import LINE, PATIENCE, all_of, button, open_bench, until, view
from widgets.benches.ruler import Ruler
from widgets.benches.sketch import Sketch
from widgets.benches.static_bench import StaticBench

X, Y = Ruler("size", 0.1, 10, log=True), Ruler("error", 0, 1)
NAMES = ("ant", "bee", "cat")
BUMP = [0.3, 0.3, 0.3, 0.5, 0.9, 0.5, 0.3, 0.3, 0.3]


def frame(x, y):
    y = np.asarray(y, float)
    return xr.Dataset({"y": ("x", y)}, {"x": np.asarray(x)}, {"reading": f"It ends at <b>{y[-1]:g}</b>."})


def answer(shown):
    return shown.x, shown.y


def sketch(judge="turns", x=X, y=Y, **more):
    return Sketch("Where <b>does</b> it go?", x=x, y=y, answer=answer, judge=judge, **more)


def at_handles(y, x=X):
    return frame(x.places, y)


def text(widget):
    return " ".join(h.value for h in all_of(widget) if isinstance(h, (w.HTML, w.HTMLMath)))


@pytest.fixture
def asked():
    heard = []
    return sketch(why="Because **so**.").panel(heard.append), heard


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ({"low": 1, "high": 1}, "low = 1, high = 1"),
        ({"high": np.inf}, "high = inf"),
        ({"low": 0, "log": True}, "low = 0 is not allowed on a log axis"),
        ({"at": (0.5, 2)}, r"at = \(0.5, 2\)"),
        ({"at": (0.5, 0.2)}, "must rise"),
        ({"names": ("a", "a")}, "must differ"),
    ],
)
def test_a_ruler_refuses(bad, word):
    with pytest.raises(ValueError, match=word):
        Ruler("size", **bad)


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ({"kind": "song"}, "kind = 'song' is not allowed; it must be curve, order, place"),
        ({"judge": "place"}, "judge = 'place' is not allowed for a curve; it must be direction"),
        ({"judge": "turns", "kind": "place"}, "not allowed for a place; it must be place$"),
        ({"judge": lambda x, a, b: (1, ""), "kind": "place"}, "not allowed for a place"),
        ({"judge": "order", "kind": "order"}, "x has no names"),
        ({"y": Ruler("error", names=NAMES)}, "y has names"),
        ({"x": Ruler("size", names=NAMES), "kind": "place", "judge": "place"}, "x has names"),
        ({"x": Ruler("size", at=(0.5,))}, "x has 1 handle"),
        ({"given": [("a", (1, 2), (1,))]}, r"given 'a' has shapes \(2,\) and \(1,\)"),
        ({"given": [("a", 1)]}, r"given = \('a', 1\) is not allowed"),
    ],
)
def test_a_sketch_refuses(bad, word):
    with pytest.raises(ValueError, match=word):
        sketch(**bad)


def test_a_question_must_ask_something():
    with pytest.raises(ValueError, match="question = ' '"):
        Sketch(" ", x=X, y=Y, answer=answer, judge="turns")


def test_shares_and_values_are_inverse_on_both_scales():
    share = np.linspace(0, 1, 7)
    for ruler in (X, Y, Ruler("t", -3, 5)):
        np.testing.assert_allclose(ruler.share(ruler.value(share)), share, atol=1e-12)
    assert X.share(1) == pytest.approx(0.5) and X.places[4] == pytest.approx(1)


@pytest.mark.parametrize(
    ("judge", "drawn", "measured", "score", "flat"),
    [
        ("direction", BUMP, BUMP, 1, 4 / 8),
        ("direction", BUMP[:4] + [0.5] * 5, BUMP, 5 / 8, 4 / 8),
        ("direction", [1 - v for v in BUMP], BUMP, 4 / 8, 4 / 8),
        ("turns", [0.1 * v for v in range(9)], BUMP, 1 / 2, 0),
        ("turns", [0.2 * v for v in BUMP], BUMP, 1, 0),
        ("turns", [0.5] * 9, [0.5 + 0.01 * (-1) ** k for k in range(9)], 1, 1),
        ("maximum", [0.1] * 6 + [0.9, 0.1, 0.1], BUMP, 0.75, 0),
        ("maximum", [0.5] * 9, BUMP, 0, 0),
        ("minimum", [0.5, 0.1] + [0.5] * 7, [0.5, 0.5, 0.1] + [0.5] * 6, 1 - 1 / 8, 0),
        ("height", BUMP, BUMP, 1, 0),
        ("height", [0.3] * 9, BUMP, 0, 0),
    ],
)
def test_a_curve_is_judged_beside_a_flat_line(judge, drawn, measured, score, flat):
    mine, theirs, said = sketch(judge).judged(drawn, at_handles(measured))
    assert (mine, theirs) == (pytest.approx(score), pytest.approx(flat)) and said


def test_turns_are_said_in_words():
    said = sketch("turns").judged([0.2] * 4 + [0.9] * 5, at_handles(BUMP))[2]
    assert said == "goes up, the measured one up, then down"


@pytest.mark.parametrize(
    ("heights", "legs"),
    [
        ([0, 1, 0.5, 0.9, 0.1], "up, then down, then up, then down"),
        ([0, 0.05, 0.02, 0.3, 0.27, 0.6], "up"),
        ([0.5, 0.46, 0.42, 0.38, 0.5], "down, then up"),
        ([0.5, 0.52, 0.5], "neither up nor down"),
    ],
)
def test_slight_turns_are_no_turns(heights, legs):
    x = Ruler("size", at=tuple(np.linspace(0, 1, len(heights))))
    assert f"the measured one {legs}" in sketch("turns", x).judged([0.5] * len(heights), at_handles(heights, x))[2]


def test_the_frame_has_its_own_places_and_only_those_that_were_drawn_count():
    x = np.geomspace(0.01, 100, 401)
    peak = np.exp(-((np.log10(x) - 0.5) ** 2) / 0.01) + 5 * (x > 20)
    score, _, said = sketch("maximum").judged([0, 0, 0, 0, 0, 0, 1, 0, 0], frame(x, peak))
    assert score == pytest.approx(1, abs=0.01) and "the measured one at 3.16" in said


def test_what_the_axes_cannot_show_is_not_drawn():
    asked = sketch("direction", y=Ruler("error", 0.01, 1, log=True))
    x, y = asked.measured(frame([1, 3, 2, 4, 20], [0.5, np.nan, 0, 0.2, 0.1]))
    assert x.tolist() == [1, 4] and y.tolist() == [0.5, 0.2]
    with pytest.raises(ValueError, match="no finite number"):
        asked.measured(frame([1, 2], [np.nan, -1]))


@pytest.mark.parametrize("answer", [lambda f: (f.x, [1.0]), lambda f: (np.ones((2, 2)), np.ones((2, 2)))])
def test_an_answer_of_another_shape_is_refused(answer):
    asked = Sketch("?", x=X, y=Y, answer=answer, judge="turns")
    with pytest.raises(ValueError, match="answer gives shapes"):
        asked.measured(frame([1, 2], [1, 2]))


@pytest.mark.parametrize(
    ("drawn", "score"), [([1, 2, 3], 1), ([3, 2, 1], 0), ([2, 1, 3], 2 / 3), ([0.5, 0.5, 0.5], 0.5)]
)
def test_an_order_is_judged_by_its_pairs_and_by_name(drawn, score):
    asked = sketch("order", Ruler("animal", names=NAMES), Ruler("size", 0, 3), kind="order")
    assert asked.judged(drawn, frame(["cat", "ant", "bee"], [0.9, 0.1, 0.5]))[:2] == (pytest.approx(score), 0.5)


def test_alike_is_no_wrong_order():
    asked = sketch("order", Ruler("animal", names=NAMES), kind="order")
    for drawn in ([0.2, 0.1, 0.9], [0.1, 0.2, 0.9]):
        assert asked.judged(drawn, frame(NAMES, [0.5, 0.501, 0.9]))[0] == 1


def test_an_order_of_other_things_is_refused():
    asked = sketch("order", Ruler("animal", names=NAMES), kind="order")
    with pytest.raises(ValueError, match=r"names \['ant', 'dog'\]; x has"):
        asked.measured(frame(["ant", "dog"], [1, 2]))


def test_a_place_is_judged_beside_the_middle():
    asked = sketch("place", Ruler("x", 0, 10), kind="place")
    assert asked.judged([10, 0.5], frame([10], [0.5]))[:2] == (1, 0)
    assert asked.judged([7.5, 0.5], frame([10], [0.5]))[:2] == (0.5, 0)
    assert asked.judged([7.5, 0.5], frame([6], [0.5]))[:2] == (pytest.approx(0.7), pytest.approx(0.8))


def test_a_rule_of_the_lesson_judges_plain_numbers():
    def below(x, drawn, measured):
        assert drawn.tolist() == pytest.approx(BUMP) and x.tolist() == pytest.approx(X.places.tolist())
        return float(drawn.max() > 0.8), f"reaches {drawn.max():g}"

    with pytest.raises(AssertionError):  # the flat line is judged as well
        sketch(below).judged(BUMP, at_handles(BUMP))
    scored = sketch(lambda x, drawn, measured: (float(drawn.max() > 0.8), f"reaches {drawn.max():g}"))
    assert scored.judged(BUMP, at_handles(BUMP)) == (1, 0, "reaches 0.9")


def test_nothing_is_drawn_for_the_learner(asked):
    panel, heard = asked
    assert panel.canvas.drawn == [None] * 9 and button(panel, "Commit").disabled and heard == []
    panel.canvas.drawn = [None, 0.4, *[None] * 7]
    assert button(panel, "Commit").disabled, "one point is no curve"
    panel.canvas.drawn = [None, 0.4, None, 0.8, *[None] * 5]
    assert not button(panel, "Commit").disabled and heard == [], "drawing is not committing"


def test_commit_tells_the_drawing_once_with_the_gaps_filled(asked):
    panel, heard = asked
    panel.canvas.drawn = [None, 0.4, None, 0.8, *[None] * 5]
    commit, skip = button(panel, "Commit"), button(panel, "Skip")
    for pressed in (commit, commit, skip):
        pressed.click()
    ((x, y),) = heard
    assert x == pytest.approx(X.places.tolist()) and y == pytest.approx([0.4, 0.4, 0.6, *[0.8] * 6])
    assert panel.canvas.done and not [o for o in all_of(panel) if isinstance(o, w.Button)]


def test_gaps_are_filled_along_a_log_axis_as_they_are_drawn():
    panel = sketch(y=Ruler("error", 0.01, 1, log=True)).panel(lambda _: None)
    panel.canvas.drawn = [0.01, None, 1, *[None] * 6]
    assert panel.canvas.filled[:3] == pytest.approx([0.01, 0.1, 1])


def test_the_answer_is_drawn_over_and_said_beside_a_flat_line(asked):
    panel, _ = asked
    assert "Because" not in text(panel) and panel.canvas.measured == {}, "nothing is given away"
    panel.canvas.drawn = BUMP
    button(panel, "Commit").click()
    panel.measured(at_handles(BUMP))
    assert panel.canvas.measured["y"] == BUMP
    assert (
        "goes up, then down, the measured one up, then down. That is 100 of 100 points; a flat line would have 0."
        in text(panel)
    )
    assert "It ends at &lt;b&gt;0.3" in text(panel) and "<strong>so</strong>" in text(panel)
    assert "Where &lt;b&gt;does" in text(panel)


def test_a_skipped_drawing_is_shown_the_answer_and_no_score(asked):
    panel, heard = asked
    button(panel, "Skip").click()
    panel.measured(at_handles(BUMP))
    assert heard == [None] and "You skipped" in text(panel) and "right" not in text(panel)
    assert panel.canvas.measured["y"] == BUMP and "<strong>so</strong>" in text(panel)


def test_a_place_tells_its_two_numbers():
    heard = []
    panel = sketch("place", Ruler("x", 0, 10), kind="place").panel(heard.append)
    panel.canvas.drawn = [3.0, 0.5]
    button(panel, "Commit").click()
    assert heard == [([3.0], [0.5])]


def test_what_is_given_may_come_from_the_first_frame():
    panel = sketch(given=lambda shown: [("before", shown.x, shown.y)]).panel(lambda _: None)
    assert panel.canvas.given == []
    panel.opened(frame([1, 2, 3], [0.1, np.nan, 0.3]))
    assert panel.canvas.given == [{"name": "before", "x": [1, 2, 3], "y": [0.1, None, 0.3]}]


ON_BENCH = dict(x=Ruler("place", 0, 2, at=(0, 1, 2)), y=Ruler("height", 0, 4))


def test_a_bench_gives_its_first_frame_and_then_the_one_that_was_asked_for():
    shown = lambda f: [("before", f.x, f.y)]  # noqa: E731
    bench = open_bench(predict=sketch("height", given=shown, then={"slope": 2.0}, **ON_BENCH))
    panel = bench.children[0]
    assert panel.canvas.given[0]["y"] == [0, 0.5, 1] and panel.canvas.measured == {}
    panel.canvas.drawn = [0, 2, 4]
    button(panel, "Commit").click()
    assert bench.wait(PATIENCE)
    until(panel.canvas, "measured", bool)
    assert panel.canvas.measured["y"] == [0, 2, 4] and "The line rises to 4 m." in text(panel)
    assert panel.canvas.given[0]["y"] == [0, 0.5, 1] and bench.values["slope"] == 2.0


def test_where_nobody_can_draw_the_question_and_its_explanation_are_read():
    bench = StaticBench(LINE, LINE.settings(), view, sketch(why="Because **so**.", **ON_BENCH))
    html = "".join(made.get("text/html", made["text/plain"]) for made in bench.outputs)
    assert html.index("Where &lt;b&gt;does") < html.index("The line rises") < html.index("<strong>so</strong>")
