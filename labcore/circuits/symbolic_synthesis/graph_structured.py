"""Networks whose hidden part computes on a given graph, many graphs side by side, and the task that they learn.

The representation x in R^D is cut into as many chunks as the graph has nodes and edges; each of these gets one chunk,
repeated to length D, plus a code of its number and port. Then GINE layers, mean over nodes, linear head.
Sources: Whitehouse (2023), arXiv:2303.03340; GINE: Hu et al. (2020), arXiv:1905.12265.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from labcore.primitives.graphs.message_passing import add_rows
from labcore.primitives.runs.batched_adam import Adam, normal

from .graph_programs import Graph

Array = np.ndarray
D = 64  # length of the representation
LAYERS = 3


def chunks(elements: int, d: int = D) -> list[slice]:
    """The representation in `elements` consecutive pieces of d // elements numbers; the first takes the remainder.

    Raises ValueError when there are more elements than numbers.
    """
    if not 1 <= elements <= d:
        raise ValueError(f"elements = {elements} is not allowed; it must be from 1 to {d}: no chunk may be empty")
    each = d // elements
    first = d - each * (elements - 1)
    return [slice(0, first), *(slice(first + each * i, first + each * (i + 1)) for i in range(elements - 1))]


def choice_index(elements: int, d: int = D) -> Int[Tensor, "elements d"]:
    """Which numbers of x make up the vector of each element: its chunk again and again."""
    return torch.stack([torch.arange(c.start, c.stop).repeat(d)[:d] for c in chunks(elements, d)])


def code(
    number: Float[Tensor, " n"] | Int[Tensor, " n"], port: Float[Tensor, " n"], d: int = D, temperature: float = 1e4
) -> Float[Tensor, "n d"]:
    """Sines and cosines of an element's number and port; port 0 means a node.

    Raises ValueError unless d is divisible by 4.
    """
    if d % 4:
        raise ValueError(f"d = {d} is not allowed; it must be divisible by 4")
    omega = temperature ** (-torch.arange(d // 4) / (d // 4 - 1))
    y, x = port[:, None] * omega, number[:, None] * omega
    return torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], 1)


class Wiring(NamedTuple):
    """The graphs of M networks side by side; node i of network m is row m n + i, with n the most nodes of any."""

    nodes: Int[Tensor, "M n"]  # number of each node among its graph's elements; 0 where there is none
    real: Bool[Tensor, "M n"]
    choice: Int[Tensor, "M n D"]  # which numbers of x make the node's vector
    code: Float[Tensor, "M n D"]
    owner: Int[Tensor, " E"]  # network of each edge
    edge_choice: Int[Tensor, "E D"]
    edge_code: Float[Tensor, "E D"]
    src: Int[Tensor, " 2*E"]  # rows, every edge in both directions
    dst: Int[Tensor, " 2*E"]


def wire(graphs: list[Graph]) -> Wiring:
    """The graphs of a population as tensors."""
    n = max(len(g.nodes) for g in graphs)
    nodes = torch.tensor([[*g.nodes, *[0] * (n - len(g.nodes))] for g in graphs])
    real = torch.tensor([[i < len(g.nodes) for i in range(n)] for g in graphs])
    index = [choice_index(g.size) for g in graphs]
    owner = torch.tensor([m for m, g in enumerate(graphs) for _ in g.edges], dtype=torch.long)
    number = torch.tensor([e for g in graphs for e in g.edges], dtype=torch.long)
    port = torch.tensor([p for g in graphs for p in g.ports], dtype=torch.long)
    ends = torch.tensor([(m * n + a, m * n + b) for m, g in enumerate(graphs) for a, b in g.ends], dtype=torch.long)
    ends = ends.reshape(-1, 2)
    edge_choice = [index[m][e] for m, e in zip(owner.tolist(), number.tolist())]
    return Wiring(
        nodes, real, torch.stack([i[k] for i, k in zip(index, nodes)]),
        code(nodes.flatten(), torch.zeros(nodes.numel())).view(*nodes.shape, D), owner,
        torch.stack(edge_choice) if edge_choice else torch.zeros(0, D, dtype=torch.long), code(number, port + 1.0),
        ends.T.flatten(), ends.flip(1).T.flatten(),
    )  # fmt: skip


def gine(
    h: Float[Tensor, "N *batch D"],
    e: Float[Tensor, "E *batch D"],
    src: Int[Tensor, " E"],
    dst: Int[Tensor, " E"],
    eps: float = 0.0,
) -> Float[Tensor, "N *batch D"]:
    """(1 + eps) h_i + sum_j relu(h_j + e_ij)."""
    return (1 + eps) * h + add_rows((h[src] + e).relu(), torch.arange(len(src)), dst, len(h))


def graph_module(
    w: dict[str, Tensor], x: Float[Tensor, "M B D"], at: Wiring, dropout: float, rng: torch.Generator | None
) -> Float[Tensor, "M B"]:
    """Logits from representations x, each network on its own graph; `rng` None means no dropout."""
    models, n = at.nodes.shape
    size = x.shape[1]

    def dropped(t: Tensor) -> Tensor:
        if rng is None or not dropout:
            return t
        return t * (torch.rand(t.shape, generator=rng) >= dropout) / (1 - dropout)

    index = at.choice.flatten(1)[:, None].expand(-1, size, -1)
    # the idea
    h = x.gather(2, index).view(models, size, n, D).transpose(1, 2) + at.code[:, :, None]  # (M, n, B, D)
    e = x[at.owner].gather(2, at.edge_choice[:, None].expand(-1, size, -1)) + at.edge_code[:, None]  # (E, B, D)
    for i in range(LAYERS):
        rows, edges = dropped(h).flatten(0, 1), dropped(e)
        met = gine(rows, torch.cat([edges, edges]), at.src, at.dst).reshape(models, n * size, D)  # the idea
        h = torch.baddbmm(w[f"b{i}"], met, w[f"w{i}"]).view(models, n, size, D)  # the idea
    real = at.real[:, :, None, None].float()
    pooled = (h * real).sum(1) / real.sum(1)
    return (pooled @ w["head"] + w["bias"])[..., 0]


PIXELS = 48  # three panels of 4 x 4


def panel_rows(n: int, rng: np.random.Generator) -> tuple[Float[Tensor, "n 48"], Float[Tensor, " n"]]:
    """Rows of three panels, and whether all three have the same shade, for half of them on average.

    A panel has 10 to 16 of its 16 cells filled, at random places, with one of three shades 1/3, 2/3, 1.
    """
    same = rng.integers(0, 2, n)
    shade = rng.integers(1, 4, (n, 3))
    shade[:, 1:] = np.where(same[:, None] == 1, shade[:, :1], shade[:, 1:])
    # rows that should differ and came out equal: move one panel by one or two shades
    equal = (same == 0) & (shade == shade[:, :1]).all(1)
    shade[equal, rng.integers(0, 3, n)[equal]] += rng.integers(1, 3, n)[equal]
    filled = rng.random((n, 3, 16)).argsort(-1).argsort(-1) < rng.integers(10, 17, (n, 3))[..., None]
    x = filled * ((shade - 1) % 3 + 1)[..., None] / 3
    return torch.tensor(x.reshape(n, PIXELS), dtype=torch.float32), torch.tensor(same, dtype=torch.float32)


TEST, BATCH, RATE = 1000, 8, 0.003
SINGLE = Graph((0,), (), (), ())


class Trained(NamedTuple):
    """P networks x S repetitions during training."""

    progress: float
    train: Float[Array, "P S"]  # accuracy on the training rows
    test: Float[Array, "P S"] | None  # on 1000 new rows, at the end


def train(
    graphs: list[Graph] | None, n_seeds: int, n_train: int, epochs: int, dropout: float, seed: int, generation: int = 0
) -> Iterator[Trained]:
    """Fresh networks, one a graph and repetition, trained side by side on binary cross-entropy with Adam.

    Repetition s of every graph has the same rows, encoder and batches. Without graphs, one encoder with a linear head.
    """
    count = len(graphs) if graphs else 1
    rngs = [np.random.default_rng([seed, s, 1, generation]) for s in range(n_seeds)]
    w = {"e1": normal(rngs, count, PIXELS, D, std=PIXELS**-0.5), "e2": normal(rngs, count, D, D, std=D**-0.5)}
    for i in range(LAYERS if graphs else 0):
        w[f"w{i}"], w[f"b{i}"] = normal(rngs, count, D, D, std=D**-0.5), normal(rngs, count, 1, D, std=0)
    w["head"] = normal(rngs, count, D, 1, std=D**-0.5)
    w |= {name: normal(rngs, count, 1, size, std=0) for name, size in (("f1", D), ("f2", D), ("bias", 1))}
    at = wire([g for g in graphs for _ in range(n_seeds)]) if graphs else None
    rows = [panel_rows(n_train + TEST, np.random.default_rng([seed, s, 0])) for s in range(n_seeds)]
    x, y = (torch.stack([r[k] for r in rows] * count) for k in (0, 1))
    noise = torch.Generator().manual_seed(seed * 1000 + generation)

    def logits(part: Tensor, rng: torch.Generator | None = None) -> Tensor:
        code = torch.baddbmm(w["f2"], torch.baddbmm(w["f1"], part, w["e1"]).relu(), w["e2"])
        return graph_module(w, code, at, dropout, rng) if at else (code @ w["head"] + w["bias"])[..., 0]

    def accuracy(part: slice) -> Float[Array, "P S"]:
        with torch.no_grad():
            right = [
                (logits(a) > 0) == (b > 0.5)
                for a, b in zip(x[:, part].split(128, 1), y[:, part].split(128, 1), strict=True)
            ]
        return torch.cat(right, 1).float().mean(1).view(count, n_seeds).numpy()

    optimizer = Adam(w.values(), RATE, epochs * -(-n_train // BATCH))
    for epoch in range(1, epochs + 1):
        for chosen in torch.randperm(n_train, generator=noise).split(BATCH):
            out = logits(x[:, chosen], noise)
            optimizer.step(F.binary_cross_entropy_with_logits(out, y[:, chosen], reduction="none").mean(1))
        last = epoch == epochs
        if last or epoch % 2 == 0:
            yield Trained(epoch / epochs, accuracy(slice(n_train)), accuracy(slice(n_train, None)) if last else None)


def baselines(size: int, ports: int, seed: int) -> list[Graph]:
    """Graphs that no program wrote: one node, a complete graph, and a random connected one of `size` elements.

    Ports are dealt in turn, as there may be more edges at a node than ports.
    """
    rng = np.random.default_rng([seed, 3])
    nodes = max(2, (size + 1) // 2)
    tree = [(int(rng.integers(i)), i) for i in range(1, nodes)]
    pairs = [(a, b) for a in range(nodes) for b in range(a + 1, nodes) if (a, b) not in tree]
    more = [pairs[i] for i in rng.permutation(len(pairs))[: size - nodes - len(tree)]]
    full = next(n for n in range(1, 20) if n * (n + 1) // 2 >= size)
    made = [SINGLE]
    for count, ends in ((full, [(a, b) for a in range(full) for b in range(a + 1, full)]), (nodes, tree + more)):
        port = tuple(i % ports for i in range(len(ends)))
        made.append(Graph(tuple(range(count)), tuple(range(count, count + len(ends))), tuple(ends), port))
    return made


def variance_ratio(scores: Float[Array, "P S"], blocks: bool = False) -> float:
    """F of a one-way analysis of variance of scores: variance between rows over that within. 0 if all are equal.

    With `blocks`, what the columns (here: draws of data and encoder) have in common is taken out first.
    """
    programs, repeats = scores.shape
    rest = scores - scores.mean(1, keepdims=True)
    freedom = programs * (repeats - 1)
    if blocks:
        rest = rest - (scores.mean(0) - scores.mean())
        freedom = (programs - 1) * (repeats - 1)
    within = (rest**2).sum() / freedom
    return float(repeats * scores.mean(1).var(ddof=1) / within) if within > 0 else 0.0
