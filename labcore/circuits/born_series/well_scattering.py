"""Scattering at zero energy off a well of steps: u'' = -U(r) u on r in [0, 1], u(0) = 0; outside u ~ r - a.

A potential is U: the depth U_i of each of d bins of equal width; a wall has negative depth. a is the scattering length.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

Array = np.ndarray
WORST = 20.0  # the largest |a| of a well that is not about to bind


def _cos_sinc(u: Array, length: Array | float) -> tuple[Array, Array]:
    """cos(k h) and sin(k h)/k with k = sqrt(u), both smooth at k = 0; in a wall k is imaginary and both are real."""
    kh = np.emath.sqrt(u) * length
    return np.cos(kh).real, length * np.sinc(kh / np.pi).real


def edge(potential: Float[Array, "*batch d"]) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
    """u(1) and u'(1) of the wave with u(0) = 0, u'(0) = 1, by one transfer matrix a bin."""
    d = potential.shape[-1]
    u, slope = np.zeros(potential.shape[:-1]), np.ones(potential.shape[:-1])
    for i in range(d):
        depth = potential[..., i]
        c, s = _cos_sinc(depth, 1 / d)
        u, slope = c * u + s * slope, c * slope - depth * s * u
    return u, slope


def scattering_length(potential: Float[Array, "*batch d"]) -> Float[Array, "*batch"]:
    """a = 1 - u(1)/u'(1); it passes through infinity where the well begins to bind, u'(1) = 0.

    Raises ValueError for depths that are no numbers, and for walls so high that the wave overflows behind them.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        u, slope = edge(potential)
    if not (np.isfinite(u) & np.isfinite(slope)).all():
        raise ValueError(
            f"potential from {np.min(potential):g} to {np.max(potential):g} is not allowed; its wave overflows"
        )
    return 1 - u / slope


def wave(potential: Float[Array, " d"], r: Float[Array, " points"]) -> Float[Array, " points"]:
    """u at the points r of one potential, with u'(0) = 1; a straight line outside."""
    d = len(potential)
    u, slope, out = 0.0, 1.0, np.empty_like(r)
    for i, depth in enumerate(np.append(potential, 0.0)):
        here = (r >= i / d) & ((r < (i + 1) / d) | (i == d))
        c, s = _cos_sinc(depth, r[here] - i / d)
        out[here] = c * u + s * slope
        c, s = _cos_sinc(depth, 1 / d)
        u, slope = c * u + s * slope, c * slope - depth * s * u
    return out


def born_first(d: int) -> Float[Array, " d"]:
    """The coefficients of a to first order in U: minus the integral of r^2 over each bin."""
    r = np.arange(d + 1) / d
    return -np.diff(r**3) / 3


def born_second(d: int) -> Float[Array, "d d"]:
    """The symmetric matrix of a to second order: minus r r' min(r, r') integrated over pairs of bins."""
    r = np.arange(d + 1) / d
    inner, outer = np.diff(r**3) / 3, np.diff(r**2) / 2
    a, b = r[:-1], r[1:]
    matrix = -np.triu(np.outer(inner, outer), 1)
    return matrix + matrix.T - np.diag(2 * ((b**5 - a**5) / 15 - a**3 * (b**2 - a**2) / 6))


def wells(n: int, d: int, amp: float, rng: np.random.Generator) -> Float[Array, "n d"]:
    """n random potentials: the mean depth uniform in [0, amp], shared out among the bins at random."""
    parts = rng.exponential(size=(n, d))
    return amp * rng.uniform(size=(n, 1)) * d * parts / parts.sum(1, keepdims=True)


def unbound(potential: Float[Array, "N d"]) -> Bool[Array, " N"]:
    """Which of the potentials hold no bound state and are not about to, |a| <= 20."""
    u, slope = edge(potential)
    return (slope > 0) & (np.abs(slope - u) <= WORST * slope)
