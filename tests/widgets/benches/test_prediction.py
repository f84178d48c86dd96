"""Predict first: the result stays covered, or the bench stays put, until the learner commits or skips, once."""

import json
from dataclasses import replace

import ipywidgets as w
import pytest

from tests.widgets.hands import (
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
    view,
)
from widgets.benches.plot import jsonable
from widgets.benches.prediction import Prediction, PredictionPanel, covered
from widgets.benches.static_bench import StaticBench

COVERED = Prediction("Does it <b>rise</b>?", ("It rises", "It <i>falls</i>"), lambda _: "It rises")
MOVING = Prediction("And when it is steeper?", ("Up", "Down"), lambda _: "Up", then={"slope": 2.0})


def asked(bench):
    return next(o for o in all_of(bench) if isinstance(o, w.RadioButtons))


def text(widget):
    return " ".join(h.value for h in all_of(widget) if isinstance(h, (w.HTML, w.HTMLMath)))


@pytest.fixture
def panel():
    heard = []
    made = PredictionPanel(COVERED, heard.append)
    return made, heard


@pytest.mark.parametrize("options", [(), ("only one",)])
def test_a_prediction_is_a_choice(options):
    with pytest.raises(ValueError, match="at least 2 options"):
        Prediction("What?", options, lambda _: "only one")


def test_a_prediction_has_a_rule():
    with pytest.raises(TypeError, match="right"):
        Prediction("What?", ("Up", "Down"))


def test_nothing_is_chosen_for_the_learner(panel):
    made, heard = panel
    assert asked(made).value is None and button(made, "Commit").disabled and heard == []
    asked(made).value = "It rises"
    assert not button(made, "Commit").disabled and heard == [], "choosing is not committing"


def test_commit_tells_the_choice_and_shows_it(panel):
    made, heard = panel
    asked(made).value = COVERED.options[1]
    button(made, "Commit").click()
    assert heard == [COVERED.options[1]]
    assert "You predicted: <b>It &lt;i&gt;falls&lt;/i&gt;</b>" in text(made)
    assert not [o for o in all_of(made) if isinstance(o, (w.RadioButtons, w.Button))], "it cannot be changed afterwards"


def test_skip_tells_none(panel):
    made, heard = panel
    button(made, "Skip").click()
    assert heard == [None] and "You skipped" in text(made)


def test_a_double_click_commits_once(panel):
    made, heard = panel
    asked(made).value = "It rises"
    commit, skip = button(made, "Commit"), button(made, "Skip")
    for pressed in (commit, commit, skip):
        pressed.click()
    assert heard == ["It rises"]


def test_the_question_is_text(panel):
    assert "&lt;b&gt;rise&lt;/b&gt;" in text(panel[0])


FRAMES = 5
WHY = "It rises with the **slope**, $y = s x$."


def growing(x):
    """Five frames, in which the slope comes to x."""
    for i in range(1, FRAMES + 1):
        growing.computed.append(x)
        yield frame(x * i / FRAMES, i / FRAMES, f"Now {x * i / FRAMES:g}.")


@pytest.fixture(autouse=True)
def nothing_computed():
    growing.computed = []


def grows(shown):
    """Exactly 1 is a tie."""
    at = slope(shown)
    return ("Above 1", "Below 1") if at == 1 else "Above 1" if at > 1 else "Below 1"


def asking(x, **more):
    """A bench that stands at 0.5 and asks about x, and the panel of its question."""
    asked = {"then": {"x": x}, "right": grows, "why": WHY, "instead": {"Below 1": {"x": 0.25}}, **more}
    bench = open_bench(experiment_of(growing), predict=Prediction("Where?", ("Above 1", "Below 1"), **asked), x=0.5)
    return bench, bench._question


def answer(bench, option):
    asked(bench).value = option
    button(bench, "Commit").click()
    assert bench.wait(PATIENCE)


def test_commit_runs_to_the_end_and_says_what_was_predicted_measured_and_right():
    bench, panel = asking(4.0)
    assert bench.frame.attrs["progress"] < 1 and "slope" not in text(panel), "neither the end nor the why is seen"
    answer(bench, "Below 1")
    assert slope(bench.frame) == 4.0 and bench.frame.attrs["progress"] == 1
    said = text(panel)
    assert "You predicted: <b>Below 1</b>." in said and "It was: <b>Above 1</b>." in said
    assert "Measured: Now 4." in said and "<strong>slope</strong>" in said and r"\(y = s x\)" in said


