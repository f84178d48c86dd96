"""Steps of a schedule as torch's own functions: what patterns are made of.

`Known` is a step that is one of them, `Steps` the schedule while such steps take the place of others; the rest reads
einsums and writes arrays whose axes are in another order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from labcore.diagrams.boxes import Copy, Drop
from labcore.diagrams.fuse import Node, Operand, Schedule, Term

TORCH = "torch.nn.functional"
Labels = Sequence[int]


@dataclass(frozen=True)
class Known:
    """One of torch's functions: its text, with {0}, {1}, ... for the arrays that come in, and a name for its result."""

    text: str
    word: str


class Steps:
    """The steps of a schedule while patterns take their places."""

    def __init__(self, plan: Schedule) -> None:
        self.plan, self.nodes = plan, list(plan.nodes)
        real = [node for node in self.nodes if not isinstance(node.op, Copy | Drop)]
        taken = [n for node in real for n in node.ins] + [*plan.cuts[-1]]
        self.users = Counter(map(plan.origin, taken))
        self.maker = {n: node for node in real for n in node.outs}
        self.taker = {plan.origin(n): node for node in real for n in node.ins}

    def before(self, number: int) -> Node | None:
        """The step that makes an array, if only one step takes it."""
        number = self.plan.origin(number)
        return self.maker.get(number) if self.users[number] == 1 else None

    def after(self, node: Node) -> Node | None:
        """The step that alone takes what a step makes."""
        number = node.outs[0]
        return self.taker.get(number) if self.users[number] == 1 else None

    def put(self, old: list[Node], ins: Sequence[int], text: str, word: str) -> Node:
        """One of torch's functions in the place of the last of some steps."""
        layers = sorted(layer for node in old for layer in node.layers)
        new = Node(Known(text, word), tuple(ins), old[-1].outs, layers, old[-1].plan)
        self.nodes[self.nodes.index(old[-1])] = new
        self.nodes = [node for node in self.nodes if not any(node is gone for gone in old)]
        self.maker.update(dict.fromkeys(new.outs, new))
        self.taker.update((self.plan.origin(n), new) for n in ins)
        return new


def sizes(term: Term, labels: Labels) -> tuple[int, ...]:
    return tuple(term.axes[n].size for n in labels)


def plain(*groups: Labels) -> bool:
    """No label twice in any group."""
    return all(len({*labels}) == len(labels) for labels in groups)


def laid(text: str, labels: Labels, order: Labels) -> str:
    """An array with its axes in another order."""
    if tuple(labels) == tuple(order):
        return text
    return f"{text}.permute({', '.join(str(list(labels).index(n)) for n in order)})"


def flat(text: str, first: int, count: int) -> str:
    """Adjacent axes as one."""
    return text if count == 1 else f"{text}.flatten({first}, {first + count - 1})"


def learned_map(term: Term | None) -> tuple[Operand, Operand] | None:
    """The array and the learned array of an einsum of just these two, unscaled."""
    if not term or len(term.operands) != 2 or term.factor != 1 or term.powers:
        return None
    x, w = sorted(term.operands, key=lambda o: isinstance(o.source, str))
    fits = isinstance(x.source, int) and isinstance(w.source, str) and plain(x.labels, w.labels, term.out)
    return (x, w) if fits else None


def matrices(term: Term | None) -> str | None:
    """A learned map as one product of matrices, with its bias: the new axes last, or first, as the summed ones are."""
    if not (found := learned_map(term)):
        return None
    x, w = found
    summed = [n for n in x.labels if n in w.labels]
    rows = [n for n in x.labels if n not in w.labels]
    new = [n for n in term.out if n not in x.labels]
    if not summed or not new or {*term.out} != {*rows, *new} or {*w.labels} != {*summed, *new}:
        return None
    name, bias = term.bias or ("", ())
    if bias and {*bias} != {*new}:
        return None
    weight = flat(flat(laid(w.source, w.labels, [*new, *summed]), len(new), len(summed)), 0, len(new))
    add = flat(laid(name, bias, new), 0, len(new)) if bias else ""
    if [*x.labels] == rows + summed and [*term.out] == rows + new:
        text = f"{TORCH}.linear({flat('{0}', len(rows), len(summed))}, {weight}{', ' * bool(add)}{add})"
        return text if len(new) == 1 else f"{text}.reshape{sizes(term, term.out)}"
    if [*x.labels] == summed + rows and [*term.out] == new + rows:
        data = flat(flat("{0}", len(summed), len(rows)), 0, len(summed))
        text = f"torch.addmm({add}[:, None], {weight}, {data})" if add else f"torch.mm({weight}, {data})"
        return text if len(term.out) == 2 else f"{text}.reshape{sizes(term, term.out)}"
    return None
