"""Random circuits as graphs with the text of their function, batches of them side by side, and models in training."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from labcore.primitives.runs.batched_adam import Adam

from .aig import FAMILIES, Aig, Array, build, verilog
from .circuit_encoder import TEXT_SIZE, Batch, Weights, init
from .circuit_graph import FOUR_TYPES, POLARITY, CircuitGraph, degrees, with_inverters, with_polarity

TYPES = {"four types": FOUR_TYPES, "polarity": POLARITY}
N_TRAIN, N_TEST, BATCH, RATE = 400, 60, 12, 0.004
Generators = list[np.random.Generator]


def embed_text(text: str, size: int = TEXT_SIZE) -> Float[Array, " size"]:
    """A text as a unit vector: each run of 1 to 3 letters adds +1 or -1 at a place that its checksum decides."""
    vector = np.zeros(size)
    for length in (1, 2, 3):
        for i in range(len(text) - length + 1):
            code = zlib.crc32(text[i : i + length].encode())
            vector[code % size] += 1 if code >> 16 & 1 else -1
    return vector / np.linalg.norm(vector)


class Circuits(NamedTuple):
    """G circuits; nodes and edges of all of them one after the other."""

    aigs: tuple[Aig, ...]
    family: Int[Array, " G"]  # index into FAMILIES
    text: Float[Tensor, "G TEXT_SIZE"]
    kind: Int[Array, " N"]
    degree: Int[Array, "N 2"]  # in and out
    src: Int[Array, " E"]  # counted within the circuit
    dst: Int[Array, " E"]
    node_start: Int[Array, " G+1"]
    edge_start: Int[Array, " G+1"]


def collect(aigs: list[Aig], names: list[tuple[str, int]], labels: str) -> Circuits:
    """Circuits as graphs; `labels` is "four types" (NOT nodes) or "polarity" (inverted inputs counted)."""
    graphs: list[CircuitGraph] = [(with_inverters if labels == "four types" else with_polarity)(a) for a in aigs]
    return Circuits(
        tuple(aigs),
        np.array([FAMILIES.index(f) for f, _ in names]),
        torch.tensor(np.stack([embed_text(verilog(*name)) for name in names]), dtype=torch.float32),
        np.concatenate([g.kind for g in graphs]),
        np.concatenate([np.stack(degrees(g), 1) for g in graphs]),
        np.concatenate([g.src for g in graphs]),
        np.concatenate([g.dst for g in graphs]),
        np.cumsum([0, *(len(g.kind) for g in graphs)]),
        np.cumsum([0, *(len(g.src) for g in graphs)]),
    )


@lru_cache(maxsize=32)
def circuits(labels: str, n_train: int, n_test: int, *seed: int) -> tuple[Circuits, Circuits]:
    """Random circuits of all families, 2 to 5 bits, for training and for test; no structure occurs twice."""
    rng = np.random.default_rng(seed)
    aigs, names, known = [], [], set()
    while len(aigs) < n_train + n_test:
        family = FAMILIES[rng.integers(len(FAMILIES))]
        for _ in range(50):  # a family with few structures runs dry some day; the others then fill its place
            width = int(rng.integers(2, 6))
            made = build(family, width, rng)
            code = (made.n_inputs, made.fanin.tobytes(), made.outputs.tobytes())
            if code not in known:
                known.add(code)
                aigs.append(made)
                names.append((family, width))
                break
    return collect(aigs[:n_train], names[:n_train], labels), collect(aigs[n_train:], names[n_train:], labels)


def _ragged(start: Int[Array, " G+1"], chosen: Int[Array, " B"]) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
    """The items of the chosen groups one after the other: their indices, and the place of their group."""
    size = start[chosen + 1] - start[chosen]
    place = np.repeat(np.arange(len(chosen)), size)
    return np.arange(size.sum()) + (start[chosen] - np.cumsum(size) + size)[place], place


def batch(sets: list[Circuits], chosen: Int[Array, "M B"], padding: int = 0) -> Batch:
    """The circuits chosen from each model's set side by side; `padding` adds that many nodes of kind 0."""
    models, count = chosen.shape
    nodes = [_ragged(s.node_start, c) for s, c in zip(sets, chosen)]
    n = max(len(index) for index, _ in nodes) + padding
    kind, graph = np.zeros((models, n), np.int64), np.full((models, n), count)
    degree, rows, ends = np.zeros((models, n, 2), np.float32), [], []
    for m, (s, c, (index, place)) in enumerate(zip(sets, chosen, nodes)):
        kind[m, : len(index)], graph[m, : len(index)] = s.kind[index], place
        degree[m, : len(index)] = s.degree[index]
        edge, of = _ragged(s.edge_start, c)
        first = np.cumsum(s.node_start[c + 1] - s.node_start[c]) - (s.node_start[c + 1] - s.node_start[c])
        src, dst = first[of] + s.src[edge], first[of] + s.dst[edge]
        rows += [2 * m * n + src, (2 * m + 1) * n + dst]
        ends += [m * n + dst, m * n + src]
    text = torch.stack([s.text[torch.tensor(c)] for s, c in zip(sets, chosen)])
    # copies, so that what torch computes does not depend on where numpy happened to put an array
    arrays = kind, graph, degree
    return Batch(*(torch.tensor(a) for a in arrays), text, *(torch.tensor(np.concatenate(a)) for a in (rows, ends)))


