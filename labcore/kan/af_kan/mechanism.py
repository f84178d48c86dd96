"""Bumps of two opposed activations, their norm, and the layers that merge them or weigh each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import LayerNorm, Linear, Rngs, normal, streams

Act = Literal["relu", "silu", "gelu", "elu", "selu", "softplus", "tanh", "sigmoid", "leaky"]
Combination = Literal["quad1", "quad2", "sum", "prod", "sum_prod", "cubic1", "cubic2"]
Reduction = Literal["global attention", "spatial attention", "multistep", "none"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu, "silu": F.silu, "gelu": F.gelu, "elu": F.elu, "selu": F.selu, "softplus": F.softplus,
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "leaky": F.leaky_relu,
}  # fmt: skip
COMBINATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "quad1": lambda a, b: (a * b) ** 2,
    "quad2": lambda a, b: a * b + a**2 + b**2,
    "sum": lambda a, b: a + b,
    "prod": lambda a, b: a * b,
    "sum_prod": lambda a, b: a + b + a * b,
    "cubic1": lambda a, b: (a + b) * (a**2 + b**2),
    "cubic2": lambda a, b: (a * b) ** 3,
}
Bounds = Float[Tensor, "#*batch #I J"]  # one pair a bump, for all inputs or for each


def bounds(grid: int, k: int) -> tuple[Float[Tensor, " J"], Float[Tensor, " J"]]:
    """Where the G + k bumps start and end: s_j = (j - k)/G and e_j = s_j + (k + 1)/G."""
    start = (torch.arange(grid + k) - k) / grid
    return start, start + (k + 1) / grid


def bump_features(
    x: Float[Tensor, "*batch I"], start: Bounds, end: Bounds, act: Act, combination: Combination
) -> Float[Tensor, "*batch I J"]:
    """F_ij of J = G + k bumps."""
    f = ACTIVATIONS[act]
    return COMBINATIONS[combination](f(x[..., None] - start), f(end - x[..., None]))


def relu_bumps(x: Float[Tensor, "*batch I"], start: Bounds, end: Bounds) -> Float[Tensor, "*batch I J"]:
    """ReLU-KAN's bumps R_ij, 1 in the middle of [s_j, e_j] and 0 outside."""
    return bump_features(x, start, end, "relu", "quad1") * (16 / (end - start) ** 4)


class FunctionNorm(nn.Module):
    """Scale features to [0, 1] over the batch; in prediction by running values.

    L2 normalisation of the whole tensor comes first, as published. The min-max step undoes any scale, so it changes
    only rounding.
    """

    MOMENTUM = 0.1

    def __init__(self, runs: int):
        super().__init__()
        self.register_buffer("low", torch.zeros(runs, 1, 1, 1))
        self.register_buffer("high", torch.ones(runs, 1, 1, 1))
        self.seen = False

    def forward(self, f: Float[Tensor, "S B I J"]) -> Float[Tensor, "S B I J"]:
        if not self.training and self.seen:
            return (f - self.low) / (self.high - self.low).clamp(min=1e-12)
        inner = (1, 2, 3)
        size = f.square().sum(inner, keepdim=True).sqrt().clamp(min=1e-12)
        unit = f / size
        low, high = unit.amin(inner, keepdim=True), unit.amax(inner, keepdim=True)
        if self.training:
            with torch.no_grad():
                share = self.MOMENTUM if self.seen else 1.0
                self.low.lerp_(low * size, share)
                self.high.lerp_(high * size, share)
                self.seen = True
        # a tensor of equal features becomes 0, not 0/0
        return (unit - low) / (high - low).clamp(min=1e-12)


