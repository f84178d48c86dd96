"""Two sets in the plane to project on: circles of radius 1, and a line that may cross them or narrowly miss.

A point is a complex number: its real part lies along the line, its imaginary part across it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float

Array = np.ndarray


def nearest_on_circles(z: Complex[Array, "*S"], centres: Complex[Array, " C"]) -> Complex[Array, "*S"]:
    """The nearest point of the union of circles of radius 1; from a centre, the one along the line."""
    pick = centres[np.abs(np.abs(z[..., None] - centres) - 1).argmin(-1)]
    away = z - pick
    length = np.abs(away)
    return pick + np.where(length > 0, away / np.maximum(length, 1e-300), 1.0)


def nearest_on_line(z: Complex[Array, "*S"]) -> Float[Array, "*S"]:
    """The nearest point with imaginary part 0."""
    return z.real