@pytest.mark.parametrize(
    "x, choice, said, held",
    [
        (4.0, "Above 1", "That is what happened.", True),
        (4.0, "Below 1", "It was: <b>Above 1</b>.", False),
        (0.25, "Below 1", "That is what happened.", True),
        (1.0, "Below 1", "It was a tie between <b>Above 1</b> and <b>Below 1</b>.", True),
        (4.0, None, "It was: <b>Above 1</b>.", False),
    ],
)
def test_the_rule_says_which_option_held(x, choice, said, held):
    bench, panel = asking(x)
    if choice is None:
        button(bench, "Skip").click()
        assert bench.wait(PATIENCE)
    else:
        answer(bench, choice)
    assert said in text(panel) and ("labcore-holds" in text(panel)) is held


def test_the_run_that_is_asked_for_is_ready_before():
    bench, _ = asking(4.0)
    assert growing.computed.count(4.0) == FRAMES
    answer(bench, "Above 1")
    assert growing.computed.count(4.0) == FRAMES and slope(bench.frame) == 4.0
    bench.set(x=3.0)
    bench.run()
    assert bench.wait(PATIENCE) and growing.computed.count(3.0) >= FRAMES, "what changed is computed"


def test_a_question_about_the_bench_itself_runs_it_to_the_end():
    bench, panel = asking(0.5, then={})
    assert growing.computed.count(0.5) <= FRAMES + 1
    answer(bench, "Above 1")
    assert bench.frame.attrs["progress"] == 1 and not bench.pins and "It was: <b>Below 1</b>." in text(panel)


def test_who_goes_on_before_the_end_is_told_all_the_same():
    bench, panel = asking(4.0)
    asked(bench).value = "Above 1"
    button(bench, "Commit").click()
    bench.set(x=0.75)
    bench.run()
    assert bench.wait(PATIENCE) and slope(bench.frame) == 0.75
    assert text(panel).count("Measured: Now 4.") == 1


def test_a_wrong_option_has_its_experiment():
    bench, panel = asking(4.0)
    answer(bench, "Below 1")
    button(panel, "When would that be right?").click()
    assert bench.wait(PATIENCE) and bench.values["x"] == 0.25 and slope(bench.frame) == 0.25
    assert grows(bench.frame) == "Below 1" and bench.frame.attrs["progress"] == 1
    bench, panel = asking(4.0)
    answer(bench, "Above 1")
    assert not [b for b in all_of(panel) if isinstance(b, w.Button)], "who was right has nothing to see"


@pytest.mark.parametrize("named", ["Somewhere", (), ("Above 1", "Somewhere")])
def test_a_rule_that_names_no_option_is_an_error(named):
    made = Prediction("Where?", ("Above 1", "Below 1"), right=lambda _: named)
    with pytest.raises(ValueError, match="right names the option .*; it must be one of Above 1, Below 1"):
        made.holding(frame(1.0))
    bench, _ = asking(4.0, right=lambda _: named)
    answer(bench, "Above 1")
    assert "it must be one of Above 1, Below 1" in status(bench)


def test_an_experiment_of_no_option_is_an_error():
    with pytest.raises(ValueError, match="instead names the option 'Nowhere'; it must be one of Up, Down"):
        Prediction("Where?", ("Up", "Down"), lambda _: "Up", instead={"Nowhere": {"x": 1}})


def locked(bench):
    parts = [p for name in ("slope", "seed") for p in row(bench, name)["row"].children]
    parts += [button(bench, b) for b in ("Run", "Step", "Stop", "Pin", "Unpin", "Reset", "Share", "Export", "Sweep")]
    (answer,) = {p.disabled for p in parts}
    return answer


def is_covered(bench):
    """Whether the page has none of the figure's numbers, and knows what it will show."""
    spec = plot(bench).spec
    (trace,) = spec["data"]
    (answer,) = {
        trace["y"] == [None],
        [a["text"].endswith("<br>height (m) over place") for a in spec["layout"].get("annotations", ())] == [True],
        "The line" not in plot(bench).reading,
        plot(bench).covered,
    }
    return answer


def test_the_figure_is_covered_and_the_controls_are_locked_until_commitment():
    bench = open_bench(predict=COVERED)
    assert is_covered(bench) and locked(bench)
    asked(bench).value = "It rises"
    assert is_covered(bench) and locked(bench)
    button(bench, "Commit").click()
    assert bench.wait(PATIENCE) and slope(bench.frame) == 0.5
    assert not is_covered(bench) and not locked(bench)


