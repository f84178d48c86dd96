"""The sampled program: units drawn at random and frozen, of which only the output weights are learned.

    min over alpha    1/2 |sum_i relu(X u_i) alpha_i - y|^2 + beta sum_i |alpha_i|,    |u_i| = 1
is a network's loss too, as |alpha_i| is the least (|w|^2 + a^2)/2 with a w = alpha u. So it is never under the optimum,
and comes down to it as units are added.
Units of one pattern lie in a space of d dimensions, so features are nearly the same again and again, and coordinate
descent crawls. The exact steps of Lawson and Hanson (1974) do not mind: let in the unit that saves most, solve for all
that are in, and where a weight would change its sign, go only so far and let that unit out.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float

from labcore.checked import above, checked, within
from labcore.kernels import kernel

Array = np.ndarray
RIDGE = 1e-11  # of a feature's square: a unit that others make up already is taken in for one of them
TOLERANCE = 1e-5  # of what rounding may leave


def sampled(
    x: Float[Array, "n d"], y: Float[Array, " n"], u: Float[Array, "N d"], beta: float, gap: float = 1e-9
) -> tuple[Float[Array, " N"], float]:
    """The weights alpha and their loss. No unit saves more than beta (1 + gap).

    Raises RuntimeError where rounding keeps it from getting there.
    """
    features = np.maximum(u @ x.T, 0)
    alpha = np.zeros(len(u))
    saves = lasso(features, y, beta, alpha, gap, 50 * (len(y) + 10))
    if not saves <= 1 + TOLERANCE:
        raise RuntimeError(f"beta = {beta}: a unit would save {saves} times its price still")
    r = y - alpha @ features
    return alpha, float(r @ r / 2 + beta * np.abs(alpha).sum())


@checked
@kernel
def lasso(
    features: Float[Array, "N n"],
    y: Float[Array, " n"],
    beta: Annotated[float, above(0)],
    alpha: Float[Array, " N"],
    gap: Annotated[float, within(0)],
    rounds: Annotated[int, within(1)],
) -> float:
    """Fill alpha; the most that a unit saves still, as a share of its price beta."""
    units, n = features.shape
    room = n + 2
    who, sign = np.empty(room, np.int64), np.empty(room)
    low, goal = np.empty((room, room)), np.empty(room)
    alpha[:] = 0
    r, used, saves = y.copy(), 0, 0.0
    for _ in range(rounds):
        best, saves = 0, 0.0
        for i in range(units):
            along = 0.0
            for k in range(n):
                along += features[i, k] * r[k]
            if abs(along) > abs(saves):
                best, saves = i, along
        if abs(saves) <= beta * (1 + gap) or used == room or alpha[best] != 0:
            break
        who[used], sign[used] = best, np.sign(saves)
        used += 1
        while used > 0:
            _solve(features, y, beta, who, sign, used, low, goal)
            share, out = 1.0, -1
            for j in range(used):
                if goal[j] * sign[j] <= 0:
                    now = abs(alpha[who[j]])
                    reach = now / (now + abs(goal[j])) if now > 0 else 0.0
                    if out < 0 or reach < share:
                        share, out = reach, j
            for j in range(used):
                alpha[who[j]] += share * (goal[j] - alpha[who[j]])
            if out < 0:
                break
            alpha[who[out]] = 0
            used -= 1
            for j in range(out, used):
                who[j], sign[j] = who[j + 1], sign[j + 1]
        for k in range(n):
            r[k] = y[k]
            for j in range(used):
                r[k] -= features[who[j], k] * alpha[who[j]]
    return abs(saves) / beta


@kernel
def _solve(features, y, beta, who, sign, used, low, goal) -> None:
    """The weights of the units that are in, their signs given: a Cholesky factor and two triangular systems."""
    n = len(y)
    for i in range(used):
        for j in range(i + 1):
            total = 0.0
            for k in range(n):
                total += features[who[i], k] * features[who[j], k]
            if i == j:
                total *= 1 + RIDGE
            for e in range(j):
                total -= low[i, e] * low[j, e]
            low[i, j] = total / low[j, j] if i > j else np.sqrt(max(total, 1e-300))
        total = -beta * sign[i]
        for k in range(n):
            total += features[who[i], k] * y[k]
        for e in range(i):
            total -= low[i, e] * goal[e]
        goal[i] = total / low[i, i]
    for i in range(used - 1, -1, -1):
        for e in range(i + 1, used):
            goal[i] -= low[e, i] * goal[e]
        goal[i] /= low[i, i]
