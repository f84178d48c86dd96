"""Gradient descent on a loss that sees only the direction of its weights: f(q) = s/2 u.A u, u = q/|q|."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.checked import above, checked, within
from labcore.kernels import kernel

Array = np.ndarray


class Path(NamedTuple):
    """A descent of T steps in d dimensions."""

    q: Float[Array, "T+1 d"]
    gradient: Float[Array, " T"]  # |grad f|^2 at each step
    length: Float[Array, " T+1"]  # rho = |q|^2


def descend(
    start: Float[Array, " d"],
    bend: Float[Array, " d"],
    grain: Float[Array, "T d"],
    eta: float,
    decay: float,
    momentum: float = 0.0,
    size: float = 1.0,
) -> Path:
    """T steps on size/2 u.(A + N_t) u, with A the diagonal matrix `bend` and one random symmetric N_t a step.

    N_t acts on u as a vector across it, `grain[t]`: of a matrix of independent Gaussian entries that part is Gaussian
    in all directions alike, so the vector is drawn and not the matrix. Raises ValueError for eta <= 0, eta decay >= 1,
    a momentum outside [0, 1), a start of length 0 and what the compiled loop refuses.
    """
    if not eta > 0 or not decay >= 0 or not eta * decay < 1:
        raise ValueError(f"eta = {eta}, decay = {decay} is not allowed; eta must be > 0, decay >= 0, eta decay < 1")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum = {momentum} is not allowed; it must be from 0 to below 1")
    q = np.zeros((len(grain) + 1, len(start)))
    q[0] = start
    if not (q[0] ** 2).sum() > 0:
        raise ValueError(f"start = {start} is not allowed; a length of 0 has no direction")
    gradient = walk(q, bend, grain, eta, decay, momentum, size)
    return Path(q, gradient, (q**2).sum(1))


@checked
@kernel
def walk(
    q: Float[Array, "T1 d"],
    bend: Float[Array, " d"],
    grain: Float[Array, "T d"],
    eta: Annotated[float, above(0)],
    decay: Annotated[float, within(0)],
    momentum: Annotated[float, within(0)],
    size: float,
) -> Float[Array, " T"]:
    """Fill the rows of q after the first; |grad f|^2 at each step."""
    steps, d = grain.shape
    if len(q) != steps + 1:
        raise ValueError("q must have one row more than there are steps")
    squares, v, g = np.empty(steps), np.zeros(d), np.empty(d)
    for t in range(steps):
        rho = 0.0
        for i in range(d):
            rho += q[t, i] * q[t, i]
        along = 0.0
        for i in range(d):
            g[i] = size * (bend[i] * q[t, i] + np.sqrt(rho) * grain[t, i])
            along += g[i] * q[t, i]
        square = 0.0
        for i in range(d):
            g[i] = (g[i] - along / rho * q[t, i]) / rho  # across q, and twice as long for weights half as long
            square += g[i] * g[i]
            v[i] = momentum * v[i] + g[i] + decay * q[t, i]
            q[t + 1, i] = q[t, i] - eta * v[i]
        squares[t] = square
    return squares
