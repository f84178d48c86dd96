"""Which boxes of a neural circuit diagram run as one step: neighbouring multilinear boxes fuse into one einsum.

Fusing is what makes the drawing cheap: an outer product followed by a contraction never holds the array in between.
Only einsums of two arrays are made, and a sum is never put off beyond a product, so that fusing adds no work.
"""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count

from labcore.diagrams.axes import Array, Axis, Size, product
from labcore.diagrams.boxes import (
    Bias,
    Copy,
    Diagram,
    Elementwise,
    Linear,
    Max,
    Mean,
    Mul,
    Norm,
    Operation,
    Outer,
    Plan,
    Scale,
    SoftMax,
    SwapArrays,
    Weight,
    multilinear,
    plan,
    unfolded,
)

Path = tuple[int, ...]


@dataclass(frozen=True)
class Operand:
    """One array of an einsum: a wire bundle (a number) or a learned array (its name), and a label for each axis.

    roles: of a learned map, how many of its axes are shared, come first and come last.
    """

    source: int | str
    labels: tuple[int, ...]
    roles: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Term:
    """One einsum: scale * sum over all labels that are not in `out`, plus a learned bias on some labels of `out`."""

    operands: tuple[Operand, ...]
    out: tuple[int, ...]
    axes: dict[int, Axis]
    factor: float = 1.0
    powers: tuple[tuple[Axis, Fraction], ...] = ()
    bias: tuple[str, tuple[int, ...]] | None = None

    @property
    def summed(self) -> set[int]:
        return {n for operand in self.operands for n in operand.labels} - set(self.out)

    @property
    def work(self) -> Size:
        """One multiply-add for each index of all axes that the einsum touches."""
        labels = {n for operand in self.operands for n in operand.labels} | set(self.out)
        return product(self.axes[n].size for n in sorted(labels))


@dataclass
class Node:
    """One step of the program: an einsum (`term`) or another operation, from and to arrays that are numbered."""

    op: Operation
    ins: tuple[int, ...]
    outs: tuple[int, ...]
    layers: list[int]
    plan: Plan
    term: Term | None = None

    @property
    def word(self) -> str:
        """A name for what the step makes."""
        if isinstance(self.op, Linear):
            word = self.op.name.lower()
            return f"{word}_of" if word == self.op.name or keyword.iskeyword(word) else word
        if isinstance(self.op, Elementwise):
            return self.op.function
        if word := getattr(self.op, "word", ""):
            return word
        return "joined" if self.term and len(self.term.operands) > 1 else type(self.op).__name__.lower()


@dataclass
class Schedule:
    """The steps in order; the arrays by number; which of them stand in the tuple at each cut.

    A copy is a number of its own: `source` says what it is a copy of. `inside[n]` is the einsum that would make an
    array that fusing has done away with.
    """

    nodes: list[Node] = field(default_factory=list)
    arrays: dict[int, Array] = field(default_factory=dict)
    cuts: list[tuple[int, ...]] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    boxes: list[Operation] = field(default_factory=list)
    source: dict[int, int] = field(default_factory=dict)
    inside: dict[int, Term] = field(default_factory=dict)

    def origin(self, number: int) -> int:
        return self.source.get(number, number)


def schedule(diagram: Diagram, fused: bool = True) -> Schedule:
    """The steps of a diagram, blocks opened; `fused=False` makes every box a step of its own."""
    made, fresh = Schedule(), count()
    rows = [next(fresh) for _ in diagram.dom]
    made.arrays.update(zip(rows, diagram.dom))
    made.cuts.append(tuple(rows))
    maker: dict[int, Node] = {}
    for index, (path, layer) in enumerate(unfolded(diagram)):
        op, box, here = layer.box.data, layer.box, slice(layer.offset, layer.offset + len(layer.box.dom))
        ins = tuple(rows[here])
        if isinstance(op, SwapArrays):
            outs = tuple(ins[n] for n in op.order)
        else:
            outs = tuple(next(fresh) for _ in box.cod)
            made.arrays.update(zip(outs, box.cod))
        if isinstance(op, Copy):
            made.source.update(dict.fromkeys(outs, made.origin(ins[0])))
        node = Node(op, ins, outs, [index], plan(box))
        if multilinear(op) or isinstance(op, Linear):
            node.term = _term(op, node.plan, ins)
            if fused:
                _fuse(node, maker, made)
        if not isinstance(op, SwapArrays):
            made.nodes.append(node)
            maker.update(dict.fromkeys(outs, node))
        rows[here] = outs
        made.cuts.append(tuple(rows))
        made.paths.append(path)
        made.boxes.append(op)
    return made


