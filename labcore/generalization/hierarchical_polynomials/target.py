"""The target h = g(p(x)): a hidden quadratic form, a bent link, and what is known of them exactly.

p(x) = x.Ax - tr A with 2 tr A^2 = 1, so that p has unit variance. Its cumulants are 2^(r-1) (r-1)! tr A^r, and the
degree-2 part of a function f of x ~ N(0, I) is x.Cx - tr C with C = E[f'']/2, which for the powers of p gives

    p: A        p^2: 4 A^2        p^3: 24 A^3 + 3 A
"""

from __future__ import annotations

from math import comb, factorial, sqrt
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.polynomial import polynomial

Array = np.ndarray
Weights = Literal["equal", "random"]


class Link(NamedTuple):
    """g(z) = slope z + bend (z^2 - 1)/sqrt 2 + twist (z^3 - 3z)/sqrt 6, so that E[g'(z)] = slope for z ~ N(0, 1)."""

    slope: float = 1.0
    bend: float = 0.0
    twist: float = 0.0

    @property
    def powers(self) -> Float[Array, " 4"]:
        """Its coefficients before 1, z, z^2 and z^3."""
        a, b = self.bend / sqrt(2), self.twist / sqrt(6)
        return np.array([-a, self.slope - 3 * b, a, b])


def link(z: Float[Array, "*shape"], g: Link) -> Float[Array, "*shape"]:
    """g at each z. Raises ValueError where E[g'] = 0: the first stage would have nothing to find."""
    if g.slope == 0:
        raise ValueError(
            "slope = 0 is not allowed; the mean slope of the link must not be zero, or stage 1 finds nothing"
        )
    return polynomial.polyval(z, g.powers)


def inner(d: int, pieces: int, weights: Weights, rng: np.random.Generator) -> Float[Array, "d d"]:
    """The matrix A of p: `pieces` orthogonal directions, half of them with a minus sign where they weigh the same.

    "random" weights are the eigenvalues of a random symmetric matrix. Raises ValueError unless 2 <= pieces <= d and,
    for equal weights, pieces is even.
    """
    if not 2 <= pieces <= d or (weights == "equal" and pieces % 2):
        raise ValueError(f"pieces = {pieces} is not allowed; it must be an even number from 2 to d = {d}")
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0][:, :pieces]
    if weights == "equal":
        values = np.repeat([1.0, -1.0], pieces // 2)
    else:
        drawn = rng.standard_normal((pieces, pieces))
        values = np.linalg.eigvalsh(drawn + drawn.T)
        values -= values.mean()
    return (basis * (values / sqrt(2 * (values @ values)))) @ basis.T


def form(x: Float[Array, "n d"], a: Float[Array, "d d"]) -> Float[Array, " n"]:
    """x.Ax - tr A of each sample."""
    return ((x @ a) * x).sum(1) - np.trace(a)


def degree_two(a: Float[Array, "d d"], g: Link) -> Float[Array, "d d"]:
    """C of the degree-2 part x.Cx - tr C of g(p(x)): all that a first stage can find, with endless samples."""
    _, first, second, third = g.powers
    square = a @ a
    return (first + 3 * third) * a + 4 * second * square + 24 * third * (a @ square)


def variance(a: Float[Array, "d d"], g: Link) -> float:
    """Var g(p(x)), from the cumulants of p."""
    values, moments = np.linalg.eigvalsh(a), [1.0]
    kappa = [0.0, 0.0, *(2 ** (r - 1) * factorial(r - 1) * (values**r).sum() for r in range(2, 7))]
    for r in range(1, 7):
        moments.append(sum(comb(r - 1, k - 1) * kappa[k] * moments[r - k] for k in range(1, r + 1)))
    powers = g.powers
    return float(np.convolve(powers, powers) @ moments - (powers @ moments[:4]) ** 2)


def floor(a: Float[Array, "d d"], g: Link) -> float:
    """Share of the target's variance that no polynomial of degree 2 reaches: the floor of quadratic kernels."""
    c = degree_two(a, g)
    return max(0.0, 1 - 2 * (c * c).sum() / variance(a, g))


def ceiling(a: Float[Array, "d d"], g: Link) -> float:
    """Correlation of the degree-2 part of g(p) with p: 1/sqrt(1 + 4 bend^2/L) for L equal pieces and no twist."""
    return correlation(a, degree_two(a, g))


def correlation(a: Float[Array, "d d"], b: Float[Array, "d d"]) -> float:
    """Correlation of two forms over all x ~ N(0, I)."""
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
