"""Repetitions: what runs again and again is its turns one after the other, in every reading of a diagram."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from labcore.diagrams import AxisError, TextError, backprop, compile, cost, layout, parse, write
from labcore.diagrams.boxes import Repeat, flatten
from labcore.diagrams.checks import difference, draw, gradients
from labcore.diagrams.laws import applicable
from labcore.diagrams.read_back import read_back

DEEP = """deep(x=5, k=3) = [x k]
| repeat n 1 4: [x k] {
    | copy | linear+ L: k -> k | map tanh | add
}
| softmax x"""
SHARED = DEEP.replace("repeat n", "repeat shared n")
WIDER = """wider(x=5) = [x c=2]
| repeat n 1 3: [x c=(2*n)] {
    | linear L: c -> c=(2*n + 2) | map relu
}"""


def spelled_out(turns, shared):
    steps = [f"| copy | linear+ L{'' if shared else f'_{n}'}: k -> k | map tanh | add" for n in turns]
    return parse("\n".join(["f(x=5, k=3) = [x k]", *steps, "| softmax x"]))


@pytest.mark.parametrize(("text", "shared"), [(DEEP, False), (SHARED, True)])
def test_it_is_its_turns_one_after_the_other(text, shared):
    d, flat = parse(text), spelled_out(range(1, 5), shared)
    assert flatten(d) == flat
    assert list(compile(d).learned) == list(compile(flat).learned) and difference(d, flat, 0) == 0
    names = ["L", "L_bias"] if shared else [n for k in range(1, 5) for n in (f"L_{k}", f"L_{k}_bias")]
    assert list(compile(d).learned) == names
    assert cost(d).multiply_adds == 4 * 5 * 3 * 3 and cost(d).parameters == (1 if shared else 4) * 12
    assert cost(d).live == cost(flat).live


@pytest.mark.parametrize("text", [DEEP, SHARED, WIDER])
def test_gradients_are_autograd_s(text):
    d = parse(text)
    wrong, _ = gradients(d, draw(d, 0), 0)
    assert wrong < 1e-9


def test_it_is_torch_with_a_loop():
    d = parse(SHARED)
    module, (x,) = compile(d, 2), draw(d, 2)
    out = x
    for _ in range(4):
        out = out + torch.tanh(out @ module.learned["L"].T + module.learned["L_bias"])
    assert torch.allclose(module(x), out.softmax(0), atol=1e-12)


def test_sizes_may_depend_on_the_turn():
    d = parse(WIDER)
    assert [a.size for a in d.cod[0].axes] == [5, 8] and d.layers[0].box.data.varies
    assert cost(d).multiply_adds == 5 * sum(2 * n * (2 * n + 2) for n in (1, 2, 3))
    assert [tuple(w.shape) for w in compile(d).learned.values()] == [(4, 2), (6, 4), (8, 6)]
    assert not parse(DEEP).layers[0].box.data.varies


@pytest.mark.parametrize("text", [DEEP, SHARED, WIDER, DEEP.replace("1 4", "0 0")])
def test_text_round_trip(text):
    d = parse(text)
    assert parse(write(d)) == d and write(parse(write(d))) == write(d)
    assert parse(write(backprop(d))) == backprop(d)


def test_the_drawing_has_parentheses_with_the_range_and_is_read_back():
    for text in (DEEP, SHARED):
        d = parse(text)
        scene = layout(d)
        assert read_back(dataclasses.replace(scene)) == d
        (fence,) = scene.fences
        assert fence.name == "(n = 1 … 4)" + " shared" * (text is SHARED) and not fence.folded
        assert scene.to_svg().count("ncd-paren") == 1 + 2  # in the style, and a left and a right one
        # drawn once, not four times
        assert sum(m.kind == "letter" for m in scene.marks) == 1
        assert layout(d, "all").fences[0].folded
    scene = layout(parse(WIDER))
    assert scene.fences[0].folded and "n = 1 … 3" in scene.to_svg()
    with pytest.raises(ValueError, match="folded"):
        read_back(scene)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (
            "f(x=5) = [x c=2] | repeat n 1 3: [x c=(2*n)] { | linear L: c -> c=(3*n) }",
            TextError,
            "does not fit the next",
        ),
        ("f(x=5) = [x c=3] | repeat n 1 3: [x c=(2*n)] { | linear L: c -> c=(2*n + 2) }", TextError, "does not fit"),
        ("f(x=5) = [x] | repeat n 3 1: [x] { | map tanh }", TextError, "there must be a turn"),
        ("f(x=5) = [x] | repeat n -1 3: [x] { | map tanh }", TextError, "from 0 on"),
        ("f(x=5) = [x] | repeat x 1 3: [x] { | map tanh }", TextError, "already the name of an axis"),
        ("f(x=5) = [x] | repeat n 1 3: [x] { | copy }", TextError, "does not fit the next"),
    ],
)
def test_turns_that_do_not_fit_are_refused(text, error, says):
    with pytest.raises(error, match=says):
        parse(text)


def test_one_turn_may_end_in_anything():
    d = parse("f(x=5, k=3) = [x k] | repeat n 2 2: [x k] { | sum x }")
    assert [len(a) for a in d.cod] == [1] and isinstance(d.layers[0].box.data, Repeat)
    with pytest.raises(AxisError, match="there must be a turn"):
        dataclasses.replace(d.layers[0].box.data, high=1)


def test_repetitions_nest_and_stand_in_blocks():
    text = """f(x=4, k=3) = [x k]
    | block outer 1 {
        | repeat a 1 2: [x k] {
            | repeat b 1 3: [x k] { | linear L: k -> k | map tanh }
            | softmax k
        }
    }"""
    d = parse(text)
    assert list(compile(d).learned) == [f"L_{a}_{b}" for a in (1, 2) for b in (1, 2, 3)]
    assert parse(write(d)) == d and read_back(layout(d)) == d
    assert applicable(d, "slide") == [] and gradients(d, draw(d, 0), 0)[0] < 1e-9
