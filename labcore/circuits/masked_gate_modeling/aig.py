"""And-inverter graphs: two-input ANDs and inverters, with equal gates built once, and random circuits made of them.

A literal is 2 v + c: variable v, complemented if c = 1. Variables 0 ... n_inputs-1 are inputs, the others are ANDs in
topological order. The literals -2 and -1 are the constants 0 and 1 while a circuit is built; none may be left in it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labcore.primitives.logic.boolean import AND, INPUT, NOT, XOR, Netlist, all_patterns, simulate

FALSE, TRUE = -2, -1


class Aig(NamedTuple):
    """An and-inverter graph."""

    n_inputs: int
    fanin: NDArray[np.int32]  # (n_and, 2) literals
    outputs: NDArray[np.int32]  # (m,) literals

    @property
    def n_ands(self) -> int:
        return len(self.fanin)


class Builder:
    """Builds an `Aig` gate by gate. Constants are folded, and a gate that is there already is not built twice."""

    def __init__(self, n_inputs: int, rng: np.random.Generator):
        self.n_inputs, self.rng = n_inputs, rng
        self.fanin: list[tuple[int, int]] = []
        self._known: dict[tuple[int, int], int] = {}

    def conj(self, a: int, b: int) -> int:
        """The literal of a AND b."""
        a, b = min(a, b), max(a, b)
        if a == FALSE or a == b ^ 1:
            return FALSE
        if a == TRUE or a == b:
            return b
        if (a, b) not in self._known:
            self._known[a, b] = 2 * (self.n_inputs + len(self.fanin))
            self.fanin.append((a, b))
        return self._known[a, b]

    def disj(self, a: int, b: int) -> int:
        return self.conj(a ^ 1, b ^ 1) ^ 1

    def xor(self, a: int, b: int) -> int:
        """a XOR b, built in one of two ways, perhaps as NOT (NOT a XOR b)."""
        flip = int(self.rng.integers(2))
        a ^= flip
        if self.rng.integers(2):
            return self.conj(self.conj(a, b) ^ 1, self.conj(a ^ 1, b ^ 1) ^ 1) ^ flip
        return self.disj(self.conj(a, b ^ 1), self.conj(a ^ 1, b)) ^ flip

    def mux(self, s: int, a: int, b: int) -> int:
        """a if s else b, as a sum of products or as b XOR (s AND (a XOR b))."""
        if self.rng.integers(2):
            return self.disj(self.conj(s, a), self.conj(s ^ 1, b))
        return self.xor(b, self.conj(s, self.xor(a, b)))

    def carry(self, a: int, b: int, c: int) -> int:
        """The majority of three, a b + c (a + b) or a b + c (a XOR b)."""
        either = self.xor(a, b) if self.rng.integers(2) else self.disj(a, b)
        return self.disj(self.conj(a, b), self.conj(c, either))

    def join(self, gate: Callable[[int, int], int], literals: list[int]) -> int:
        """An associative gate over many literals, in random order, as a chain or as a balanced tree."""
        left = [literals[i] for i in self.rng.permutation(len(literals))]
        if self.rng.integers(2):
            return reduce(gate, left)
        while len(left) > 1:
            pairs = [gate(*left[i : i + 2]) for i in range(0, len(left) - 1, 2)]
            left = pairs + left[len(left) - len(left) % 2 :]
        return left[0]

    def finish(self, outputs: list[int]) -> Aig:
        """The circuit, without the gates that no output needs. Raises ValueError if an output is constant."""
        if min(outputs) < 0:
            raise ValueError(f"output {outputs.index(min(outputs))} is constant; an and-inverter graph has none here")
        needed, n = np.zeros(len(self.fanin), bool), self.n_inputs
        for literal in outputs:
            if literal // 2 >= n:
                needed[literal // 2 - n] = True
        for g in range(len(self.fanin) - 1, -1, -1):
            for literal in self.fanin[g]:
                if needed[g] and literal // 2 >= n:
                    needed[literal // 2 - n] = True
        new = np.concatenate([np.arange(n), n + np.cumsum(needed) - 1])
        fanin = np.array([f for f, k in zip(self.fanin, needed) if k], np.int32).reshape(-1, 2)
        moved = [2 * new[x // 2] + x % 2 for x in (fanin, np.array(outputs, np.int32))]
        return Aig(n, *(np.asarray(x, np.int32) for x in moved))


FAMILIES = ("add", "lt", "eq", "mux", "parity", "and", "or")


def build(family: str, width: int, rng: np.random.Generator) -> Aig:
    """One of many equivalent circuits of a family: words a, b of `width` bits, lowest bit first; mux has a third input.

    Raises ValueError for a family that does not exist.
    """
    b = Builder(2 * width + (family == "mux"), rng)
    pairs = [(2 * i, 2 * (width + i)) for i in range(width)]
    if family == "add":
        outputs, c = [], FALSE
        for x, y in pairs:
            outputs.append(b.xor(b.xor(x, y), c) if c != FALSE else b.xor(x, y))
            c = b.carry(x, y, c) if c != FALSE else b.conj(x, y)
        return b.finish([*outputs, c])
    if family == "lt":
        less = FALSE
        for x, y in pairs:
            if less == FALSE:
                less = b.conj(x ^ 1, y)
            elif rng.integers(2):
                less = b.mux(b.xor(x, y), y, less)
            else:
                less = b.disj(b.conj(x ^ 1, y), b.conj(b.xor(x, y) ^ 1, less))
        return b.finish([less])
    if family == "eq":
        different = [b.xor(x, y) for x, y in pairs]
        if rng.integers(2):
            return b.finish([b.join(b.disj, different) ^ 1])
        return b.finish([b.join(b.conj, [d ^ 1 for d in different])])
    if family == "mux":
        return b.finish([b.mux(4 * width, x, y) for x, y in pairs])
    if family == "parity":
        return b.finish([b.join(b.xor, [literal for pair in pairs for literal in pair])])
    if family in ("and", "or"):
        gate = b.conj if family == "and" else b.disj
        return b.finish([b.join(gate, [literal for pair in pairs for literal in pair])])
    raise ValueError(f"family = {family!r} is not allowed; it must be one of {', '.join(FAMILIES)}")


def verilog(family: str, width: int) -> str:
    """The line of Verilog that says what a circuit of this family computes, and nothing of how."""
    top, out = width - 1, {"add": f"[{width}:0] ", "mux": f"[{width - 1}:0] "}.get(family, "")
    right = {
        "add": "a + b", "lt": "a < b", "eq": "a == b", "mux": "s ? a : b", "parity": "^{a, b}", "and": "&{a, b}",
        "or": "|{a, b}",
    }[family]  # fmt: skip
    return f"input [{top}:0] a, b{', input s' if family == 'mux' else ''}; output {out}y; assign y = {right};"


class CircuitGraph(NamedTuple):
    """An and-inverter graph as a graph network sees it: inputs, ANDs, outputs, then inverters if they are nodes."""

    kind: NDArray[np.int64]  # (n,) from 1; 0 is kept for padding
    src: NDArray[np.int64]  # (e,) an edge goes with the signal
    dst: NDArray[np.int64]  # (e,)
    invert: NDArray[np.bool_]  # (e,) whether the edge inverts; never where inverters are nodes


FOUR_TYPES = ("PI", "PO", "AND", "NOT")
POLARITY = ("PI", "PO", "AND, none inverted", "AND, one inverted", "AND, both inverted")


def with_polarity(aig: Aig) -> CircuitGraph:
    """Inverters as marks on edges; an AND is labelled by how many of its inputs are inverted (see POLARITY)."""
    n, g, m = aig.n_inputs, aig.n_ands, len(aig.outputs)
    literals = np.concatenate([aig.fanin.ravel(), aig.outputs])
    dst = np.concatenate([n + np.repeat(np.arange(g), 2), n + g + np.arange(m)])
    kind = np.concatenate([np.full(n, 1), 3 + (aig.fanin % 2).sum(1), np.full(m, 2)])
    return CircuitGraph(kind.astype(np.int64), literals.astype(np.int64) // 2, dst.astype(np.int64), literals % 2 == 1)


def with_inverters(aig: Aig) -> CircuitGraph:
    """Every inverted edge cut by a NOT node of its own; four types (see FOUR_TYPES)."""
    plain = with_polarity(aig)
    n, at = len(plain.kind), np.flatnonzero(plain.invert)
    fresh = n + np.arange(len(at))
    src = np.concatenate([plain.src, plain.src[at]])
    src[at] = fresh
    kind = np.concatenate([np.minimum(plain.kind, 3), np.full(len(at), 4)])
    return CircuitGraph(kind, src, np.concatenate([plain.dst, fresh]), np.zeros(len(src), bool))


def degrees(graph: CircuitGraph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """In-degree and out-degree (n,) of every node."""
    return tuple(np.bincount(ends, minlength=len(graph.kind)) for ends in (graph.dst, graph.src))


def place(graph: CircuitGraph) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where to draw each node: x (n,) its level, outputs last; y (n,) near the middle of what it is wired to."""
    n, level = len(graph.kind), np.zeros(len(graph.kind), int)
    for _ in range(n):
        reached = np.zeros(n, int)
        np.maximum.at(reached, graph.dst, level[graph.src] + 1)
        if (reached == level).all():
            break
        level = reached
    level[graph.kind == 2] = level.max()
    y = np.zeros(n)
    columns = [np.flatnonzero(level == k) for k in range(level.max() + 1)]
    for column in columns:
        y[column] = np.linspace(-1, 1, len(column) + 2)[1:-1]
    for sweep in range(8):
        ends = (graph.dst, graph.src) if sweep % 2 == 0 else (graph.src, graph.dst)
        total, count = np.zeros(n), np.zeros(n)
        np.add.at(total, ends[0], y[ends[1]])
        np.add.at(count, ends[0], 1)
        wish = np.where(count > 0, total / np.maximum(count, 1), y)
        for column in columns:
            y[column[np.argsort(wish[column], kind="stable")]] = np.linspace(-1, 1, len(column) + 2)[1:-1]
    return level.astype(float), y


