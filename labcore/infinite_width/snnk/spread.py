"""How much one random feature scatters around the neuron that it estimates: exact, for a pair of input and weights.

With Y = a e^(i omega b) (1+4M)^(d/2) e^(sqrt(1+4M) c g.s - c^2 (|x|^2+|w|^2)/2 - 2M|g|^2) and s = x + w, the estimate
is the mean of m copies of Re Y, and E[(Re Y)^2] = (E|Y|^2 + Re E[Y^2]) / 2. Both are Gaussian integrals over g.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from .targets import SPEED, Kind, angles, checked_kind, exact

Array = np.ndarray


def second_moment(
    kind: Kind, x: Float[Array, "n d"], w: Float[Array, "n d"], tilt: float | Float[Array, " n"] = 0.0
) -> Float[Array, " n"]:
    """E[(Re Y)^2] for neurons without a bias, pair by pair; for the arc-cosine kernel E[relu(g.x)^2 relu(g.w)^2].

    Raises ValueError for an unknown kind, pairs that are none and a tilt below 0.
    """
    checked_kind(kind)
    if x.ndim != 2 or x.shape != w.shape:
        raise ValueError(f"x, w have shapes {x.shape}, {w.shape}; they must be (n, d), both")
    if not np.all(np.asarray(tilt) >= 0):
        raise ValueError(f"tilt = {tilt} is not allowed; it must be at least 0")
    if kind == "arc-cosine":
        length, t = angles(x, w)
        return length**2 * (3 * np.sin(t) * np.cos(t) + (np.pi - t) * (1 + 2 * np.cos(t) ** 2)) / (2 * np.pi)
    d, together = x.shape[1], ((x + w) ** 2).sum(1)
    apart = (x**2).sum(1) + (w**2).sum(1)
    size = ((1 + 4 * tilt) ** 2 / (1 + 8 * tilt)) ** (d / 2)
    share = (1 + 4 * tilt) / (1 + 8 * tilt)
    growth, turn = share * together, 2 * share * together - apart
    if kind == "bump":  # averaged over frequencies |N(0, 1)|
        return size * (2 * np.exp(growth**2 / 2) * ndtr(growth) + np.exp(-(turn**2) / 2)) / 2
    sign = -1 if kind == "sine" else 1  # a^2
    return size * (np.exp(SPEED * growth) + sign * np.cos(SPEED * turn)) / 2


def spread(
    kind: Kind, x: Float[Array, "n d"], w: Float[Array, "n d"], tilt: float | Float[Array, " n"] = 0.0
) -> Float[Array, " n"]:
    """Variance of one feature, pair by pair: m of them are off by sqrt(spread / m), as a root mean square.

    Raises ValueError as `second_moment` does.
    """
    return second_moment(kind, x, w, tilt) - exact(kind, x, w) ** 2
