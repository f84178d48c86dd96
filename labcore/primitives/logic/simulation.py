"""Logic circuits simulated 64 input patterns at a time: a gate is one operation on whole words.

The words of all nodes are kept for a block of patterns only, one that stays in a core's cache, and of them those nodes
are written out that are asked for: a byte a pattern of every node costs more than all the gates.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int
from numpy.typing import ArrayLike

from labcore.kernels import kernel

from .boolean import AND, BUF, MAJ, NOT, ONE, OR, XOR, ZERO, Netlist, all_patterns, bits_of, whole

Array = np.ndarray
CACHED = 2**16  # words of a block, of all nodes together: half a MiB


@kernel
def _eights(cells, packed):
    """Bytes of eight patterns: cells (64 W, C) hold eight inputs of a pattern, a byte each, packed is (8 W, C)."""
    for row in range(len(packed)):
        for c in range(packed.shape[1]):
            bits = np.uint64(0)
            for k in range(8):
                bits |= cells[8 * row + k, c] << np.uint64(k)
            packed[row, c] = bits


@kernel
def _gates(kind, fanin, order, words):
    """Fill words (n, B), 64 patterns a word, whose input rows are given."""
    ones = ~np.uint64(0)
    for node in order:
        a, b, c = words[fanin[node, 0]], words[fanin[node, 1]], words[fanin[node, 2]]
        out, k = words[node], kind[node]
        if k == ZERO or k == ONE:
            for i in range(len(out)):
                out[i] = ones if k == ONE else np.uint64(0)
        elif k == BUF or k == NOT:
            flip = ones if k == NOT else np.uint64(0)
            for i in range(len(out)):
                out[i] = a[i] ^ flip
        elif k == AND:
            for i in range(len(out)):
                out[i] = a[i] & b[i]
        elif k == OR:
            for i in range(len(out)):
                out[i] = a[i] | b[i]
        elif k == XOR:
            for i in range(len(out)):
                out[i] = a[i] ^ b[i]
        elif k == MAJ:
            for i in range(len(out)):
                out[i] = (a[i] & b[i]) | (a[i] & c[i]) | (b[i] & c[i])


@kernel
def _blocks(kind, fanin, order, inputs, packed, nodes, out, words, octets):
    """In blocks that fill words (n, B), octets (n, 8 B) in the same memory: packed (n_in, W) in, out (m, 8 W) a Boolean
    a byte."""
    every, low, carry = np.uint64(0x0101010101010101), np.uint64(0x8040201008040201), np.uint64(0x7F7F7F7F7F7F7F7F)
    block = words.shape[1]
    for first in range(0, packed.shape[1], block):
        here = min(block, packed.shape[1] - first)
        for j in range(len(inputs)):
            for i in range(here):
                words[inputs[j], i] = packed[j, first + i]
        _gates(kind, fanin, order, words)
        for i in range(len(nodes)):
            octet, to = octets[nodes[i]], out[i]
            for k in range(8 * here):
                # bit j of the octet stays in byte j of a word, and is carried to where a Boolean has it
                to[8 * first + k] = (((np.uint64(octet[k]) * every & low) + carry) >> np.uint64(7)) & every


def simulate(
    netlist: Netlist, X: Bool[Array, "P n_in"], nodes: Int[ArrayLike, " m"] | None = None
) -> Bool[Array, "P m"]:
    """The values of these nodes, all of them unless named, for the input patterns X.

    Raises ValueError when X has not one column an input, or anything else than 0 and 1, and for a node that is none.
    """
    X = bits_of("X", X)
    inputs, n = netlist.inputs, len(netlist.kind)
    if X.ndim != 2 or X.shape[1] != len(inputs):
        raise ValueError(
            f"X of shape {X.shape} is not allowed; the netlist has {len(inputs)} inputs: (P, {len(inputs)})"
        )
    nodes = np.arange(n) if nodes is None else np.atleast_1d(whole("nodes", nodes))
    if nodes.ndim != 1 or len(bad := nodes[(nodes < 0) | (nodes >= n)]):
        wrong = f"nodes of shape {nodes.shape}" if nodes.ndim != 1 else f"nodes = {bad[0]}"
        raise ValueError(f"{wrong} is not allowed; it must be a list of nodes from 0 to {n - 1}")
    (patterns, n_in), size = X.shape, -(-len(X) // 64)
    shape = 64 * size, -(-n_in // 8) * 8
    if X.shape != shape or not X.flags.c_contiguous:
        X, given = np.zeros(shape, bool), X
        X[:patterns, :n_in] = given
    packed = np.empty((8 * size, shape[1] // 8), np.uint64)
    _eights(X.view(np.uint64), packed)
    out = np.empty((len(nodes), 8 * size), np.uint64)
    words = np.zeros((n, max(1, min(size, CACHED // max(n, 1)))), np.uint64)
    packed = np.ascontiguousarray(packed.view(np.uint8).T).view(np.uint64)  # an input in a row
    _blocks(netlist.kind, netlist.fanin, netlist.order, inputs, packed, nodes, out, words, words.view(np.uint8))
    return out.view(bool)[:, :patterns].T  # a view: a copy in the other order would cost more than all the gates


def truth_table(netlist: Netlist) -> Bool[Array, "2**n_in m"]:
    """The outputs for every input pattern, in the order of `all_patterns`; up to 12 inputs."""
    return simulate(netlist, all_patterns(len(netlist.inputs)), netlist.outputs)
