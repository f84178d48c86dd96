"""The task: clusters of inputs, labelled by the bits of their number."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray

D = 40  # dimensions of the inputs
POINTS = 8  # of a cluster
NORM = 3.0  # of its centre


class Task(NamedTuple):
    """Inputs x with the bits y, -1 or 1; cluster is which centre each belongs to, labels are the bits of the centres.

    across and along are unit vectors of the plane of two clusters, `pair`, that share labels: the way from 0 to their
    middle, and that from the second to the first.
    """

    x: Float[Array, "n d"]
    y: Float[Array, "n k"]
    cluster: Int[Array, " n"]
    centres: Float[Array, "c d"]
    labels: Float[Array, "c k"]
    pair: tuple[int, int]
    across: Float[Array, " d"]
    along: Float[Array, " d"]


def bits_of(clusters: int, k: int) -> Float[Array, "c k"]:
    """The first k bits of the numbers of the clusters, -1 or 1."""
    return 2.0 * ((np.arange(clusters)[:, None] >> np.arange(k)) & 1) - 1


def draw(clusters: int, k: int, noise: float, mixed: float, rng: np.random.Generator) -> Task:
    """`clusters` centres of length 3 in 40 dimensions, and 8 points around each, at a distance of `noise` or so.

    The centres are orthogonal; with `mixed` from 0 to 1 each moves towards the direction of its labels, where at 1 it
    is that direction alone. Raises ValueError for a number of clusters that is no power of two, or that has no k bits.
    """
    bits = int(clusters).bit_length() - 1
    if clusters < 4 or clusters != 1 << bits:
        raise ValueError(f"clusters = {clusters} is not allowed; it must be a power of two, at least 4")
    if not 1 <= k <= bits:
        raise ValueError(f"k = {k} is not allowed with {clusters} clusters; it must be from 1 to {bits}")
    axes = np.linalg.qr(rng.normal(size=(D, D)))[0].T
    own, shared = axes[:clusters], axes[clusters : clusters + k]
    labels = bits_of(clusters, k)
    centres = (1 - mixed) * own + mixed * labels @ shared / np.sqrt(k)
    centres *= NORM / np.linalg.norm(centres, axis=1, keepdims=True)
    cluster = np.repeat(np.arange(clusters), POINTS)
    x = centres[cluster] + noise / np.sqrt(D) * rng.normal(size=(len(cluster), D))
    # both have all their labels 1, unless every bit is one: then they differ in the last
    first = (1 << k) - 1
    pair = (first, first | 1 << k) if k < bits else (first, first ^ 1 << (k - 1))
    across, along = centres[list(pair)].sum(0), own[pair[0]] - own[pair[1]]
    return Task(
        x,
        labels[cluster],
        cluster,
        centres,
        labels,
        pair,
        across / np.linalg.norm(across),
        along / np.linalg.norm(along),
    )
