"""Truth tables for layered networks of signs to learn, and the logic gates that such a network turned out to be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.primitives.logic import boolean
from labcore.primitives.logic.simulation import truth_table

from .wiring import Array, Wiring, infer, layered

NO_GATE, NOT_READ = -1, -2


class Task(NamedTuple):
    """A wiring, the items to learn from, and the items kept back."""

    name: str
    net: Wiring
    X: Float[Array, "P n_in"]  # of -1 and +1, as are the others
    Y: Float[Array, "P n_out"]
    X_test: Float[Array, "rest n_in"]
    Y_test: Float[Array, "rest n_out"]


def make_task(task: str, rule: int, items: int, seed: int) -> Task:
    """The truth table of a circuit and the layers that are to compute it; with fewer items than rows, some of them."""
    rng = np.random.default_rng([seed, 1000])
    if task == "multiplier2":
        widths, (X, Y) = (4, 4, 4, 4), boolean.multiplier(2)
    elif task == "eca_cell":
        widths, (X, Y) = (3, 3, 3, 1), boolean.eca_cell(rule)
    elif task == "autoencoder":
        widths, (X, Y) = (8, 3, 8, 8), boolean.random_codes(8, 8, rng)
    else:
        widths, X = (8, 8, 8, 8, 8), boolean.signs(boolean.all_patterns(8))
        Y = boolean.signs(truth_table(boolean.random_logic(list(widths), 0.5, "and/or", rng)))
    some = np.sort(rng.permutation(len(X))[:items]) if task in ("multiplier2", "random_logic") else np.arange(len(X))
    rest = np.setdiff1d(np.arange(len(X)), some)
    data = (np.array(a, float, order="C") for a in (X[some], Y[some], X[rest], Y[rest]))
    return Task(task, layered(widths), *data)


def pictures(kind: str, seed: int) -> Float[Array, "P 9"]:
    """Unlike pictures of 3 x 3 pixels, -1 and +1: the 14 with whole rows or whole columns filled, or 8 at random."""
    rows = boolean.all_patterns(3)
    if kind == "bars":
        filled = np.concatenate([np.repeat(rows, 3, 1), np.tile(rows, (1, 3))])
        return boolean.signs(np.unique(filled, axis=0)).astype(float)
    rng = np.random.default_rng([seed, 1001])
    return boolean.signs(boolean.all_patterns(9)[np.sort(rng.permutation(512)[:8])]).astype(float)


def quantise(net: Wiring, w: Float[Array, " E"]) -> Float[Array, " E"]:
    """Weights of -1, 0 and +1: those above half of sqrt(m/3) count."""
    return np.sign(w) * (np.abs(w) > 0.5 * np.sqrt(net.fan_in[net.neuron] / 3))


def read_gates(
    net: Wiring, w: Float[Array, " E"], X: Float[Array, "P n_in"]
) -> tuple[Int[Array, " K"], Int[Array, " E"]]:
    """The gate of each neuron, a kind of `boolean` or NO_GATE, and the signs of the edges that it keeps, else 0.

    The largest weight alone, then the three largest, as signs; the first that reproduces what the neuron does on X.
    """
    values, kinds, kept = infer(net, w, X), np.full(len(net.start) - 1, NO_GATE, np.int8), np.zeros(len(w), np.int8)
    for k, (a, b) in enumerate(zip(net.start, net.start[1:], strict=False)):
        order = a + np.argsort(-np.abs(w[a:b]), kind="stable")
        for top in (order[:1], order[:3]):
            sign, source = np.sign(w[top]), net.source[top]
            if not np.array_equal(np.where(values[:, source] @ sign > 0, 1.0, -1.0), values[:, net.inputs + k]):
                continue
            bias = sign[source == 0].sum()  # of the constant -1, when it is among them
            if len(top) == 1:
                kinds[k] = (boolean.ZERO if bias > 0 else boolean.ONE) if bias else boolean.BUF
            else:
                kinds[k] = (boolean.AND if bias > 0 else boolean.OR) if bias else boolean.MAJ
            kept[top] = sign
            break
    return kinds, kept


def circuit(net: Wiring, kinds: Int[Array, " K"], kept: Int[Array, " E"]) -> boolean.Netlist | None:
    """The gates that the outputs depend on as a netlist, with NOT nodes; None if one of them is no gate."""
    inputs = net.inputs - 1
    kind, fanin, built = [boolean.INPUT] * inputs, [[-1] * 3] * inputs, {n: n - 1 for n in range(1, net.inputs)}

    def node(of_kind: int, reads: list[int]) -> int:
        kind.append(of_kind)
        fanin.append(reads + [-1] * (3 - len(reads)))
        return len(kind) - 1

    edges = [np.arange(a, b)[kept[a:b] != 0] for a, b in zip(net.start, net.start[1:], strict=False)]
    edges = [e[net.source[e] != 0] for e in edges]
    needed = set(range(net.nodes - net.outputs, net.nodes))
    for n in range(net.nodes - 1, net.inputs - 1, -1):
        needed |= set(net.source[edges[n - net.inputs]].tolist()) if n in needed else set()
    for n in sorted(n for n in needed if n >= net.inputs):
        if kinds[n - net.inputs] == NO_GATE:
            return None
        reads = [(built[int(net.source[e])], kept[e]) for e in edges[n - net.inputs]]
        reads = [source if sign > 0 else node(boolean.NOT, [source]) for source, sign in reads]
        built[n] = node(int(kinds[n - net.inputs]), reads)
    outputs = [built[n] for n in range(net.nodes - net.outputs, net.nodes)]
    return boolean.Netlist(np.array(kind), np.array(fanin), np.array(outputs))
