"""Samples: a noisy wave of one input, and four groups of points in the plane of which some have the wrong label."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Array = np.ndarray
CORNERS = 0.6 * np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
SPREAD = 0.3  # half the side of a group


def with_constant(x: Float[Array, "n ..."]) -> Float[Array, "n d+1"]:
    """The inputs with a column of ones."""
    return np.column_stack([x, np.ones(len(x))])


def wave(n: int, noise: float, rng: np.random.Generator) -> tuple[Float[Array, "n 2"], Float[Array, " n"]]:
    """n inputs in [-1, 1], sorted, with their constant, and sin(5 x) + noise."""
    x = np.sort(rng.uniform(-1, 1, n))
    return with_constant(x), np.sin(5 * x) + noise * rng.standard_normal(n)


def groups(n: int, wrong: float, rng: np.random.Generator) -> tuple[Float[Array, "n 2"], Float[Array, " n"]]:
    """n points in four square groups, labels -1 and +1 like a chessboard, of which a share is turned over."""
    corner = np.arange(n) % 4
    sign = np.where(corner % 2, 1.0, -1.0)
    sign[rng.permutation(n)[: round(wrong * n)]] *= -1
    return CORNERS[corner] + SPREAD * rng.uniform(-1, 1, (n, 2)), sign
