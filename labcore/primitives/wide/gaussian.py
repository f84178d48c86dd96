"""The average of a function of one Gaussian number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

Array = np.ndarray
REACH = 12.0  # standard deviations; beyond them the Gaussian is below 1e-31


def expect(f: Callable[[Array], Array], variance: ArrayLike, nodes: int = 150) -> Float[Array, "*n"]:
    """E f(z) for z normal with mean 0 and each of the variances (*n); f takes and returns arrays of one shape.

    By Gauss-Legendre quadrature on either side of 0 apart, to about 1e-12: Gauss-Hermite would lose its precision to a
    kink at 0, and to tanh of a wide z. Raises ValueError for a variance below 0 or that is no number.
    """
    v = np.asarray(variance, dtype=float)
    if not (v >= 0).all():
        raise ValueError(f"variance = {variance} is not allowed; it must be at least 0")
    t, w = np.polynomial.legendre.leggauss(nodes)
    x = REACH / 2 * (t + 1)
    density = REACH / 2 * w * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    z = np.sqrt(v)[..., None] * x
    return (f(z) + f(-z)) @ density
