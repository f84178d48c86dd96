"""Patterns with blanks, what a network is shown, whom its neurons serve, and couplings from examples."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float, Int8, Int16, Int64

Start = Literal["pattern 1", "hierarchy", "mixture", "random"]
Array = np.ndarray


def draw_patterns(n: int, k: int, d: float, rng: np.random.Generator) -> Int8[Array, "N K"]:
    """K patterns on N neurons: blank (0) with probability d, otherwise +1 or -1 alike."""
    u = rng.random((n, k))
    return ((u >= d).astype(np.int8) - 2 * (u >= d + (1 - d) / 2)).astype(np.int8)


def cue(patterns: Int8[Array, "N K"], start: Start, noise: float, rng: np.random.Generator) -> Int8[Array, " N"]:
    """The first state; what `start` leaves open is random, then a share `noise` of all spins is flipped."""
    n, k = patterns.shape
    free = rng.choice(np.array([-1, 1], np.int8), n)
    if start == "pattern 1":
        wanted = patterns[:, 0]
    elif start == "hierarchy":
        wanted = patterns[np.arange(n), (patterns != 0).argmax(1)]  # the first pattern that is not blank here decides
    elif start == "mixture":
        wanted = np.sign(patterns.sum(1, dtype=np.int64)).astype(np.int8)
    else:
        wanted = np.zeros(n, np.int8)
    spins = np.where(wanted != 0, wanted, free)
    return np.where(rng.random(n) < noise, -spins, spins).astype(np.int8)


def losses(patterns: Int8[Array, "N K"], sums: Int64[Array, "R K"]) -> tuple[Float[Array, "R K"], Float[Array, "R K"]]:
    """L+ and L- of states with sums P^T s: half the mean square distance to a pattern and its mirror."""
    filled = (patterns != 0).mean(0)
    overlap = sums / len(patterns)
    return (1 + filled) / 2 - overlap, (1 + filled) / 2 + overlap


def serves(patterns: Int8[Array, "N K"], spins: Int8[Array, " N"], overlap: Float[Array, " K"]) -> Int64[Array, " N"]:
    """Which pattern each neuron serves, from 1 to K: the most recalled one that it agrees with. 0 is none."""
    level = np.zeros(len(spins), np.int64)
    for q in np.argsort(np.abs(overlap), kind="stable"):  # the strongest last, so that it has the last word
        level[patterns[:, q] * (-1 if overlap[q] < 0 else 1) == spins] = q + 1
    return level


def examples(patterns: Int8[Array, "N K"], m: int, r: float, rng: np.random.Generator) -> Int8[Array, "N K M"]:
    """M noisy copies of each pattern: entries keep their sign with probability (1+r)/2, blanks stay."""
    kept = rng.random((*patterns.shape, m)) < (1 + r) / 2
    return patterns[:, :, None] * np.where(kept, 1, -1).astype(np.int8)


def hebbian(eta: Int8[Array, "N K M"], r: float, teacher: bool) -> tuple[Int16[Array, "N L"], float]:
    """Columns P and gain of the Hebbian couplings J = gain P P^T / N that examples eta make.

    A teacher says which examples belong together, so they are averaged first: L = K. Without one each is a pattern of
    its own: L = K M. Raises ValueError when K M > 0.1 N, outside low storage, and unless 0 < r <= 1.
    """
    n, k, m = eta.shape
    if k * m > 0.1 * n:
        raise ValueError(f"K M = {k * m} is not allowed; low storage means at most 0.1 N = {0.1 * n:g}")
    if not 0 < r <= 1:
        raise ValueError(f"r = {r} is not allowed; it must be above 0 and at most 1")
    rho = (1 - r**2) / (m * r**2)
    if teacher:
        return eta.sum(2, dtype=np.int16), 1 / ((m * r) ** 2 * (1 + rho))
    return eta.reshape(n, k * m).astype(np.int16), 1 / (m * r**2 * (1 + rho))
