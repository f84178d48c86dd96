"""An and-inverter graph as a graph network sees it, with inverters as nodes or as marks on edges, and its drawing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from .aig import Aig, Array


class CircuitGraph(NamedTuple):
    """An and-inverter graph as a graph network sees it: inputs, ANDs, outputs, then inverters if they are nodes."""

    kind: Int[Array, " n"]  # from 1; 0 is kept for padding
    src: Int[Array, " e"]  # an edge goes with the signal
    dst: Int[Array, " e"]
    invert: Bool[Array, " e"]  # whether the edge inverts; never where inverters are nodes


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


def degrees(graph: CircuitGraph) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
    """In-degree and out-degree of every node."""
    return tuple(np.bincount(ends, minlength=len(graph.kind)) for ends in (graph.dst, graph.src))


def place(graph: CircuitGraph) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Where to draw each node: x its level, outputs last; y near the middle of what it is wired to."""
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
