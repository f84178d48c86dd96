"""Training by pencil and paper: with a kernel that stays as it is, gradient descent is linear and solved in a line.

C(f) = 1/(2N) sum_i (f(x_i) - y_i)^2 moves every output by df(x)/dt = -1/N sum_i Theta(x, x_i) (f(x_i) - y_i). With
eigenpairs (lambda, v) of Theta / N what is wrong along v falls as e^(-lambda t), each direction on its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Array = np.ndarray


class Solved(NamedTuple):
    """Outputs at several times, at the examples and elsewhere."""

    examples: Float[Array, "T S n"]
    elsewhere: Float[Array, "T S m"]


def left(rates: Float[Array, " k"], time: float, step: float = 0.0) -> Float[Array, " k"]:
    """What is left of an error that falls at each rate: e^(-rate time), or (1 - rate step)^(time / step) in steps."""
    if step == 0:
        return np.exp(-rates * time)
    return (1 - rates * step) ** round(time / step)


def solve(
    within: Float[Array, "n n"],
    across: Float[Array, "m n"],
    y: Float[Array, " n"],
    start: Float[Array, "S n"],
    start_elsewhere: Float[Array, "S m"],
    times: Float[Array, " T"],
    step: float = 0.0,
) -> Solved:
    """f_t = f_0 + Theta(., X) Theta(X, X)^-1 (1 - e^(-Theta t / N)) (y - f_0(X)), in steps of gradient descent or none.

    `within` is Theta(X, X), `across` Theta of other places with X, `start` the outputs of S networks before training.
    Where Theta has no inverse, a direction of eigenvalue 0 stays as it was. Raises ValueError for times below 0 and
    for a step at which training would blow up.
    """
    if not (np.asarray(times) >= 0).all():
        raise ValueError(f"times = {times} is not allowed; they must be at least 0")
    n = len(y)
    rates, v = np.linalg.eigh(within / n)
    rates = np.maximum(rates, 0.0)
    if step * rates[-1] >= 2:
        raise ValueError(f"step = {step} is not allowed; it must be below 2 / {rates[-1]:.3g}, the largest eigenvalue")
    wrong = (y - start) @ v
    examples, elsewhere = [], []
    for time in times:
        gone = 1 - left(rates, time, step)
        pushed = np.divide(gone, rates, out=np.full(n, float(time)), where=rates > 1e-12 * rates[-1])
        examples.append(start + (wrong * gone) @ v.T)
        elsewhere.append(start_elsewhere + (wrong * pushed) @ v.T @ across.T / n)
    return Solved(np.array(examples), np.array(elsewhere))
