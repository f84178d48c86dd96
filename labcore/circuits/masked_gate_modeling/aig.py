"""And-inverter graphs: two-input ANDs and inverters, with equal gates built once, and random circuits made of them.

A literal is 2 v + c: variable v, complemented if c = 1. Variables 0 ... n_inputs-1 are inputs, the others are ANDs in
topological order. The literals -2 and -1 are the constants 0 and 1 while a circuit is built; none may be left in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Int

from labcore.primitives.logic.boolean import whole

Array = np.ndarray
FALSE, TRUE = -2, -1


@dataclass(frozen=True)
class Aig:
    """An and-inverter graph. Raises ValueError for constants, and for a gate that reads itself or a later one."""

    n_inputs: int
    fanin: Int[Array, "n_and 2"]  # literals
    outputs: Int[Array, " m"]  # literals

    def __post_init__(self) -> None:
        fanin, outputs = whole("fanin", self.fanin), np.atleast_1d(whole("outputs", self.outputs))
        if fanin.ndim != 2 or fanin.shape[1] != 2 or outputs.ndim != 1:
            shapes = f"fanin of shape {fanin.shape}, outputs of shape {outputs.shape}"
            raise ValueError(f"{shapes} are not allowed; they must be (ands, 2) and (m,)")
        known = 2 * (self.n_inputs + np.arange(len(fanin)))
        for gate in np.flatnonzero(((fanin < 0) | (fanin >= known[:, None])).any(1)):
            raise ValueError(
                f"fanin[{gate}] = {fanin[gate].tolist()} is not allowed; it must be literals 0 to {known[gate] - 1}"
            )
        for bad in outputs[(outputs < 0) | (outputs >= 2 * (self.n_inputs + len(fanin)))]:
            top = 2 * (self.n_inputs + len(fanin)) - 1
            raise ValueError(f"outputs = {bad} is not allowed; it must be literals 0 to {top}")

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
