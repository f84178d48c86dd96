"""The multilinear operations: wires that merge, meet, end and begin. Each is one einsum, and so is a run of them.

An operation acts on `rows` adjacent arrays and names the wires that it touches by their positions, from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from labcore.diagrams.axes import Array, Axis, AxisError
from labcore.diagrams.plan import Plan, at, numbered, pair, replace


@dataclass(frozen=True)
class Outer:
    """[a], [b] -> [a b]: the dashed line between two arrays ends."""

    rows: ClassVar[int] = 2
    multilinear: ClassVar[bool] = True

    def plan(self, a: Array, b: Array) -> Plan:
        (one, two), axes = numbered((a, b))
        return Plan((tuple(one), tuple(two)), ((*one, *two),), axes)


@dataclass(frozen=True)
class Contract:
    """Two wires of the same axis meet and end: a sum over it."""

    i: int
    j: int
    rows: ClassVar[int] = 1
    multilinear: ClassVar[bool] = True

    def plan(self, a: Array) -> Plan:
        pair(a, self.i, self.j, "contract")
        (ins,), axes = numbered((a,))
        ins[self.j] = ins[self.i]
        return Plan((tuple(ins),), (tuple(n for n in ins if n != ins[self.i]),), axes)


@dataclass(frozen=True)
class Diag:
    """Two wires of the same axis become one, where the first stood: the diagonal."""

    i: int
    j: int
    rows: ClassVar[int] = 1
    multilinear: ClassVar[bool] = True

    def plan(self, a: Array) -> Plan:
        pair(a, self.i, self.j, "join")
        (ins,), axes = numbered((a,))
        ins[self.j] = ins[self.i]
        return Plan((tuple(ins),), (tuple(n for p, n in enumerate(ins) if p != self.j),), axes)


@dataclass(frozen=True)
class Spread:
    """One wire becomes two: [a] -> [a a], zero off the diagonal."""

    i: int
    rows: ClassVar[int] = 1
    multilinear: ClassVar[bool] = True

    def plan(self, a: Array) -> Plan:
        at(a, self.i)
        (ins,), axes = numbered((a,))
        return Plan((tuple(ins),), ((*ins[: self.i + 1], *ins[self.i :]),), axes)


@dataclass(frozen=True)
class Unit:
    """() -> [a a]: the identity matrix, two wires from one half circle."""

    axis: Axis
    rows: ClassVar[int] = 0
    multilinear: ClassVar[bool] = True

    def plan(self) -> Plan:
        return Plan((), ((0, 0),), {0: self.axis})


@dataclass(frozen=True)
class Ones:
    """() -> [a]: ones. With `Outer` it broadcasts an array along a new axis."""

    axis: Axis
    rows: ClassVar[int] = 0
    multilinear: ClassVar[bool] = True

    def plan(self) -> Plan:
        return Plan((), ((0,),), {0: self.axis})


@dataclass(frozen=True)
class Sum:
    """A wire ends in a sum over it."""

    i: int
    rows: ClassVar[int] = 1
    multilinear: ClassVar[bool] = True

    def plan(self, a: Array) -> Plan:
        return replace(a, {self.i: ()})


@dataclass(frozen=True)
class Mean:
    """A wire ends in a mean over it."""

    i: int
    rows: ClassVar[int] = 1
    multilinear: ClassVar[bool] = True

    def plan(self, a: Array) -> Plan:
        return replace(a, {self.i: ()})


@dataclass(frozen=True)
class Scale:
    """Multiply by a number and by powers of axis sizes, as in k^(-1/2)."""

    factor: float = 1.0
    powers: tuple[tuple[Axis, Fraction], ...] = ()
    rows: ClassVar[int] = 1
    multilinear: ClassVar[bool] = True

    def plan(self, a: Array) -> Plan:
        return replace(a, {})


@dataclass(frozen=True)
class Transpose:
    """The axes in a new order: position n takes the axis that stood at order[n]."""

    order: tuple[int, ...]
    rows: ClassVar[int] = 1
    multilinear: ClassVar[bool] = True

    def plan(self, a: Array) -> Plan:
        if sorted(self.order) != [*range(len(a))]:
            given = " ".join(str(n + 1) for n in self.order)
            raise AxisError(f"the order {given} is not an order of the {len(a)} axes of {a}")
        (ins,), axes = numbered((a,))
        return Plan((tuple(ins),), (tuple(ins[n] for n in self.order),), axes)


@dataclass(frozen=True)
class Linear:
    """A learned map: the wires `ins` end in it, the axes `outs` begin where the first of them stood (or at the end).

    `shared` wires pass by, but each index has weights of its own. The learned array has the axes (shared, outs, ins),
    or (shared, ins, outs) when the map is `transposed`: the same array, read from the other side.
    """

    name: str
    ins: tuple[int, ...]
    outs: tuple[Axis, ...]
    shared: tuple[int, ...] = ()
    bias: bool = False
    transposed: bool = False
    rows: ClassVar[int] = 1

    @property
    def multilinear(self) -> bool:
        return not self.bias

    def plan(self, a: Array) -> Plan:
        if len({*self.ins, *self.shared}) < len(self.ins) + len(self.shared):
            raise AxisError(f"the map {self.name} names an axis of {a} twice")
        for position in self.shared:
            at(a, position)
        first = min(self.ins, default=None)
        new = {p: self.outs if p == first else () for p in self.ins}
        fresh = tuple(range(len(a), len(a) + len(self.outs)))
        weight = (*self.shared, *self.ins, *fresh) if self.transposed else (*self.shared, *fresh, *self.ins)
        return replace(a, new, () if self.ins else self.outs, weight)


@dataclass(frozen=True)
class Weight:
    """() -> a learned array."""

    name: str
    axes: tuple[Axis, ...]
    rows: ClassVar[int] = 0
    multilinear: ClassVar[bool] = True

    def plan(self) -> Plan:
        labels = tuple(range(len(self.axes)))
        return Plan((), (labels,), dict(enumerate(self.axes)), labels)
