"""How many programs one picture can mean when its wires have no names.

A box-and-arrow picture says which operations follow one another, and not on which axes. `readings` puts the boxes of a
diagram on all wires that the type checker accepts, and runs each of these programs on the same arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product as pairs
from typing import NamedTuple

import torch
from torch import Tensor

from labcore.diagrams.axes import Array, Axis, AxisError
from labcore.diagrams.boxes import Contract, Diag, Diagram, Operation, Outer, SoftMax, Ty
from labcore.diagrams.plan import Plan


class Reading(NamedTuple):
    """One program that the picture can mean: its operations and what it gives."""

    operations: tuple[Operation, ...]
    out: Tensor


def nameless(arrays: Ty) -> Ty:
    """The arrays without the names of their axes: all that is left of an axis is its size."""
    return tuple(Array(tuple(Axis(f"n{axis.size}", axis.size) for axis in a.axes)) for a in arrays)


def readings(diagram: Diagram, inputs: list[Tensor], named: bool) -> Iterator[Reading]:
    """The programs that the picture of a diagram of Outer, Contract, Diag and SoftMax boxes can mean.

    A box may join any wire of the upper array with any of the lower one, and normalise any wire. `named`: the wires
    have their names and each box says the name of its axis; otherwise only sizes have to fit. What leaves must fit the
    diagram's end, in any order of its axes. Raises ValueError for another kind of box.
    """
    dom, cod = (diagram.dom, diagram.cod) if named else (nameless(diagram.dom), nameless(diagram.cod))
    boxes = [(layer.box.data, layer.box.dom[0] if named else None) for layer in diagram.layers]
    (end,) = cod
    yield from _complete(boxes, list(dom), list(inputs), (), "", sorted(a.name for a in end.axes))


def _complete(
    boxes: list[tuple[Operation, Array | None]],
    arrays: list[Array],
    values: list[Tensor],
    done: tuple[Operation, ...],
    sides: str,
    wanted: list[str],
) -> Iterator[Reading]:
    """All ways to go on. `sides` says of each wire of the first array if it is of the upper or lower one, or joined."""
    if not boxes:
        if sorted(a.name for a in arrays[0].axes) == wanted:
            yield Reading(done, values[0])
        return
    (box, shown), *rest = boxes
    for op in _variants(box, shown, arrays[0], sides):
        rows = op.rows
        try:
            plan = op.plan(*arrays[:rows])
        except AxisError:
            continue
        now = sides
        if isinstance(op, Outer):
            now = "u" * len(arrays[0]) + "l" * len(arrays[1])
        elif isinstance(op, Contract | Diag):
            joined = "j" if isinstance(op, Diag) else ""
            now = sides[: op.i] + joined + sides[op.i + 1 : op.j] + sides[op.j + 1 :]
        value = torch.softmax(values[0], op.i) if isinstance(op, SoftMax) else _run(plan, values[:rows])
        yield from _complete(rest, [*plan.cod, *arrays[rows:]], [value, *values[rows:]], (*done, op), now, wanted)


def _variants(box: Operation, shown: Array | None, a: Array, sides: str) -> Iterator[Operation]:
    """The box on other wires; where a name is shown, only on wires of this name."""
    if isinstance(box, Outer):
        yield box
    elif isinstance(box, SoftMax):
        yield from (SoftMax(i) for i in range(len(a)) if shown is None or a[i].name == shown[box.i].name)
    elif isinstance(box, Contract | Diag):
        for i, j in pairs(*([p for p, s in enumerate(sides) if s == side] for side in "ul")):
            if shown is None or a[i].name == a[j].name == shown[box.i].name:
                yield type(box)(i, j)
    else:
        raise ValueError(f"box = {type(box).__name__} is not allowed; it must be Outer, Contract, Diag or SoftMax")


def _run(plan: Plan, values: list[Tensor]) -> Tensor:
    operands = [part for value, labels in zip(values, plan.ins) for part in (value, list(labels))]
    return torch.einsum(*operands, list(plan.outs[0]))


def distinct(found: list[Reading], tolerance: float = 1e-9) -> list[Reading]:
    """One reading of each function: those that differ by more than the order of the axes of what they give."""
    # sorting all numbers forgets the order of the axes; readings of one function are then neighbours in a list by size
    numbers = [reading.out.flatten().sort().values for reading in found]
    size = [float((n**3 + n**2).sum()) for n in numbers]
    kept: list[int] = []
    for n in sorted(range(len(found)), key=lambda n: size[n]):
        near = (m for m in reversed(kept) if numbers[m].shape == numbers[n].shape)
        for m in near:
            if size[n] - size[m] > tolerance * (1 + abs(size[n])):
                kept.append(n)
                break
            if (numbers[n] - numbers[m]).abs().max() < tolerance:
                break
        else:
            kept.append(n)
    return [found[n] for n in sorted(kept)]
