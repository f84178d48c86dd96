"""Layers of S independent networks side by side: run i draws its weights from generator i alone.

Everything has a leading dimension S: the runs are one batched product, and run i is the same whatever S is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Rngs = Sequence[np.random.Generator]
MakeLinear = Callable[[Rngs, int, int], nn.Module]


def streams(seeds: Sequence[Sequence[int]], stream: int) -> list[np.random.Generator]:
    """One generator a run, independent of those of another stream."""
    return [np.random.default_rng([*s, stream]) for s in seeds]


def normal(rngs: Rngs, *shape: int, std: float) -> Float[nn.Parameter, " S *shape"]:
    """Normal numbers, slice i from generator i."""
    draws = np.stack([g.normal(size=shape) for g in rngs]) * std
    return nn.Parameter(torch.as_tensor(draws, dtype=torch.float32))


class Linear(nn.Module):
    """S affine maps x W + b."""

    def __init__(self, rngs: Rngs, d_in: int, d_out: int):
        super().__init__()
        self.weight = normal(rngs, d_in, d_out, std=1 / sqrt(d_in))
        self.bias = nn.Parameter(torch.zeros(len(rngs), 1, d_out))

    def forward(self, x: Float[Tensor, "S M d_in"]) -> Float[Tensor, "S M d_out"]:
        return torch.baddbmm(self.bias, x, self.weight)


class LayerNorm(nn.Module):
    """Layer norm over d with a gain and a bias for each of S runs."""

    def __init__(self, runs: int, d: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(runs, 1, d))
        self.bias = nn.Parameter(torch.zeros(runs, 1, d))

    def forward(self, x: Float[Tensor, "S M d"]) -> Float[Tensor, "S M d"]:
        return F.layer_norm(x, x.shape[-1:]) * self.gain + self.bias
