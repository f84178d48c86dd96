"""What an operation does to wires, said with labels.

A label is a wire. One that passes by an operation has the same label in `ins` and in `outs`: that is broadcasting,
in the drawing as in this code. For a multilinear operation the labels are the whole meaning, an einsum: a label that
comes in twice and does not leave is contracted, one that comes in twice and leaves once is a diagonal, one that comes
in once and does not leave is a sum, one that leaves twice is a delta, one that only leaves is a broadcast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labcore.diagrams.axes import Array, Axis, AxisError
from labcore.diagrams.diagram import Ty

Leg = tuple[int, int]  # (array, counted from the operation's first; position of the axis in it)


@dataclass(frozen=True)
class Plan:
    """The wires of one operation: a label a wire of each array that comes in and that leaves; the axis of each label.

    `weight`: the labels of the learned array's axes, for a learned map.
    """

    ins: tuple[tuple[int, ...], ...]
    outs: tuple[tuple[int, ...], ...]
    axes: Mapping[int, Axis]
    weight: tuple[int, ...] = ()

    @property
    def cod(self) -> Ty:
        return tuple(Array(tuple(self.axes[n] for n in labels)) for labels in self.outs)

    def passing(self) -> dict[Leg, Leg]:
        """The wires that the operation does not touch: from the leg where they enter to the leg where they leave."""
        entry, leave = _legs(self.ins), _legs(self.outs)
        return {entry[n][0]: leave[n][0] for n in entry if len(entry[n]) == len(leave.get(n, ())) == 1}

    def touched(self) -> tuple[list[Leg], list[Leg]]:
        """The legs that enter the operation and those that leave it."""
        by = self.passing()
        entry = [leg for legs in _legs(self.ins).values() for leg in legs if leg not in by]
        leave = [leg for legs in _legs(self.outs).values() for leg in legs if leg not in by.values()]
        return sorted(entry), sorted(leave)


def _legs(arrays: tuple[tuple[int, ...], ...]) -> dict[int, list[Leg]]:
    found: dict[int, list[Leg]] = {}
    for row, labels in enumerate(arrays):
        for position, label in enumerate(labels):
            found.setdefault(label, []).append((row, position))
    return found


def numbered(arrays: Ty) -> tuple[list[list[int]], dict[int, Axis]]:
    """A label for every wire of these arrays, from 0, and the axis of each."""
    labels, axes = [], {}
    for a in arrays:
        labels.append([*range(len(axes), len(axes) + len(a))])
        axes.update(zip(labels[-1], a.axes))
    return labels, axes


def replace(
    a: Array, new: Mapping[int, tuple[Axis, ...]], end: tuple[Axis, ...] = (), weight: tuple[int, ...] = ()
) -> Plan:
    """The plan of an operation on one array: the axes at some positions give way to new ones, in place.

    `end`: axes that are put after the last. `weight`: labels of a learned array; new axes count on from len(a).
    """
    for position in new:
        at(a, position)
    (ins,), axes = numbered((a,))
    out: list[int] = []

    def add(these: tuple[Axis, ...]) -> None:
        for axis in these:
            out.append(len(axes))
            axes[len(axes)] = axis

    for position, label in enumerate(ins):
        if position in new:
            add(new[position])
        else:
            out.append(label)
    add(end)
    return Plan((tuple(ins),), (tuple(out),), axes, weight)


def at(a: Array, position: int) -> Axis:
    """The axis at a position. Raises `AxisError` when there is none."""
    if not 0 <= position < len(a):
        raise AxisError(f"there is no axis {position + 1} in {a}, which has {len(a)}")
    return a[position]


def pair(a: Array, i: int, j: int, verb: str) -> Axis:
    """The axis of two wires of one array that are about to meet. Raises `AxisError` unless they are the same axis."""
    one, other = at(a, i), at(a, j)
    legs = ((0, i), (0, j))
    if i == j:
        raise AxisError(f"{verb} needs two wires, axis {i + 1} of {a} is named twice", (one,), legs[:1])
    if one != other:
        why = f": both have size {one.size}, but they are different axes" if one.size == other.size else ""
        raise AxisError(f"{one} and {other} of {a} cannot {verb}{why}", (one, other), legs)
    return one


def same(a: Array, b: Array, verb: str) -> None:
    """Raises `AxisError` unless two arrays have the same axes."""
    if a == b:
        return
    first = next((p for p, (x, y) in enumerate(zip(a.axes, b.axes)) if x != y), None)
    axes, legs = ((), ()) if first is None else ((a[first], b[first]), ((0, first), (1, first)))
    raise AxisError(f"{verb} needs two arrays of the same axes: {b.difference(a)}", axes, legs)
