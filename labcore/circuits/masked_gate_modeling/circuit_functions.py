"""What a circuit computes: its truth tables when some inverters are not known, and how often its gates are 1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.primitives.logic.boolean import AND, INPUT, NOT, XOR, Netlist, all_patterns
from labcore.primitives.logic.simulation import simulate

from .aig import Aig, Array


def netlist(aig: Aig, open_ands: Int[Array, " k"] | tuple = ()) -> Netlist:
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


def completions(aig: Aig, masked: Int[Array, " k"], rng: np.random.Generator, limit: int = 2**18) -> Completions:
    """Put inverters on the inputs of the masked ANDs in every way, 4^k, and count different truth tables.

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
    tables = simulate(circuit, X, circuit.outputs).reshape(ways, -1)
    return Completions(len(np.unique(np.packbits(tables, axis=1), axis=0)), ways, complete)


def signal_probability(aig: Aig, patterns: int, rng: np.random.Generator) -> Float[Array, " n_and"]:
    """The share of random input patterns for which each AND is 1."""
    circuit = netlist(aig)
    X = rng.integers(0, 2, size=(patterns, aig.n_inputs)).astype(bool)
    return simulate(circuit, X, np.flatnonzero(circuit.kind == AND)).mean(0)
