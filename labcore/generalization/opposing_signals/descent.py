"""Gradient descent on a linear network with one hidden unit, f(a) = c (w.a), in compiled loops over moments.

    L(w, c) = 1/2 (c^2 w.S w - 2 c w.r + y2),  S = mean a a^T, r = mean a y
    dL/dw = c (c S w - r),   dL/dc = c w.S w - w.r
Weights lie in one vector (w, c).
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import numpy as np
from jaxtyping import Float

from labcore.checked import above, checked, within
from labcore.kernels import kernel
from labcore.primitives.runs.flat_adam import adam_update

Array = np.ndarray
Optimizer = Literal["gd", "momentum", "adam", "clip"]
MOMENTUM = 0.9
CLIP = 1.0  # the longest gradient that clipping lets through
FAR = 1e3  # a weight beyond it is on its way to infinity


def follow(
    second: Float[Array, "D D"],
    cross: Float[Array, " D"],
    start: Float[Array, " D+1"],
    eta: float,
    steps: int,
    optimizer: Optimizer = "gd",
) -> Float[Array, "T D+1"]:
    """The weights before and after each of the steps; the path is shorter where it leaves for infinity.

    Raises ValueError for an unknown optimizer, and what is no number, eta <= 0 or fewer than 0 steps.
    """
    if optimizer not in get_args(Optimizer):
        raise ValueError(
            f"optimizer = {optimizer!r} is not allowed; it must be one of {', '.join(get_args(Optimizer))}"
        )
    path = np.zeros((steps + 1, len(start)))
    path[0] = start
    return path[: 1 + walk(second, cross, path, eta, get_args(Optimizer).index(optimizer))]


@checked
@kernel
def walk(
    second: Float[Array, "D D"],
    cross: Float[Array, " D"],
    path: Float[Array, "T D1"],
    eta: Annotated[float, above(0)],
    optimizer: Annotated[int, within(0, 3)],
) -> int:
    """Fill the rows of `path` after the first, (w, c) each; how many were filled. Optimizers as in `Optimizer`."""
    d = len(cross)
    if path.shape[1] != d + 1:
        raise ValueError("path must have one column more than there are inputs")
    w, g = path[0].copy(), np.empty(d + 1)
    m, v = np.zeros(d + 1), np.zeros(d + 1)
    for t in range(1, len(path)):
        _gradient(second, cross, w, g)
        if optimizer == 2:
            adam_update(w, m, v, g, t, eta)
        else:
            length = 1.0
            if optimizer == 3:
                length = max(1.0, np.sqrt((g * g).sum()) / CLIP)
            for i in range(d + 1):
                m[i] = MOMENTUM * m[i] + g[i] if optimizer == 1 else g[i] / length
                w[i] -= eta * m[i]
        for i in range(d + 1):
            if not abs(w[i]) < FAR:
                return t - 1
        path[t] = w
    return len(path) - 1


@kernel
def _gradient(second, cross, w, g):
    d = len(cross)
    c, bend, pull = w[d], 0.0, 0.0
    for i in range(d):
        s = 0.0
        for j in range(d):
            s += second[i, j] * w[j]
        g[i] = c * (c * s - cross[i])
        bend += w[i] * s
        pull += w[i] * cross[i]
    g[d] = c * bend - pull
    return c * (0.5 * c * bend - pull)  # the loss without its constant


@checked
@kernel
def ends(
    second: Float[Array, "K D D"],
    cross: Float[Array, "K D"],
    power: Annotated[Float[Array, " K"], above(0)],
    start: Float[Array, " D1"],
    etas: Annotated[Float[Array, " E"], above(0)],
    steps: Annotated[int, within(0)],
) -> tuple[Float[Array, "K E D1"], Float[Array, "K E"]]:
    """Plain gradient descent on K problems, each with E learning rates: the last weights, and the highest rise.

    A rise is what a loss is above the lowest one before it, as a share of the first. `power` is the mean of y^2, which
    must not be 0. Where a weight passes 1000 the descent ends there, and the rise is infinite.
    """
    d = cross.shape[1]
    if len(start) != d + 1:
        raise ValueError("start must have one number more than there are inputs")
    weights, rises = np.empty((len(cross), len(etas), d + 1)), np.zeros((len(cross), len(etas)))
    g = np.empty(d + 1)
    for k in range(len(cross)):
        for e in range(len(etas)):
            w, first, lowest = weights[k, e], 0.0, np.inf
            w[:] = start
            for t in range(steps + 1):
                loss = _gradient(second[k], cross[k], w, g) + 0.5 * power[k]
                if t == 0:
                    first = max(loss, 1e-300)
                lowest = min(lowest, loss)
                rises[k, e] = max(rises[k, e], (loss - lowest) / first)
                if t == steps:
                    break
                far = False
                for i in range(d + 1):
                    w[i] -= etas[e] * g[i]
                    far |= not abs(w[i]) < FAR
                if far:
                    rises[k, e] = np.inf
                    break
    return weights, rises
