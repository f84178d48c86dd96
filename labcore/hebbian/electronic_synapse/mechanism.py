"""Four ways to spend pulses on a pair of devices, the refresh of full pairs, and back-propagation through them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float

from labcore.checked import checked, within
from labcore.kernels import kernel

from .perceptron import gradient
from .pulsed_device import Pulses, depress, potentiate, rounded, write

Array = np.ndarray
Method = Annotated[int, within(0, 4)]
SOFTWARE, UNIDIRECTIONAL, PAIR, HALVED, SINGLE = range(5)
BATCH, CAP, W_MAX, FULL = 10, 3.0, 1.0, 0.75


@checked
@kernel
def step(
    method: Method, dw: Float[Array, " S"], g: Float[Array, "2 S"], c: Float[Array, "2 S"], steps: Pulses, cap: float,
    rng: np.random.Generator, count: Float[Array, " 4"],
) -> None:  # fmt: skip
    """Spend pulses so that w_max (G+ - G-) moves by about dw; g and count (up, down, ...) change in place."""
    for i in range(len(dw)):
        if dw[i] == 0:
            continue
        request = abs(dw[i]) * steps / W_MAX * (0.5 if method == HALVED else 1.0)
        k = rounded(request, cap, rng.random())  # the idea
        for side in range(2):
            if side == 1 and method == HALVED:
                k = rounded(request, cap, rng.random())
            if k == 0 or (method == SINGLE and side == 1):
                continue
            if (dw[i] > 0) == (side == 0):
                g[side, i] = potentiate(g[side, i], k, c[side, i], steps)  # the idea
                count[0] += k
            elif method != UNIDIRECTIONAL:
                g[side, i] = depress(g[side, i], k, c[side, i], steps)  # the idea
                count[1] += k


@checked
@kernel
def refresh(
    g: Float[Array, "2 S"], c: Float[Array, "2 S"], steps: Pulses, rng: np.random.Generator, count: Float[Array, " 4"]
) -> None:
    """Reset both devices of every pair with one above 0.75 and write the difference again. count[2:]: pairs, pulses."""
    for i in range(g.shape[1]):
        if max(g[0, i], g[1, i]) > FULL:
            difference = g[0, i] - g[1, i]
            side = 0 if difference > 0 else 1
            g[:, i] = 0.0
            g[side, i], k = write(abs(difference), c[side, i], steps, rng.random())
            count[2] += 1
            count[3] += k + 2  # two resets


@checked
@kernel
def train(
    method: Method, x: Float[Array, "n 64"], y: Float[Array, "n 10"], w: Float[Array, " 2368"],
    g: Float[Array, "2 2368"], c: Float[Array, "2 2368"], steps: Pulses, lr: float, cap: float,
    every: Annotated[int, within(1)], begin: int, rng: np.random.Generator, count: Float[Array, " 4"],
) -> None:  # fmt: skip
    """One gradient step for each batch of ten rows of x and y; w, g and count change in place."""
    slope = np.zeros_like(w)
    for t in range(len(x) // BATCH):
        rows = slice(t * BATCH, (t + 1) * BATCH)
        gradient(x[rows], y[rows], w, slope)
        if method == SOFTWARE:
            w -= lr * slope
            continue
        step(method, -lr * slope, g, c, steps, cap, rng, count)
        if method == UNIDIRECTIONAL and (begin + t + 1) % every == 0:
            refresh(g, c, steps, rng, count)
        w[:] = W_MAX * (g[0] - g[1])


@checked
@kernel
def fabricate(
    method: Method, w: Float[Array, " S"], c: Float[Array, "2 S"], steps: Pulses, rng: np.random.Generator
) -> Float[Array, "2 S"]:
    """Conductances that hold w, each written from 0 with whole pulses."""
    g = np.empty((2, len(w)))
    for i in range(len(w)):
        v = w[i] / W_MAX
        wanted = (0.5 + v, 0.5) if method == SINGLE else (0.5 + v / 2, 0.5 - v / 2)
        if method == UNIDIRECTIONAL:
            wanted = (max(v, 0.0), max(-v, 0.0))
        for side in range(2):
            g[side, i] = write(min(max(wanted[side], 0.0), 1.0), c[side, i], steps, rng.random())[0]
        if method == SINGLE:
            g[1, i] = 0.5  # a fixed resistor, not a device
    return g
