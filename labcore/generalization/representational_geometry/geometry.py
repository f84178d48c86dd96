"""How a hidden layer sees its inputs: kernels and their alignment, parallel codes, and readers that are moved."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

Array = np.ndarray


def kernel(a: Float[Array, "n m"]) -> Float[Array, "n n"]:
    """Inner products of the rows, each minus the mean row."""
    centred = a - a.mean(0)
    return centred @ centred.T


def cka(a: Float[Array, "n m1"], b: Float[Array, "n m2"]) -> float:
    """Alignment of two centred linear kernels of the same n points: <K, L> / |K| |L|, from 0 to 1.

    1 where one is the other turned, scaled and shifted; 0 where one of them does not vary. Raises ValueError for
    different numbers of points. Source: Kornblith et al. (2019), arXiv:1905.00414.
    """
    if len(a) != len(b):
        raise ValueError(f"a has {len(a)} rows and b has {len(b)}; both must be of the same points")
    one, other = kernel(a), kernel(b)
    sizes = np.linalg.norm(one) * np.linalg.norm(other)
    return float((one * other).sum() / sizes) if sizes > 0 else 0.0


def mean_rows(values: Float[Array, "n m"], cluster: Int[Array, " n"]) -> Float[Array, "c m"]:
    """Mean values of each cluster."""
    return np.stack([values[cluster == c].mean(0) for c in range(int(cluster.max()) + 1)])


def contexts(clusters: int, bit: int) -> Int[Array, "2 c/2"]:
    """The clusters where a bit is 0, above those that differ from them in that bit alone: column i is a context."""
    numbers = np.arange(clusters)
    low = numbers[(numbers >> bit) & 1 == 0]
    return np.stack([low, low | 1 << bit])


def parallelism(means: Float[Array, "c m"], bit: int) -> float:
    """Mean cosine between the coding directions of a bit, from 0 to 1, in all pairs of contexts: from -1 to 1.

    `means` are the mean hidden values of the clusters. 1: the bit is written in the same way in all contexts. A
    direction of length 0 has the cosine 0. Source: Bernardi et al. (2020), doi:10.1016/j.cell.2020.09.031.
    """
    low, high = contexts(len(means), bit)
    code = means[high] - means[low]
    length = np.linalg.norm(code, axis=1, keepdims=True)
    code = code / np.where(length > 0, length, 1)
    cosines = code @ code.T
    return float(cosines[np.triu_indices(len(code), 1)].mean())


def cross_context(h: Float[Array, "n m"], cluster: Int[Array, " n"], bit: int, noise: float = 0.0) -> float:
    """How often a linear reader of a bit is right in contexts that it was not made in, on average over all halves.

    The reader is the line between the mean values of both sides, from half of the contexts. It reads the hidden values
    of the other half with isotropic noise of standard deviation `noise`, times the root mean square length of the
    centred values; the share is the expected one. Source: Bernardi et al. (2020), there with support vector machines.
    """
    means = mean_rows(h, cluster)
    low, high = contexts(len(means), bit)
    spread = noise * np.sqrt(((h - h.mean(0)) ** 2).sum(1).mean())
    side = 2.0 * ((cluster >> bit) & 1) - 1
    right = []
    for half in combinations(range(len(low)), len(low) // 2):
        zero, one = means[low[list(half)]].mean(0), means[high[list(half)]].mean(0)
        line = one - zero
        others = ~np.isin(cluster, np.r_[low[list(half)], high[list(half)]])
        margin = side[others] * ((h[others] - (zero + one) / 2) @ line)
        blur = spread * np.linalg.norm(line)
        right.append(ndtr(margin / blur).mean() if blur > 0 else (margin > 0).mean())
    return float(np.mean(right))


def off_labels(grown: Float[Array, "d m"], centres: Float[Array, "c d"], labels: Float[Array, "c k"]) -> float:
    """Share of the growth of first weights, within the span of the centres, that lies off the label directions.

    A label direction is the sum of all centres, each times the label's sign. 0 where nothing has grown.
    """
    span, along = (np.linalg.qr(v.T)[0] for v in (centres, labels.T @ centres))
    total = ((span.T @ grown) ** 2).sum()
    return float(max(1 - ((along.T @ grown) ** 2).sum() / total, 0.0)) if total > 0 else 0.0
