"""How often a memory sees each fact, and the orthonormal codes of keys and answers, from one-hot to wholly mixed."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from scipy.linalg import schur

Array = np.ndarray
Shape = Literal["power law", "two groups"]
Mixing = Literal["all", "blocks"]
BLOCK = 4  # facts that share their coordinates in a code of blocks


def frequencies(n: int, exponent: float, shape: Shape = "power law") -> Float[Array, " n"]:
    """The shares p of n facts, the most frequent first; the rarest is n^-exponent as frequent as that one.

    A power law p_k ~ k^-exponent, or two groups: a quarter frequent, the others rare. Raises ValueError for another
    shape and for fewer than 2 facts.
    """
    if shape not in get_args(Shape):
        raise ValueError(f"shape = {shape!r} is not allowed; it must be one of {', '.join(get_args(Shape))}")
    if n < 2:
        raise ValueError(f"n = {n} is not allowed; it must be at least 2")
    rank = np.arange(1, n + 1.0)
    p = rank**-exponent if shape == "power law" else np.where(rank <= n / 4, 1.0, float(n) ** -exponent)
    return p / p.sum()


def rotation(n: int, rng: np.random.Generator) -> Float[Array, "n n"]:
    """A rotation drawn from all of them alike."""
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    q *= np.sign(np.diag(r))
    if np.linalg.det(q) < 0:
        q[:, 0] *= -1
    return q


def turned(q: Float[Array, "n n"], share: float) -> Float[Array, "n n"]:
    """The rotation q gone only a share of its way: each of its planes by that share of its angle."""
    triangle, planes = schur(q, output="complex")  # diagonal, since q is normal
    angle = np.angle(np.diag(triangle))
    return ((planes * np.exp(1j * share * angle)) @ planes.conj().T).real


def code(n: int, turn: float, mixing: Mixing, rng: np.random.Generator) -> Float[Array, "n n"]:
    """The code of n facts as columns: one-hot, turned by a share of a random rotation.

    It mixes all coordinates, or those of four facts only, drawn among all. Raises ValueError for another mixing.
    """
    if mixing not in get_args(Mixing):
        raise ValueError(f"mixing = {mixing!r} is not allowed; it must be one of {', '.join(get_args(Mixing))}")
    if mixing == "all":
        return turned(rotation(n, rng), turn)
    q, order = np.zeros((n, n)), rng.permutation(n)
    for start in range(0, n, BLOCK):
        some = order[start : start + BLOCK]
        q[np.ix_(some, some)] = turned(rotation(len(some), rng), turn)
    return q
