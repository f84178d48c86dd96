"""The usual way: Adam on the network itself, from many random starts at once."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import above, checked, within
from labcore.kernels import kernel

Array = np.ndarray
FIRST, SECOND, TINY = 0.9, 0.999, 1e-8  # Adam's averages


def starts(runs: int, m: int, d: int, rng: np.random.Generator) -> tuple[Float[Array, "S m d"], Float[Array, "S m"]]:
    """Random networks: inner weights of size 1, outer ones of size 1/sqrt(m)."""
    return rng.standard_normal((runs, m, d)), rng.standard_normal((runs, m)) / np.sqrt(m)


def train(
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    w: Float[Array, "S m d"],
    a: Float[Array, "S m"],
    beta: float,
    rate: float,
    marks: Int[Array, " T"],
) -> tuple[Float[Array, "S m d"], Float[Array, "S m"], Float[Array, "S T"]]:
    """Train S networks on 1/2 |f(X) - y|^2 + beta/2 (|w|^2 + |a|^2), all samples at each step.

    The rate falls from `rate` to 0 along half a cosine. `marks` are the steps, rising, at which the losses are noted;
    the last one ends the training. Raises ValueError for marks that do not rise, and what the loop refuses.
    """
    marks = np.asarray(marks, np.int64)
    if not len(marks) or marks[0] < 0 or (np.diff(marks) <= 0).any():
        raise ValueError(f"marks = {marks} is not allowed; they must be step numbers from 0 that rise")
    w, a = w.copy(), a.copy()
    losses = np.zeros((len(w), len(marks)))
    walk(x, y, w, a, beta, rate, int(marks[-1]), marks, losses)
    return w, a, losses


@checked
@kernel
def walk(
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    w: Float[Array, "S m d"],
    a: Float[Array, "S m"],
    beta: Annotated[float, within(0)],
    rate: Annotated[float, above(0)],
    steps: Annotated[int, within(0)],
    marks: Annotated[Int[Array, " T"], within(0, "steps")],
    losses: Float[Array, "S T"],
) -> None:
    """Move w and a; fill the losses."""
    (n, d), m = x.shape, w.shape[1]
    heard, r = np.empty((n, m)), np.empty(n)
    slope, average, power = np.empty((m, d + 1)), np.empty((m, d + 1)), np.empty((m, d + 1))
    for run in range(len(w)):
        average[:] = 0
        power[:] = 0
        mark = 0
        for t in range(steps + 1):
            loss = 0.0
            for k in range(n):
                r[k] = -y[k]
                for j in range(m):
                    h = 0.0
                    for b in range(d):
                        h += w[run, j, b] * x[k, b]
                    heard[k, j] = max(h, 0.0)
                    r[k] += heard[k, j] * a[run, j]
                loss += 0.5 * r[k] ** 2
            for j in range(m):
                slope[j, d] = beta * a[run, j]
                loss += beta / 2 * a[run, j] ** 2
                for b in range(d):
                    slope[j, b] = beta * w[run, j, b]
                    loss += beta / 2 * w[run, j, b] ** 2
                for k in range(n):
                    if heard[k, j] > 0:
                        slope[j, d] += r[k] * heard[k, j]
                        for b in range(d):
                            slope[j, b] += r[k] * a[run, j] * x[k, b]
            if mark < len(marks) and t == marks[mark]:
                losses[run, mark] = loss
                mark += 1
            if t == steps:
                break
            now = rate * 0.5 * (1 + np.cos(np.pi * t / steps))
            fresh, fresh_power = 1 - FIRST ** (t + 1), 1 - SECOND ** (t + 1)
            for j in range(m):
                for b in range(d + 1):
                    average[j, b] = FIRST * average[j, b] + (1 - FIRST) * slope[j, b]
                    power[j, b] = SECOND * power[j, b] + (1 - SECOND) * slope[j, b] ** 2
                    move = now * average[j, b] / fresh / (np.sqrt(power[j, b] / fresh_power) + TINY)
                    if b < d:
                        w[run, j, b] -= move
                    else:
                        a[run, j] -= move
