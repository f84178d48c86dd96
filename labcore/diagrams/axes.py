"""Axes and arrays: the wires of a neural circuit diagram.

A wire is an axis: a name and a size, which is a whole number or an expression in the sizes of other axes. Several axes
as one wire, such as the rows and columns of an image, are an axis with parts, drawn as a double line. An array is
axes in an order; it is one object of a diagram, drawn as adjacent wires between two dashed lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import sympy

from labcore.diagrams.diagram import CompositionError

Size = int | sympy.Expr


class AxisError(CompositionError):
    """An operation that does not fit its arrays.

    axes: the one or two axes at fault; legs: their (row, position), counted from the operation's first array;
    column, row: where the operation stands in its diagram, from 0, once it is known.
    """

    def __init__(self, message: str, axes: tuple[Axis, ...] = (), legs: tuple[tuple[int, int], ...] = ()) -> None:
        super().__init__(message)
        self.axes, self.legs = axes, legs
        self.column: int | None = None
        self.row: int | None = None


def symbol(name: str) -> sympy.Symbol:
    """The unknown size of an axis: a positive whole number."""
    return sympy.Symbol(name, integer=True, positive=True)


def product(sizes: Iterable[Size]) -> Size:
    """The product, a whole number when all sizes are."""
    return math.prod(sizes)


def windows(size: Size, kernel: Size, stride: int, dilation: int, pad: int) -> Size:
    """How often a dilated kernel fits on a padded axis: floor((x + 2p - d(w - 1) - 1) / s) + 1."""
    room = size + 2 * pad - dilation * (kernel - 1) - 1
    if isinstance(room, int):
        return room // stride + 1
    return sympy.floor(room / stride) + 1


@dataclass(frozen=True)
class Axis:
    """One wire. `parts`: the axes that it stands for, from the slowest to the fastest; their sizes multiply to its own.

    Raises `AxisError` for a size below 1, or one that is not that of its parts.
    """

    name: str
    size: Size
    parts: tuple[Axis, ...] = ()

    @staticmethod
    def of(name: str, parts: Iterable[Axis]) -> Axis:
        """Several axes as one wire. Raises `AxisError` for less than two, or for one that is a double line itself."""
        axes = tuple(parts)
        if len(axes) < 2 or any(a.parts for a in axes):
            held = " ".join(map(str, axes)) or "nothing"
            raise AxisError(f"the double line {name} of {held} must stand for two or more single axes", axes)
        return Axis(name, product(a.size for a in axes), axes)

    def __post_init__(self) -> None:
        if isinstance(self.size, sympy.Integer):
            object.__setattr__(self, "size", int(self.size))
        if isinstance(self.size, int) and self.size < 1:
            raise AxisError(f"axis {self.name} would have size {self.size}; it must be at least 1", (self,))
        if self.parts and product(a.size for a in self.parts) != self.size:
            raise AxisError(f"axis {self.name} of size {self.size} is not {' by '.join(map(str, self.parts))}", (self,))

    def __str__(self) -> str:
        if self.parts:
            return f"{self.name} [{' '.join(map(str, self.parts))}]"
        return self.name if self.size == symbol(self.name) else f"{self.name} (size {self.size})"


@dataclass(frozen=True)
class Array:
    """One array of a tuple: axes from top to bottom. The empty array is one number."""

    axes: tuple[Axis, ...] = ()

    @property
    def size(self) -> Size:
        return product(a.size for a in self.axes)

    def __len__(self) -> int:
        return len(self.axes)

    def __getitem__(self, position: int) -> Axis:
        return self.axes[position]

    def __str__(self) -> str:
        return "[" + " ".join(a.name for a in self.axes) + "]"

    def difference(self, other: Array) -> str:
        """Which two axes keep this array (what comes in) from being `other` (what is wanted)."""
        if len(self) != len(other):
            return f"{self} comes in with {len(self)} axes, {other} with {len(other)} is wanted"
        for position, (have, want) in enumerate(zip(self.axes, other.axes), start=1):
            if have != want:
                return f"axis {position} of {self} is {have}, {want} is wanted"
        return "they are equal"
