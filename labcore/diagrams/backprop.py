"""The backward pass of a neural circuit diagram, as a diagram.

    R[f] : dom f, cod f -> dom f, learned arrays        the gradient of the output comes in last
    R[f ; g](x, y') = R[f](x, R[g](f(x), y'))           what f has made is copied and waits for the way back

Copy and Add turn into one another, Outer and Contract too, a linear map into its transpose (which needs nothing from
the way there), a product of two arrays into two products, each with the other array. A broadcast wire stays a
broadcast wire: this is why a Jacobian that is a large matrix is never built.
"""

from __future__ import annotations

from dataclasses import dataclass

from labcore.diagrams.axes import Axis
from labcore.diagrams.boxes import (
    Add,
    Copy,
    Diagram,
    Drop,
    Layer,
    Linear,
    Scale,
    SwapArrays,
    Weight,
    Zero,
    unfolded,
)
from labcore.diagrams.fuse import Node, Operand, Schedule, Term, kept, parameters, schedule
from labcore.diagrams.gradients import gradient
from labcore.diagrams.rows import Rows, Tag


@dataclass(frozen=True)
class Backward:
    """The backward diagram, and how many of its first columns repeat the forward pass."""

    diagram: Diagram
    forward: int


def backprop(diagram: Diagram) -> Diagram:
    """R[f]: the inputs and the gradient of the outputs -> the gradients of the inputs and of the learned arrays.

    Learned arrays in the order of `fuse.parameters`. Raises ValueError for an operation without a rule.
    """
    return backward(diagram).diagram


def backward(diagram: Diagram) -> Backward:
    """The backward diagram with the column where the way back begins."""
    plan = schedule(diagram)
    begins = {("now", n): plan.arrays[n] for n in plan.cuts[0]}
    ends = {("grad", n): plan.arrays[n] for n in plan.cuts[-1]}
    rows = Rows(begins | ends)
    _forward(rows, plan, [layer for _, layer in unfolded(diagram)])
    forward = len(rows.sketch.layers)
    made = {n for node in plan.nodes for n in kept(node) if n in node.outs}
    for node in reversed(plan.nodes):
        for n in made.intersection(kept(node), node.ins):
            rows.copy(("kept", n), ("made", n), ("kept", n))  # kept once, for the step that made it too
        if isinstance(node.op, Copy):
            rows.do(Add(), [("grad", n) for n in node.outs], [("grad", node.ins[0])])
        elif isinstance(node.op, Drop):
            rows.do(Zero(plan.arrays[node.ins[0]].axes), [], [("grad", node.ins[0])])
        elif node.term:
            _of_einsum(rows, node.term, ("grad", node.outs[0]))
        else:
            gradient(rows, node, [plan.arrays[n] for n in node.ins])
    learned = [("learned", name) for name in parameters(diagram)]
    wanted = [("grad", n) for n in plan.cuts[0]] + learned
    if wanted:
        rows.bring(*wanted)
    return Backward(rows.sketch.diagram, forward)


def needed(plan: Schedule) -> list[Node]:
    """The steps that the backward pass has to repeat, because it needs an array that depends on them."""
    wanted = {n for node in plan.nodes for n in kept(node)}
    found = []
    for node in reversed(plan.nodes):
        if wanted & {*node.outs}:
            wanted |= {*node.ins}
            found.append(node)
    return found[::-1]


def _forward(rows: Rows, plan: Schedule, layers: list[Layer]) -> None:
    """Repeat what is needed of the way there, and keep copies of what the way back needs."""
    keep = {n for node in plan.nodes for n in kept(node) if n in node.ins}
    made = {n for node in plan.nodes for n in kept(node) if n in node.outs}
    repeated = {index for node in needed(plan) for index in node.layers}
    for index, layer in enumerate(layers):
        op, here = layer.box.data, layer.offset
        ins = plan.cuts[index][here : here + len(layer.box.dom)]
        outs = plan.cuts[index + 1][here : here + len(layer.box.cod)]
        if isinstance(op, SwapArrays):
            continue
        for n in ins:
            if ("now", n) in rows.tags and n in keep and index in repeated:
                rows.copy(("now", n), ("kept", n), ("now", n))
            elif ("now", n) in rows.tags and index not in repeated:
                rows.copy(("now", n), ("kept", n)) if n in keep else rows.do(Drop(), [("now", n)], [])
        if index in repeated:
            rows.do(op, [("now", n) for n in ins], [("now", n) for n in outs])
            for n in (made - keep) & {*outs}:
                rows.copy(("now", n), ("made", n), ("now", n))
    for n in plan.cuts[-1]:
        if ("now", n) in rows.tags:
            rows.do(Drop(), [("now", n)], [])


def _of_einsum(rows: Rows, term: Term, grad: Tag) -> None:
    """The gradient of each array of an einsum: the einsum of the others with the gradient of the result."""
    if term.bias:
        name, labels = term.bias
        rows.copy(grad, ("bias", name), grad)
        rows.einsum({("bias", name): term.out}, labels, term.axes, ("bias", name))
        rows.collect(("bias", name))
    if term.operands and (term.powers or term.factor != 1):
        rows.do(Scale(term.factor, term.powers), [grad], [grad])
    tags: list[Tag] = [("part", n) for n in range(len(term.operands))]
    if not tags:
        rows.do(Drop(), [grad], [])
        return
    rows.copy(grad, *tags)
    for target, tag in zip(term.operands, tags):
        others = [o for o in term.operands if o is not target]
        labels = term.out
        parts: dict[Tag, tuple[int, ...]] = {}
        for other in others:
            if isinstance(other.source, int):
                parts["kept", other.source] = other.labels
            elif _reads_backwards(other, labels, target.labels):
                labels = _transposed(rows, other, labels, term.axes, tag)
            else:
                rows.do(Weight(other.source, tuple(term.axes[n] for n in other.labels)), [], [("other", 0)])
                parts["other", 0] = other.labels
        learned = isinstance(target.source, str)
        new = ("new", target.source) if learned else ("grad", target.source)
        rows.einsum(parts | {tag: labels}, target.labels, term.axes, new)
        if learned:
            rows.collect(new)


def _reads_backwards(weight: Operand, have: tuple[int, ...], want: tuple[int, ...]) -> bool:
    """Whether a learned map, transposed, takes the wires `have` to what is wanted."""
    if weight.roles is None or len({*have}) < len(have):
        return False
    shared, first, _ = weight.roles
    share, outs, ins = weight.labels[:shared], weight.labels[shared : shared + first], weight.labels[shared + first :]
    return (
        len({*weight.labels}) == len(weight.labels)
        and all(n in have and n in want for n in share)
        and all(n in have and n not in want for n in outs)
        and all(n in want and n not in have for n in ins)
    )


def _transposed(rows: Rows, weight: Operand, have: tuple[int, ...], axes: dict[int, Axis], tag: Tag) -> tuple[int, ...]:
    """Apply a learned map from its other side; returns the labels of the wires after it."""
    shared, first, _ = weight.roles
    share, outs, ins = weight.labels[:shared], weight.labels[shared : shared + first], weight.labels[shared + first :]
    ends = tuple(have.index(n) for n in outs)
    op = Linear(weight.source, ends, tuple(axes[n] for n in ins), tuple(have.index(n) for n in share), transposed=True)
    rows.do(op, [tag], [tag])
    at = min(ends, default=len(have))
    return (*(n for n in have[:at] if n not in outs), *ins, *(n for n in have[at:] if n not in outs))
