"""Logic circuits as netlists, and Boolean data sets with values -1 and +1."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int, Int8, Int32, Int64
from numpy.typing import ArrayLike

from labcore.kernels import kernel

INPUT, ZERO, ONE, BUF, NOT, AND, OR, XOR, MAJ = range(9)
NAMES = ("IN", "0", "1", "BUF", "NOT", "AND", "OR", "XOR", "MAJ")
FAN_IN = (0, 0, 0, 1, 1, 2, 2, 2, 3)

Array = np.ndarray


def whole(name: str, values: ArrayLike) -> Int64[Array, "*shape"]:
    """The values as they are, before anything is cast. Raises ValueError unless they are integers of 64 bits."""
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        bad = next((v for v in array.ravel().tolist() if type(v) is not int), array.flat[0])
        raise ValueError(f"{name} = {bad} is not allowed; it must hold whole numbers")
    if array.dtype == np.uint64 and array.size and array.max() >= 2**63:
        raise ValueError(f"{name} = {array.max()} is not allowed; it must be below 2^63")
    return array.astype(np.int64)


def bits_of(name: str, values: ArrayLike) -> Bool[Array, "*shape"]:
    """0 and 1 as Booleans. Raises ValueError for anything else: -1, which stands for 0 elsewhere, is true to numpy."""
    array = np.asarray(values)
    if array.dtype != bool and len(bad := array[(array != 0) & (array != 1)]):
        raise ValueError(f"{name} = {bad.flat[0]} is not allowed; it must hold 0 and 1 only")
    return array.astype(bool, copy=False)


@dataclass(frozen=True)
class Netlist:
    """A combinational circuit of n nodes, in any order. Raises ValueError when it is none.

    kind is a constant of this module for each node, fanin the nodes that it reads (-1 where it reads no more; two
    columns do, a third is added), outputs the nodes that are read from outside. Nodes of kind INPUT are the inputs,
    in their order.
    """

    kind: Int8[Array, " n"]
    fanin: Int32[Array, "n 3"]
    outputs: Int32[Array, " m"]
    order: Int32[Array, " n"] = field(init=False, repr=False, compare=False)  # topological: drivers come first

    def __post_init__(self) -> None:
        kind, fanin, outputs = (whole(name, getattr(self, name)) for name in ("kind", "fanin", "outputs"))
        kind, outputs, n = np.atleast_1d(kind), np.atleast_1d(outputs), kind.size
        for name, nodes in (("kind", kind), ("outputs", outputs)):
            if nodes.ndim != 1:
                raise ValueError(f"{name} of shape {nodes.shape} is not allowed; it must have one dimension")
        if n and (kind.min() < 0 or kind.max() >= len(NAMES)):
            raise ValueError(f"kind = {kind[(kind < 0) | (kind >= len(NAMES))][0]} is not a gate; it must be 0 to 8")
        fanin = fanin if n or fanin.size else np.empty((0, 3), np.int64)
        if fanin.ndim != 2 or len(fanin) != n or fanin.shape[1] > 3:
            raise ValueError(f"fanin of shape {fanin.shape} is not allowed; it must be ({n}, at most 3): a row a node")
        fanin = np.concatenate([fanin, np.full((n, 3 - fanin.shape[1]), -1)], axis=1)
        needs = np.array(FAN_IN)[kind]
        used = np.arange(3) < needs[:, None]
        for node in np.flatnonzero((used & ((fanin < 0) | (fanin >= n))).any(1) | (~used & (fanin >= 0)).any(1)):
            raise ValueError(
                f"fanin[{node}] = {fanin[node].tolist()} is not allowed; {NAMES[kind[node]]} reads {needs[node]} "
                f"nodes from 0 to {n - 1}, then -1"
            )
        if len(bad := outputs[(outputs < 0) | (outputs >= n)]):
            raise ValueError(f"outputs = {bad[0]} is not a node; it must be from 0 to {n - 1}")
        kind, fanin, outputs = kind.astype(np.int8), fanin.astype(np.int32), outputs.astype(np.int32)
        order, left = _topological(needs.astype(np.int32), fanin)
        if left:
            raise ValueError(f"the netlist has a cycle: {left} of {n} nodes are in it or wait for it")
        for name, value in (("kind", kind), ("fanin", fanin), ("outputs", outputs), ("order", order)):
            object.__setattr__(self, name, value)

    @property
    def inputs(self) -> Int64[Array, " n_in"]:
        """The input nodes."""
        return np.flatnonzero(self.kind == INPUT)


@kernel
def _topological(needs, fanin):
    """Nodes with drivers first, and how many could not be placed: needs (n,), fanin (n, 3)."""
    n = len(needs)
    readers, start = np.empty(needs.sum(), np.int32), np.zeros(n + 1, np.int64)
    for node in range(n):
        for j in range(needs[node]):
            start[fanin[node, j] + 1] += 1
    start = np.cumsum(start)
    fill = start[:-1].copy()
    for node in range(n):
        for j in range(needs[node]):
            readers[fill[fanin[node, j]]] = node
            fill[fanin[node, j]] += 1
    waits, order, placed, done = needs.copy(), np.empty(n, np.int32), 0, 0
    for node in range(n):
        if waits[node] == 0:
            order[placed] = node
            placed += 1
    while done < placed:
        node = order[done]
        done += 1
        for k in range(start[node], start[node + 1]):
            waits[readers[k]] -= 1
            if waits[readers[k]] == 0:
                order[placed] = readers[k]
                placed += 1
    return order, n - placed


def all_patterns(bits: int) -> Bool[Array, "2**bits bits"]:
    """Every input pattern, the first column being the slowest. Raises ValueError above 12 bits."""
    if not 0 <= bits <= 12:
        raise ValueError(f"{bits} inputs are not allowed; a truth table has from 0 to 12")
    return (np.arange(2**bits)[:, None] >> np.arange(bits)[::-1] & 1).astype(bool)


def signs(bits: Bool[Array, "*shape"] | Int[Array, "*shape"]) -> Int8[Array, "*shape"]:
    """0/1 as -1/+1. Raises ValueError for other numbers."""
    return np.where(bits_of("bits", bits), 1, -1).astype(np.int8)


def multiplier(bits: int) -> tuple[Int8[Array, "4**bits 2*bits"], Int8[Array, "4**bits 2*bits"]]:
    """All products of two `bits`-bit numbers: X the two, Y their product, most significant bit first."""
    if not 1 <= bits <= 6:
        raise ValueError(f"bits = {bits} is not allowed; it must be from 1 to 6")
    X = all_patterns(2 * bits)
    place = 2 ** np.arange(bits)[::-1]
    product = (X[:, :bits] @ place) * (X[:, bits:] @ place)
    return signs(X), signs(product[:, None] >> np.arange(2 * bits)[::-1] & 1)


def eca(rule: int, width: int, steps: int) -> tuple[Int8[Array, "2**width width"], Int8[Array, "2**width width"]]:
    """Wolfram's elementary automaton on a ring: X every state, Y that `steps` later."""
    if not 0 <= rule <= 255:
        raise ValueError(f"rule = {rule} is not allowed; it must be from 0 to 255")
    if not 3 <= width <= 12:
        raise ValueError(f"width = {width} is not allowed; it must be from 3 to 12")
    if steps < 1:
        raise ValueError(f"steps = {steps} is not allowed; it must be at least 1")
    state = first = all_patterns(width)
    for _ in range(steps):
        neighbours = 4 * np.roll(state, 1, 1) + 2 * state + np.roll(state, -1, 1)
        state = (rule >> neighbours & 1).astype(bool)
    return signs(first), signs(state)


