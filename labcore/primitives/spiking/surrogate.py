"""Spikes that gradients pass: forward always the step, backward the slope of something smooth.

    s(u) = 1 where u >= 0, else 0;      backward: ds/du := g(u), one of
    atan       (alpha / 2) / (1 + (pi alpha u / 2)^2)     slope of 1/2 + arctan(pi alpha u / 2) / pi
    sigmoid    alpha q (1 - q), q = 1 / (1 + e^(-alpha u))
    triangle   alpha max(0, 1 - |u|)
    rectangle  1 / alpha where |u| < alpha / 2, else 0
    gauss      normal density with standard deviation alpha and this mean

So alpha is a sharpness for atan and sigmoid, a height for the triangle, a width for the rectangle and the Gaussian.
The forward pass knows nothing of the surrogate. Source: Neftci, Mostafa, Zenke (2019), arXiv:1901.09948.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

Surrogate = Literal["atan", "sigmoid", "triangle", "rectangle", "gauss"]
SURROGATES: tuple[str, ...] = get_args(Surrogate)


def slope(
    u: Float[Tensor, "*shape"], surrogate: Surrogate = "atan", alpha: float | Tensor = 2.0, mean: float | Tensor = 0.0
) -> Float[Tensor, "*shape"]:
    """g(u). Of the surrogates only the Gaussian has a mean. Raises ValueError for a surrogate that is not known."""
    if surrogate == "atan":
        return alpha / 2 / (1 + (math.pi / 2 * alpha * u) ** 2)
    if surrogate == "sigmoid":
        q = torch.sigmoid(alpha * u)
        return alpha * q * (1 - q)
    if surrogate == "triangle":
        return alpha * (1 - u.abs()).clamp(min=0)
    if surrogate == "rectangle":
        return (u.abs() < alpha / 2).to(u.dtype) / alpha
    if surrogate == "gauss":
        return torch.exp(-(((u - mean) / alpha) ** 2) / 2) / (math.sqrt(2 * math.pi) * alpha)
    raise ValueError(f"surrogate = {surrogate!r} is not allowed; it must be one of {', '.join(SURROGATES)}")


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, surrogate, alpha, mean):
        ctx.save_for_backward(u)
        ctx.shape = surrogate, alpha, mean
        return (u >= 0).to(u.dtype)

    @staticmethod
    def backward(ctx, grad):
        (u,) = ctx.saved_tensors
        return grad * slope(u, *ctx.shape), None, None, None


def spike(
    u: Float[Tensor, "*shape"], surrogate: Surrogate = "atan", alpha: float | Tensor = 2.0, mean: float | Tensor = 0.0
) -> Float[Tensor, "*shape"]:
    """1.0 where u >= 0, else 0.0; backward it multiplies by g(u). alpha and mean may be tensors, and get no gradient.

    Raises ValueError for a surrogate that is not known, and for an alpha that is not above 0.
    """
    if surrogate not in SURROGATES:
        raise ValueError(f"surrogate = {surrogate!r} is not allowed; it must be one of {', '.join(SURROGATES)}")
    if not (alpha > 0 if isinstance(alpha, (int, float)) else bool((alpha > 0).all())):
        raise ValueError(f"alpha = {alpha} is not allowed; it must be above 0")
    return _Spike.apply(u, surrogate, alpha, mean)