def test_of_a_covered_figure_only_the_names_of_its_axes_are_left():
    axis = {"title": {"text": "place"}, "type": "log", "range": [0, 3], "tickvals": [1, 7], "ticktext": ["a", "b"]}
    layout = {"xaxis": axis, "yaxis": {"title": "height (m)"}, "yaxis2": axis, "shapes": [{"x0": 7}]}
    layout |= {"height": 900, "annotations": [{"text": "peak"}]}
    traces = [
        {"y": [1]},
        {"y": [2]},
        {"y": [3], "name": "a", "xaxis": "x2", "yaxis": "y2"},
        {"xaxis": "x9", "yaxis": "y9"},
    ]
    kept = covered({"data": traces, "layout": layout})
    (trace,), layout = kept["data"], kept["layout"]
    assert "name" not in trace and trace["x"] == trace["y"] == [None] and "shapes" not in layout
    assert layout["xaxis"] == layout["yaxis"] == {"visible": False} and layout["height"] < 200, "no empty rectangle"
    (note,) = layout["annotations"]
    assert note["text"].split("<br>")[1:] == ["height (m) over place", "place"]


START = replace(COVERED, start=True)


def test_where_a_run_starts_is_seen_before_the_answer_where_it_tells_nothing_of_it():
    runs = experiment_of(lambda x: (frame(k * x, k / 3, f"Frame {k}.") for k in range(4)))
    bench = open_bench(runs, predict=START)
    assert plot(bench).covered and not bench._controls_enabled
    seen = json.dumps(plot(bench).spec)
    assert seen == json.dumps(jsonable(view(frame(0.0)))) and plot(bench).film == {}
    assert plot(bench).reading.startswith("This is where it starts.")
    sent = []
    plot(bench).send = lambda *message, **more: sent.append(message)
    for wanted in ({"type": "film", "after": -1}, {"type": "shown", "number": 3}):
        plot(bench)._handle_custom_msg({"run": bench._film._run, **wanted}, [])
    assert not sent and json.dumps(plot(bench).spec) == seen, "and nothing beyond"
    button(bench, "Skip").click()
    assert bench.wait(PATIENCE) and not plot(bench).covered and plot(bench).reading == "Frame 3."


def test_a_run_of_one_frame_is_its_end_and_stays_covered():
    assert is_covered(open_bench(predict=START))


def test_skipping_uncovers_too():
    bench = open_bench(predict=COVERED)
    button(bench, "Skip").click()
    assert bench.wait(PATIENCE) and not is_covered(bench) and not locked(bench)


@pytest.mark.parametrize("how", ["Commit", "Skip"])
def test_then_pins_the_start_and_moves(how):
    bench = open_bench(predict=MOVING)
    assert not is_covered(bench) and locked(bench), "the start is seen, and stays put"
    asked(bench).value = "Up"
    button(bench, how).click()
    assert bench.wait(PATIENCE) and not locked(bench)
    assert bench.values["slope"] == 2.0 and slope(bench.frame) == 2.0
    assert [t["name"] for t in plot(bench).ghosts + plot(bench).spec["data"]] == ["pinned: slope = 0.5", "height"]


def test_where_nothing_runs_the_figure_is_what_was_asked_about_with_its_answer_below():
    question = Prediction("Is x > 1?", ("Above 1", "Below 1"), then={"x": 4.0}, right=grows, why=WHY)
    made = StaticBench(experiment_of(growing), {"x": 0.5, "seed": 0}, view, question)
    html = "".join(part.get("text/html", part["text/plain"]) for part in made.outputs)
    assert slope(made.frame) == 4.0 and made.values["x"] == 4.0
    read = ("Is x &gt; 1?", "<li>Below 1</li>", "Now 4.", "<summary>", "It was: <b>Above 1</b>.", "<strong>slope")
    places = [html.index(words) for words in read]
    assert places == sorted(places)


def test_a_click_in_the_figure_does_not_move_a_locked_bench():
    bench = open_bench(predict=MOVING)
    plot(bench)._handle_custom_msg({"type": "set", "values": {"slope": 1.5}}, [])
    assert bench.wait(PATIENCE) and bench.values["slope"] == 0.5
