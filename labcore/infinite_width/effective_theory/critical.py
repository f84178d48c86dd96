"""Where an activation carries signals through any depth: the point (C_b, C_W) at which both growths are 1."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from scipy.optimize import brentq

from .activations import Activation, output
from .flow import parallel, passed, perpendicular

Class = Literal["every size", "size 0", "one size"]
SMALL = 1e-3  # a size that is nearly 0


class Critical(NamedTuple):
    """C_b and C_W at which C_W g'(K) = C_W E s'(z)^2 = 1 at a fixed point K, and that K (1 where any size is one)."""

    c_b: float
    c_w: float
    size: float
    kind: Class


def critical(activation: Activation) -> Critical | None:
    """The critical point; None where there is none.

    Every size: s(2z) = 2 s(z), and K stays what it is. Size 0: s is as steep nowhere as at 0, and K falls as slowly as
    1 / layer. One size: both growths agree at one K > 0, which attracts from one side only.
    """
    z = np.array([-2.0, -0.5, 0.5, 2.0])
    if np.allclose(output(activation, 2 * z), 2 * output(activation, z), rtol=1e-12):
        return Critical(0.0, 1 / float(passed(activation, 1.0)), 1.0, "every size")
    if output(activation, np.zeros(1))[0] == 0 and _curvature(activation) < 0:
        return Critical(0.0, 1 / float(perpendicular(activation, 0.0)), 0.0, "size 0")

    def apart(log_k: float) -> float:
        k = np.exp(log_k)
        return float(parallel(activation, k) - perpendicular(activation, k))

    grid = np.linspace(np.log(0.1), np.log(1000), 60)
    signs = np.sign([apart(k) for k in grid])
    for at in np.flatnonzero(signs[1:] != signs[:-1]):
        k = float(np.exp(brentq(apart, grid[at], grid[at + 1], xtol=1e-13)))
        c_w = 1 / float(perpendicular(activation, k))
        c_b = k - c_w * float(passed(activation, k))
        if c_b >= 0:
            return Critical(c_b, c_w, k, "one size")
    return None


def _curvature(activation: Activation) -> float:
    """Whether g(K) / K rises or falls as K leaves 0."""
    return float(passed(activation, 2 * SMALL) / 2 - passed(activation, SMALL))


def tuned(activation: Activation, skip: float = 0.0) -> tuple[float, float]:
    """C_b and C_W that are critical for layers z -> skip z + block(z): both times 1 - skip^2.

    Raises ValueError for an activation without a critical point, and for a skip outside [0, 1).
    """
    point = critical(activation)
    if point is None:
        raise ValueError(f"activation = {activation!r} is not allowed; it has no critical point")
    if not 0 <= skip < 1:
        raise ValueError(f"skip = {skip} is not allowed; it must be at least 0 and below 1")
    return (1 - skip**2) * point.c_b, (1 - skip**2) * point.c_w
