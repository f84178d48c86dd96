"""A linear reader of states: ridge regression on one-hot classes, after each state was standardised."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray
RIDGE = 10.0


def scaler(states: Float[Array, "n d"]) -> Callable[[Array], Array]:
    """Standardises as these states need it; what never changes becomes 0."""
    mean, deviation = states.mean(0), states.std(0)
    return lambda other: (other - mean) / np.where(deviation > 0, deviation, 1)


def reader(states: Float[Array, "n d"], labels: Int[Array, " n"], classes: int) -> Callable[[Array], Int[Array, " m"]]:
    """Learns classes from states; what it returns names the classes of others."""
    scaled, targets = scaler(states), np.eye(classes)[labels]
    a, share = scaled(states), targets.mean(0)
    weights = np.linalg.solve(a.T @ a + RIDGE * np.eye(a.shape[1]), a.T @ (targets - share))
    return lambda other: (scaled(other) @ weights + share).argmax(1)
