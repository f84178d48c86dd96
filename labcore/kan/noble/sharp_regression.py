"""Regression with one sharp direction: the target, networks for it, and how far a layer is from affine.

S runs stand side by side, and run i draws from generator i alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import Linear, MakeLinear, Rngs, normal


class Target(NamedTuple):
    """y = (1/3) sum tanh(A x) + 0.5 sin(omega w.x), one a run; |w| = 1."""

    a: Float[Tensor, "S 3 3"]
    w: Float[Tensor, "S 3 1"]
    omega: float

    def __call__(self, x: Float[Tensor, "S m 3"]) -> Float[Tensor, "S m"]:
        return torch.tanh(x @ self.a).mean(-1) + 0.5 * torch.sin(self.omega * (x @ self.w))[..., 0]


def sharp_target(rngs: Rngs, omega: float) -> Target:
    """Targets with A and the direction w from N(0, 1)."""
    a, w = normal(rngs, 3, 3, std=1.0).detach(), normal(rngs, 3, 1, std=1.0).detach()
    return Target(a, w / w.norm(dim=1, keepdim=True), omega)


def uniform_cube(rngs: Rngs, m: int) -> Float[Tensor, "S m 3"]:
    """Points of [-1, 1]^3."""
    return torch.as_tensor(np.stack([g.uniform(-1, 1, (m, 3)) for g in rngs]), dtype=torch.float32)


class MLP(nn.Module):
    """3 -> width -> width -> 1 with GELU, for S runs."""

    def __init__(self, rngs: Rngs, width: int, linear: MakeLinear = Linear):
        super().__init__()
        self.layers = nn.ModuleList(linear(rngs, a, b) for a, b in ((3, width), (width, width), (width, 1)))

    def forward(self, x: Float[Tensor, "S m 3"]) -> Float[Tensor, "S m"]:
        first, second, last = self.layers
        return last(F.gelu(second(F.gelu(first(x)))))[..., 0]


def matched_width(target: int, size: Callable[[int], int]) -> int:
    """The width whose model comes nearest to `target` parameters, `size(width)` of them."""
    return min(range(2, 257), key=lambda width: abs(size(width) - target))


def affine_fit(x: Float[Tensor, "*S m d_in"], y: Float[Tensor, "*S m d_out"]) -> Float[Tensor, "*S d_in+1 d_out"]:
    """The best affine map of x to y: its matrix above its offset."""
    left = torch.cat([x, torch.ones_like(x[..., :1])], -1)
    # the inputs are white: the normal equations are well conditioned, and give the same bits every time
    return torch.linalg.solve(left.mT @ left, left.mT @ y)


def affine_residual(x: Float[Tensor, "S m d_in"], y: Float[Tensor, "S m d_out"]) -> Float[Tensor, " S"]:
    """Share of the variance of y that the best affine map of x leaves, in float64."""
    x, y = x.double(), y.double()
    fit = affine_fit(x, y)
    rest = y - x @ fit[..., :-1, :] - fit[..., -1:, :]
    return (rest**2).sum((1, 2)) / ((y - y.mean(1, keepdim=True)) ** 2).sum((1, 2)).clamp(min=1e-300)
