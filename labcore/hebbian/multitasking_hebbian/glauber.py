"""Asynchronous Glauber dynamics of a Hebbian network whose coupling matrix is never stored.

With patterns P (N, L) of small whole numbers the couplings are J = gain P P^T / N without its diagonal. Everything that
an update needs is in L whole numbers, M_q = sum_i P[i, q] s_i: the field of spin i is
    h_i = gain / N (sum_q P[i, q] M_q - s_i sum_q P[i, q]^2),
where the last term removes the diagonal, and a flip changes M_q by P[i, q] (s_new - s_old). So an update costs O(L),
not O(N), memory is N L bytes, not 4 N^2, and M stays exact however long the network runs.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float, Int, Int8, Int64

from labcore.checked import INFINITE, checked, index, within
from labcore.kernels import kernel

Array = np.ndarray
BLOCK = 1 << 14  # random numbers drawn at a time: few enough to stay in the cache beside the network


@checked
@kernel
def update(
    patterns: Int[Array, "N L"],
    spins: Int8[Array, " N"],
    sums: Int64[Array, " L"],
    sites: Annotated[Int64[Array, " updates"], index("N")],
    uniforms: Float[Array, " updates"],
    beta: Annotated[float, INFINITE],
    gain: float,
) -> None:
    """Update these sites one after the other, in place: s_i = +1 with probability 1 / (1 + exp(-2 beta h_i)).

    patterns are row-major, so that one update reads one run of memory; sums is P^T s. beta may be infinite: then a
    spin follows the sign of its field, and a spin without a field stays as it is.
    """
    n, count = patterns.shape
    scale = gain / n
    for t in range(len(sites)):
        i = sites[t]
        along, alone = 0, 0
        for q in range(count):
            p = np.int64(patterns[i, q])
            along += p * sums[q]  # the idea
            alone += p * p  # the idea
        field = along - spins[i] * alone  # the idea
        if field == 0 and beta == np.inf:
            continue
        x = np.inf * field if beta == np.inf else 2 * beta * scale * field
        # beyond 40 the probability is 0 or 1 to the last bit of a double, and the exponential can be saved
        up = x > 0 if abs(x) > 40 else uniforms[t] * (1 + np.exp(-x)) < 1  # the idea
        new = np.int8(1) if up else np.int8(-1)
        if new != spins[i]:
            spins[i] = new
            for q in range(count):
                sums[q] += 2 * new * np.int64(patterns[i, q])


@checked
def advance(
    patterns: Int[Array, "N L"],
    spins: Int8[Array, " N"],
    sums: Int64[Array, " L"],
    temperature: Annotated[float, within(0)],
    updates: int,
    rng: np.random.Generator,
    gain: float = 1.0,
) -> None:
    """That many updates of sites drawn at random, at this temperature; `spins` and `sums` change in place.

    Raises ValueError for a negative temperature and for arrays that do not fit together.
    """
    n = len(patterns)
    beta = np.inf if temperature == 0 else 1 / temperature
    while updates > 0:
        size = min(updates, BLOCK)
        update.kernel(patterns, spins, sums, rng.integers(0, n, size), rng.random(size), beta, gain)
        updates -= size


def pattern_sums(patterns: Int[Array, "N L"], spins: Int8[Array, " N"]) -> Int64[Array, " L"]:
    """M = P^T s, in whole numbers."""
    return np.einsum("iq,i->q", patterns, spins, dtype=np.int64)


def energy(patterns: Int[Array, "N L"], sums: Int64[Array, "*states L"], gain: float = 1.0) -> Float[Array, "*states"]:
    """H = -sum_{i<j} J_ij s_i s_j: -gain/(2N) (sum_q M_q^2 - sum_{iq} P[i, q]^2)."""
    diagonal = np.einsum("iq,iq->", patterns, patterns, dtype=np.int64)
    return -gain / (2 * len(patterns)) * (np.square(sums, dtype=np.float64).sum(-1) - diagonal)