def draw_mask(graph: Int[Tensor, "M N"], count: int, ratio: float, rngs: Generators) -> Bool[Tensor, "M N"]:
    """Random nodes of each circuit, a share `ratio` of its nodes rounded down, at least one.

    graph as in `Batch`; slice m comes from rngs[m]; padding is never masked.
    """
    mask = np.zeros(graph.shape, bool)
    for m, place in enumerate(graph.numpy()):
        order = np.argsort(place + rngs[m].random(len(place)))
        size = np.bincount(place, minlength=count + 1)
        rank = np.arange(len(place)) - np.repeat(np.cumsum(size) - size, size)
        mask[m, order] = (rank < np.maximum(1, np.floor(ratio * size))[place[order]]) & (place[order] < count)
    return torch.tensor(mask)


def shuffle_edges(at: Batch, rng: np.random.Generator) -> Batch:
    """The same nodes, but every message comes from a random other edge of the same model and direction."""
    block = at.row.numpy() // at.kind.shape[1]
    return at._replace(row=at.row[torch.tensor(np.argsort(block + rng.random(len(block))))])


class Study(NamedTuple):
    """M = variants x seeds models in training; variant v of seed s is model v S + s. Variants of a seed start alike."""

    w: Weights
    train: list[Circuits]
    test: list[Circuits]
    rngs: Generators
    at_input: Bool[Tensor, " M"]  # whether masked gate modeling hides gates at the input, which is the baseline
    texts: list[str]  # of each model: true, zero or shuffled
    n_seeds: int
    seed: int


def study(variants: list[tuple[str, str]], labels: str, layers: int, d: int, n_seeds: int, seed: int) -> Study:
    """Models before training; a variant is (where gates are hidden: latent or input, text)."""
    data = [circuits(labels, N_TRAIN, N_TEST, seed, i, 0) for i in range(n_seeds)]
    starts = [np.random.default_rng([seed, i, 1]) for i in range(n_seeds)]
    w = init(starts, len(variants), len(TYPES[labels]), layers, d)
    rngs = [np.random.default_rng([seed, i, 2]) for _ in variants for i in range(n_seeds)]
    where, text = zip(*[v for v in variants for _ in range(n_seeds)], strict=True)
    train, test = ([pair[k] for pair in data] * len(variants) for k in (0, 1))
    return Study(w, train, test, rngs, torch.tensor([p == "input" for p in where]), list(text), n_seeds, seed)


def texts_of(at: Batch, modes: list[str], rngs: Generators) -> Float[Tensor, "M B size"]:
    """The text of each circuit, zeros, or the text of a random circuit of the batch."""
    other = {"true": lambda t, g: t, "zero": lambda t, g: 0 * t, "shuffled": lambda t, g: t[g.permutation(len(t))]}
    return torch.stack([other[mode](t, g) for t, mode, g in zip(at.text, modes, rngs, strict=True)])


def draw(s: Study, ratio: float) -> tuple[Batch, Bool[Tensor, "M N"]]:
    """A fresh batch of training circuits for each model, and the nodes to hide."""
    at = batch(s.train, np.stack([g.integers(0, N_TRAIN, BATCH) for g in s.rngs]))
    return at, draw_mask(at.graph, BATCH, ratio, s.rngs)


def train(s: Study, steps: int, loss: Callable[[], Float[Tensor, " M"]], records: int = 12) -> Iterator[int]:
    """Adam on loss(), its rate falling as half a cosine; yields the number of steps done, `records` times."""
    optimizer = Adam(s.w.values(), RATE, steps)
    for k in range(1, steps + 1):
        optimizer.step(loss())
        if k * records // steps > (k - 1) * records // steps:
            yield k


def unseen(s: Study, ratio: float, *purpose: int) -> tuple[Batch, Bool[Tensor, "M N"], Generators]:
    """All test circuits and the nodes to hide, the same for every variant of a seed, and generators for the rest."""
    models = len(s.train)
    rngs = [np.random.default_rng([s.seed, i % s.n_seeds, *purpose]) for i in range(models)]
    at = batch(s.test, np.tile(np.arange(N_TEST), (models, 1)))
    return at, draw_mask(at.graph, N_TEST, ratio, rngs), rngs


def degree_lookup(s: Study, at: Batch, mask: Bool[Tensor, "M N"]) -> float:
    """The share of hidden nodes right by the most frequent type of each pair of degrees in the training circuits."""
    right = []
    for m in range(s.n_seeds):
        votes = np.zeros((100, s.w["embed"].shape[1] - 1))
        np.add.at(votes, ((s.train[m].degree.clip(0, 9) * [10, 1]).sum(1), s.train[m].kind - 1), 1)
        code = (at.degree[m][mask[m]].numpy().clip(0, 9) * [10, 1]).sum(1).astype(int)
        right.append(votes[code].argmax(1) + 1 == at.kind[m][mask[m]].numpy())
    return float(np.concatenate(right).mean())
