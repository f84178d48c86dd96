"""A two-layer ReLU network and what it costs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Array = np.ndarray


class Network(NamedTuple):
    """m units: f(x) = sum_j a_j relu(w_j.x). A constant input, where there is one, is the last of x."""

    w: Float[Array, "m d"]
    a: Float[Array, " m"]


def outputs(net: Network, x: Float[Array, "n d"]) -> Float[Array, " n"]:
    """f(x) of each row."""
    return np.maximum(x @ net.w.T, 0) @ net.a


def loss(net: Network, x: Float[Array, "n d"], y: Float[Array, " n"], beta: float) -> float:
    """1/2 |f(X) - y|^2 + beta/2 sum_j (|w_j|^2 + a_j^2)."""
    return float(0.5 * ((outputs(net, x) - y) ** 2).sum() + beta / 2 * ((net.w**2).sum() + (net.a**2).sum()))
