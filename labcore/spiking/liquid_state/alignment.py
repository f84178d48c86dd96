"""Two projections, one for each sense, that learn to agree: what of the two belongs together comes to lie together.

A batch has pairs of the same class, one of each sense. Their embeddings have length 1. Each looks for its partner among
all of the other sense (symmetric InfoNCE), at a temperature that is learned; all of the same class are partners alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log, sqrt

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize

from labcore.primitives.runs.layers import normal, streams

BATCH, RATE, DECAY = 64, 3e-3, 1e-2


def info_nce(
    a: Float[Tensor, "S B p"], b: Float[Tensor, "S B p"], same: Float[Tensor, "S B B"], log_scale: Float[Tensor, " S"]
) -> Float[Tensor, " S"]:
    """Cross-entropy of finding the partners, mean of both directions. a and b have length 1.

    same: 1 where a[i] and b[j] are of one class, else 0, at least one 1 in each row and column. The temperature is
    exp(-log_scale).
    """
    alike = a @ b.mT * log_scale.exp()[:, None, None]
    there = (alike.log_softmax(2) * same / same.sum(2, keepdim=True)).sum(2).mean(1)
    back = (alike.log_softmax(1) * same / same.sum(1, keepdim=True)).sum(1).mean(1)
    return -(there + back) / 2


class Projections(nn.Module):
    """From the states of two senses to one space of p dimensions; S runs, run i from seeds[i] alone."""

    def __init__(self, seeds: Sequence[list[int]], seen: int, heard: int, dims: int):
        super().__init__()
        rngs = streams(seeds, 1)
        self.seen, self.heard = (normal(rngs, n, dims, std=1 / sqrt(n)) for n in (seen, heard))
        self.log_scale = nn.Parameter(torch.full((len(seeds),), log(10.0)))

    def forward(
        self, seen: Float[Tensor, "S B n"], heard: Float[Tensor, "S B m"]
    ) -> tuple[Float[Tensor, "S B p"], Float[Tensor, "S B p"]]:
        """Embeddings of length 1."""
        return normalize(seen @ self.seen, dim=-1), normalize(heard @ self.heard, dim=-1)

    def loss(
        self, seen: Float[Tensor, "S B n"], heard: Float[Tensor, "S B m"], labels: Int[Tensor, "S B"]
    ) -> Float[Tensor, " S"]:
        """What training makes small, for pairs of these classes."""
        a, b = self(seen, heard)
        same = (labels[:, :, None] == labels[:, None, :]).to(a.dtype)
        return info_nce(a, b, same, self.log_scale)


def aligned(
    net: Projections,
    seen: Float[Tensor, "S n d"],
    labels: Int[Tensor, "S n"],
    known: Sequence[Int[np.ndarray, " k"]],
    heard: Float[Tensor, "S 10 m e"],
    seeds: Sequence[list[int]],
    looks: Sequence[int],
) -> Iterator[int]:
    """Train on pairs of one class, AdamW; yields each step of `looks`, before it is made, and ends at the last.

    seen: states with classes; run i draws from its rows known[i] alone, and to each one of the states heard of its
    class.
    """
    rngs, which = streams(seeds, 2), torch.arange(len(seen))[:, None]
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    for step in range(max(looks) + 1):
        if step in looks:
            yield step
        at = torch.as_tensor(np.stack([g.choice(rows, BATCH) for g, rows in zip(rngs, known, strict=True)]))
        to = torch.as_tensor(np.stack([g.integers(0, heard.shape[2], BATCH) for g in rngs]))
        now = labels[which, at]
        loss = net.loss(seen[which, at], heard[which, now, to], now).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
