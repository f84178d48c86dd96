"""What torch has a kernel for: steps of a schedule that are exactly one of its functions become one step.

attention    an einsum of queries and keys, a softmax over the keys, an einsum with the values
convolution  windows of one or two axes, and a learned map from one channel axis and the kernel axes to one axis
layer norm   the last axes normalised, then a gain and a bias on them, if there are any
pooling      the largest number in windows of the last axis
unfolding    windows put back side by side
dense        a learned map from the last axes to last axes, or from the first to first ones
gelu         as it is

What is not exactly the pattern stays as it was: when another step wants an array in between, when axes meet otherwise,
when a factor or a padding stands where the kernel has none. The steps as they were are the meaning; tests compare.
The kernel of attention has no second derivative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from labcore.diagrams.axes import Array
from labcore.diagrams.boxes import Bias, Copy, Drop, Elementwise, Max, Norm, SoftMax, Star, StarTransposed
from labcore.diagrams.fuse import Node, Operand, Schedule, Term

_F = "torch.nn.functional"
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


def recognised(plan: Schedule) -> Schedule:
    """The schedule with every run of steps that torch has a kernel for as one step."""
    steps = Steps(replace(plan, arrays=dict(plan.arrays)))
    for pattern in (_attention, _convolution, _layer_norm, _pooling, _side_by_side, _dense, _gelu):
        for node in list(steps.nodes):
            if any(node is still for still in steps.nodes):
                pattern(steps, node)
    return replace(steps.plan, nodes=steps.nodes)


def _sizes(term: Term, labels: Labels) -> tuple[int, ...]:
    return tuple(term.axes[n].size for n in labels)


def _plain(*groups: Labels) -> bool:
    """No label twice in any group."""
    return all(len({*labels}) == len(labels) for labels in groups)


def _laid(text: str, labels: Labels, order: Labels) -> str:
    """An array with its axes in another order."""
    if tuple(labels) == tuple(order):
        return text
    return f"{text}.permute({', '.join(str(list(labels).index(n)) for n in order)})"


def _flat(text: str, first: int, count: int) -> str:
    """Adjacent axes as one."""
    return text if count == 1 else f"{text}.flatten({first}, {first + count - 1})"


def _map(term: Term | None) -> tuple[Operand, Operand] | None:
    """The array and the learned array of an einsum of just these two, unscaled."""
    if not term or len(term.operands) != 2 or term.factor != 1 or term.powers:
        return None
    x, w = sorted(term.operands, key=lambda o: isinstance(o.source, str))
    fits = isinstance(x.source, int) and isinstance(w.source, str) and _plain(x.labels, w.labels, term.out)
    return (x, w) if fits else None


def _matrices(term: Term | None) -> str | None:
    """A learned map as one product of matrices, with its bias: the new axes last, or first, as the summed ones are."""
    if not (found := _map(term)):
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
    weight = _flat(_flat(_laid(w.source, w.labels, [*new, *summed]), len(new), len(summed)), 0, len(new))
    add = _flat(_laid(name, bias, new), 0, len(new)) if bias else ""
    if [*x.labels] == rows + summed and [*term.out] == rows + new:
        text = f"{_F}.linear({_flat('{0}', len(rows), len(summed))}, {weight}{', ' * bool(add)}{add})"
        return text if len(new) == 1 else f"{text}.reshape{_sizes(term, term.out)}"
    if [*x.labels] == summed + rows and [*term.out] == new + rows:
        data = _flat(_flat("{0}", len(summed), len(rows)), 0, len(summed))
        text = f"torch.addmm({add}[:, None], {weight}, {data})" if add else f"torch.mm({weight}, {data})"
        return text if len(term.out) == 2 else f"{text}.reshape{_sizes(term, term.out)}"
    return None


def _dense(steps: Steps, node: Node) -> None:
    if text := _matrices(node.term):
        steps.put([node], [_map(node.term)[0].source], text, node.word)


def _gelu(steps: Steps, node: Node) -> None:
    if node.op == Elementwise("gelu"):
        steps.put([node], node.ins, f"{_F}.gelu({{0}})", "gelu")


def _layer_norm(steps: Steps, node: Node) -> None:
    if not isinstance(node.op, Norm):
        return
    array = steps.plan.arrays[node.outs[0]]
    last = tuple(range(len(array) - len(node.op.positions), len(array)))
    if tuple(sorted(node.op.positions)) != last:
        return
    old, gain, bias = [node], "None", "None"
    after = steps.after(node)
    if after and (found := _map(after.term)) and not after.term.bias:
        x, w = found
        if x.labels == after.term.out and w.labels == x.labels[last[0] :]:
            old, gain = [*old, after], w.source
            after = steps.after(after)
    if after and isinstance(after.op, Bias) and after.op.positions == last:
        old, bias = [*old, after], after.op.name
    shape = tuple(array[p].size for p in last)
    more = f", {gain}, {bias}" if len(old) > 1 else ""
    steps.put(old, node.ins, f"{_F}.layer_norm({{0}}, {shape}{more})", node.word)


def _pooling(steps: Steps, node: Node) -> None:
    star = steps.before(node.ins[0]) if isinstance(node.op, Max) else None
    if not star or not isinstance(star.op, Star) or star.op.pad:
        return
    op, axes = star.op, len(steps.plan.arrays[star.ins[0]])
    if op.i == axes - 1 and node.op.i == axes and axes in (2, 3):
        text = f"torch.max_pool1d({{0}}, {op.kernel.size}, {op.stride}, 0, {op.dilation})"
        steps.put([star, node], star.ins, text, node.word)


def _side_by_side(steps: Steps, node: Node) -> None:
    if not isinstance(node.op, StarTransposed):
        return
    op, array = node.op, steps.plan.arrays[node.ins[0]]
    width, count = array[op.j].size, array[op.i].size
    if (op.stride, op.dilation, op.pad, op.axis.size) != (width, 1, 0, width * count):
        return
    order = [p for p in range(len(array)) if p != op.j]
    at = order.index(op.i)
    order.insert(at + 1, op.j)
    steps.put([node], node.ins, _flat(_laid("{0}", range(len(array)), order), at, 2), node.word)


def _convolution(steps: Steps, node: Node) -> None:
    if not (found := _map(node.term)):
        return
    (x, w), term, stars, number = found, node.term, [], found[0].source
    while (star := steps.before(number)) and isinstance(star.op, Star):
        stars, number = [star, *stars], star.ins[0]
    if len(stars) not in (1, 2):
        return
    # of every axis of the array with windows: which axis it comes from, and whether it is a position or a kernel axis
    axes: list[tuple[int, str]] = [(p, "") for p in range(len(steps.plan.arrays[number]))]
    options = {}
    for star in stars:
        at, part = axes[star.op.i]
        if part:
            return
        axes[star.op.i : star.op.i + 1] = [(at, "position"), (at, "kernel")]
        options[at] = star.op
    space = sorted(options)
    label = dict(zip(axes, x.labels))
    positions, kernels = ([label[at, part] for at in space] for part in ("position", "kernel"))
    others = [at for at, part in axes if not part]
    channels = [at for at in others if label[at, ""] in w.labels]
    batch = [at for at in others if at not in channels]
    new = [n for n in term.out if n not in x.labels]
    if len(channels) != 1 or len(batch) > 1 or len(new) != 1 or (term.bias and term.bias[1] != (*new,)):
        return
    inner, outer = [label[channels[0], ""], *kernels], [*(label[at, ""] for at in batch), *new, *positions]
    if {*w.labels} != {*new, *inner} or {*term.out} != {*outer}:
        return
    data = _laid("{0}", range(len(others) + len(space)), [*batch, *channels, *space]) + "[None]" * (not batch)
    weight, add = _laid(w.source, w.labels, [*new, *inner]), term.bias[0] if term.bias else "None"
    how = (tuple(getattr(options[at], word) for at in space) for word in ("stride", "pad", "dilation"))
    text = f"torch.conv{len(space)}d({data}, {weight}, {add}, {', '.join(map(str, how))})" + "[0]" * (not batch)
    steps.put([*stars, node], [number], _laid(text, outer, term.out), node.word)


def _attention(steps: Steps, node: Node) -> None:
    first = steps.before(node.ins[0]) if isinstance(node.op, SoftMax) else None
    after = steps.after(node) if first and first.term else None
    if not after or not after.term:
        return
    s, t = first.term, after.term
    if len(s.operands) != 2 or len(t.operands) != 2 or s.bias or t.bias or t.factor != 1 or t.powers:
        return
    soft, value = sorted(t.operands, key=lambda o: steps.plan.origin(o.source) != node.outs[0])
    if not _plain(s.out, t.out, soft.labels, *(o.labels for o in s.operands)):
        return
    at = s.out[node.op.i]
    query, key = sorted(s.operands, key=lambda o: at in o.labels)
    # the second einsum in the labels of the first
    same = dict(zip(soft.labels, s.out))
    value_labels, out = ([same.get(n, -1 - n) for n in labels] for labels in (value.labels, t.out))
    batch = [n for n in s.out if n in query.labels and n in key.labels]
    rows = [n for n in query.labels if n not in key.labels]
    within = [n for n in query.labels if n in key.labels and n not in batch]
    new = [n for n in value_labels if n < 0]
    if at in query.labels or not (len(batch) <= 2 and len(rows) == len(within) == len(new) == 1 and _plain(value_labels)):
        return
    wanted = (
        ({*s.out}, {*batch, *rows, at}), ({*key.labels}, {*batch, *within, at}), ({*value_labels}, {*batch, *new, at}),
        ({*out}, {*batch, *rows, *new}),
    )  # fmt: skip
    if any(have != want for have, want in wanted):
        return
    ins, parts, more = [], [], 2 - len(batch)
    for operand, labels, order in (
        (query, query.labels, (*batch, *rows, *within)),
        (key, key.labels, (*batch, at, *within)),
        (value, value_labels, (*batch, at, *new)),
    ):
        labels = _turned(steps, operand, labels, (*batch, order[-1]))
        name = operand.source if isinstance(operand.source, str) else f"{{{len(ins)}}}"
        ins += [operand.source] if isinstance(operand.source, int) else []
        parts.append(_laid(name, labels, order) + ("", "[None]", "[None, None]")[more])
    scale = " * ".join([f"{s.factor!r}"] * (s.factor != 1) + [f"{a.size} ** {float(p):g}" for a, p in s.powers])
    text = f"{_F}.scaled_dot_product_attention({', '.join(parts)}, scale={scale or '1.0'})"
    text = _laid(text + ("", "[0]", "[0, 0]")[more], (*batch, *rows, *new), out)
    steps.put([first, node, after], ins, text, "attention")


def _turned(steps: Steps, operand: Operand, labels: Labels, last: Labels) -> Labels:
    """The labels of an array that a learned map makes for this alone, made anew with these axes last, in this order.

    The kernel wants the numbers of one head side by side.
    """
    maker = steps.before(operand.source) if isinstance(operand.source, int) else None
    if not maker or not maker.term:
        return labels
    places = [p for p, n in enumerate(labels) if n not in last] + [list(labels).index(n) for n in last]
    term = replace(maker.term, out=tuple(maker.term.out[p] for p in places))
    if not _matrices(term):
        return labels
    array = steps.plan.arrays[maker.outs[0]]
    maker.term, steps.plan.arrays[maker.outs[0]] = term, Array(tuple(array[p] for p in places))
    return [labels[p] for p in places]
