"""How a hidden layer sees its inputs: kernels and their alignment, parallel codes, and readers that are moved."""

from __future__ import annotations

from collections.abc import Sequence
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
    member = (cluster == np.arange(int(cluster.max()) + 1)[:, None]).astype(float)
    return member @ values / member.sum(1, keepdims=True)


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


def cross_context(
    h: Float[Array, "n m"], cluster: Int[Array, " n"], bit: int, noise: Sequence[float] = (0.0,)
) -> Float[Array, " r"]:
    """How often a linear reader of a bit is right in contexts that it was not made in, on average over all halves.

    The reader is the line between the mean values of both sides, from half of the contexts. It reads the hidden values
    of the other half with isotropic noise; each of `noise` is its standard deviation over the root mean square length
    of the centred values. The shares are expected ones. Source: Bernardi et al. (2020), who take support vector
    machines.
    """
    means = mean_rows(h, cluster)
    low, high = contexts(len(means), bit)
    halves = np.array(list(combinations(range(len(low)), len(low) // 2)))
    rows = np.arange(len(halves))[:, None]
    # each reader's line, and the middle it is centred on, as sums of the clusters' means
    line, middle = np.zeros((2, len(halves), len(means)))
    line[rows, high[halves]], line[rows, low[halves]] = 1.0, -1.0
    line, middle = line / halves.shape[1], np.abs(line) / (2 * halves.shape[1])
    gram = means @ means.T
    side = 2.0 * ((cluster >> bit) & 1) - 1
    margin = side * (line @ means @ h.T - np.einsum("hc,cd,hd->h", line, gram, middle)[:, None])
    line_length = np.sqrt(np.maximum(np.einsum("hc,cd,hd->h", line, gram, line), 0))
    blur = np.sqrt(((h - h.mean(0)) ** 2).sum(1).mean()) * line_length[:, None]
    new = line[:, cluster] == 0
    shares = [ndtr(margin / np.maximum(n * blur, 1e-300)) if n > 0 else margin > 0 for n in noise]
    return np.array([share[new].mean() for share in shares])


def off_labels(grown: Float[Array, "d m"], centres: Float[Array, "c d"], labels: Float[Array, "c k"]) -> float:
    """Share of the growth of first weights, within the span of the centres, that lies off the label directions.

    A label direction is the sum of all centres, each times the label's sign. 0 where nothing has grown.
    """
    span, along = (np.linalg.qr(v.T)[0] for v in (centres, labels.T @ centres))
    total = ((span.T @ grown) ** 2).sum()
    return float(max(1 - ((along.T @ grown) ** 2).sum() / total, 0.0)) if total > 0 else 0.0
