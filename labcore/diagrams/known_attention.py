"""An einsum of queries and keys, a softmax over the keys, an einsum with the values: torch's fused attention.

The kernel has no second derivative. Where a whole row of scores is minus infinity it gives zeros, not NaN.
"""

from __future__ import annotations

from dataclasses import replace

from labcore.diagrams.axes import Array
from labcore.diagrams.boxes import SoftMax
from labcore.diagrams.fuse import Node, Operand
from labcore.diagrams.known import TORCH, Labels, Steps, laid, matrices, plain


def attention(steps: Steps, node: Node) -> None:
    first = steps.before(node.ins[0]) if isinstance(node.op, SoftMax) else None
    after = steps.after(node) if first and first.term else None
    if not after or not after.term:
        return
    s, t = first.term, after.term
    if len(s.operands) != 2 or len(t.operands) != 2 or s.bias or t.bias or t.factor != 1 or t.powers:
        return
    soft, value = sorted(t.operands, key=lambda o: steps.plan.origin(o.source) != node.outs[0])
    if not plain(s.out, t.out, soft.labels, *(o.labels for o in s.operands)):
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
    if at in query.labels or not (
        len(batch) <= 2 and len(rows) == len(within) == len(new) == 1 and plain(value_labels)
    ):
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
        parts.append(laid(name, labels, order) + ("", "[None]", "[None, None]")[more])
    scale = " * ".join([f"{s.factor!r}"] * (s.factor != 1) + [f"{a.size} ** {float(p):g}" for a, p in s.powers])
    text = f"{TORCH}.scaled_dot_product_attention({', '.join(parts)}, scale={scale or '1.0'})"
    text = laid(text + ("", "[0]", "[0, 0]")[more], (*batch, *rows, *new), out)
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
    if not matrices(term):
        return labels
    array = steps.plan.arrays[maker.outs[0]]
    maker.term, steps.plan.arrays[maker.outs[0]] = term, Array(tuple(array[p] for p in places))
    return [labels[p] for p in places]
