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
"""

from __future__ import annotations

from dataclasses import replace

from labcore.diagrams.boxes import Bias, Elementwise, Max, Norm, Star, StarTransposed
from labcore.diagrams.fuse import Node, Schedule
from labcore.diagrams.known import TORCH, Steps, flat, laid, learned_map, matrices
from labcore.diagrams.known_attention import attention


def recognised(plan: Schedule) -> Schedule:
    """The schedule with every run of steps that torch has a kernel for as one step."""
    steps = Steps(replace(plan, arrays=dict(plan.arrays)))
    for pattern in (attention, _convolution, _layer_norm, _pooling, _side_by_side, _dense, _gelu):
        for node in list(steps.nodes):
            if any(node is still for still in steps.nodes):
                pattern(steps, node)
    return replace(steps.plan, nodes=steps.nodes)


def _dense(steps: Steps, node: Node) -> None:
    if text := matrices(node.term):
        steps.put([node], [learned_map(node.term)[0].source], text, node.word)


def _gelu(steps: Steps, node: Node) -> None:
    if node.op == Elementwise("gelu"):
        steps.put([node], node.ins, f"{TORCH}.gelu({{0}})", "gelu")


def _layer_norm(steps: Steps, node: Node) -> None:
    if not isinstance(node.op, Norm):
        return
    array = steps.plan.arrays[node.outs[0]]
    last = tuple(range(len(array) - len(node.op.positions), len(array)))
    if tuple(sorted(node.op.positions)) != last:
        return
    old, gain, bias = [node], "None", "None"
    after = steps.after(node)
    if after and (found := learned_map(after.term)) and not after.term.bias:
        x, w = found
        if x.labels == after.term.out and w.labels == x.labels[last[0] :]:
            old, gain = [*old, after], w.source
            after = steps.after(after)
    if after and isinstance(after.op, Bias) and after.op.positions == last:
        old, bias = [*old, after], after.op.name
    shape = tuple(array[p].size for p in last)
    more = f", {gain}, {bias}" if len(old) > 1 else ""
    steps.put(old, node.ins, f"{TORCH}.layer_norm({{0}}, {shape}{more})", node.word)


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
    steps.put([node], node.ins, flat(laid("{0}", range(len(array)), order), at, 2), node.word)


def _convolution(steps: Steps, node: Node) -> None:
    if not (found := learned_map(node.term)):
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
    data = laid("{0}", range(len(others) + len(space)), [*batch, *channels, *space]) + "[None]" * (not batch)
    weight, add = laid(w.source, w.labels, [*new, *inner]), term.bias[0] if term.bias else "None"
    how = (tuple(getattr(options[at], word) for at in space) for word in ("stride", "pad", "dilation"))
    text = f"torch.conv{len(space)}d({data}, {weight}, {add}, {', '.join(map(str, how))})" + "[0]" * (not batch)
    steps.put([*stars, node], [number], laid(text, outer, term.out), node.word)
