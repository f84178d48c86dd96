"""One-to-one: which unit of network B is which unit of network A, by what they say to the same inputs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

Array = np.ndarray


class Standard(NamedTuple):
    """The units that ever change, with mean 0 and variance 1, and which they were."""

    z: Float[Array, "n k"]
    living: Int[Array, " k"]


def standardize(activations: Float[Array, "n m"]) -> Standard:
    """Each unit's activations on n inputs, centred and scaled; a unit that always says the same has no correlations.

    Raises ValueError for fewer than two inputs, for what is not finite and where no unit changes.
    """
    a = np.asarray(activations, float)
    if a.ndim != 2 or len(a) < 2:
        raise ValueError(f"activations has shape {a.shape}; it must be (n, m) with n of at least 2")
    if not np.isfinite(a).all():
        raise ValueError("activations has an entry that is not finite; all must be")
    centred = a - a.mean(0)
    spread = np.sqrt((centred**2).mean(0))
    living = np.flatnonzero(spread > 1e-9 * np.maximum(np.abs(a).max(0), 1e-300))
    if not len(living):
        raise ValueError(f"activations has {a.shape[1]} units, none of which changes; one must")
    return Standard(centred[:, living] / spread[living], living)


def correlations(a: Float[Array, "n k"], b: Float[Array, "n l"]) -> Float[Array, "k l"]:
    """Pearson's correlation of each unit of A with each of B, from standardized activations on the same n inputs.

    Raises ValueError for different numbers of inputs.
    """
    if len(a) != len(b):
        raise ValueError(f"a has {len(a)} inputs and b {len(b)}; they must be the same inputs")
    return a.T @ b / len(a)


def one_to_one(likeness: Float[Array, "k l"]) -> tuple[Int[Array, " p"], Int[Array, " p"]]:
    """Pairs (unit of A, unit of B) with the largest sum of likenesses, no unit in two pairs; p = min(k, l).

    Raises ValueError for what is not finite.
    """
    if not np.isfinite(likeness).all():
        raise ValueError("likeness has an entry that is not finite; all must be")
    rows, columns = linear_sum_assignment(likeness, maximize=True)
    return rows, columns


def best_partner(likeness: Float[Array, "k l"]) -> Int[Array, " k"]:
    """For each unit of A the unit of B that is most like it; several may choose the same one."""
    return likeness.argmax(1)


def mutual_information(a: Float[Array, "n k"], b: Float[Array, "n l"], bins: int = 8) -> Float[Array, "k l"]:
    """Bits that each unit of A tells about each of B, from a histogram whose bins hold equally many inputs.

    Ties, such as a ReLU's zeros, share a bin. What a histogram of n inputs finds even between independent units,
    about (bins of a - 1)(bins of b - 1) / 2n nats (Miller, Madow 1955), is taken off; the rest may be below zero.
    Raises ValueError for fewer than 2 bins, or different numbers of inputs.
    """
    if bins < 2 or len(a) != len(b):
        raise ValueError(f"bins = {bins} for {len(a)} and {len(b)} inputs is not allowed; 2 or more, equal numbers")
    n = len(a)
    (first, used_a), (second, used_b) = (_binned(v, bins) for v in (a, b))
    joint = (first.reshape(n, -1).T @ second.reshape(n, -1) / n).reshape(a.shape[1], bins, b.shape[1], bins)
    alone = first.mean(0)[:, :, None, None] * second.mean(0)[None, None]
    bits = np.where(joint > 0, joint * np.log(np.where(joint > 0, joint / np.maximum(alone, 1e-300), 1)), 0).sum((1, 3))
    return (bits - np.outer(used_a - 1, used_b - 1) / (2 * n)) / np.log(2)


def _binned(a: Float[Array, "n k"], bins: int) -> tuple[Float[Array, "n k bins"], Int[Array, " k"]]:
    """Which bin each activation is in, as ones and zeros, and how many bins are in use."""
    edges = np.quantile(a, np.arange(1, bins) / bins, axis=0)
    one_hot = np.eye(bins)[(a[None] > edges[:, None]).sum(0)]
    return one_hot, (one_hot.sum(0) > 0).sum(1)