class AFLayer(nn.Module):
    """S AF-KAN layers side by side."""

    def __init__(
        self, rngs: Rngs, d_in: int, d_out: int, grid: int, k: int, act: Act, combination: Combination,
        reduction: Reduction,
    ):  # fmt: skip
        super().__init__()
        runs, size = len(rngs), grid + k
        self.act, self.combination, self.reduction = act, combination, reduction
        start, end = bounds(grid, k)
        self.start = nn.Parameter(start.repeat(runs, 1, 1, 1))
        self.end = nn.Parameter(end.repeat(runs, 1, 1, 1))
        self.function_norm = FunctionNorm(runs)
        inputs = d_in * size if reduction == "none" else d_in
        self.weight = normal(rngs, inputs, d_out, std=1 / sqrt(inputs))
        if reduction == "none":
            return
        self.norm = LayerNorm(runs, d_in)
        if reduction == "spatial attention":
            self.kernel, self.bias = normal(rngs, size, 3, std=1 / sqrt(3)), nn.Parameter(torch.zeros(runs, 1, size))
        else:
            self.u, self.bias = normal(rngs, size, 1, std=1 / sqrt(size)), nn.Parameter(torch.zeros(runs, 1, 1))
        if reduction != "multistep":
            self.tau = nn.Parameter(torch.full((runs, 1, 1), sqrt(d_in)))

    def features(self, x: Float[Tensor, "S B I"]) -> Float[Tensor, "S B I J"]:
        """The normalized bumps of every input."""
        return self.function_norm(bump_features(x, self.start, self.end, self.act, self.combination))

    def attention(self, f: Float[Tensor, "S B I J"]) -> Float[Tensor, "S B I"]:
        """Global attention: weights that sum to 1 over the inputs."""
        scores = (f @ self.u[:, None])[..., 0] + self.bias
        return (scores / self.tau.clamp(min=1)).softmax(-1)

    def reduce(self, f: Float[Tensor, "S B I J"]) -> Float[Tensor, "S B I"]:
        """One number an input."""
        if self.reduction == "global attention":
            return self.attention(f) * f.sum(-1)
        if self.reduction == "multistep":
            return (f @ self.u[:, None])[..., 0] + self.bias
        near = F.pad(f, (0, 0, 1, 1))  # along the inputs
        n, w = f.shape[2], self.kernel.transpose(1, 2)[:, None, :, None]
        scores = sum(near[:, :, d : d + n] * w[:, :, d] for d in range(3)) + self.bias[:, None]
        return (f * (scores / self.tau[..., None].clamp(min=1)).softmax(-1)).sum(-1)

    def forward(self, x: Float[Tensor, "S B I"]) -> Float[Tensor, "S B O"]:
        f = self.features(x)
        if self.reduction == "none":
            return f.flatten(2) @ self.weight
        return ACTIVATIONS[self.act](self.norm(self.reduce(f))) @ self.weight


class ReLUKANLayer(nn.Module):
    """S ReLU-KAN layers: a weight for each of the I (G + k) bumps."""

    def __init__(self, rngs: Rngs, d_in: int, d_out: int, grid: int, k: int):
        super().__init__()
        start, end = bounds(grid, k)
        self.start = nn.Parameter(start.repeat(len(rngs), 1, 1, 1))
        self.end = nn.Parameter(end.repeat(len(rngs), 1, 1, 1))
        self.weight = normal(rngs, d_in * (grid + k), d_out, std=1 / sqrt(d_in * (grid + k)))

    def forward(self, x: Float[Tensor, "S B I"]) -> Float[Tensor, "S B O"]:
        return relu_bumps(x, self.start, self.end).flatten(2) @ self.weight


Kind = Literal["AF-KAN", "ReLU-KAN", "MLP"]


def make_network(
    kind: Kind, seeds: Sequence[Sequence[int]], hidden: int, grid: int = 5, k: int = 3, act: Act = "silu",
    combination: Combination = "quad1", reduction: Reduction = "global attention",
) -> nn.Sequential:  # fmt: skip
    """One network 64-hidden-10 a seed: pixels (S, B, 64) -> logits (S, B, 10)."""
    rngs = streams(seeds, 1)
    if kind == "MLP":
        return nn.Sequential(Linear(rngs, 64, hidden), nn.SiLU(), Linear(rngs, hidden, 10))
    sizes = ((64, hidden), (hidden, 10))
    if kind == "ReLU-KAN":
        return nn.Sequential(*(ReLUKANLayer(rngs, a, b, grid, k) for a, b in sizes))
    return nn.Sequential(*(AFLayer(rngs, a, b, grid, k, act, combination, reduction) for a, b in sizes))
