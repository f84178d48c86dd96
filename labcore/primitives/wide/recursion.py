"""The kernels of a network whose layers are infinitely wide, by the recursion over its layers.

    z^1 = w W^1 x / sqrt(n_0) + b beta^1,    z^(l+1) = w W s(z^l) / sqrt(n_l) + b beta,    all W, beta ~ N(0, 1)

    Sigma_1 = w^2 <x, x'> / n_0 + b^2,    Sigma_(l+1) = w^2 E[s(u) s(v)] + b^2
    Theta_1 = Sigma_1,                    Theta_(l+1) = Sigma_(l+1) + Theta_l w^2 E[s'(u) t'(v)]

with (u, v) normal of covariance Sigma_l. Sigma is the covariance of the outputs at the start, Theta their change by a
step of gradient descent: with t = s the tangent kernel; with another t, whose slope stands for that of s in the
backward pass, the kernel of learning with surrogate gradients, which is not symmetric.

Sources: Jacot, Gabriel, Hongler (2018), arXiv:1806.07572; Eilers, Memmesheimer, Goedeke (2024), arXiv:2405.15539.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .duals import Activation, signal, slope

Array = np.ndarray


class Kernels(NamedTuple):
    """Of the outputs: their covariance at the start, and the kernel that moves them."""

    sigma: Float[Array, "n1 n2"]
    theta: Float[Array, "n1 n2"]


def nngp_ntk(
    x1: Float[Array, "n1 n0"],
    x2: Float[Array, "n2 n0"],
    activation: Activation,
    depth: int,
    weight_var: float = 1.0,
    bias_var: float = 0.0,
    second: Activation | None = None,
) -> Kernels:
    """Both kernels between the rows of x1 and x2 for `depth` hidden layers, w^2 = `weight_var`, b^2 = `bias_var`.

    `second` is t, whose slope is taken at x2, the side of the examples. Raises ValueError for inputs of unequal or no
    length, depth < 0 and variances below 0.
    """
    if x1.ndim != 2 or x2.ndim != 2 or x1.shape[1] != x2.shape[1] or not x1.shape[1]:
        raise ValueError(f"x1, x2 have shapes {x1.shape}, {x2.shape}; they must be (n1, n0), (n2, n0) with n0 > 0")
    for name, value in (("depth", depth), ("weight_var", weight_var), ("bias_var", bias_var)):
        if not value >= 0:
            raise ValueError(f"{name} = {value} is not allowed; it must be at least 0")
    n0 = x1.shape[1]
    sigma = weight_var * (x1 @ x2.T) / n0 + bias_var
    d1 = weight_var * (x1**2).sum(1)[:, None] / n0 + bias_var
    d2 = weight_var * (x2**2).sum(1)[None] / n0 + bias_var
    theta = sigma
    for _ in range(depth):
        # the idea
        passed = weight_var * slope(activation, sigma, d1, d2, second)
        sigma = weight_var * signal(activation, sigma, d1, d2) + bias_var  # the idea
        d1, d2 = (weight_var * signal(activation, d, d, d) + bias_var for d in (d1, d2))
        theta = sigma + theta * passed  # the idea
    return Kernels(sigma, theta)
