"""Layers whose connections may be missing, and may move while the layer learns: masks, rewiring, and their measures.

A mask M (o, i) of zeros and ones says which of the weights W (o, i) exist: y = (W * M) x + b. Rewiring keeps their
number: the n weakest connections go, and n others come, with weight 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Array = np.ndarray
Mask = Bool[Array, "o i"]


def masked_linear(
    x: Float[Tensor, "*M B i"], w: Float[Tensor, "*M o i"], mask: Float[Tensor, "*M o i"], b: Float[Tensor, "*M 1 o"]
) -> Float[Tensor, "*M B o"]:
    """A layer of which some weights do not exist. The gradient on a missing weight is 0."""
    return x @ (w * mask).mT + b


def groups_of(units: int, groups: int) -> Int[Array, " units"]:
    """The group of each unit, in order, of sizes as equal as can be. Raises ValueError unless 1 <= groups <= units."""
    if not 1 <= groups <= units:
        raise ValueError(f"groups = {groups} is not allowed; it must be from 1 to the number of units, {units}")
    return np.arange(units) * groups // units


def group_mask(out: int, into: int, groups: int, p_inter: float, rng: np.random.Generator) -> Mask:
    """Everything between units of the same group, other pairs each with probability p_inter.

    Raises ValueError for p_inter outside [0, 1].
    """
    if not 0 <= p_inter <= 1:
        raise ValueError(f"p_inter = {p_inter} is not allowed; it must be from 0 to 1")
    same = groups_of(out, groups)[:, None] == groups_of(into, groups)
    return same | (rng.random((out, into)) < p_inter)


def scattered_mask(out: int, into: int, edges: int, rng: np.random.Generator) -> Mask:
    """Exactly this many connections, anywhere."""
    mask = np.zeros(out * into, bool)
    mask[rng.permutation(out * into)[:edges]] = True
    return mask.reshape(out, into)


class MaskedStack(NamedTuple):
    """M x S networks of L fully connected ReLU layers side by side, some of them masked; the last layer is linear."""

    w: list[Float[Tensor, "M S n_l n_below"]]
    b: list[Float[Tensor, "M S 1 n_l"]]
    mask: list[Float[Tensor, "M S n_l n_below"]]  # ones and zeros


def masked_stack(
    sizes: Sequence[int],
    masks: list[Float[Tensor, "M S o i"]],
    density: Sequence[float],
    rngs: Sequence[np.random.Generator],
) -> MaskedStack:
    """Networks of these sizes with masks on all layers but the first and the last, those dense.

    Network s of every wiring starts from the same numbers of rngs[s], with std sqrt(2 / fan-in); in masked layers the
    fan-in is the share density[m] of the units before.
    """
    wirings, scale = len(density), torch.tensor(density, dtype=torch.float32).rsqrt()[:, None, None, None]
    w, mask = [], []
    for k, (into, out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        inner = 0 < k < len(sizes) - 2
        raw = np.stack([g.normal(0, np.sqrt(2 / into), (out, into)) for g in rngs])
        raw = torch.tensor(raw, dtype=torch.float32).repeat(wirings, 1, 1, 1)
        mask.append(masks[k - 1].clone() if inner else torch.ones_like(raw))
        w.append(raw * scale * mask[-1] if inner else raw)
    return MaskedStack(w, [torch.zeros(wirings, len(rngs), 1, out) for out in sizes[1:]], mask)


def activities(net: MaskedStack, x: Float[Tensor, "S B n_0"]) -> list[Float[Tensor, "M S B n_l"]]:
    """What each layer answers to inputs x: the hidden layers after their ReLU, and the scores."""
    out = []
    for k, layer in enumerate(zip(net.w, net.mask, net.b, strict=True)):
        x = masked_linear(x, *layer)
        x = torch.relu(x) if k < len(net.w) - 1 else x
        out.append(x)
    return out


def rewire(
    mask: Float[Tensor, "o i"], w: Float[Tensor, "o i"], score: Float[Tensor, "o i"], n: int
) -> tuple[Float[Tensor, "o i"], Bool[Tensor, "o i"], Bool[Tensor, "o i"]]:
    """Drop the n live connections with the smallest |w|, grow the n dead ones with the highest score.

    Returns the new mask, what died and what was born. What has just been dropped cannot grow; n is cut to the
    number of dead connections. Weights of what died or was born must be set to 0 by the caller, with their moments.
    """
    live = mask.bool()
    n = min(n, int(live.sum()), int((~live).sum()))
    died, born = torch.zeros_like(live), torch.zeros_like(live)
    weakest = w.abs().masked_fill(~live, torch.inf).flatten().topk(n, largest=False).indices
    strongest = score.masked_fill(live, -torch.inf).flatten().topk(n).indices
    died.view(-1)[weakest] = True
    born.view(-1)[strongest] = True
    return (live & ~died | born).to(mask.dtype), died, born


def correlations(before: Float[Tensor, "B i"], after: Float[Tensor, "B o"]) -> Float[Tensor, "o i"]:
    """Pearson correlation over samples of pairs of units; 0 if one is still."""
    a, b = (v.double() - v.double().mean(0) for v in (after, before))
    size = a.norm(dim=0)[:, None] * b.norm(dim=0)
    return torch.where(size > 1e-12, a.T @ b / size.clamp(min=1e-12), 0.0)


def modularity(mask: Mask, groups: int) -> float:
    """Newman's modularity of a mask as a graph, group k of one side and group k of the other one community.

    The share of connections within communities, less what the degrees alone would give.
    """
    rows, columns = groups_of(mask.shape[0], groups), groups_of(mask.shape[1], groups)
    edges = mask.sum()
    if not edges:
        return 0.0
    inside = mask[rows[:, None] == columns].sum() / edges
    ends = np.bincount(rows, mask.sum(1), groups) + np.bincount(columns, mask.sum(0), groups)
    return float(inside - ((ends / (2 * edges)) ** 2).sum())
