"""Boxes and their types: what meets what, what is refused, what passes by; what that means for the numbers."""

from __future__ import annotations

import pytest

from labcore.diagrams import Axis, AxisError, architecture, compile, parse
from labcore.diagrams.architectures import ARCHITECTURES
from labcore.diagrams.boxes import (
    Add,
    Concat,
    Contract,
    Copy,
    Diag,
    Index,
    Insert,
    Linear,
    Norm,
    Outer,
    Place,
    Slice,
    SoftMax,
    Split,
    Star,
    StarTransposed,
    SwapArrays,
    Transpose,
    plan,
)
from labcore.diagrams.checks import draw
from tests.circuits.building import array, composed

X, Y, K, H = Axis("x", 4), Axis("y", 4), Axis("k", 4), Axis("h", 4)
W = Axis("w", 3)


def test_axes_of_equal_size_and_different_names_never_meet():
    for op in (Contract(0, 1), Diag(1, 2), Contract(0, 2)):
        with pytest.raises(AxisError) as error:
            composed((array(Y, K, X),), op)
        message = str(error.value)
        assert "Column 1" in message and "different axes" in message
        assert all(a.name in message for a in error.value.axes) and len(error.value.axes) == 2
        assert error.value.legs == ((0, op.i), (0, op.j))
    assert composed((array(Y, K, Y),), Contract(0, 2)).cod == (array(K),)


def test_axes_of_one_name_and_different_sizes_never_meet():
    with pytest.raises(AxisError, match="x \\(size 4\\) and x \\(size 5\\)"):
        composed((array(X, Axis("x", 5)),), Contract(0, 1))


@pytest.mark.parametrize(
    ("arrays", "op", "says"),
    [
        ([array(X, K), array(Y, K)], Add(), "axis 1 of \\[y k\\] is y"),
        ([array(X, K), array(X)], Add(), "is wanted"),
        ([array(X, K), array(Y, H)], Concat(0, "z"), "axis 2"),
        ([array(X)], Contract(0, 0), "named twice"),
        ([array(X)], SoftMax(1), "there is no axis 2"),
        ([array(X)], SoftMax(-1), "there is no axis 0"),
        ([array(X)], Index(0, 4), "no index 4"),
        ([array(X)], Place(2, K, 0), "position 3"),
        ([array(X)], Split(0, (Axis("a", 3), Axis("b", 2))), "cannot be split"),
        ([array(X)], Slice(0, Axis("z", 3), 2), "does not fit"),
        ([array(X)], Insert(0, Axis("z", 5), 2), "does not fit"),
        ([array(X)], Star(0, "p", Axis("w", 5)), "does not fit"),
        ([array(X)], Star(0, "p", W, stride=0), "stride"),
        ([array(X, W)], StarTransposed(0, 1, Axis("z", 9)), "7 positions"),
        ([array(X)], Transpose((0, 0)), "not an order"),
        ([array(X)], Linear("L", (0,), (K,), (0,)), "twice"),
        ([array(X)], SwapArrays((1, 0)), "needs 2 arrays"),
        ([array(X)], Norm((1,)), "there is no axis"),
    ],
)
def test_what_does_not_fit_is_refused(arrays, op, says):
    with pytest.raises(AxisError, match=says):
        composed(tuple(arrays), op)


def test_column_of_an_error_counts_from_the_beginning():
    with pytest.raises(AxisError, match="Column 3, SoftMax on row 2") as error:
        composed((array(X, K), array(Y)), Copy(), (Outer(), 1), (SoftMax(7), 1))
    assert (error.value.column, error.value.row) == (2, 1)


def test_wires_that_a_box_does_not_name_pass_by():
    d = composed((array(Y, K, X),), SoftMax(1))
    p = plan(d.layers[0].box)
    assert p.passing() == {(0, 0): (0, 0), (0, 2): (0, 2)}
    assert p.touched() == ([(0, 1)], [(0, 1)])
    p = plan(composed((array(Y, K), array(X)), Outer()).layers[0].box)
    assert p.passing() == {(0, 0): (0, 0), (0, 1): (0, 1), (1, 0): (0, 2)} and p.touched() == ([], [])
    p = plan(composed((array(Y, K, X),), Linear("L", (1,), (H, W))).layers[0].box)
    assert p.passing() == {(0, 0): (0, 0), (0, 2): (0, 3)} and p.touched()[1] == [(0, 1), (0, 2)]


HEAD = "f(x=5, k=4, w=3, h=2, y=6, z=12, c=3) = "
STEPS = [
    "[x k], [x] | outer",
    "[x w x] | contract x#1 x#2",
    "[x w x] | diag x#1 x#2",
    "[x w x] | diag x#2 x#1",
    "[x k] | spread x",
    "[x k] | sum k",
    "[x k] | mean x",
    "[x k] | scale 2 k^-1/2",
    "[x k] | linear A: k -> y h",
    "[x k w] | linear+ A: w x -> y",
    "[x k w] | linear^T A: w -> y each x",
    "[x k] | linear A: -> each x",
    "[x k] | bias B: k x",
    "[x k] | map gelu",
    "[x k] | softmax x",
    "[x k w] | norm x w",
    "[x k] | max k",
    "[x k] | largest x",
    "[x k w] | deviation w x",
    "[x k w] | group k w -> z",
    "[x z] | split z -> k w",
    "[x k] | index k 2",
    "[x k] | slice x -> w from 1",
    "[w k] | insert w -> x from 1",
    "[x k] | star x -> p w stride 2 pad 1",
    "[w k x] | star^T x w -> z stride 2",
    "[x k], [x k] | add",
    "[x k], [x k] | mul",
    "[x k], [x w] | concat k -> z",
    "[x k] | copy | mul",
    "[x k] | block b 1 { | softmax k | linear A: k -> k }",
]


@pytest.mark.parametrize("step", STEPS)
def test_index_before_is_index_after(step):
    """A wire that passes by, wherever it stands: choosing an index of it commutes with the operation."""
    arrays, _, rest = step.partition(" | ")
    dom = [a.strip("[]").split() for a in arrays.split(", ")]
    module = compile(parse(HEAD + step))
    for place in range(len(dom[0]) + 1):
        if rest.startswith("group") and place == 2:
            continue  # between the wires that become one
        wide = [[*a[:place], "c", *a[place:]] if not n or rest != "outer" else a for n, a in enumerate(dom)]
        d = parse(f"{HEAD}{', '.join('[' + ' '.join(a) + ']' for a in wide)} | {rest}")
        many, inputs = compile(d), draw(d, place)
        many.learned = module.learned
        out, at = many(*inputs), [axis.name for axis in d.cod[0].axes].index("c")
        for j in range(3):
            one = module(*(x.select(place, j) if "c" in a else x for x, a in zip(inputs, wide, strict=True)))
            assert (one - out.select(at, j)).abs().max() < 1e-12


def test_index_commutes_with_attention_as_diagrams():
    """The law itself, as two diagrams: Index(c, j) ; G against G*c ; Index(c, j)."""
    d = architecture("attention")
    wide = parse(ARCHITECTURES["attention"].replace("v=8", "v=8, c=3").replace("[x k]", "[x k c]"))
    at = [axis.name for axis in wide.cod[0].axes].index("c")
    for j in range(3):
        before = composed(wide.dom, (Index(2, j), 1)) >> d
        after = wide >> composed(wide.cod, Index(at, j))
        assert before.cod == after.cod
        inputs = draw(wide, j)
        assert (compile(before)(*inputs) - compile(after)(*inputs)).abs().max() < 1e-14
