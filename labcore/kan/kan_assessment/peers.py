"""What a KAN is compared with, at equal parameters or equal work: an MLP and an MLP with B-spline activations.

All of them hold M models side by side, as `kan.KAN` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear, silu

from labcore.primitives.splines.bspline import BSplineBasis

from .kan import KANLayer, Rngs, drawn, following
from .spline_map import spline_map

Widths = Sequence[int]


class Dense(nn.Module):
    """M linear layers."""

    def __init__(self, n_in: int, n_out: int, rngs: Rngs):
        super().__init__()
        self.weight = nn.Parameter(drawn(rngs, n_in, n_out) / np.sqrt(n_in))
        self.bias = nn.Parameter(drawn(rngs, n_out) / np.sqrt(n_in))

    def forward(self, x: Float[Tensor, "N M i"]) -> Float[Tensor, "N M o"]:
        return torch.baddbmm(self.bias[:, None], x.transpose(0, 1), self.weight).transpose(0, 1)


class MLP(nn.Module):
    """M networks with silu between dense layers."""

    def __init__(self, widths: Widths, rngs: Rngs):
        super().__init__()
        self.layers = nn.ModuleList(Dense(a, b, rngs) for a, b in pairwise(widths))

    def forward(self, x: Float[Tensor, "N M d"]) -> Float[Tensor, "N M o"]:
        for layer in self.layers[:-1]:
            x = silu(layer(x))
        return self.layers[-1](x)


class SplineActivation(nn.Module):
    """One learnable curve a neuron, wb silu(u) + sum_c C_c B_c(u): G + k + 1 numbers each."""

    def __init__(self, width: int, intervals: int, k: int, rngs: Rngs, reach: float = 3.0):
        super().__init__()
        self.basis = BSplineBasis.uniform(-reach, reach, intervals, k, len(rngs) * width)
        self.base = nn.Parameter(torch.ones(len(rngs), width))
        self.coef = nn.Parameter(0.05 / intervals * drawn(rngs, width, self.basis.size))

    def forward(self, u: Float[Tensor, "N M width"]) -> Float[Tensor, "N M width"]:
        # to the spline map every neuron is a model with one input and one output
        curve = spline_map(u.flatten(1)[:, :, None], self.coef.flatten(0, 1)[:, None, :, None], self.basis)
        return self.base * silu(u) + curve.view(u.shape)

    @torch.no_grad()
    def update_grid(self, u: Float[Tensor, "N M width"], eps: float = 0.02) -> None:
        """Move the knots to where the samples u are, as a KAN's layer does; on them the curves stay, where they can."""
        self.basis, coef = following(self.basis, self.coef.flatten(0, 1)[..., None], u.flatten(1), eps)
        self.coef = nn.Parameter(torch.as_tensor(coef[..., 0], dtype=torch.float32).view(self.coef.shape))


class SplineMLP(nn.Module):
    """The ablation: B-splines as in a KAN, but on the nodes, between dense layers."""

    def __init__(self, widths: Widths, intervals: int, k: int, rngs: Rngs):
        super().__init__()
        self.layers = nn.ModuleList(Dense(a, b, rngs) for a, b in pairwise(widths))
        self.curves = nn.ModuleList(SplineActivation(w, intervals, k, rngs) for w in widths[1:-1])

    def forward(self, x: Float[Tensor, "N M d"]) -> Float[Tensor, "N M o"]:
        for layer, curve in zip(self.layers, self.curves):
            x = curve(layer(x))
        return self.layers[-1](x)

    @torch.no_grad()
    def update_grids(self, x: Float[Tensor, "N M d"], eps: float = 0.02) -> None:
        """`update_grid` of each hidden layer on what arrives at its neurons for the samples x."""
        for layer, curve in zip(self.layers, self.curves):
            u = layer(x)
            after = curve(u)
            curve.update_grid(u, eps)
            x = after


def kan_params(widths: Widths, intervals: int, k: int) -> int:
    """G + k coefficients, wb and ws an edge."""
    return sum(a * b for a, b in pairwise(widths)) * (intervals + k + 2)


def mlp_params(widths: Widths) -> int:
    return sum(a * b + b for a, b in pairwise(widths))


def spline_mlp_params(widths: Widths, intervals: int, k: int) -> int:
    return mlp_params(widths) + sum(widths[1:-1]) * (intervals + k + 1)


def _curve_flops(k: int) -> int:
    """Finding the interval and the k + 1 values (a short Horner sum each), and a silu: once an input, not an edge."""
    return 4 + 2 * k * (k + 1) + 8


def kan_flops(widths: Widths, intervals: int, k: int) -> int:
    """Forward, one sample. Per edge k + 1 multiply-adds of the spline and one of the base; the grid does not matter."""
    return sum(2 * a * b * (k + 2) + a * _curve_flops(k) for a, b in pairwise(widths))


def mlp_flops(widths: Widths) -> int:
    """Forward, one sample: a multiply-add a weight, an addition a bias, 8 for a silu."""
    return sum(2 * a * b + b for a, b in pairwise(widths)) + 8 * sum(widths[1:-1])


def spline_mlp_flops(widths: Widths, intervals: int, k: int) -> int:
    return mlp_flops(widths) + sum(widths[1:-1]) * (_curve_flops(k) - 8 + 2 * (k + 2))


def match_width(cost: Callable[[int], int], target: int, most: int = 4096) -> int:
    """The width whose cost, which must rise with it, is nearest to the target; at least 1."""
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= target else (low, middle)
    return min((low, high), key=lambda w: abs(cost(w) - target))


class DenseBasisLayer(nn.Module):
    """A KAN layer as efficient-kan computes it: all bases of all inputs, flattened, times a matrix.

    Takes the weights of one `KANLayer` of one model and gives the same output.
    """

    def __init__(self, ours: KANLayer):
        super().__init__()
        self.k = ours.basis.k
        self.register_buffer("knots", torch.tensor(ours.basis.knots, dtype=torch.float32))
        self.base = nn.Parameter(ours.base.detach()[0].T.clone())
        self.coef = nn.Parameter(ours.splines().detach()[0].permute(2, 0, 1).contiguous())  # (O, I, G+k)

    def forward(self, x: Float[Tensor, "N I"]) -> Float[Tensor, "N O"]:
        t, v = self.knots, x[..., None]
        bases = ((v >= t[:, :-1]) & (v < t[:, 1:])).to(x.dtype)
        for d in range(1, self.k + 1):
            rise = (v - t[:, : -d - 1]) / (t[:, d:-1] - t[:, : -d - 1])
            fall = (t[:, d + 1 :] - v) / (t[:, d + 1 :] - t[:, 1:-d])
            bases = rise * bases[..., :-1] + fall * bases[..., 1:]
        return linear(silu(x), self.base) + linear(bases.flatten(1), self.coef.flatten(1))
