"""Two sets in the plane to project on: circles of radius 1, and a line that may cross them or narrowly miss."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Array = np.ndarray


def nearest_on_circles(z: Float[Array, "S 2"], centres: Float[Array, "C 2"]) -> Float[Array, "S 2"]:
    """The nearest point of the union of circles of radius 1."""
    away = z[:, None] - centres
    length = np.sqrt((away**2).sum(2))
    pick = np.abs(length - 1).argmin(1)
    away, length = away[np.arange(len(z)), pick], length[np.arange(len(z)), pick]
    unit = np.where(length[:, None] > 0, away / np.maximum(length, 1e-300)[:, None], [1.0, 0.0])
    return centres[pick] + unit


def nearest_on_line(z: Float[Array, "S 2"]) -> Float[Array, "S 2"]:
    """The nearest point with second coordinate 0."""
    return z * [1.0, 0.0]
