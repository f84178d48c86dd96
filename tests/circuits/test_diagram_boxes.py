"""Boxes and their types: what meets what, what is refused, what passes by; diagrams of whole arrays; broadcasting."""

from __future__ import annotations

import itertools

import pytest
import torch

from labcore.diagrams.architectures import ARCHITECTURES, architecture
from labcore.diagrams.boxes import (
    Add,
    Axis,
    AxisError,
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
    array,
    plan,
    start,
    then,
)
from labcore.diagrams.broadcast import broadcast
from labcore.diagrams.checks import draw
from labcore.diagrams.code import compile

X, Y, K, H = Axis("x", 4), Axis("y", 4), Axis("k", 4), Axis("h", 4)
W = Axis("w", 3)


def test_axes_of_equal_size_and_different_names_never_meet():
    d = start(array(Y, K, X))
    for op in (Contract(0, 1), Diag(1, 2), Contract(0, 2)):
        with pytest.raises(AxisError) as error:
            then(d, op)
        message = str(error.value)
        assert "Column 1" in message and "different axes" in message
        assert all(a.name in message for a in error.value.axes) and len(error.value.axes) == 2
        assert error.value.legs == ((0, op.i), (0, op.j))
    assert then(start(array(Y, K, Y)), Contract(0, 2)).cod == (array(K),)


def test_axes_of_one_name_and_different_sizes_never_meet():
    with pytest.raises(AxisError, match="x \\(size 4\\) and x \\(size 5\\)"):
        then(start(array(X, Axis("x", 5))), Contract(0, 1))


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
        then(start(*arrays), op)


def test_column_of_an_error_counts_from_the_beginning():
    d = then(then(start(array(X, K), array(Y)), Copy()), Outer(), 1)
    with pytest.raises(AxisError, match="Column 3, SoftMax on row 2") as error:
        then(d, SoftMax(7), 1)
    assert (error.value.column, error.value.row) == (2, 1)


def test_wires_that_a_box_does_not_name_pass_by():
    d = then(start(array(Y, K, X)), SoftMax(1))
    p = plan(d.layers[0].box)
    assert p.passing() == {(0, 0): (0, 0), (0, 2): (0, 2)}
    assert p.touched() == ([(0, 1)], [(0, 1)])
    p = plan(then(start(array(Y, K), array(X)), Outer()).layers[0].box)
    assert p.passing() == {(0, 0): (0, 0), (0, 1): (0, 1), (1, 0): (0, 2)} and p.touched() == ([], [])
    p = plan(then(start(array(Y, K, X)), Linear("L", (1,), (H, W))).layers[0].box)
    assert p.passing() == {(0, 0): (0, 0), (0, 2): (0, 3)} and p.touched()[1] == [(0, 1), (0, 2)]


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_index_before_is_index_after(name, left):
    d, c = architecture(name), Axis("c", 3)
    module = compile(d)
    sets = [set(s) for n in range(1, len(d.dom) + 1) for s in itertools.combinations(range(len(d.dom)), n)]
    for chosen in sets:
        wide = broadcast(d, c, chosen, left)
        many = compile(wide)
        many.learned = module.learned
        inputs = draw(wide, 0)
        dim = 0 if left else -1
        with torch.no_grad():
            out = many(*inputs)
            dims = tuple(dim if n in chosen else None for n in range(len(inputs)))
            mapped = torch.func.vmap(lambda *a: module(*a), in_dims=dims, out_dims=dim)(*inputs)
            for j in range(c.size):
                one = module(*(x.select(dim, j) if n in chosen else x for n, x in enumerate(inputs)))
                assert (one - out.select(dim, j)).abs().max() < 1e-12 * max(1, one.abs().max())
        assert (out - mapped).abs().max() < 1e-12 * max(1, out.abs().max())


def test_index_commutes_with_broadcast_as_diagrams():
    """The law itself, as two diagrams: Index(c, j) ; G against G*c ; Index(c, j)."""
    d, c = architecture("attention"), Axis("c", 3)
    wide = broadcast(d, c, {1})
    for j in range(3):
        before = start(*wide.dom)
        before = then(before, Index(2, j), 1) >> d
        after = then(wide, Index(len(d.cod[0]), j))
        inputs = draw(wide, j)
        assert (compile(before)(*inputs) - compile(after)(*inputs)).abs().max() < 1e-14


def test_broadcast_refuses_inputs_that_are_not_there():
    for inputs in ({3}, set(), {-1}):
        with pytest.raises(ValueError, match="inputs"):
            broadcast(architecture("attention"), Axis("c", 3), inputs)
