"""What a layer does to signals when it is infinitely wide: their size, the gap between two, and small changes of each.

K is the size of a signal: the mean square of its numbers in a layer. All averages are over z ~ N(0, K).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .activations import Activation, output, slope
from .gaussian import expect

Array = np.ndarray
LARGEST, SMALLEST = 1e30, 1e-30  # sizes are held between these
NEAR = 1e-8  # two signals whose gap is below this share of their size follow the slope of the map


def passed(activation: Activation, size: ArrayLike) -> Float[Array, "*n"]:
    """g(K) = E s(z)^2, for sizes K (*n)."""
    return expect(lambda z: output(activation, z) ** 2, size)


def parallel(activation: Activation, size: ArrayLike) -> Float[Array, "*n"]:
    """g'(K) = E s(z)^2 (z^2 - K) / 2 K^2: C_W times this is the growth of a small change of size. K must not be 0."""
    k = np.asarray(size, float)
    return expect(lambda z: output(activation, z) ** 2 * (z**2 / k[..., None] - 1), k) / (2 * k)


def perpendicular(activation: Activation, size: ArrayLike) -> Float[Array, "*n"]:
    """E s'(z)^2: C_W times this is the growth of the squared gap between two signals that are nearly the same."""
    return expect(lambda z: slope(activation, z) ** 2, size)


def flow(
    activation: Activation, c_w: float, c_b: float, start: float, depth: int, skip: float = 0.0
) -> Float[Array, " L"]:
    """K of each layer: K_1 = start, K_(l+1) = skip^2 K_l + C_b + C_W g(K_l). Held between SMALLEST and LARGEST.

    Raises ValueError for a start not above 0, variances below 0 and a depth below 1.
    """
    if not start > 0:
        raise ValueError(f"start = {start} is not allowed; it must be above 0")
    for name, value, least in (("c_w", c_w, 0), ("c_b", c_b, 0), ("depth", depth, 1)):
        if not value >= least:
            raise ValueError(f"{name} = {value} is not allowed; it must be at least {least}")
    k = np.full(depth, float(start))
    for layer in range(1, depth):
        before = k[layer - 1]
        k[layer] = np.clip(skip**2 * before + c_b + c_w * passed(activation, before), SMALLEST, LARGEST)
    return k


def gaps(activation: Activation, c_w: float, size: Float[Array, " L"], start: float) -> Float[Array, " L"]:
    """D = E (z_a - z_b)^2 of each layer, for two signals of these sizes whose first gap is start.

    D_(l+1) = C_W E (s(m + h) - s(m - h))^2 with independent m ~ N(0, K - D/4) and h ~ N(0, D/4).
    """
    d = np.full(len(size), float(start))
    x, w = np.polynomial.hermite_e.hermegauss(40)
    for layer in range(1, len(size)):
        k, gap = size[layer - 1], min(d[layer - 1], 4 * size[layer - 1])
        if gap < NEAR * k:
            d[layer] = c_w * gap * float(perpendicular(activation, k))
            continue
        half = np.sqrt(gap) / 2 * x[:, None]

        def parted(m: Array, half: Array = half) -> Array:
            return w @ (output(activation, m + half) - output(activation, m - half)) ** 2 / w.sum()

        d[layer] = c_w * float(expect(parted, k - gap / 4))
    return np.maximum(d, SMALLEST)
