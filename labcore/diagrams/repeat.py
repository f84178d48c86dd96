"""A diagram again and again: one turn after the other, with sizes that may depend on the number of the turn."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from labcore.diagrams.axes import Array, Axis, AxisError, product, symbol
from labcore.diagrams.diagram import Box, Diagram, Layer, mismatch
from labcore.diagrams.multilinear import Linear, Weight
from labcore.diagrams.nonlinear import Bias
from labcore.diagrams.plan import Plan, numbered


@dataclass(frozen=True)
class Repeat:
    """The body for variable = low, ..., high, drawn between large parentheses; what leaves a turn enters the next.

    Sizes in the body may be formulas of the variable. The turns share their learned arrays when `shared`; else the
    array L of the body is L_1, L_2, ..., one for each turn. Raises `AxisError` where one turn does not fit the next.
    """

    variable: str
    low: int
    high: int
    body: Diagram
    shared: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise AxisError(
                f"{self.variable} cannot run from {self.low} to {self.high}; there must be a turn, from 0 on"
            )
        for n in range(self.low, self.high):
            one, after = self.turn(n).cod, self.turn(n + 1).dom
            if one != after:
                turns = f"turn {self.variable} = {n} of the repetition does not fit the next"
                raise AxisError(f"{turns}: {mismatch(one, after)}")

    @property
    def name(self) -> str:
        """The range of the variable, as it is written beside the parentheses."""
        return f"({self.variable} = {self.low} … {self.high})" + " shared" * self.shared

    @property
    def rows(self) -> int:
        return len(self.body.dom)

    @property
    def turns(self) -> range:
        return range(self.low, self.high + 1)

    @property
    def varies(self) -> bool:
        """Whether sizes depend on the turn, so that the body cannot be drawn once for all."""
        return any(_with(a, self.variable, self.low, "") != a for cut in self.body.cuts for a in cut)

    def turn(self, n: int) -> Diagram:
        """The body when the variable is n."""
        return _turn(self.body, self.variable, n, "" if self.shared else f"_{n}")

    def plan(self, *arrays: Array) -> Plan:
        first, last = self.turn(self.low), self.turn(self.high)
        if arrays != first.dom:
            raise AxisError(f"the repetition {self.name} does not fit: {mismatch(arrays, first.dom)}")
        ins, axes = numbered(arrays)
        outs, more = numbered(last.cod)
        shift = len(axes)
        shifted = tuple(tuple(n + shift for n in labels) for labels in outs)
        return Plan(tuple(map(tuple, ins)), shifted, axes | {n + shift: a for n, a in more.items()})


@lru_cache(maxsize=256)
def _turn(diagram: Diagram, variable: str, n: int, suffix: str) -> Diagram:
    """The diagram with a number for a variable, and a suffix behind the names of its learned arrays."""
    cut = dom = tuple(_with(a, variable, n, suffix) for a in diagram.dom)
    layers = []
    for layer in diagram.layers:
        op, end = _with(layer.box.data, variable, n, suffix), layer.offset + len(layer.box.dom)
        found = cut[layer.offset : end]
        box = Box(layer.box.name, found, op.plan(*found).cod, op)
        layers.append(Layer(layer.offset, box))
        cut = (*cut[: layer.offset], *box.cod, *cut[end:])
    return Diagram(dom, tuple(layers))


def _with(value: Any, variable: str, n: int, suffix: str) -> Any:
    """An axis, an array, an operation or anything inside one, with a number for a variable."""
    if isinstance(value, Axis):
        parts = tuple(_with(a, variable, n, suffix) for a in value.parts)
        size = value.size if isinstance(value.size, int) else value.size.subs(symbol(variable), n)
        return Axis(value.name, product(a.size for a in parts) if parts else size, parts)
    if isinstance(value, Diagram):
        return _turn(value, variable, n, suffix)
    if isinstance(value, tuple):
        return tuple(_with(item, variable, n, suffix) for item in value)
    if not hasattr(value, "__dataclass_fields__"):
        return value
    new = {f.name: _with(getattr(value, f.name), variable, n, suffix) for f in fields(value) if f.init}
    if isinstance(value, Linear | Weight | Bias):
        new["name"] += suffix
    return replace(value, **new)
