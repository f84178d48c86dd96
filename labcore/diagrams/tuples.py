"""The operations on whole arrays of a tuple: adding, joining, copying, dropping, reordering; and named blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labcore.diagrams.axes import Array, Axis, AxisError
from labcore.diagrams.diagram import Diagram, mismatch
from labcore.diagrams.plan import Plan, at, numbered, same


def _merge(a: Array, b: Array, verb: str) -> Plan:
    same(a, b, verb)
    labels = tuple(range(len(a)))
    return Plan((labels, labels), (labels,), dict(enumerate(a.axes)))


@dataclass(frozen=True)
class Add:
    """A, A -> A: the sum of two arrays."""

    rows: ClassVar[int] = 2

    def plan(self, a: Array, b: Array) -> Plan:
        return _merge(a, b, "add")


@dataclass(frozen=True)
class Mul:
    """A, A -> A: the product, number by number."""

    rows: ClassVar[int] = 2

    def plan(self, a: Array, b: Array) -> Plan:
        return _merge(a, b, "mul")


@dataclass(frozen=True)
class Concat:
    """Two arrays end to end along the axis at position i; all other axes are the same."""

    i: int
    name: str
    rows: ClassVar[int] = 2

    def plan(self, a: Array, b: Array) -> Plan:
        one, two = at(a, self.i), at(b, self.i)
        if len(a) == len(b):
            same(a, Array((*b.axes[: self.i], one, *b.axes[self.i + 1 :])), "concat")
        else:
            same(a, b, "concat")
        n = len(a)
        label, other = n, n + 1
        ins = tuple(range(n)), tuple(other if p == self.i else p for p in range(n))
        axes = dict(enumerate(a.axes)) | {label: Axis(self.name, one.size + two.size), other: two}
        return Plan(ins, (tuple(label if p == self.i else p for p in range(n)),), axes)


@dataclass(frozen=True)
class Copy:
    """A -> A, A: a dot on every wire."""

    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        (ins,), axes = numbered((a,))
        return Plan((tuple(ins),), (tuple(ins), tuple(ins)), axes)


@dataclass(frozen=True)
class Drop:
    """A -> (): an array that nobody uses any more."""

    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        (ins,), axes = numbered((a,))
        return Plan((tuple(ins),), (), axes)


@dataclass(frozen=True)
class Zero:
    """() -> an array of zeros: the gradient of what was dropped."""

    axes: tuple[Axis, ...]
    rows: ClassVar[int] = 0

    def plan(self) -> Plan:
        return Plan((), (tuple(range(len(self.axes))),), dict(enumerate(self.axes)))


@dataclass(frozen=True)
class SwapArrays:
    """Adjacent arrays in a new order: row n takes the array that stood in row order[n]."""

    order: tuple[int, ...] = (1, 0)

    @property
    def rows(self) -> int:
        return len(self.order)

    def plan(self, *arrays: Array) -> Plan:
        if sorted(self.order) != [*range(len(arrays))]:
            given = " ".join(str(n + 1) for n in self.order)
            raise AxisError(f"the order {given} is not an order of {len(arrays)} arrays")
        labels, axes = numbered(arrays)
        return Plan(tuple(map(tuple, labels)), tuple(tuple(labels[n]) for n in self.order), axes)


@dataclass(frozen=True)
class Block:
    """A named diagram as one operation. It can be drawn folded, as a box, or unfolded, as a fence around its body."""

    name: str
    body: Diagram

    @property
    def rows(self) -> int:
        return len(self.body.dom)

    def plan(self, *arrays: Array) -> Plan:
        if arrays != self.body.dom:
            raise AxisError(f"the block {self.name} does not fit: {mismatch(arrays, self.body.dom)}")
        ins, axes = numbered(arrays)
        outs, more = numbered(self.body.cod)
        shift = len(axes)
        shifted = tuple(tuple(n + shift for n in labels) for labels in outs)
        return Plan(tuple(map(tuple, ins)), shifted, axes | {n + shift: a for n, a in more.items()})
