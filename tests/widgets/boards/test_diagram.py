"""The diagram under the hand, without a page: what each hand does to the one text, and what is read from it."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from labcore.diagrams import architecture, compile, cost, parse
from labcore.diagrams.architectures import ARCHITECTURES
from labcore.diagrams.boxes import flatten
from widgets import diagram_canvas
from widgets.boards.diagram.board import DiagramCanvas
from widgets.boards.diagram.canvas import StaticCanvas
from widgets.boards.diagram.edits import TOOLS

BLANK = "f(y=5, x=6, k=3, v=4) = Q[y k], K[x k], V[x v]"


def wire(canvas: DiagramCanvas, axis: str, nth: int = 0, column: int | None = None) -> tuple[int, int, int]:
    """Column, row and leg of the nth wire of an axis from the top, in the last column or the one that is named."""
    last = len(canvas.scene["kinds"]) - 1 if column is None else column
    found = [w for w in canvas.scene["wires"] if w[4] == last and w[1] == axis]
    return tuple(sorted(found, key=lambda w: w[0][0][1])[nth][4:7])


def put(canvas: DiagramCanvas, tool: str, *wires: tuple[int, int, int], said: str | None = None) -> None:
    canvas.use(tool)
    if said is not None:
        canvas.say(said)
    for at in wires:
        canvas.pick(*at)
    if canvas.picked:
        canvas.apply()


def runs(code: str, name: str, *arrays):
    """A saved program, run with nothing around it."""
    space: dict = {}
    exec(code, space)
    return space[name](*arrays)


@pytest.fixture
def attention() -> DiagramCanvas:
    """Attention, built wire by wire."""
    canvas = DiagramCanvas(BLANK)
    put(canvas, "contract", wire(canvas, "k", 0), wire(canvas, "k", 1))
    put(canvas, "softmax", wire(canvas, "x", 0))
    put(canvas, "contract", wire(canvas, "x", 0), wire(canvas, "x", 1))
    return canvas


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("f(y=5) = [y] | scale 1e999", "factor 1e999 is too large"),
        ("f(y=5) = [y] | scale 1e308 y^400", "power 400 is not allowed"),
        ("f(y=5) = [y] | scale 1e30 y^20", r"the scale 1e\+30 5\^20 is not allowed"),
        ("f(y=5) = [y] | scale 1e200 | scale 1e200", "the scale .* is not allowed"),
        (f"f(y=5) = [y] | scale {'-' * 3000}5", "expected"),
        (f"f(y=({'-' * 3000}5)) = [y]", "longer than 300"),
        (BLANK + "| copy | drop" * 2000, "26046 characters; the canvas takes 20000"),
    ],
)
def test_a_text_that_asks_too_much_is_refused_and_the_drawing_stays(text, why):
    canvas = DiagramCanvas(BLANK)
    canvas._heard(canvas, {"type": "write", "text": text}, [])
    assert canvas.text == BLANK and re.search(why, canvas.error["message"])
    assert "inf" not in canvas.code and len(canvas.error["message"]) < 300


def test_what_an_operation_is_told_is_short():
    canvas = DiagramCanvas(BLANK)
    canvas.use("linear")
    canvas.say("L" * 100_000)
    assert len(canvas.state["said"]) < 100 and "too many" in canvas.error["message"]


def test_attention_is_built_by_hand_and_is_attention(attention):
    draw = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(*s, generator=draw, dtype=torch.float64) for s in ((5, 3), (6, 3), (6, 4)))
    wanted = torch.nn.functional.scaled_dot_product_attention(q, k, v, scale=1.0)
    assert torch.allclose(runs(attention.code, "f", q, k, v), wanted, atol=1e-12)
    # text, drawing and code are the same diagram
    assert compile(parse(attention.text))(q, k, v).allclose(wanted, atol=1e-12)
    assert [b["name"] for b in attention.scene["boxes"]] == [la.box.name for la in parse(attention.text).layers]
    assert "Q[y k], K[x k], V[x v]" in attention.text, "the inputs keep their names"


@pytest.mark.parametrize("axes", [("y", "x"), ("y", "k")])
def test_wires_of_other_axes_are_refused_whatever_their_size(axes):
    canvas = DiagramCanvas("f(y=6, x=6, k=3) = Q[y k], K[x k]")
    before, scene = canvas.text, canvas.scene
    ends = wire(canvas, axes[0]), wire(canvas, axes[1], -1)
    put(canvas, "contract", *ends)
    assert canvas.text == before and canvas.scene == scene and canvas.state["undo"] == 0
    assert canvas.error["names"] == list(axes)
    assert all(f"{a} (size" in canvas.error["message"] for a in axes)
    at = [[w[0][0][1] for w in scene["wires"] if tuple(w[4:7]) == end][0] for end in ends]
    assert [y for _, y in canvas.error["spots"]] == at, "the two wires are marked where they are"
    canvas.use("copy")
    assert canvas.error == {}


def test_a_size_moves_the_bars_and_says_by_how_much():
    canvas = DiagramCanvas("multihead", x=32, y=32)
    for axis in ("x", "y"):
        canvas.resize(axis, 64)
    grown = {c["cut"]: c["live"] for c in canvas.scene["cuts"]}
    first = cost(architecture("multihead", x=32, y=32)).live
    assert grown == dict(enumerate(cost(architecture("multihead", x=64, y=64)).live))
    # the scores [y h x] alone grow fourfold: cut 8 holds them and the values
    values = 32 * 8 * 4
    assert grown[8] - 2 * values == 4 * (first[8] - values)
    assert grown[0] == 2 * first[0]
    canvas.resize("k", 16)
    canvas.resize("k", 8)
    assert all(c["was"] == c["live"] for c in canvas.scene["cuts"]), "one slider's run is compared with its beginning"
    canvas.resize("k", 16)
    assert {c["was"] for c in canvas.scene["cuts"]} == set(grown.values())


def test_one_run_of_a_slider_is_one_step_to_undo():
    canvas = DiagramCanvas("attention")
    first = canvas.text
    for size in range(21, 30):
        canvas.resize("y", size)
    canvas.resize("x", 7)
    assert canvas.state["undo"] == 2 and "y=29" in canvas.text
    canvas.undo()
    assert "y=29, x=24" in canvas.text
    canvas.undo()
    assert canvas.text == first and canvas.state["undo"] == 0
    canvas.redo()
    canvas.redo()
    assert "y=29, x=7" in canvas.text and canvas.state["redo"] == 0
    canvas.undo()
    with pytest.raises(ValueError, match="x = 0"):
        canvas.resize("x", 0)
    assert canvas.state["undo"] == 1, "what was refused is no step"
    canvas.write(canvas.text + " | copy")
    assert canvas.state["redo"] == 0, "a change after undo begins a new history"


def test_a_softmax_moves_along_its_array_and_not_out_of_it(attention):
    box = next(b for b in attention.scene["boxes"] if b["name"] == "SoftMax")
    rows = {w[1]: tuple(w[5:7]) for w in attention.scene["wires"] if w[4] == box["column"] - 1 and w[5] == 0}
    attention.move(box["id"], box["column"] - 1, *rows["y"])
    assert "softmax y" in attention.text and attention.error == {}
    draw = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(*s, generator=draw, dtype=torch.float64) for s in ((5, 3), (6, 3), (6, 4)))
    assert torch.allclose(runs(attention.code, "f", q, k, v), (q @ k.T).softmax(0) @ v, atol=1e-12)
    attention.nudge(box["id"], 1)
    assert "softmax x" in attention.text
    before = attention.text
    attention.move(box["id"], box["column"] - 1, 1, 0)
    assert attention.text == before and "refused" in attention.error["message"]
    assert attention.error["box"] == box["id"]
    attention.nudge(box["id"], 1)
    assert attention.text == before, "below the last wire there is none"


def test_a_text_that_is_no_diagram_leaves_the_last_good_one(attention):
    before, scene = attention.text, attention.scene
    for bad, words in [
        ("f(y=3", "Line 1, column 6"),
        ("f(y=3, x=3) = [y], [x]\n| add", "Line 2, column 3"),
        ("f(y=3) = [y] | map foo", "foo"),
        ("f(y) = [y]", "size of axis y"),
    ]:
        attention.write(bad)
        assert words in attention.error["message"] and attention.text == before and attention.scene == scene
    attention.write("f(y=3, x=3) = [y], [x]\n| add")
    assert attention.error["names"] == ["y", "x"] and attention.error["line"] == 2
    attention.write("f(y=3) = [y]\n| map relu")
    assert attention.error == {} and attention.text.endswith("relu")
    assert runs(attention.code, "f", torch.tensor([-1.0, 0.0, 2.0])).tolist() == [0, 0, 2]


def test_a_box_that_others_need_cannot_be_taken_away(attention):
    names = [b["name"] for b in attention.scene["boxes"]]
    attention.remove("0")  # the outer product; the contraction after it has nothing to contract then
    assert attention.error["box"] == "1" and [b["name"] for b in attention.scene["boxes"]] == names
    attention.remove("2")  # the softmax: the rest fits without it
    assert attention.error == {} and "softmax" not in attention.text
    attention.remove()
    assert [b["name"] for b in attention.scene["boxes"]] == ["Outer", "Contract", "Outer"]
    for _ in range(3):
        attention.remove()
    assert not attention.scene["boxes"]
    attention.remove()
    assert "nothing to remove" in attention.error["message"]


def test_an_operation_goes_where_its_wires_are_clicked():
    canvas = DiagramCanvas("attention")
    put(canvas, "map", (0, 1, 0), said="tanh")
    assert canvas.error == {} and parse(canvas.text).layers[0].box.name == "Elementwise"
    assert canvas.scene["boxes"][0]["id"] == "0" and parse(canvas.text).layers[0].offset == 1
    # a wire that was clicked early is followed to the column of the other one
    canvas = DiagramCanvas("f(y=5, x=6, k=3, v=4) = Q[y k], K[x k], V[x v] | map relu")
    last = len(canvas.scene["kinds"]) - 1
    put(canvas, "contract", (0, 0, 1), wire(canvas, "k", 1, last))
    assert canvas.error == {} and [b["name"] for b in canvas.scene["boxes"]] == ["Elementwise", "Outer", "Contract"]
    # and one that ends before it cannot be
    canvas = DiagramCanvas("f(y=5, k=3) = Q[y k], [k] | sum k")
    put(canvas, "contract", (0, 0, 1), wire(canvas, "k", 0))
    assert "has ended" in canvas.error["message"]


def test_a_block_is_edited_inside_and_folded():
    canvas = DiagramCanvas("residual_block")
    opened, live = canvas.scene["boxes"], list(cost(architecture("residual_block")).live)
    norm = next(b for b in opened if b["name"] == "Norm")
    put(canvas, "map", (norm["column"] - 1, 0, 0), said="tanh")
    body = parse(canvas.text).layers[1].box.data.body
    assert canvas.error == {} and "tanh" in [getattr(la.box.data, "function", "") for la in body.layers]
    put(canvas, "map", (norm["column"] - 1, 1, 0), said="tanh")
    assert "passes by the block" in canvas.error["message"], "the skip connection is outside"
    canvas.undo()
    canvas.fold("1")
    assert [b["name"] for b in canvas.scene["boxes"]] == ["Copy", "Block", "Add", "Elementwise"]
    assert all(c["live"] == live[c["cut"]] for c in canvas.scene["cuts"])
    assert max(c["live"] for c in canvas.scene["cuts"]) == max(live), "a closed block shows what it holds at most"
    assert sum(w["macs"] for w in canvas.scene["work"]) == cost(architecture("residual_block")).multiply_adds
    canvas.fold("1")
    assert canvas.scene["boxes"] == opened
    canvas.fold_all(True)
    assert len(canvas.scene["boxes"]) == 4


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_box_has_its_place_its_line_and_its_cost(name):
    canvas = DiagramCanvas(name)
    table = cost(architecture(name))
    assert {c["cut"]: c["live"] for c in canvas.scene["cuts"]} == dict(enumerate(table.live))
    assert sum(w["macs"] for w in canvas.scene["work"]) == table.multiply_adds
    width, height = canvas.scene["width"], canvas.scene["height"]
    assert len(canvas.scene["boxes"]) == len(table.columns)
    for box in canvas.scene["boxes"]:
        x, y, w, h = box["at"]
        assert -4 <= x and x + w <= width + 4 and -4 <= y and y + h <= height + 4
        canvas.choose(box["id"])
        assert canvas.opened["title"] and canvas.opened["meaning"] and canvas.opened["work"]
        line = canvas.code.split("\n")[canvas.opened["line"] - 1]
        assert "torch" in canvas.code and (not canvas.opened["torch"] or canvas.opened["torch"] in line)
    spread = {tuple(b["at"]) for b in canvas.scene["boxes"]}
    assert len(spread) == len(canvas.scene["boxes"]), "no box lies on another"


def test_the_formula_of_the_work_is_the_product_of_all_axes(attention):
    attention.choose("1")
    assert "90 multiply-adds" in attention.opened["work"] and set("kxy") <= set(attention.opened["work"])
    assert "einsum" in attention.opened["torch"] and attention.opened["passing"] == ["y", "x"]


def test_the_backward_diagram_is_the_gradient_and_is_not_edited(attention):
    forward = attention.text
    attention.backward(True)
    draw = torch.Generator().manual_seed(2)
    inputs = [torch.randn(*s, generator=draw, dtype=torch.float64) for s in ((5, 3), (6, 3), (6, 4), (5, 4))]
    leaves = [x.clone().requires_grad_() for x in inputs[:3]]
    out = (leaves[0] @ leaves[1].T).softmax(1) @ leaves[2]
    wanted = torch.autograd.grad(out, leaves, inputs[3])
    got = runs(attention.code, "f_backward", *inputs)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(got, wanted, strict=True))
    assert attention.scene["line"] > 0 and "backward" in attention.reading
    shown = attention.text
    for act in (lambda: put(attention, "copy", (0, 0, 0)), attention.remove, lambda: attention.write(forward)):
        act()
        assert "Switch it off" in attention.error["message"] and attention.text == shown
    attention.resize("x", 9)
    assert attention.state["backward"] and "x=9" in attention.text
    attention.undo()
    attention.backward(False)
    assert attention.text == forward and not attention.scene["line"]


def test_data_are_stepped_through(attention):
    attention.step(3)  # after the softmax
    assert attention.state["at"] == 3 and [a["title"][:5] for a in attention.data["arrays"]] == ["[y x]", "[x v]"]
    first = attention.data["arrays"][0]
    levels = np.frombuffer(attention.pixels, np.uint8)[: first["rows"] * first["cols"]].reshape(5, 6)
    assert not first["signed"]
    assert levels.sum(1) / 255 * first["high"] == pytest.approx(np.ones(5), abs=0.02), "each query's row adds up to one"
    attention.step(1)  # between the outer product and the contraction: what fusing leaves out is small enough to show
    assert attention.data["arrays"][0]["title"].startswith("[y k x k]")
    attention.step(99)
    assert attention.state["at"] == 5
    attention.step(-1)
    assert attention.data == {} and attention.pixels == b"" and attention.state["at"] == -1
    attention.resize("x", 5000)
    attention.resize("y", 5000)
    attention.step(3)
    assert "too many" in attention.error["message"] and attention.data == {}


PLACES = {
    "add": [(0, 0, 0), (0, 1, 0)],
    "mul": [(0, 0, 0), (0, 1, 0)],
    "outer": [(0, 0, 0), (0, 2, 0)],
    "swap": [(0, 0, 0), (0, 2, 0)],
    "concat": [(0, 0, 1), (0, 1, 1)],
    "contract": [(0, 0, 0), (0, 2, 0)],
    "diag": [(0, 2, 0), (0, 0, 0)],
    "transpose": [(0, 0, 0), (0, 0, 1)],
    "group": [(0, 0, 0), (0, 0, 1)],
    "norm": [(0, 0, 1)],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_every_operation_of_the_palette_can_be_put_somewhere(tool):
    canvas = DiagramCanvas("f(a=4, b=6) = P[a b], Q[a b], R[a]")
    canvas.use(tool)
    assert bool(canvas.state["ask"]) == bool(canvas.state["said"]), "what is asked has an answer that works"
    put(canvas, tool, *PLACES.get(tool, [(0, 0, 1)]))
    assert canvas.error == {} and canvas.scene["boxes"] and canvas.state["undo"] == 1
    arrays = [torch.randn(*(x.size for x in a.axes), dtype=torch.float64) for a in parse(canvas.text).dom]
    out = compile(parse(canvas.text))(*arrays)
    shapes = [tuple(x.size for x in a.axes) for a in flatten(parse(canvas.text)).cod]
    assert [tuple(t.shape) for t in (out if isinstance(out, tuple) else (out,))] == shapes


@pytest.mark.parametrize(
    ("tool", "said", "words"),
    [
        ("map", "foo", "no function foo"),
        ("scale", "half", "no power"),
        ("index", "9", "9"),
        ("linear", "L: q", "axis q is not declared"),
        ("linear", "L: n=8 8", "not understood"),
        ("star", "p w=99", "size"),
    ],
)
def test_what_a_tool_is_told_is_checked(tool, said, words):
    canvas = DiagramCanvas("f(a=4, b=6) = P[a b]")
    before = canvas.text
    put(canvas, tool, (0, 0, 1), said=said)
    assert words in canvas.error["message"] and canvas.text == before


def test_learned_maps_get_names_of_their_own():
    canvas = DiagramCanvas("f(a=4, b=6) = P[a b]")
    put(canvas, "linear", (0, 0, 1))
    put(canvas, "linear", wire(canvas, "n"), said="M+: b")
    put(canvas, "linear", wire(canvas, "b"))
    assert [n for n in compile(parse(canvas.text)).learned] == ["L", "M", "M_bias", "L2"]


def test_messages_of_the_page_do_what_the_methods_do_and_are_answered():
    canvas, told = DiagramCanvas(BLANK), []
    canvas.send = lambda content, buffers=None: told.append(content)
    for message in [
        {"type": "use", "tool": "contract"},
        {"type": "pick", "column": 0, "row": 0, "leg": 1},
        {"type": "pick", "column": 0, "row": 1, "leg": 1},
        {"type": "choose", "box": "1"},
        {"type": "resize", "axis": "k", "size": 9},
        {"type": "step", "cut": 1},
        {"type": "backward", "on": True},
        {"type": "backward", "on": False},
        {"type": "nonsense"},
    ]:
        canvas._heard(canvas, message, [])
    assert "k=9" in canvas.text and "contract" in canvas.text and canvas.error == {}
    assert told.count({"type": "done"}) == 8
    canvas._heard(canvas, {"type": "resize", "axis": "k", "size": 0}, [])
    assert "k = 0 is not allowed" in canvas.error["message"]
    canvas._heard(canvas, {"type": "choose", "box": "17"}, [])
    assert "not there any more" in canvas.error["message"], "a click on a drawing that has changed"
    canvas._heard(canvas, {"type": "load", "name": "foo"}, [])
    assert "name = 'foo' is not allowed" in canvas.error["message"]


def test_what_cannot_be_a_canvas_is_refused():
    for make, words in [
        (lambda: DiagramCanvas("f(y=3"), "Line 1"),
        (lambda: DiagramCanvas("attention", q=3), "q = 3 is not allowed"),
        (lambda: DiagramCanvas("attention", y=0), "y would have size 0"),
        (lambda: DiagramCanvas("attention").use("foo"), "tool = 'foo' is not allowed"),
    ]:
        with pytest.raises(ValueError, match=words):
            make()


def test_without_a_front_end_it_is_a_picture_and_a_sentence(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "static")
    made = diagram_canvas("attention", x=9)
    assert isinstance(made, StaticCanvas)
    bundle = made._repr_mimebundle_()
    assert "<svg" in bundle["text/html"] and "einsum" in bundle["text/html"]
    assert "multiply-adds" in bundle["text/plain"] and bundle["text/plain"].endswith(".")
    monkeypatch.setenv("LABCORE_FRONTEND", "live")
    assert isinstance(diagram_canvas("attention"), DiagramCanvas)


def test_sixty_columns_follow_a_size():
    canvas = DiagramCanvas("f(x=8, m=16) = [x m]" + " | copy | map relu | add" * 20)
    before = canvas.scene
    canvas.resize("x", 9)
    assert len(canvas.scene["boxes"]) == len(before["boxes"]) == 60 and canvas.scene != before


PIXELS = """pixels(y=3, x=2, p=[y x], c=4, k=3) = [p c]
| repeat n 1 3: [p c] {
    | copy | norm c | linear Q: c -> k | map tanh | linear O: k -> c | add
}
| softmax p"""


def test_double_lines_and_repetitions_are_in_hand():
    canvas = DiagramCanvas(PIXELS)
    (fence,) = canvas.scene["fences"]
    assert (fence["box"], fence["name"], fence["folded"]) == ("0", "(n = 1 … 3)", False)
    cuts = [c["cut"] for c in canvas.scene["cuts"]]
    assert cuts == [*range(7), 18, 19]  # of the first turn, and what stands behind the last
    for cut in cuts:
        canvas.step(cut)
    canvas.choose("0.2")
    assert canvas.opened["line"] == next(n for n, line in enumerate(canvas.code.split("\n"), 1) if "Q_1)" in line)
    canvas.fold("0")
    assert canvas.scene["fences"][0]["folded"]
    canvas.fold("0")
    canvas.resize("y", 5)
    assert parse(canvas.text).dom[0][0].size == 10
    before = cost(parse(canvas.text)).parameters
    canvas.write(canvas.text.replace("repeat n", "repeat shared n"))
    assert 3 * cost(parse(canvas.text)).parameters == before
    canvas.remove("0.3")
    assert "tanh" not in canvas.text and "repeat shared n 1 3" in canvas.text
    canvas.backward(True)
    assert canvas.scene["line"] > 0
