"""The gradient rules of the operations that are no einsum, each as boxes on named rows (`backprop.Rows`)."""

from __future__ import annotations

from labcore.diagrams.axes import Array
from labcore.diagrams.boxes import (
    Add,
    Bias,
    Bundle,
    Concat,
    Deviation,
    Drop,
    Elementwise,
    Group,
    Index,
    Insert,
    Largest,
    Max,
    Mean,
    Mul,
    Norm,
    Place,
    Scale,
    Slice,
    SoftMax,
    Split,
    Star,
    StarTransposed,
    Sum,
    Transpose,
    Zero,
)
from labcore.diagrams.fuse import Node
from labcore.diagrams.rows import Rows, Tag


def gradient(rows: Rows, node: Node, dom: list[Array]) -> None:
    """Put the boxes that turn the gradient of what leaves a step into that of what enters it.

    Raises ValueError for an operation without a rule.
    """
    g = ("grad", node.outs[0])
    x, *more = [("grad", n) for n in node.ins] or [g]
    a, i = dom[0] if dom else Array(), getattr(node.op, "i", 0)
    match node.op:
        case Elementwise(function, False):
            kept = ("kept", node.ins[0])
            rows.do(Elementwise(function, True), [kept], [kept])
            rows.do(Mul(), [kept, g], [x])
        case SoftMax():
            _softmax(rows, ("made", node.outs[0]), g, x, a, i)
        case Norm(positions):
            _norm(rows, ("kept", node.ins[0]), g, x, a, positions)
        case Max():
            kept = ("kept", node.ins[0])
            rows.do(Largest(i), [kept], [kept])
            rows.like(g, a, (i,))
            rows.do(Mul(), [kept, g], [x])
        case Mul():
            one, two = (("kept", n) for n in node.ins)
            rows.copy(g, ("left", 0), ("right", 0))
            rows.do(Mul(), [two, ("left", 0)], [x])
            rows.do(Mul(), [one, ("right", 0)], more)
        case Add():
            rows.copy(g, x, *more)
        case Bias(name, positions):
            rows.copy(g, ("bias", name), x)
            rows.einsum({("bias", name): tuple(range(len(a)))}, positions, dict(enumerate(a.axes)), ("bias", name))
            rows.collect(("bias", name))
        case Group(_, count) | Bundle(_, count):
            rows.do(Split(i, a.axes[i : i + count]), [g], [x])
        case Split(_, axes):
            joined = Bundle if a[i].parts else Group
            rows.do(joined(i, len(axes), a[i].name), [g], [x])
        case Index(_, index):
            rows.do(Place(i, a[i], index), [g], [x])
        case Place(_, _, index):
            rows.do(Index(i, index), [g], [x])
        case Slice(_, _, start):
            rows.do(Insert(i, a[i], start), [g], [x])
        case Insert(_, _, start):
            rows.do(Slice(i, a[i], start), [g], [x])
        case Star(_, _, _, stride, dilation, pad):
            rows.do(StarTransposed(i, i + 1, a[i], stride, dilation, pad), [g], [x])
        case StarTransposed(_, j, _, stride, dilation, pad):
            at = i - (j < i)
            rows.do(Star(at, a[i].name, a[j], stride, dilation, pad), [g], [x])
            order = [p for p in range(len(a)) if p != at + 1]
            order.insert(j, at + 1)
            if order != sorted(order):
                rows.do(Transpose(tuple(order)), [x], [x])
        case Concat():
            rows.copy(g, x, *more)
            rows.do(Slice(i, a[i], 0), [x], [x])
            rows.do(Slice(i, dom[1][i], a[i].size), more, more)
        case Zero():
            rows.do(Drop(), [g], [])
        case _:
            raise ValueError(f"operation = {type(node.op).__name__} is not allowed here; it has no gradient rule")


def _softmax(rows: Rows, s: Tag, g: Tag, x: Tag, a: Array, i: int) -> None:
    """x' = t - s sum(t) with t = s g, where s is what the softmax gave."""
    rows.copy(s, ("s", 0), ("s", 1))
    rows.do(Mul(), [("s", 0), g], [("t", 0)])
    rows.copy(("t", 0), ("t", 0), ("t", 1))
    rows.do(Sum(i), [("t", 1)], [("t", 1)])
    rows.like(("t", 1), a, (i,))
    rows.do(Mul(), [("s", 1), ("t", 1)], [("t", 1)])
    _subtract(rows, ("t", 0), ("t", 1), x)


def _norm(rows: Rows, kept: Tag, g: Tag, x: Tag, a: Array, positions: tuple[int, ...]) -> None:
    """x' = r (g - mean(g) - y mean(g y)), where y is the normalised array and r one over its deviation."""
    rows.copy(kept, ("y", 0), ("r", 0))
    rows.do(Norm(positions), [("y", 0)], [("y", 0)])
    rows.do(Deviation(positions), [("r", 0)], [("r", 0)])
    rows.copy(("y", 0), ("y", 0), ("y", 1))
    rows.copy(g, ("g", 0), ("g", 1), ("g", 2))
    rows.do(Mul(), [("y", 0), ("g", 2)], [("g", 2)])
    for tag in (("g", 1), ("g", 2)):
        for p in sorted(positions, reverse=True):
            rows.do(Mean(p), [tag], [tag])
        rows.like(tag, a, positions)
    rows.do(Mul(), [("y", 1), ("g", 2)], [("g", 2)])
    rows.do(Add(), [("g", 1), ("g", 2)], [("g", 1)])
    _subtract(rows, ("g", 0), ("g", 1), x)
    rows.like(("r", 0), a, positions)
    rows.do(Mul(), [("r", 0), x], [x])


def _subtract(rows: Rows, one: Tag, two: Tag, new: Tag) -> None:
    rows.do(Scale(-1.0), [two], [two])
    rows.do(Add(), [one, two], [new])
