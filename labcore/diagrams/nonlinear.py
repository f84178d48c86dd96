"""The operations that are no einsum: functions, convolution tensors, and the moving and copying of whole arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labcore.diagrams.axes import Array, Axis, AxisError, product, windows
from labcore.diagrams.plan import Plan, at, replace


def _each(a: Array, positions: tuple[int, ...]) -> Plan:
    """The plan of a function that takes the axes at some positions and gives them back."""
    return replace(a, {p: (at(a, p),) for p in positions})


@dataclass(frozen=True)
class Elementwise:
    """A function of one number on every number (`functions` lists them); derivative: its first derivative."""

    function: str
    derivative: bool = False
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        return replace(a, {})


@dataclass(frozen=True)
class SoftMax:
    """exp(x) / sum(exp(x)) along one wire."""

    i: int
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        return _each(a, (self.i,))


@dataclass(frozen=True)
class Norm:
    """(x - mean) / sqrt(variance + 1e-5), both over some wires."""

    positions: tuple[int, ...]
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        return _each(a, self.positions)


@dataclass(frozen=True)
class Deviation:
    """1 / sqrt(variance + 1e-5) over some wires, which end: what the gradient of `Norm` needs."""

    positions: tuple[int, ...]
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        return replace(a, dict.fromkeys(self.positions, ()))


@dataclass(frozen=True)
class Max:
    """The largest number along a wire, which ends."""

    i: int
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        return replace(a, {self.i: ()})


@dataclass(frozen=True)
class Largest:
    """One where the largest number along a wire stands (the first of equals), zero elsewhere: the gradient of `Max`."""

    i: int
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        return _each(a, (self.i,))


@dataclass(frozen=True)
class Bias:
    """Adds a learned array on some wires, broadcast over the others."""

    name: str
    positions: tuple[int, ...]
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        plan = _each(a, self.positions)
        return Plan(plan.ins, plan.outs, plan.axes, self.positions)


@dataclass(frozen=True)
class Group:
    """`count` adjacent wires from position i become one: [a b] -> [ab]."""

    i: int
    count: int
    name: str
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        parts = [at(a, p) for p in range(self.i, self.i + self.count)]
        whole = Axis(self.name, product(p.size for p in parts))
        return replace(a, {self.i + n: () if n else (whole,) for n in range(self.count)})


@dataclass(frozen=True)
class Bundle:
    """`count` adjacent wires from position i become one double line, which keeps them: `Split` gives them back."""

    i: int
    count: int
    name: str
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        whole = Axis.of(self.name, (at(a, p) for p in range(self.i, self.i + self.count)))
        return replace(a, {self.i + n: () if n else (whole,) for n in range(self.count)})


@dataclass(frozen=True)
class Split:
    """One wire becomes several whose sizes multiply to its own: [ab] -> [a b]. A double line gives its own parts."""

    i: int
    axes: tuple[Axis, ...]
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        whole = at(a, self.i)
        if whole.parts and self.axes != whole.parts:
            parts = " by ".join(map(str, self.axes))
            raise AxisError(f"{whole} of {a} is not {parts}", (whole, *self.axes[:1]), ((0, self.i),))
        if product(p.size for p in self.axes) != whole.size:
            parts = " by ".join(map(str, self.axes))
            raise AxisError(f"{whole} of {a} cannot be split into {parts}", (whole, *self.axes[:1]), ((0, self.i),))
        return replace(a, {self.i: self.axes})


@dataclass(frozen=True)
class Index:
    """A wire ends at one of its indices, counted from 0."""

    i: int
    index: int
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        inside(at(a, self.i), self.index)
        return replace(a, {self.i: ()})


@dataclass(frozen=True)
class Place:
    """A wire begins before position i: the array at one index, zero elsewhere. The transpose of `Index`."""

    i: int
    axis: Axis
    index: int
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        inside(self.axis, self.index)
        if not 0 <= self.i <= len(a):
            raise AxisError(f"an axis cannot begin at position {self.i + 1} of {a}, which has {len(a)} axes")
        plan, n = replace(a, {}, (self.axis,)), len(a)
        return Plan(plan.ins, ((*range(self.i), n, *range(self.i, n)),), plan.axes)


def inside(axis: Axis, index: int) -> None:
    """Raises `AxisError` unless the axis has this index."""
    if index < 0 or (isinstance(axis.size, int) and index >= axis.size):
        raise AxisError(f"{axis} has no index {index}; indices count from 0", (axis,))


@dataclass(frozen=True)
class Slice:
    """The part of a wire from index `start` that is as long as the new axis."""

    i: int
    axis: Axis
    start: int
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        fits(self.axis, at(a, self.i), self.start)
        return replace(a, {self.i: (self.axis,)})


@dataclass(frozen=True)
class Insert:
    """A wire as a part, from index `start`, of a longer one that is zero elsewhere. The transpose of `Slice`."""

    i: int
    axis: Axis
    start: int
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        fits(at(a, self.i), self.axis, self.start)
        return replace(a, {self.i: (self.axis,)})


def fits(part: Axis, whole: Axis, start: int) -> None:
    """Raises `AxisError` unless `part`, from index `start`, ends inside `whole`."""
    room = whole.size - start - part.size
    if start < 0 or (isinstance(room, int) and room < 0):
        raise AxisError(f"{part} from index {start} does not fit into {whole}", (part, whole))


@dataclass(frozen=True)
class Star:
    """The convolution tensor, 1 where x = stride x' + dilation w - pad: one wire becomes a position and a kernel wire.

    [x] -> [x' w], with x' = floor((x + 2 pad - dilation (w - 1) - 1) / stride) + 1.
    """

    i: int
    position: str
    kernel: Axis
    stride: int = 1
    dilation: int = 1
    pad: int = 0
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        if self.stride < 1 or self.dilation < 1 or self.pad < 0:
            given = f"stride {self.stride}, dilation {self.dilation}, pad {self.pad}"
            raise AxisError(f"{given} is not allowed; stride and dilation are at least 1, pad at least 0")
        x = at(a, self.i)
        out = windows(x.size, self.kernel.size, self.stride, self.dilation, self.pad)
        if isinstance(out, int) and out < 1:
            reach = f"dilation {self.dilation}, pad {self.pad}"
            raise AxisError(f"the kernel {self.kernel} with {reach} does not fit on {x}", (x, self.kernel))
        return replace(a, {self.i: (Axis(self.position, out), self.kernel)})


@dataclass(frozen=True)
class StarTransposed:
    """The convolution tensor from the other side: the position wire i and the kernel wire j become one wire `axis`."""

    i: int
    j: int
    axis: Axis
    stride: int = 1
    dilation: int = 1
    pad: int = 0
    rows: ClassVar[int] = 1

    def plan(self, a: Array) -> Plan:
        x, w = at(a, self.i), at(a, self.j)
        if self.i == self.j:
            raise AxisError(f"a transposed convolution needs two wires, axis {self.i + 1} of {a} is named twice", (x,))
        wanted = windows(self.axis.size, w.size, self.stride, self.dilation, self.pad)
        if wanted != x.size:
            raise AxisError(
                f"{x} is not where the kernel {w} fits on {self.axis}; that would be {wanted} positions",
                (x, self.axis),
                ((0, self.i),),
            )
        return replace(a, {self.i: (self.axis,), self.j: ()})
