"""A flat map of embeddings that moves no more than they do."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Array = np.ndarray


class Map:
    """The two main directions of some points, turned and mirrored so that points stay near where they were."""

    def __init__(self) -> None:
        self._before: Array | None = None

    def turn(self, points: Float[Array, "n p"]) -> None:
        """Take the main directions of these points, the same n at each call."""
        self._mean = points.mean(0)
        self._basis = np.linalg.svd(points - self._mean, full_matrices=False)[2][:2].T
        if self._before is not None:
            # the rotation or reflection that brings them nearest to where they were
            u, _, vt = np.linalg.svd(self(points).T @ self._before)
            self._basis = self._basis @ (u @ vt)
        self._before = self(points)

    def __call__(self, points: Float[Array, "... p"]) -> Float[Array, "... 2"]:
        """Where points lie on the map."""
        return (points - self._mean) @ self._basis
