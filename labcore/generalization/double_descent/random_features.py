"""Random features z(x) = act(W x + b) with frozen W, b, and the ways of normalizing them.

Source: Rahimi, Recht 2007, "Random features for large-scale kernel machines".
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float

Array = np.ndarray
Activation = Literal["relu", "tanh", "linear"]
Normalization = Literal["raw", "center", "standardize", "row"]


def random_layer(p: int, d: int, rng: np.random.Generator) -> tuple[Float[Array, "p d"], Float[Array, " p"]]:
    """Frozen weights W and biases b, all N(0, 1/d): the first rows are a narrower layer of the same law."""
    layer = rng.standard_normal((p, d + 1)) / np.sqrt(d)
    return layer[:, :d], layer[:, d]


def features(
    x: Float[Array, "m d"], layer: tuple[Float[Array, "p d"], Float[Array, " p"]], activation: Activation = "relu"
) -> Float[Array, "m p"]:
    """act(x W^T + b). Raises ValueError for an unknown activation."""
    z = x @ layer[0].T
    z += layer[1]
    if activation == "relu":
        return np.maximum(z, 0.0, out=z)
    if activation == "tanh":
        return np.tanh(z, out=z)
    if activation == "linear":
        return z
    raise ValueError(f"activation = {activation!r} is not allowed; it must be relu, tanh or linear")


def normalize(
    train: Float[Array, "n p"], test: Float[Array, "m p"], how: Normalization
) -> tuple[Float[Array, "n p"], Float[Array, "m p"]]:
    """Features of training and test samples, normalized. Statistics come from the training samples only.

    raw          as they are
    center       minus each feature's mean
    standardize  minus the mean, over the standard deviation (features that never vary become 0)
    row          each sample divided by its own length (an all-zero sample stays 0)

    Raises ValueError for another name.
    """
    if how == "raw":
        return train, test
    if how == "row":
        return tuple(z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-300) for z in (train, test))
    if how not in ("center", "standardize"):
        raise ValueError(f"normalization = {how!r} is not allowed; it must be raw, center, standardize or row")
    mean = train.mean(0)
    train, test = train - mean, test - mean
    if how == "standardize":
        spread = train.std(0)
        # a constant column has a spread of rounding error, not of zero: a share of its size, whatever that is
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-12 * np.abs(mean))
        train, test = train * scale, test * scale
    return train, test