def netlist(aig: Aig, open_ands: NDArray[np.int64] | tuple = ()) -> Netlist:
    """The circuit for simulation; AND number g in `open_ands` reads both inputs through an XOR with a new input.

    So the circuit with an unknown inverter on each input of k gates is one circuit with 2 k more inputs.
    """
    n, opened = aig.n_inputs, len(open_ands)
    kind, fanin = [INPUT] * (n + 2 * opened), [[-1, -1]] * (n + 2 * opened)
    at = list(range(n))  # the node of each variable
    extra = {int(g): n + 2 * k for k, g in enumerate(open_ands)}

    def node(gate: int, *reads: int) -> int:
        kind.append(gate)
        fanin.append([*reads, -1][:2])
        return len(kind) - 1

    def literal(x: int) -> int:
        return node(NOT, at[x // 2]) if x % 2 else at[x // 2]

    for g, (a, b) in enumerate(aig.fanin.tolist()):
        reads = [literal(a), literal(b)]
        if g in extra:
            reads = [node(XOR, r, extra[g] + k) for k, r in enumerate(reads)]
        at.append(node(AND, *reads))
    outputs = [literal(x) for x in aig.outputs.tolist()]
    return Netlist(np.array(kind), np.array(fanin), np.array(outputs))


class Completions(NamedTuple):
    """What a circuit may compute when the inverters of some gates are not known."""

    functions: int  # different truth tables among those tried
    tried: int  # ways to put the inverters back that were tried
    all: bool  # whether these are all the ways


def completions(aig: Aig, masked: NDArray[np.int64], rng: np.random.Generator, limit: int = 2**18) -> Completions:
    """Put inverters on the inputs of the masked ANDs (k,) in every way, 4^k, and count different truth tables.

    When 4^k 2^n_inputs is above `limit`, only a random sample of the ways is tried, the true one among them.
    """
    n, k = aig.n_inputs, len(masked)
    ways = max(1, min(4**k, limit >> n))
    if complete := ways == 4**k:
        code = np.arange(ways)[:, None] >> np.arange(2 * k) & 1
    else:
        code = rng.integers(0, 2, size=(ways, 2 * k))
        code[0] = 0
    inputs = all_patterns(n)
    X = np.concatenate([np.tile(inputs, (ways, 1)), np.repeat(code.astype(bool), len(inputs), axis=0)], axis=1)
    circuit = netlist(aig, masked)
    tables = simulate(circuit, X)[:, circuit.outputs].reshape(ways, -1)
    return Completions(len(np.unique(np.packbits(tables, axis=1), axis=0)), ways, complete)


def signal_probability(aig: Aig, patterns: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The share of random input patterns for which each AND is 1, (n_and,)."""
    circuit = netlist(aig)
    values = simulate(circuit, rng.integers(0, 2, size=(patterns, aig.n_inputs)).astype(bool))
    return values[:, circuit.kind == AND].mean(0)
