"""Broadcasting as an operation on diagrams: every array, or every array that depends on some inputs, gains an axis.

    G : A1, .., An -> B1, .., Bm        becomes        G*c : A1 c, .., An c -> B1 c, .., Bm c

It is defined by "index before = index after": choosing an index of c and then doing G is doing G*c and then choosing
it, for every index. With `inputs`, only these inputs gain the axis and the others are used again for every index.
"""

from __future__ import annotations

from dataclasses import fields, replace

from labcore.diagrams.axes import Array, Axis
from labcore.diagrams.boxes import (
    Add,
    Block,
    Concat,
    Diag,
    Diagram,
    Linear,
    Mul,
    Ones,
    Operation,
    Outer,
    Sketch,
    SwapArrays,
    Transpose,
)


def broadcast(diagram: Diagram, axis: Axis, inputs: set[int] | None = None, left: bool = False) -> Diagram:
    """The diagram with one more axis, below the old ones or, with `left`, above them.

    inputs: the input arrays (from 0) that gain it; all when left out. Every output gains it.
    Raises ValueError for an input that does not exist, or for no input at all.
    """
    count = len(diagram.dom)
    chosen = set(range(count)) if inputs is None else set(inputs)
    if not chosen or not chosen <= set(range(count)):
        raise ValueError(f"inputs = {sorted(chosen)} is not allowed; it must name some of the {count} inputs, from 0")
    has = [n in chosen for n in range(count)]
    sketch = Sketch(tuple(_wider(a, axis, left) if h else a for a, h in zip(diagram.dom, has)))
    for layer in diagram.layers:
        op, row, n = layer.box.data, layer.offset, len(layer.box.dom)
        mine = has[row : row + n]
        if any(mine):
            _one(sketch, op, row, layer.box.dom, mine, axis, left)
        else:
            sketch.do(op, row)
        outs = [any(mine)] * len(layer.box.cod)
        has[row : row + n] = [mine[k] for k in op.order] if isinstance(op, SwapArrays) else outs
    for row, done in enumerate(has):
        if not done:
            _gain(sketch, row, axis, left)
    return sketch.diagram


def _wider(a: Array, axis: Axis, left: bool) -> Array:
    return Array((axis, *a.axes) if left else (*a.axes, axis))


def _gain(sketch: Sketch, row: int, axis: Axis, left: bool) -> None:
    """Give the array in this row the axis: the same array for every index."""
    sketch.do(Ones(axis), row if left else row + 1)
    sketch.do(Outer(), row)


def _one(
    sketch: Sketch, op: Operation, row: int, dom: tuple[Array, ...], has: list[bool], axis: Axis, left: bool
) -> None:
    """One box, some of whose arrays have gained the axis."""
    if isinstance(op, Block):
        body = broadcast(op.body, axis, {n for n, h in enumerate(has) if h}, left)
        sketch.do(Block(op.name, body), row)
    elif isinstance(op, SwapArrays):
        sketch.do(op, row)
    elif isinstance(op, Outer):
        _outer(sketch, row, len(dom[0]), len(dom[1]), has, left)
    else:
        if isinstance(op, Add | Mul | Concat):
            for n, done in enumerate(has):
                if not done:
                    _gain(sketch, row + n, axis, left)
        sketch.do(_moved(op, len(dom[0]), left), row)
        if isinstance(op, Linear) and not op.ins and op.outs and not left:
            old, new = len(dom[0]), len(op.outs)
            sketch.do(Transpose((*range(old), *range(old + 1, old + 1 + new), old)), row)


def _outer(sketch: Sketch, row: int, a: int, b: int, has: list[bool], left: bool) -> None:
    """[a c], [b c] -> [a b c]: where both arrays have the axis, the two wires join."""
    sketch.do(Outer(), row)
    if all(has):
        sketch.do(Diag(0, a + 1) if left else Diag(a + b + 1, a), row)
    elif left and has[1] and a:
        sketch.do(Transpose((a, *range(a), *range(a + 1, a + b + 1))), row)
    elif not left and has[0] and b:
        sketch.do(Transpose((*range(a), *range(a + 1, a + b + 1), a)), row)


def _moved(op: Operation, axes: int, left: bool) -> Operation:
    """The operation on an array that has one more axis, so that it touches the same wires as before."""
    if isinstance(op, Transpose):
        return Transpose((0, *(n + 1 for n in op.order)) if left else (*op.order, axes))
    if not left:
        return op
    moved = {}
    for f in fields(op):
        value = getattr(op, f.name)
        if f.name in ("i", "j"):
            moved[f.name] = value + 1
        elif f.name in ("ins", "shared", "positions"):
            moved[f.name] = tuple(n + 1 for n in value)
    return replace(op, **moved)
