"""Where the tail of a layer's spectrum begins: by a power law's fit, and by the volume that it keeps."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.checked import checked, within
from labcore.kernels import kernel

Array = np.ndarray
SMALLEST = 1e-10  # eigenvalues up to it, times the mean, are zeros that rounding has moved
LEAST = 10  # eigenvalues that a tail must have: fewer fit any line


class Tail(NamedTuple):
    """The n largest eigenvalues as a power law: density ~ lam^-alpha from the smallest of them on."""

    n: int
    start: float  # lam_min, the smallest of them
    alpha: float
    distance: float  # Kolmogorov-Smirnov: largest difference of the law's and the tail's distribution


class Cut(NamedTuple):
    """The n largest eigenvalues whose product, in units of the mean of all, is at least 1."""

    n: int
    start: float  # the smallest of them; the largest of all where n = 0


def eigenvalues(w: Float[Array, "N M"]) -> Float[Array, " r"]:
    """The eigenvalues of W^T W / N from small to large, N the larger side; r <= M, zeros are left out.

    Raises ValueError for a matrix of zeros and for entries that are no finite numbers.
    """
    if w.ndim != 2 or not np.isfinite(w).all() or not w.any():
        raise ValueError(f"w {w.shape} is not allowed; it must be a matrix of finite numbers, not all 0")
    found = np.sort(np.linalg.svd(w, compute_uv=False) ** 2 / max(w.shape))
    return found[found > SMALLEST * found.mean()]


def _sorted(lam: Float[Array, " M"]) -> Float[Array, " M"]:
    lam = np.sort(np.asarray(lam, float))
    if lam.ndim != 1 or len(lam) < LEAST or not (np.isfinite(lam).all() and lam[0] > 0):
        raise ValueError(f"lam of shape {lam.shape} is not allowed; it must be {LEAST} or more positive numbers")
    return lam


def power_law(lam: Float[Array, " M"]) -> Tail:
    """The tail, of at least 10 eigenvalues, that is nearest to its own maximum-likelihood power law.

    Raises ValueError for fewer than 10 eigenvalues, for one that is not above 0, and where all are the same.
    """
    lam = _sorted(lam)
    alpha, distance = scan(np.log(lam), LEAST)
    if not np.isfinite(distance).any():
        raise ValueError(f"lam = {lam[0]:g}, as often as it is there, is not allowed; a tail needs different numbers")
    i = int(np.argmin(distance))
    return Tail(len(lam) - i, float(lam[i]), float(alpha[i]), float(distance[i]))


def tail_from(lam: Float[Array, " M"], start: float, alpha: float | None = None) -> Tail:
    """The tail of all eigenvalues from `start` on, with this exponent or with the likeliest one.

    Raises ValueError as `power_law` does, for an alpha not above 1, and where fewer than 2 lie from `start` on.
    """
    lam = _sorted(lam)
    tail = np.log(lam[lam >= start])
    if len(tail) < 2:
        raise ValueError(f"start = {start:g} is not allowed; two eigenvalues must be there, up to {lam[-2]:g}")
    if alpha is None:
        alpha = 1 + len(tail) / max((tail - tail[0]).sum(), 1e-300)
    if not alpha > 1:
        raise ValueError(f"alpha = {alpha} is not allowed; it must be above 1")
    below = 1 - np.exp((1 - alpha) * (tail - np.log(start) if start > 0 else tail - tail[0]))
    distance = np.abs(below - np.arange(len(tail)) / len(tail)).max()
    return Tail(len(tail), float(start), float(alpha), float(distance))


@checked
@kernel
def scan(
    log_lam: Float[Array, " M"], least: Annotated[int, within(1)]
) -> tuple[Float[Array, " M"], Float[Array, " M"]]:
    """alpha and distance of the tail from each eigenvalue on, of logarithms that rise; inf where there is none."""
    m = len(log_lam)
    alphas, distances = np.full(m, np.inf), np.full(m, np.inf)
    above_it = 0.0
    for i in range(m - 1, -1, -1):
        n = m - i
        above_it += log_lam[i]
        excess = above_it - n * log_lam[i]
        if n < least or not excess > 0:
            continue
        alpha = 1 + n / excess
        worst = 0.0
        for j in range(i, m):
            off = abs(1 - np.exp((1 - alpha) * (log_lam[j] - log_lam[i])) - (j - i) / n)
            worst = max(worst, off)
        alphas[i], distances[i] = alpha, worst
    return alphas, distances


def erg_cut(lam: Float[Array, " M"]) -> Cut:
    """The largest eigenvalues, taken from the top for as long as their product is at least 1 (ERG: trace-log = 0).

    The mean of all is 1 before they are multiplied, so the cut does not hang on how large the weights are.
    Raises ValueError as `power_law` does.
    """
    lam = _sorted(lam)
    scaled = lam / lam.mean()
    log_product = np.cumsum(np.log(scaled[::-1]))  # the idea
    kept = np.flatnonzero(log_product >= 0)  # the idea
    n = int(kept[-1]) + 1 if len(kept) else 0
    return Cut(n, float(lam[len(lam) - max(n, 1)]))


def pareto_share(alpha: float) -> float:
    """The share of a power law's eigenvalues above the ERG cut, e (1 - 1/a)^a with a = alpha - 1.

    Above the quantile of share f the mean logarithm is ln f^(-1/a) + 1/a, and the mean of the law is a / (a - 1).
    Raises ValueError for alpha <= 2, where the law has no mean.
    """
    if not alpha > 2:
        raise ValueError(f"alpha = {alpha} is not allowed; it must be above 2, or the law has no mean")
    return float(np.e * (1 - 1 / (alpha - 1)) ** (alpha - 1))


def random_share(lam: Float[Array, " B"]) -> Float[Array, " B"]:
    """The share of eigenvalues at least lam, of a large square random matrix with their mean at 1.

    Marchenko, Pastur (1967): the singular values are heights of points spread evenly over a quarter of a circle.
    """
    angle = np.arcsin(np.sqrt(np.clip(lam, 0, 4)) / 2)
    return 1 - (2 * angle + np.sin(2 * angle)) / np.pi
