"""What a neural circuit diagram costs, as expressions in the sizes of its axes.

Time: an einsum of two arrays takes one multiply-add for each index of all the axes that it touches; a broadcast axis
is one of them. Functions, sums and other work on single numbers are counted apart, one for each number that comes in.
The windows of a convolution are a view: they cost nothing, and their numbers count as memory.
Space: at a cut, the numbers in the arrays that it meets. Fused boxes hold what goes into them until their last one.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from labcore.diagrams.axes import Size, product
from labcore.diagrams.boxes import (
    Bias,
    Bundle,
    Concat,
    Copy,
    Diagram,
    Drop,
    Group,
    Index,
    Insert,
    Linear,
    Place,
    Slice,
    Split,
    Star,
    Weight,
    Zero,
)
from labcore.diagrams.fuse import Node, Path, Schedule, kept, parameters, schedule

_FREE = Bundle | Concat | Copy | Drop | Group | Index | Insert | Place | Slice | Split | Star | Zero


@dataclass(frozen=True)
class Column:
    """One box: its path, its work, and the learned numbers that it brings."""

    path: Path
    name: str
    multiply_adds: Size
    pointwise: Size
    parameters: Size


@dataclass(frozen=True)
class Cost:
    """columns: a box each, blocks opened. live: the numbers at each cut, one more than columns.

    stored: the numbers that the backward pass needs from the forward pass, each array once.
    """

    columns: tuple[Column, ...]
    live: tuple[Size, ...]
    parameters: Size
    stored: Size

    @property
    def multiply_adds(self) -> Size:
        return sum(c.multiply_adds for c in self.columns)

    @property
    def pointwise(self) -> Size:
        return sum(c.pointwise for c in self.columns)

    @property
    def peak(self) -> Size:
        """The most numbers at any cut."""
        if all(isinstance(n, int) for n in self.live):
            return max(self.live)
        return sympy.Max(*map(sympy.sympify, dict.fromkeys(self.live)), evaluate=False)


def cost(diagram: Diagram, fused: bool = True) -> Cost:
    """The cost of every box and cut; `fused=False` takes every box as a step of its own."""
    plan, learned = schedule(diagram, fused), parameters(diagram)
    at = {node.layers[-1]: node for node in plan.nodes}
    columns, seen = [], set()
    for index, (path, op) in enumerate(zip(plan.paths, plan.boxes)):
        new = {op.name, f"{op.name}_bias"} & learned.keys() - seen if isinstance(op, Linear | Weight | Bias) else set()
        seen |= new
        size = sum(product(a.size for a in learned[n]) for n in new)
        work = _work(at[index], plan) if index in at else (0, 0)
        columns.append(Column(path, type(op).__name__, *work, size))
    total = sum(product(a.size for a in axes) for axes in learned.values())
    stored = {n for node in plan.nodes for n in map(plan.origin, kept(node))}
    return Cost(tuple(columns), _live(plan), total, sum(plan.arrays[n].size for n in stored))


def _work(node: Node, plan: Schedule) -> tuple[Size, Size]:
    """Multiply-adds, and work on single numbers."""
    if node.term:
        out = plan.arrays[node.outs[0]].size if node.term.bias else 0
        if len(node.term.operands) > 1:
            return node.term.work, out
        scaled = node.term.powers or node.term.factor != 1
        return 0, node.term.work if node.term.summed else plan.arrays[node.outs[0]].size if scaled else 0
    if isinstance(node.op, _FREE):
        return 0, 0
    return 0, plan.arrays[node.ins[0]].size if node.ins else 0


def _live(plan: Schedule) -> tuple[Size, ...]:
    """The numbers at each cut, with what goes into an unfinished einsum in the place of what fusing leaves out."""
    begin = {n: node.layers[0] for node in plan.nodes for n in node.ins}
    end = {n: node.layers[-1] for node in plan.nodes for n in node.ins}
    present: set[int] = set()
    live = []
    for index, cut in enumerate(plan.cuts):
        held = [n for n in cut if n not in plan.inside]
        here = set(held)
        late = [n for n in present - here if n in end and begin[n] < end[n] and index <= end[n]]
        live.append(sum(plan.arrays[n].size for n in [*held, *late]))
        present |= here
    return tuple(live)
