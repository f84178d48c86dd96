"""From the mean and variance of what enters a unit, or a layer, to those of what leaves it: closed forms."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

from .activation import ALPHA, LAMBDA

Array = np.ndarray
LEAST, MOST = 1e-6, 1e6  # mean squares between which an attractor is looked for
BOX = (-0.1, 0.1, 0.95, 1.1)  # the theorem's omega and tau, from and to
DOMAIN = (-0.1, 0.1, 0.8, 1.5)  # and its mean and variance


def unit_map(
    mu: Float[Array, " *n"],
    nu: Float[Array, " *n"],
    omega: Float[Array, " *n"] | float = 0.0,
    tau: Float[Array, " *n"] | float = 1.0,
    lam: float = LAMBDA,
    alpha: float = ALPHA,
) -> tuple[Float[Array, " *n"], Float[Array, " *n"]]:
    """The map g of one unit: mean and variance of its output, if its input is normal, N(mu omega, nu tau).

    omega: sum of its weights. tau: sum of their squares. Raises ValueError unless nu tau > 0.
    """
    m, v = np.asarray(mu * omega, float), np.asarray(nu * tau, float)
    if not (v > 0).all():
        raise ValueError(f"nu * tau = {v.min()} is not allowed; it must be above 0")
    s = np.sqrt(v)
    r = m / s
    above, density = ndtr(r), np.exp(-(r**2) / 2) / np.sqrt(2 * np.pi)
    # E[e^kz; z < 0] from logarithms: e^(m + v/2) alone overflows where the chance beside it vanishes
    once = np.exp(m + v / 2 + log_ndtr(-r - s))
    twice = np.exp(2 * (m + v) + log_ndtr(-r - 2 * s))
    below = ndtr(-r)
    mean = lam * (m * above + s * density + alpha * (once - below))  # the idea
    square = lam**2 * ((m**2 + v) * above + m * s * density + alpha**2 * (twice - 2 * once + below))  # the idea
    return mean, square - mean**2


def layer_map(
    mu: Float[Array, " *n"], nu: Float[Array, " *n"], lam: float = LAMBDA, alpha: float = ALPHA
) -> tuple[Float[Array, " *n"], Float[Array, " *n"]]:
    """Mean and variance over all units of a wide layer with weights N(0, 1/n).

    Each unit has its own omega ~ N(0, 1): over units the means mu omega are one more part of the variance.
    Raises ValueError as `unit_map` does.
    """
    return unit_map(np.zeros_like(mu), nu + mu**2, 0.0, 1.0, lam, alpha)


def attractor(lam: float = LAMBDA, alpha: float = ALPHA) -> tuple[float, float] | None:
    """Mean and variance to which layers of these constants go, from wherever they start; None where there is none.

    The mean square Q of a layer's outputs over that of its inputs, q, falls as q grows, for alpha > 0: from
    lam^2 (1 + alpha^2) / 2 to lam^2 / 2. So Q = q at one q at most, and it attracts. It is found from 10^-6 to 10^6.
    """

    def grows(log_q: float) -> float:
        mean, variance = layer_map(np.zeros(()), np.exp(log_q), lam, alpha)
        return float(np.log(variance + mean**2) - log_q)

    low, high = np.log(LEAST), np.log(MOST)
    if grows(low) <= 1e-9 or grows(high) >= 0:  # 1e-9: what rounding leaves of a ratio at the lower end
        return None
    q = np.exp(brentq(grows, low, high, xtol=1e-14))
    mean, variance = layer_map(np.zeros(()), q, lam, alpha)
    return float(mean), float(variance)


def contraction(
    mu: float, nu: float, omega: float = 0.0, tau: float = 1.0, lam: float = LAMBDA, alpha: float = ALPHA
) -> float:
    """Spectral norm of g's Jacobian at a place: below 1, small steps from it get shorter. nu must be above 1e-4."""
    h = 1e-5
    columns = []
    for step in (np.array([h, 0]), np.array([0, h])):
        ahead = np.array(unit_map(mu + step[0], nu + step[1], omega, tau, lam, alpha))
        behind = np.array(unit_map(mu - step[0], nu - step[1], omega, tau, lam, alpha))
        columns.append((ahead - behind) / (2 * h))
    return float(np.linalg.norm(np.stack(columns, 1), 2))


def around(box: tuple[float, float, float, float], n: int = 20) -> Float[Array, "P 2"]:
    """Places on the border of the rectangle (left, right, low, high), n a side, from the lower left and back to it."""
    left, right, low, high = box
    corners = np.array([[left, low], [right, low], [right, high], [left, high], [left, low]])
    share = np.arange(n)[:, None] / n
    sides = [a + share * (b - a) for a, b in zip(corners[:-1], corners[1:], strict=True)]
    return np.concatenate([*sides, corners[-1:]])