def _term(op: Operation, p: Plan, ins: tuple[int, ...]) -> Term:
    operands = [Operand(number, labels) for number, labels in zip(ins, p.ins)]
    if isinstance(op, Weight):
        operands.append(Operand(op.name, p.weight))
    if isinstance(op, Linear):
        ends, begins, shared = len(op.ins), len(op.outs), len(op.shared)
        roles = (shared, ends, begins) if op.transposed else (shared, begins, ends)
        operands.append(Operand(op.name, p.weight, roles))
    used = {n for operand in operands for n in operand.labels} | {*p.outs[0]}
    term = Term(tuple(operands), p.outs[0], {n: p.axes[n] for n in used})
    if isinstance(op, Scale):
        term = replace(term, factor=float(op.factor), powers=op.powers)
    if isinstance(op, Mean):
        term = replace(term, powers=((p.axes[op.i], Fraction(-1)),))
    if isinstance(op, Linear) and op.bias:
        begins = tuple(n for n in p.outs[0] if n not in p.ins[0])
        term = replace(term, bias=(f"{op.name}_bias", (*op.shared, *begins)))
    return term


def _fuse(node: Node, maker: dict[int, Node], made: Schedule) -> None:
    """Take into the node the einsums that make what comes in, those of the fewest arrays first."""
    candidates = [maker[n] for n in node.ins if n in maker and maker[n].term and not maker[n].term.bias]
    several = len(node.term.operands) > 1
    for before in sorted(candidates, key=lambda b: len(b.term.operands)):
        joined = len(node.term.operands) - 1 + len(before.term.operands)
        if joined > 2 or (several and isinstance(node.op, Outer | Linear) and before.term.summed):
            continue
        (number,) = before.outs
        made.inside[number] = before.term
        node.term = _substitute(node.term, number, before.term)
        node.ins = tuple(m for n in node.ins for m in (before.ins if n == number else (n,)))
        node.layers = sorted([*before.layers, *node.layers])
        made.nodes.remove(before)


def _substitute(term: Term, number: int, inner: Term) -> Term:
    """The einsum `term` with the einsum `inner` in the place of one of its arrays."""
    shift = max([*term.axes, -1]) + 1
    axes = term.axes | {n + shift: axis for n, axis in inner.axes.items()}
    place = next(p for p, operand in enumerate(term.operands) if operand.source == number)
    head = {n: n for n in axes}

    def find(n: int) -> int:
        while head[n] != n:
            n = head[n]
        return n

    for one, other in zip(term.operands[place].labels, inner.out):
        head[find(other + shift)] = find(one)

    def relabelled(operand: Operand, by: int = 0) -> Operand:
        return replace(operand, labels=tuple(find(n + by) for n in operand.labels))

    operands = (
        *map(relabelled, term.operands[:place]),
        *(relabelled(operand, shift) for operand in inner.operands),
        *map(relabelled, term.operands[place + 1 :]),
    )
    bias = term.bias and (term.bias[0], tuple(find(n) for n in term.bias[1]))
    out = tuple(find(n) for n in term.out)
    used = {n for operand in operands for n in operand.labels} | set(out)
    # a wire that was closed into a loop, or a sum of ones, is a factor: the size of its axis
    loops = tuple((axes[n], Fraction(1)) for n in {find(n) for n in axes} - used)
    kept = {n: axes[n] for n in used}
    return Term(operands, out, kept, term.factor * inner.factor, term.powers + inner.powers + loops, bias)


def kept(node: Node) -> tuple[int, ...]:
    """The arrays, from before or after a step, that its backward pass needs. A linear step needs none."""
    if node.term:
        arrays = tuple(o.source for o in node.term.operands if isinstance(o.source, int))
        return arrays if len(node.term.operands) > 1 else ()
    if isinstance(node.op, SoftMax):
        return node.outs
    return node.ins if isinstance(node.op, Elementwise | Max | Norm | Mul) else ()


def parameters(diagram: Diagram) -> dict[str, tuple[Axis, ...]]:
    """The learned arrays by name, with their axes. Raises ValueError when one name stands for two shapes."""
    found: dict[str, tuple[Axis, ...]] = {}
    for _, layer in unfolded(diagram):
        op, p = layer.box.data, plan(layer.box)
        arrays = {op.name: p.weight} if isinstance(op, Linear | Weight | Bias) else {}
        if isinstance(op, Linear) and op.bias:
            arrays |= dict([_term(op, p, (0,)).bias])
        for name, labels in arrays.items():
            axes = tuple(p.axes[n] for n in labels)
            if found.setdefault(name, axes) != axes:
                raise ValueError(f"name = {name!r} is not allowed twice: {Array(found[name])} and {Array(axes)} differ")
    return found
