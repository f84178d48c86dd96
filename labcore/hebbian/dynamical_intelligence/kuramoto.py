"""Kuramoto oscillators on any undirected graph, and on the complete one.

dtheta_i = w_i + (K / deg_i) sum_j A_ij sin(theta_j - theta_i). As sin(b - a) = sin b cos a - cos b sin a, an edge costs
two additions, and the sines are taken once a node. On the complete graph with frequencies from a Lorentzian of width
gamma, r = sqrt(1 - 2 gamma / K) above K = 2 gamma.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from labcore.checked import EMPTY, checked, index, rows
from labcore.kernels import kernel

from .sines import sines

Array = np.ndarray
Starts = Annotated[Int[Array, " N+1"], rows("E")]
Indices = Annotated[Int[Array, " E"], index("N"), EMPTY]


def modular_graph(n: int, blocks: int, k_in: float, k_out: float, rng: np.random.Generator) -> Bool[Array, "n n"]:
    """Adjacency: about k_in neighbours in one's own block, k_out outside, four fifths of these in one's half."""
    block = np.arange(n) * blocks // n
    same, half = block[:, None] == block, (2 * block // blocks)[:, None] == 2 * block // blocks
    np.fill_diagonal(same, False)
    p = np.zeros((n, n))
    for pairs, degree in ((same, k_in), (half & (block[:, None] != block), 0.8 * k_out), (~half, 0.2 * k_out)):
        p += pairs * degree / pairs.sum(1).mean()
    upper = np.triu(rng.random((n, n)) < p, 1)
    return upper | upper.T


def neighbours(adjacency: Bool[Array, "N N"]) -> tuple[Int[Array, " N+1"], Int[Array, " E"]]:
    """The graph in rows (CSR): node i has the neighbours indices[starts[i] : starts[i + 1]].

    Raises ValueError unless the adjacency is square and holds only True and False.
    """
    if adjacency.ndim != 2 or len(set(adjacency.shape)) != 1 or adjacency.dtype != bool:
        kind = f"{adjacency.dtype} {adjacency.shape}"
        raise ValueError(f"adjacency = {kind} is not allowed; it must be True and False, (N, N)")
    # in one piece, as the kernels are compiled for
    return np.r_[0, adjacency.sum(1).cumsum()], np.ascontiguousarray(np.nonzero(adjacency)[1])


@checked
@kernel
def velocity(
    theta: Float[Array, " N"],
    w: Real[Array, " N"],
    k: float,
    starts: Starts | None = None,
    indices: Indices | None = None,
) -> Float[Array, " N"]:
    """dtheta/dt. Without a graph (None) everyone listens to the mean of all."""
    sin, cos = sines(theta)
    v, s, c = w.astype(np.float64), sin.mean(), cos.mean()
    for i in range(len(theta)):
        if starts is not None:
            s, c, degree = 0.0, 0.0, starts[i + 1] - starts[i]
            for e in range(starts[i], starts[i + 1]):
                s += sin[indices[e]]
                c += cos[indices[e]]
            s, c = s / max(degree, 1), c / max(degree, 1)
        v[i] += k * (s * cos[i] - c * sin[i])
    return v


def order(theta: Float[Array, "*M N"]) -> Float[Array, "*M"]:
    """r = |mean exp(i theta)|."""
    return np.hypot(np.cos(theta).mean(-1), np.sin(theta).mean(-1))
