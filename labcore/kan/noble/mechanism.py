"""CosNet, the linear map with a thin nonlinear branch, and what can be merged of it; S runs side by side."""

from __future__ import annotations

from math import pi, sqrt
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import Linear, Rngs, normal

Sigma = Literal["cosnet", "cos1", "relu", "gelu", "linear"]


class _Thin(torch.autograd.Function):
    """x w for a w of few columns, which the matrix library makes five times as fast transposed; so is its gradient."""

    @staticmethod
    def forward(ctx, x: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        return (w.mT @ x.mT).mT

    @staticmethod
    def backward(ctx, g: Tensor) -> tuple[Tensor | None, Tensor]:
        x, w = ctx.saved_tensors
        # that of x as it lies: the gradients of both branches are added next
        return g @ w.mT if ctx.needs_input_grad[0] else None, (g.mT @ x).mT


def thin(x: Float[Tensor, "S M d"], w: Float[Tensor, "S d r"]) -> Float[Tensor, "S M r"]:
    """x w, for r << d."""
    return _Thin.apply(x, w)


class CosNet(nn.Module):
    """Two cosine layers with a matrix between them, for S runs; `layers` 1: the first only."""

    def __init__(self, rngs: Rngs, rank: int, frequency: float = 1.5, layers: int = 2):
        super().__init__()

        def uniform(low: float, high: float) -> nn.Parameter:
            draws = np.stack([g.uniform(low, high, (1, rank)) for g in rngs])
            return nn.Parameter(torch.as_tensor(draws, dtype=torch.float32))

        self.frequency1, self.phase1 = uniform(0.5 * frequency, 1.5 * frequency), uniform(0, 2 * pi)
        self.mix = normal(rngs, rank, rank, std=1 / sqrt(rank)) if layers == 2 else None
        if layers == 2:
            self.frequency2, self.phase2 = uniform(0.5 * frequency, 1.5 * frequency), uniform(0, 2 * pi)

    def forward(self, z: Float[Tensor, "S M r"]) -> Float[Tensor, "S M r"]:
        u = torch.cos(self.frequency1 * z + self.phase1)  # the idea
        return u if self.mix is None else torch.cos(self.frequency2 * (u @ self.mix) + self.phase2)  # the idea


def make_sigma(kind: Sigma, rngs: Rngs, rank: int, frequency: float) -> nn.Module:
    """What stands between W_down and W_up: (S, M, r) -> (S, M, r)."""
    if kind in ("cosnet", "cos1"):
        return CosNet(rngs, rank, frequency, layers=2 if kind == "cosnet" else 1)
    return {"relu": nn.ReLU, "gelu": nn.GELU, "linear": nn.Identity}[kind]()


class NobleLinear(nn.Module):
    """x W + b + sigma(x W_down) W_up for S runs."""

    def __init__(
        self, rngs: Rngs, d_in: int, d_out: int, rank: int = 4, sigma: Sigma = "cosnet", frequency: float = 1.5,
        up: float = 0.02,
    ):  # fmt: skip
        super().__init__()
        self.main = Linear(rngs, d_in, d_out)
        own = [g.spawn(1)[0] for g in rngs]  # so that the main weights are those of a network without branches
        self.down = normal(own, d_in, rank, std=1 / sqrt(d_in))
        self.sigma = make_sigma(sigma, own, rank, frequency)
        self.up = normal(own, rank, d_out, std=up)

    def branch(self, x: Float[Tensor, "S M d_in"]) -> Float[Tensor, "S M d_out"]:
        """What the branch alone adds."""
        return self.sigma(thin(x, self.down)) @ self.up

    def forward(self, x: Float[Tensor, "S M d_in"]) -> Float[Tensor, "S M d_out"]:
        return torch.baddbmm(self.main(x), self.sigma(thin(x, self.down)), self.up)  # the idea


def merged(layer: NobleLinear) -> tuple[Float[Tensor, "S d_in d_out"], Float[Tensor, "S 1 d_out"]]:
    """W and b of the one map that a linear branch and its main map are. TypeError for other sigmas."""
    if not isinstance(layer.sigma, nn.Identity):
        raise TypeError(f"a branch with {type(layer.sigma).__name__} is no matrix and cannot be merged")
    return layer.main.weight + layer.down @ layer.up, layer.main.bias
