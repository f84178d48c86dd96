"""Activation functions: their values, their slopes, and what the slopes are on average over a cluster."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import ndtr
from torch import Tensor

Kind = Literal["tanh", "erf", "shifted tanh", "leaky", "relu", "linear"]
Array = np.ndarray

LEAK = 0.1  # slope of the leaky ReLU where it is nearly deaf
SHIFT = 1.0  # the shifted tanh is steepest here, and 0 at 0
_BEND = np.pi / 4  # erf(sqrt(pi)/2 z) has the slope exp(-pi/4 z^2), which is 1 at 0 as tanh's is
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(30)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def activate(kind: Kind, z: Float[Tensor, "*n"]) -> tuple[Float[Tensor, "*n"], Float[Tensor, "*n"]]:
    """phi(z) and its slope phi'(z). Raises ValueError for a kind that there is not."""
    if kind == "tanh":
        h = torch.tanh(z)
        return h, 1 - h * h
    if kind == "erf":
        return torch.erf(_BEND**0.5 * z), torch.exp(-_BEND * z * z)
    if kind == "shifted tanh":
        h = torch.tanh(z - SHIFT)
        return h + np.tanh(SHIFT), 1 - h * h
    if kind in ("leaky", "relu"):
        leak = LEAK if kind == "leaky" else 0.0
        slope = leak + (1 - leak) * (z > 0).to(z.dtype)
        return z * slope, slope
    if kind == "linear":
        return z, torch.ones_like(z)
    raise ValueError(f"kind = {kind!r} is not allowed; it must be tanh, erf, shifted tanh, leaky, relu or linear")


def expected_slope(
    kind: Kind, mean: Float[Array, "*n"], std: Float[Array, "*n"]
) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """E[phi'(u)] and std E[phi''(u)] for u ~ N(mean, std^2); finite where std is 0 too.

    In closed form, for tanh by Gauss and Hermite's quadrature with 30 nodes. Raises ValueError as `activate`.
    """
    if kind in ("tanh", "shifted tanh"):
        u = mean[..., None] + std[..., None] * _NODES - (SHIFT if kind == "shifted tanh" else 0)
        slope = 1 - np.tanh(u) ** 2
        return slope @ _WEIGHTS, std * ((-2 * np.tanh(u) * slope) @ _WEIGHTS)
    if kind == "erf":
        wide = 1 + 2 * _BEND * std**2
        slope = np.exp(-_BEND * mean**2 / wide) / np.sqrt(wide)
        return slope, -2 * _BEND * mean / wide * slope * std
    if kind in ("leaky", "relu"):
        leak = LEAK if kind == "leaky" else 0.0
        t = np.clip(mean / np.maximum(std, 1e-300), -40, 40)  # further out both are what they are there
        return leak + (1 - leak) * ndtr(t), (1 - leak) * np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    if kind == "linear":
        return np.ones_like(mean), np.zeros_like(mean)
    raise ValueError(f"kind = {kind!r} is not allowed; it must be tanh, erf, shifted tanh, leaky, relu or linear")
