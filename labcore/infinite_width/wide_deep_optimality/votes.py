"""Classifiers of labels -1 and +1: a deep network, and the three that it may become."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from .deep_kernel import log_kernel, log_koenigs

Array = np.ndarray


def correlations(x: Float[Array, "n k"], z: Float[Array, "m k"]) -> Float[Array, "m n"]:
    """Of each row of z with each of x. Raises ValueError unless rows have length 1 and no coordinate is below 0."""
    for name, rows in (("x", x), ("z", z)):
        if (rows < 0).any() or not np.allclose((rows**2).sum(1), 1, atol=1e-9):
            raise ValueError(f"{name} is not allowed; its rows must have length 1 and no coordinate below 0")
    return np.clip(z @ x.T, 0.0, 1.0)


def network_votes(
    within: Float[Array, "n n"],
    across: Float[Array, "m n"],
    y: Float[Array, " n"],
    c: Float[Array, " P"],
    depths: Int[Array, " D"],
) -> Iterator[Float[Array, " m"]]:
    """What fully trained networks of infinite width say, y^T K(X, X)^-1 K(X, x), one depth after the other.

    `within` are the correlations of the examples with each other, `across` those of questions with examples. Each row
    is scaled by its largest entry, and K(X, X) by its diagonal, which is the same for all: no sign hangs on it.
    Raises ValueError as `log_kernel` does.
    """
    n, upper = len(y), np.triu_indices(len(y), 1)
    diagonals = log_kernel(np.ones(1), c, depths)[:, 0]
    inside = log_kernel(within[upper], c, depths) if n > 1 else np.zeros((len(depths), 0))
    for diagonal, pairs, rows in zip(diagonals, inside, log_kernel(across.ravel(), c, depths), strict=True):
        k = np.eye(n)
        k[upper] = k[upper[::-1]] = np.exp(pairs - diagonal)
        rows = rows.reshape(across.shape)
        # few layers of low degree, or nearly equal examples, make K(X, X) singular: a ridge of rounding's size
        # then gives the nearest solution, as training from 0 does
        yield np.exp(rows - rows.max(1, keepdims=True)) @ np.linalg.solve(k + 1e-12 * np.eye(n), y)


def singular_vote(across: Float[Array, "m n"], y: Float[Array, " n"], c: Float[Array, " P"]) -> Float[Array, " m"]:
    """The vote sum_i y_i psi(x.x_i), each row scaled by its largest weight."""
    rows = log_koenigs(np.minimum(across, 1 - 1e-15).ravel(), c).reshape(across.shape)
    return np.exp(rows - rows.max(1, keepdims=True)) @ y


def nearest(across: Float[Array, "m n"], y: Float[Array, " n"]) -> Float[Array, " m"]:
    """The label of the nearest example."""
    return y[across.argmax(1)]