def eca_cell(rule: int) -> tuple[Int8[Array, "8 3"], Int8[Array, "8 1"]]:
    """The rule of one cell: X its left neighbour, itself and its right neighbour, Y what it becomes."""
    if not 0 <= rule <= 255:
        raise ValueError(f"rule = {rule} is not allowed; it must be from 0 to 255")
    return signs(all_patterns(3)), signs(rule >> np.arange(8)[:, None] & 1)


def random_logic(widths: list[int], p: float, gate: str, rng: np.random.Generator) -> Netlist:
    """Layers of gates on random nodes of the layer before, and a copy instead with probability 1 - p.

    `gate` is "and/or" (each input negated or not, by a coin) or "majority" (of three, signs by a coin).
    """
    if gate not in ("and/or", "majority"):
        raise ValueError(f"gate = {gate!r} is not allowed; it must be 'and/or' or 'majority'")
    if not 0 <= p <= 1:
        raise ValueError(f"p = {p} is not allowed; it must be from 0 to 1")
    count = 2 if gate == "and/or" else 3
    if len(widths) < 2 or min(widths) < count:
        raise ValueError(f"widths = {list(widths)} is not allowed; it must be at least two layers of at least {count}")
    kind, fanin = [INPUT] * widths[0], [[-1, -1, -1]] * widths[0]
    layer = list(range(widths[0]))
    for width in widths[1:]:
        roots = []
        for _ in range(width):
            reads = count if rng.random() < p else 1
            sources = []
            for node in rng.choice(len(layer), reads, replace=False):
                if rng.random() < 0.5:
                    sources.append(layer[node])
                else:
                    kind.append(NOT)
                    fanin.append([layer[node], -1, -1])
                    sources.append(len(kind) - 1)
            kind.append(BUF if reads == 1 else MAJ if reads == 3 else AND if rng.random() < 0.5 else OR)
            fanin.append(sources + [-1] * (3 - reads))
            roots.append(len(kind) - 1)
        layer = roots
    return Netlist(np.array(kind, np.int8), np.array(fanin, np.int32), np.array(layer, np.int32))


def random_codes(n: int, bits: int, rng: np.random.Generator) -> tuple[Int8[Array, "n bits"], Int8[Array, "n bits"]]:
    """n different random codes, each its own label: X and Y."""
    if not 1 <= bits <= 20 or not 1 <= n <= 2**bits:
        raise ValueError(f"n = {n}, bits = {bits} is not allowed; bits from 1 to 20 hold at most 2^bits codes")
    codes = signs(rng.choice(2**bits, n, replace=False)[:, None] >> np.arange(bits)[::-1] & 1)
    return codes, codes.copy()
