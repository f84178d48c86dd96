"""Double lines: several axes as one wire mean what the axes mean one by one, in every reading of a diagram."""

from __future__ import annotations

import pytest
import torch

from labcore.diagrams import Axis, AxisError, TextError, backprop, cost, layout, parse, write
from labcore.diagrams.axes import symbol
from labcore.diagrams.boxes import Bundle, Contract, Group, Split
from labcore.diagrams.checks import difference, draw
from labcore.diagrams.code import compile
from labcore.diagrams.read_back import read_back
from labcore.diagrams.scene import DOUBLE
from tests.circuits.building import array, composed

Y, X, C = Axis("y", 3), Axis("x", 4), Axis("c", 2)
P = Axis.of("p", (Y, X))
PIXELS = """pixels(y=3, x=4, p=[y x], c=2, k=5) = [c p]
| copy | copy @2 | linear Q: c -> k | linear K: c -> k @2 | linear V: c -> k @3
| contract k: (1.k, 2.k) | scale k^-1/2 | softmax p#2 | contract p: (.p#2, 2.p)"""


@pytest.mark.parametrize(
    ("double", "single"),
    [
        ("[c p] | sum p", "[c y x] | sum y | sum x"),
        ("[c p] | mean p", "[c y x] | mean y | mean x"),
        ("[c p] | max p", "[c y x] | max x | max y"),
        ("[c p] | norm p | sum p", "[c y x] | norm y x | sum y | sum x"),
        ("A[c p], B[p] | contract p: (A.p, B.p)", "A[c y x], B[y x] | outer | contract y#1 y#2 | contract x#1 x#2"),
        ("A[p], B[p] | diag p: (A.p, B.p) | split p -> y x", "A[y x], B[y x] | outer | diag y#1 y#2 | diag x#1 x#2"),
        ("[c p] | split p -> y x", "[c y x]"),
        ("[c p] | linear L: c -> k | split p -> y x", "[c y x] | linear L: c -> k"),
    ],
)  # fmt: skip
def test_a_double_line_is_all_its_axes(double, single):
    head = "(y=3, x=4, p=[y x], c=2, k=5) = "
    one, other = parse("f" + head + double), parse("f" + head + single)
    inputs = draw(other, 0)
    flat = [x.reshape([a.size for a in array.axes]) for x, array in zip(inputs, one.dom, strict=True)]
    first, second = compile(one, 1), compile(other, 1)
    assert torch.allclose(first(*flat), second(*inputs), atol=1e-12)
    assert cost(one).multiply_adds == cost(other).multiply_adds


def test_a_softmax_on_a_double_line_is_over_all_pixels_at_once():
    d = composed((array(C, Y, X),), Bundle(1, 2, "p"))
    (x,) = draw(d, 0)
    soft = compile(parse("f(y=3, x=4, c=2) = [c y x] | bundle y x -> p | softmax p | split p -> y x"))(x)
    assert torch.allclose(soft, torch.softmax(x.flatten(1), 1).view_as(x))
    assert torch.allclose(soft.sum((1, 2)), torch.ones(2, dtype=torch.float64))


def test_there_and_back_is_nothing():
    there, back = Bundle(1, 2, "p"), Split(1, (Y, X))
    nothing = composed((array(C, Y, X),))
    assert difference(composed((array(C, Y, X),), there, back), nothing, 0) == 0
    assert composed((array(C, P),), back, there).cod == (array(C, P),)
    # a group forgets its axes, a bundle does not
    assert composed((array(C, Y, X),), Group(1, 2, "p")).cod != composed((array(C, Y, X),), there).cod


def test_what_does_not_fit_is_refused():
    swapped = Axis.of("p", (X, Y))
    with pytest.raises(AxisError, match=r"p \[x.* and p \[y.*"):
        composed((array(swapped, P),), Contract(0, 1))
    for wrong in ((X, Y), (Axis("a", 6), Axis("b", 2))):
        with pytest.raises(AxisError, match="is not"):
            composed((array(C, P),), Split(1, wrong))
    with pytest.raises(AxisError, match="must stand for two"):
        composed((array(C, Y),), Bundle(1, 1, "p"))
    with pytest.raises(AxisError, match="single axes"):
        composed((array(C, P),), Bundle(0, 2, "q"))
    with pytest.raises(AxisError, match="size 11 is not"):
        Axis("p", 11, (Y, X))
    with pytest.raises(TextError, match="size of its parts"):
        parse("f(y=3, x=4, p=[y x]) = [p]", p=5)


def test_text_and_sizes():
    d = parse(PIXELS)
    assert parse(write(d, "pixels")) == d
    assert parse(PIXELS, y=6).dom[0][1] == Axis.of("p", (Axis("y", 6), X))
    free = parse("f(y, x, p=[y x]) = [p]")
    assert free.dom[0][0].size == symbol("y") * symbol("x") and parse(write(free)) == free
    assert parse(write(backprop(d))) == backprop(d)


def test_it_is_drawn_double_and_read_back():
    for d in (parse(PIXELS), backprop(parse(PIXELS)), parse("f(y, x, p=[y x]) = [p] | sum p")):
        scene = layout(d)
        assert {w.double for w in scene.wires if w.axis == "p"} == {True}
        assert not any(w.double for w in scene.wires if w.axis != "p")
        assert read_back(scene) == d
    (wire,) = layout(parse("f(y=3, x=4, p=[y x]) = [p]")).wires
    svg = layout(parse("f(y=3, x=4, p=[y x]) = [p]")).to_svg()
    heights = [f"{wire.points[0][1] + s:g}" for s in (-DOUBLE, DOUBLE)]
    assert all(height in svg for height in heights) and svg.count('class="ncd-wire"') == 2


def test_pixels_attend_to_pixels():
    d = parse(PIXELS)
    module, (x,) = compile(d, 0), draw(d, 0)
    q, k, v = (torch.einsum("kc,cp->pk", module.learned[n], x) for n in "QKV")
    wanted = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    assert torch.allclose(module(x), wanted if module(x).shape == wanted.shape else wanted.T, atol=1e-12)
