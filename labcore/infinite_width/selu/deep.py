"""Deep classifiers of digits with plain gradient descent: SELU, ReLU, ReLU with batch normalisation, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from labcore.primitives.digits.batches import DigitBatches
from labcore.primitives.runs.layers import normal, streams

from .activation import selu

RIVALS = ("SELU", "ReLU", "batch-normalised ReLU")
POWER = {"SELU": 1.0, "ReLU": 2.0, "batch-normalised ReLU": 2.0}  # variance of a weight times its number of inputs
REFERENCE = 512  # training images whose mean and variance batch normalisation takes when it is tested


class Deep(NamedTuple):
    """S networks of one kind: weights and, of each layer, a shift and a scale, which only batch normalisation uses."""

    kind: str
    weights: list[Float[Tensor, "S n_in n_out"]]
    shifts: list[Float[Tensor, "S 1 n_out"]]
    scales: list[Float[Tensor, "S 1 n_out"]]

    @property
    def learned(self) -> list[Tensor]:
        return self.weights + self.shifts + (self.scales if self.kind.startswith("batch") else [])


def deep(kind: str, seeds: Sequence[list[int]], width: int, depth: int, outputs: int = 10) -> Deep:
    """Networks from 64 pixels through `depth` layers of `width` units; run i draws from seeds[i] alone.

    Weights are the same in all kinds, but for their scale: for ReLU it is He's.
    """
    sizes = [64] + [width] * depth + [outputs]
    rngs = streams(seeds, 5)
    weights = [
        normal(rngs, a, b, std=sqrt((POWER[kind] if k < depth else 1.0) / a))
        for k, (a, b) in enumerate(zip(sizes[:-1], sizes[1:]))
    ]
    flat = [torch.zeros(len(seeds), 1, b, requires_grad=True) for b in sizes[1:]]
    scales = [torch.ones(len(seeds), 1, b, requires_grad=True) for b in sizes[1:-1]]
    return Deep(kind, weights, flat, scales)


def answers(net: Deep, x: Float[Tensor, "S M 64"], like: int = 0) -> Float[Tensor, "S M 10"]:
    """Logits. Batch normalisation takes the mean and the variance of the first `like` rows of x, of all for 0."""
    for w, shift, scale in zip(net.weights[:-1], net.shifts, net.scales):
        if net.kind.startswith("batch"):
            x = torch.bmm(x, w)
            spread, centre = torch.var_mean(x[:, : like or x.shape[1]], 1, correction=0, keepdim=True)
            x = torch.relu((x - centre) * torch.rsqrt(spread + 1e-5) * scale + shift)
        else:
            x = torch.baddbmm(shift, x, w)
            x = selu(x) if net.kind == "SELU" else torch.relu(x)
    return torch.baddbmm(net.shifts[-1], x, net.weights[-1])


def descend(net: Deep, x: Float[Tensor, "S batch 64"], y: Int[Tensor, "S batch"], rate: float) -> None:
    """One step of plain gradient descent on the mean cross-entropy of each run's batch."""
    logits = answers(net, x)
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum") / y.shape[1]
    for p, g in zip(net.learned, torch.autograd.grad(loss, net.learned), strict=True):
        p.data.sub_(rate * g)


@torch.no_grad()
def accuracy(net: Deep, data: DigitBatches) -> Float[Tensor, " S"]:
    """Share of each run's test images that are named rightly."""
    like = REFERENCE if net.kind.startswith("batch") else 0
    logits = answers(net, torch.cat([data.x[:, :like], data.x_test], 1), like)[:, like:]
    return (logits.argmax(2) == data.y_test).float().mean(1)


def standardised(data: DigitBatches) -> DigitBatches:
    """Every pixel with mean 0 and variance 1 over a run's training images; one that never changes becomes 0."""
    spread, centre = torch.var_mean(data.x, 1, correction=0, keepdim=True)
    spread = torch.where(spread > 0, spread, 1.0).sqrt()
    return data._replace(x=(data.x - centre) / spread, x_test=(data.x_test - centre) / spread)
