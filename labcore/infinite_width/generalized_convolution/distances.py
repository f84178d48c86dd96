"""Weighted distances of many patches to many templates, with their gradients."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.checked import checked, within
from labcore.kernels import kernel

Array = np.ndarray


@checked
@kernel
def l1(
    p: Float[Array, "N D"], t: Float[Array, "F D"], a: Annotated[Float[Array, "F D"], within(0)]
) -> Float[Array, "N F"]:
    """sum_j a_fj |p_nj - t_fj|, without the (N, F, D) differences that broadcasting would store."""
    out = np.empty((len(p), len(t)))
    for n in range(len(p)):
        for f in range(len(t)):
            total = 0.0
            for j in range(p.shape[1]):
                total += a[f, j] * abs(p[n, j] - t[f, j])  # the idea
            out[n, f] = total
    return out


@checked
@kernel
def l1_gradients(
    p: Float[Array, "N D"],
    t: Float[Array, "F D"],
    a: Annotated[Float[Array, "F D"], within(0)],
    g: Float[Array, "N F"],
) -> tuple[Float[Array, "N D"], Float[Array, "F D"], Float[Array, "F D"]]:
    """Gradients of sum g l1(p, t, a) by p, t and a; 0 where a pixel equals its template."""
    by_p, by_t, by_a = np.zeros(p.shape), np.zeros(t.shape), np.zeros(t.shape)
    for n in range(len(p)):
        for f in range(len(t)):
            for j in range(p.shape[1]):
                gap = p[n, j] - t[f, j]
                slope = g[n, f] * a[f, j] * np.sign(gap)
                by_p[n, j] += slope
                by_t[f, j] -= slope
                by_a[f, j] += g[n, f] * abs(gap)
    return by_p, by_t, by_a


class _WeightedL1(torch.autograd.Function):
    """The compiled loops as one step of a network."""

    @staticmethod
    def forward(ctx, p, t, a):
        ctx.save_for_backward(p, t, a)
        return torch.from_numpy(l1(*_arrays(p, t, a))).to(p.dtype)

    @staticmethod
    def backward(ctx, g):
        found = l1_gradients(*_arrays(*ctx.saved_tensors, g))
        return tuple(torch.from_numpy(v).to(g.dtype) for v in found)


def _arrays(*tensors: Tensor) -> list[Array]:
    return [np.ascontiguousarray(v.detach().numpy(), dtype=np.float64) for v in tensors]


def weighted_l1(p: Float[Tensor, "N D"], t: Float[Tensor, "F D"], a: Float[Tensor, "F D"]) -> Float[Tensor, "N F"]:
    """sum_j a_fj |p_nj - t_fj|. Raises ValueError where the shapes do not meet and for a scale below 0."""
    return _WeightedL1.apply(p, t, a)


def weighted_l2(p: Float[Tensor, "N D"], t: Float[Tensor, "F D"], a: Float[Tensor, "F D"]) -> Float[Tensor, "N F"]:
    """sum_j a_fj (p_nj - t_fj)^2 as three products, p^2 a - 2 p (a t) + a t^2; rounding never takes it below 0.

    Raises ValueError where the shapes do not meet and for a scale below 0.
    """
    if p.ndim != 2 or t.shape != a.shape or t.shape[1:] != p.shape[1:]:
        raise ValueError(f"p, t, a have shapes {tuple(p.shape)}, {tuple(t.shape)}, {tuple(a.shape)}; "
                         "they must be (N, D), (F, D), (F, D)")  # fmt: skip
    if not bool((a >= 0).all()):
        raise ValueError("a must be at least 0 everywhere")
    return ((p**2) @ a.T - 2 * p @ (a * t).T + (a * t**2).sum(1)).clamp_min(0)


def nearest_patch(
    p: Float[Array, "N D"], t: Float[Array, " D"], a: Float[Array, " D"] | None = None, power: int = 2
) -> int:
    """The patch of the smallest sum_j a_j |p_j - t_j|^power; all scales 1 without `a`."""
    gap = np.abs(p - t) ** power
    return int((gap if a is None else gap * a).sum(1).argmin())
