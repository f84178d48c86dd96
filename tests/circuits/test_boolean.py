"""Netlists: every gate, every order, exhaustive tables against plain Python; the data sets against arithmetic."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from labcore.primitives.logic import boolean, simulation
from labcore.primitives.logic.boolean import (
    AND,
    BUF,
    INPUT,
    MAJ,
    NOT,
    ONE,
    OR,
    XOR,
    ZERO,
    Netlist,
)
from labcore.primitives.logic.simulation import simulate, truth_table

GATES = {
    ZERO: lambda *_: False,
    ONE: lambda *_: True,
    BUF: lambda a: a,
    NOT: lambda a: not a,
    AND: lambda a, b: a and b,
    OR: lambda a, b: a or b,
    XOR: lambda a, b: a != b,
    MAJ: lambda a, b, c: a + b + c >= 2,
}


@pytest.mark.parametrize("kind", GATES)
def test_gate(kind):
    n = boolean.FAN_IN[kind]
    netlist = Netlist([INPUT] * n + [kind], [[-1] * 3] * n + [list(range(n)) + [-1] * (3 - n)], [n])
    expected = [bool(GATES[kind](*row)) for row in itertools.product((False, True), repeat=n)]
    assert truth_table(netlist)[:, 0].tolist() == expected


def plain(netlist, row):
    """Recursive evaluation, node by node."""
    values = dict(zip(netlist.inputs.tolist(), row, strict=True))

    def value(node):
        if node not in values:
            reads = [value(int(f)) for f in netlist.fanin[node] if f >= 0]
            values[node] = bool(GATES[int(netlist.kind[node])](*reads))
        return values[node]

    return [value(n) for n in range(len(netlist.kind))]


@pytest.mark.parametrize(("gate", "seed"), [("and/or", 0), ("majority", 1)])
@pytest.mark.parametrize("patterns", [1, 63, 64, 65, 200])
def test_words_agree_with_recursion_in_any_node_order(gate, seed, patterns, monkeypatch):
    rng = np.random.default_rng(seed)
    made = boolean.random_logic([5, 6, 4, 3], 0.7, gate, rng)
    n = len(made.kind)
    place = np.concatenate([np.arange(5), 5 + rng.permutation(n - 5)])  # node i of `made` goes to place[i]
    kind, fanin = np.empty(n, int), np.full((n, 3), -1)
    kind[place] = made.kind
    fanin[place] = np.where(made.fanin >= 0, place[made.fanin], -1)
    shuffled = Netlist(kind, fanin, place[made.outputs])
    X = rng.random((patterns, 5)) < 0.5
    assert simulate(shuffled, X).tolist() == [plain(shuffled, row) for row in X.tolist()]
    np.testing.assert_array_equal(truth_table(made), truth_table(shuffled))
    monkeypatch.setattr(simulation, "CACHED", 2 * n)  # blocks of two words, the last one shorter
    np.testing.assert_array_equal(simulate(shuffled, X), [plain(shuffled, row) for row in X.tolist()])
    asked = [int(shuffled.outputs[0]), 3, 3, 0]
    np.testing.assert_array_equal(simulate(shuffled, X, asked), simulate(shuffled, X)[:, asked])


def test_two_columns_of_fan_in_are_enough_without_majority():
    netlist = Netlist([INPUT, INPUT, XOR], [[-1, -1], [-1, -1], [0, 1]], [2])
    assert netlist.fanin.shape == (3, 3) and truth_table(netlist)[:, 0].tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("kind", "fanin", "outputs", "message"),
    [
        ([NOT, NOT], [[1, -1], [0, -1]], [0], "cycle: 2 of 2"),
        ([INPUT, AND], [[-1, -1], [0, 1]], [1], "cycle"),
        ([INPUT, AND], [[-1, -1], [0, -1]], [1], r"fanin\[1\]"),
        ([INPUT, NOT], [[-1, -1], [0, 0]], [1], r"fanin\[1\]"),
        ([INPUT, NOT], [[-1, -1], [5, -1]], [1], r"fanin\[1\]"),
        ([INPUT], [[0, -1]], [0], r"fanin\[0\]"),
        ([INPUT], [[-1, -1]], [1], "outputs = 1"),
        ([99], [[-1, -1]], [0], "kind = 99"),
        ([INPUT], [[-1] * 4], [0], "at most 3"),
        ([256 + MAJ], [[-1, -1]], [0], "kind = 264"),
        ([INPUT, NOT], [[-1, -1], [2**32, -1]], [1], r"fanin\[1\] = \[4294967296, -1, -1\]"),
        ([INPUT, NOT], [[-1, -1], [0, -1]], [2**32], "outputs = 4294967296"),
        ([4.7], [[-1, -1]], [0], "kind = 4.7"),
        ([INPUT, NOT], [[-1, -1], [0.2, -1]], [1], "fanin = -1.0 is not allowed; it must hold whole"),
        ([INPUT], [[-1, -1]], [0.5], "outputs = 0.5"),
        ([INPUT], [[-1, -1]], [2**63], "outputs = 9223372036854775808"),
        ([INPUT, NOT], [[-1, -1, -1], [0, -1, -1], [-1, -1, -1]], [1], r"fanin of shape \(3, 3\)"),
        ([INPUT, NOT], [-1, -1, 0, -1], [1], r"fanin of shape \(4,\)"),
        ([[INPUT]], [[-1, -1]], [0], r"kind of shape \(1, 1\)"),
        ([], [[-1, -1]], [], r"fanin of shape \(1, 2\)"),
    ],
)
def test_bad_netlists(kind, fanin, outputs, message):
    with pytest.raises(ValueError, match=message):
        Netlist(kind, fanin, outputs)


def test_bad_patterns():
    netlist = Netlist([INPUT], [[-1, -1]], [0])
    with pytest.raises(ValueError, match=r"\(4, 2\)"):
        simulate(netlist, np.zeros((4, 2), bool))
    for bad in (-1, 2, 0.5, np.nan):
        with pytest.raises(ValueError, match=f"X = {bad} is not allowed; it must hold 0 and 1"):
            simulate(netlist, np.array([[1], [bad]]))
    assert simulate(netlist, [[1.0], [0]]).tolist() == [[True], [False]]
    for nodes, message in (
        ([1], "nodes = 1"),
        ([-1], "nodes = -1"),
        ([[0]], r"shape \(1, 1\)"),
        ([0.5], "nodes = 0.5"),
    ):
        with pytest.raises(ValueError, match=message):
            simulate(netlist, np.zeros((4, 1), bool), nodes)
    with pytest.raises(ValueError, match="bits = -1"):
        boolean.signs(np.array([-1, 1]))
    with pytest.raises(ValueError, match="13 inputs"):
        truth_table(Netlist([INPUT] * 13, [[-1, -1]] * 13, [0]))


def number(bits):
    return int("".join("1" if b > 0 else "0" for b in bits), 2)


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_multiplier(bits):
    X, Y = boolean.multiplier(bits)
    assert len(X) == 4**bits and X.dtype == Y.dtype == np.int8 and len(np.unique(X, axis=0)) == len(X)
    assert all(number(x[:bits]) * number(x[bits:]) == number(y) for x, y in zip(X, Y, strict=True))


def test_automata():
    for rule in (30, 90, 110):
        X, Y = boolean.eca_cell(rule)
        assert [int(y[0] > 0) for y in Y] == [rule >> number(x) & 1 for x in X]
    X, Y = boolean.eca(90, 6, 2)  # rule 90 is linear: two steps are the sum of the second neighbours
    np.testing.assert_array_equal(Y > 0, (np.roll(X, 2, 1) > 0) ^ (np.roll(X, -2, 1) > 0))
    # not the mirror image: rule 2 moves a single cell to the left
    X, Y = boolean.eca(2, 5, 1)
    single = X[(X > 0).sum(1) == 1]
    np.testing.assert_array_equal(Y[(X > 0).sum(1) == 1], np.roll(single, -1, 1))


def test_random_logic_has_its_gates():
    rng = np.random.default_rng(0)
    netlist = boolean.random_logic([20, 400], 0.5, "and/or", rng)
    roots = netlist.kind[netlist.outputs]
    assert set(roots.tolist()) == {BUF, AND, OR} and 0.4 < np.mean(roots == BUF) < 0.6
    assert set(boolean.random_logic([5, 9], 1.0, "majority", rng).kind.tolist()) <= {INPUT, NOT, MAJ}


def test_codes_are_different():
    X, Y = boolean.random_codes(8, 3, np.random.default_rng(0))
    assert len(np.unique(X, axis=0)) == 8 and np.array_equal(X, Y) and set(np.unique(X)) == {-1, 1}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: boolean.multiplier(0), "bits"),
        (lambda: boolean.eca_cell(256), "rule"),
        (lambda: boolean.eca(30, 2, 1), "width"),
        (lambda: boolean.eca(30, 5, 0), "steps"),
        (lambda: boolean.random_codes(9, 3, np.random.default_rng(0)), "n = 9"),
        (lambda: boolean.random_logic([4, 4], 0.5, "xor", np.random.default_rng(0)), "gate"),
        (lambda: boolean.random_logic([4, 4], 2, "and/or", np.random.default_rng(0)), "p = 2"),
        (lambda: boolean.random_logic([1, 4], 1, "and/or", np.random.default_rng(0)), "widths"),
    ],
)
def test_bad_data_sets(call, name):
    with pytest.raises(ValueError, match=name):
        call()
