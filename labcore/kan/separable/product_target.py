"""A function of six inputs in [0, 1] that is the sum of two products, with slices through it."""

from __future__ import annotations

from functools import reduce

import numpy as np
from jaxtyping import Float

Array = np.ndarray


def parts(x: Float[Array, "*at d"]) -> tuple[Float[Array, "*at"], Float[Array, "*at"]]:
    """The two products that the target is the sum of, at x in [0, 1]; inputs beyond the sixth do nothing."""
    factors = [
        lambda t: np.exp(-8 * (t - 0.5) ** 2),
        lambda t: np.sin(2 * np.pi * t),
        lambda t: 1 + t,
        lambda t: np.cos(np.pi * t),
    ]
    first = reduce(np.multiply, (f(x[..., j]) for j, f in enumerate(factors[: x.shape[-1]])))
    return first, 0.5 * x[..., 4:6].prod(-1) if x.shape[-1] > 4 else np.zeros(x.shape[:-1])


def target(x: Float[Array, "*at d"]) -> Float[Array, "*at"]:
    """exp(-8 (x1 - 1/2)^2) sin(2 pi x2) (1 + x3) cos(pi x4) + x5 x6 / 2."""
    return sum(parts(x))


def base_point(d: int) -> Float[Array, " d"]:
    """The point through which slices are drawn; both parts of the target are large there."""
    return np.array([0.5, 0.25, 0.5, 0.1, 0.8, 0.8, *[0.5] * 4])[:d]


def slices(d: int, t: Float[Array, " T"]) -> Float[Array, "d T d"]:
    """Points: row j runs along input j through the base point."""
    points = np.tile(base_point(d), (d, len(t), 1))
    points[np.arange(d), :, np.arange(d)] = t
    return points
