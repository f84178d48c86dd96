"""One-to-many: each unit of network B as a weighted sum of few units of network A.

The lasso of target y is the w that makes |y - Z w|^2 / 2n + penalty |w|_1 least. All targets share Z, and of Z only
G = Z'Z/n is needed: a coordinate at a time, w_j <- shrink(w_j G_jj + r_j) / G_jj with r = Z'y/n - G w kept up to date.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import above, checked, within
from labcore.kernels import kernel

from .matching import standardize

Array = np.ndarray
MOST = 20_000  # sweeps over all coordinates
RIDGE, HUGE = 1e-3, 1e100


@checked
@kernel
def sparse_maps(
    gram: Float[Array, "m m"],
    cross: Float[Array, "T m"],
    penalties: Annotated[Float[Array, " L"], within(0)],
    tolerance: Annotated[float, above(0)] = 1e-8,
) -> Float[Array, "L T m"]:
    """Weights of T lasso problems for each of the penalties, from Z'Z/n and the rows y'Z/n; best from large to small.

    It ends when in a whole sweep no coordinate was further than `tolerance` from its optimality condition
    |r_j| <= penalty, with equality where w_j is not 0. Raises ValueError for a unit without variance, for a Gram
    matrix that is none, and after 20,000 sweeps.
    """
    m = len(gram)
    out, w, r = np.zeros((len(penalties), len(cross), m)), np.empty(m), np.empty(m)
    for j in range(m):
        if not gram[j, j] > 0:
            raise ValueError("gram must have a diagonal above 0: a unit without variance is in it")
    for t in range(len(cross)):
        for j in range(m):
            w[j], r[j] = 0.0, cross[t, j]
        for p in range(len(penalties)):
            penalty, sweeps, worst = penalties[p], 0, np.inf
            while worst > tolerance:
                if sweeps == MOST:
                    raise ValueError("penalties: no solution within 20,000 sweeps; a larger penalty must be chosen")
                sweeps, worst = sweeps + 1, 0.0
                for j in range(m):
                    pull = r[j] + gram[j, j] * w[j]
                    # a pull that is smaller than the penalty leaves the weight at exactly 0
                    new = np.sign(pull) * max(abs(pull) - penalty, 0.0) / gram[j, j]  # the idea
                    change = new - w[j]
                    if change != 0.0:  # most are 0 and stay there, which costs nothing
                        w[j] = new
                        worst = max(worst, abs(change) * gram[j, j])
                        if not worst < HUGE:
                            raise ValueError("gram must have no negative eigenvalue: the weights run away")
                        for i in range(m):
                            r[i] -= change * gram[j, i]
            out[p, t] = w
    return out


class Maps(NamedTuple):
    """How each unit of B is predicted; errors are shares of its variance, on inputs that no map was fitted to."""

    weights: Float[Array, "L T m"]
    sparse: Float[Array, "L T"]  # error
    used: Int[Array, "L T"]  # units of A with a weight
    single: Float[Array, " T"]  # error by the best unit of A alone
    full: Float[Array, " T"]  # error by all units of A


def heard(activations: Float[Array, "n m"]) -> Int[Array, " k"]:
    """The units that change on both halves of the inputs: of others there is nothing to fit, or nothing to measure."""
    half = len(activations) // 2
    return np.intersect1d(standardize(activations[:half]).living, standardize(activations[half:]).living)


def predict(a: Float[Array, "n k"], b: Float[Array, "n l"], penalties: Float[Array, " L"]) -> Maps:
    """Maps from standardized A to standardized B, fitted to the first half of the inputs and measured on the second.

    The map by all units has a ridge of 0.001, without which a unit that hardly ever speaks would ruin it.
    Raises ValueError for different numbers of inputs, and for a unit that is silent on the first half.
    """
    if len(a) != len(b) or len(a) < 4:
        raise ValueError(f"a has {len(a)} inputs and b {len(b)}; they must be the same inputs, 4 or more")
    half = len(a) // 2
    x, y, x_new, y_new = a[:half], b[:half], a[half:], b[half:]
    gram, cross = x.T @ x / half, y.T @ x / half
    weights = sparse_maps(gram, cross, penalties)
    slopes = cross / np.diag(gram)
    best, target = (cross * slopes).argmax(1), np.arange(len(cross))  # the variance that one unit explains
    full = np.linalg.solve(gram + RIDGE * np.eye(len(gram)), cross.T)
    return Maps(
        weights,
        ((y_new - x_new @ weights.transpose(0, 2, 1)) ** 2).mean(1),
        (weights != 0).sum(2),
        ((y_new - x_new[:, best] * slopes[target, best]) ** 2).mean(0),
        ((y_new - x_new @ full) ** 2).mean(0),
    )
