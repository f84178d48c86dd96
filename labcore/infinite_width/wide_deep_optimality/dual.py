"""An activation by the squares of its Hermite coefficients, and the correlations that it passes on.

s(z) = a_0 + a_1 z + a_p He_p(z) / sqrt(p!),    q(xi) = E[s(u) s(v)] = a_0^2 + a_1^2 xi + a_p^2 xi^p
"""

from __future__ import annotations

from math import factorial
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy.polynomial import hermite_e

Array = np.ndarray
Regime = Literal["majority", "nearest neighbour", "weighted vote", "none"]


def dual(constant: float, linear: float, power: int) -> Float[Array, " P"]:
    """The coefficients of q, of xi^0 to xi^power: the constant's share, of the rest the linear share, what is left.

    Raises ValueError for shares outside [0, 1] and a power under 2.
    """
    for name, value in (("constant", constant), ("linear", linear)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} = {value} is not allowed; it must be from 0 to 1")
    if power < 2:
        raise ValueError(f"power = {power} is not allowed; it must be 2 or more")
    c = np.zeros(power + 1)
    c[0], c[1], c[power] = constant, (1 - constant) * linear, (1 - constant) * (1 - linear)
    return c


def activation(c: Float[Array, " P"], z: Float[Array, " Z"]) -> Float[Array, " Z"]:
    """s(z), with all Hermite coefficients taken as positive."""
    return hermite_e.hermeval(z, np.sqrt(c / [factorial(k) for k in range(len(c))]))


def slope_at_one(c: Float[Array, " P"]) -> float:
    """q'(1) = E[s'^2]: by how much a layer widens small distances, squared."""
    return float(c @ np.arange(len(c)))


def regime(c: Float[Array, " P"]) -> Regime:
    """What an infinitely deep network with this activation does; "none" for a linear one, which never gets deep."""
    if c[0] > 0:
        return "majority"
    if c[1] == 0:
        return "nearest neighbour"
    return "weighted vote" if c[1] < 1 else "none"


def alpha(c: Float[Array, " P"]) -> float:
    """The exponent of the weighted vote. Raises ValueError for an activation that does not become one."""
    if regime(c) != "weighted vote":
        raise ValueError(f"coefficients {c} are not allowed; only those with q(0) = 0 and 0 < q'(0) < 1 give a vote")
    return float(-2 * np.log(c[1]) / np.log(slope_at_one(c)))
