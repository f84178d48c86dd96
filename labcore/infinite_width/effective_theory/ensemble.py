"""Networks of finite width, drawn at random many times: with all their weights, or only the numbers that they give."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float

from labcore.checked import checked, within
from labcore.kernels import kernel

from .activations import Code, _fire

Array = np.ndarray
Variance = Annotated[float, within(0)]


@checked
@kernel
def cross(
    which: Code,
    a: Float[Array, "M n"],
    b: Float[Array, "M n"],
    c_w: Variance,
    c_b: Variance,
    depth: Annotated[int, within(1)],
    rng: np.random.Generator,
) -> tuple[Float[Array, "M depth"], Float[Array, "M depth"]]:
    """Two signals cross M networks, each with weights of its own, drawn layer by layer: Var W = C_W / n, Var b = C_b.

    a, b are their numbers in the first layer. Out come the mean of a^2 and of (a - b)^2 in each. No weight is kept.
    """
    nets, n = a.shape
    size, gap = np.zeros((nets, depth)), np.zeros((nets, depth))
    fired_a, fired_b, next_a, next_b = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for m in range(nets):
        next_a[:], next_b[:] = a[m], b[m]
        for layer in range(depth):
            if layer > 0:
                for j in range(n):
                    fired_a[j], fired_b[j] = _fire(which, next_a[j]), _fire(which, next_b[j])
                _weigh(fired_a, fired_b, c_w, c_b, rng, next_a, next_b)
            for i in range(n):
                size[m, layer] += next_a[i] ** 2 / n
                gap[m, layer] += (next_a[i] - next_b[i]) ** 2 / n
    return size, gap


@kernel
def _weigh(a, b, c_w, c_b, rng, to_a, to_b):
    """One layer of new weights, row by row, and its biases, over both signals."""
    n = len(a)
    scale = np.sqrt(c_w / n)
    for i in range(n):
        total_a, total_b = 0.0, 0.0
        for j in range(n):
            w = rng.standard_normal()
            total_a += w * a[j]
            total_b += w * b[j]
        bias = np.sqrt(c_b) * rng.standard_normal()
        to_a[i], to_b[i] = scale * total_a + bias, scale * total_b + bias


@checked
@kernel
def next_layer(
    which: Code, z: Float[Array, "M n"], c_w: Variance, c_b: Variance, skip: float, rng: np.random.Generator
) -> tuple[Float[Array, " M"], Float[Array, " M"]]:
    """Draw the next layer's numbers over z, for M networks, without drawing a weight; n must be 2 or more.

    Given z, a sum over random weights is exactly Gaussian and the same for all neurons, z' = skip z + N(0, G) with
    G = C_b + C_W / n sum_j s(z_j)^2. So a layer costs n draws, not n^2.
    Out come, given z, the mean over neurons of E z_i'^2, and over pairs i != j that of E z_i'^2 z_j'^2.
    """
    nets, n = z.shape
    if n < 2:
        raise ValueError("z must have two neurons or more")
    second, fourth = np.empty(nets), np.empty(nets)
    for m in range(nets):
        total, squares, fours = 0.0, 0.0, 0.0
        for j in range(n):
            total += _fire(which, z[m, j]) ** 2
            squares += z[m, j] ** 2
            fours += z[m, j] ** 4
        width = c_b + c_w / n * total  # the idea
        of_all = skip**2 * squares + n * width
        of_squares = skip**4 * fours + 2 * skip**2 * width * squares + n * width**2
        second[m] = of_all / n
        fourth[m] = (of_all**2 - of_squares) / (n * (n - 1))
        for j in range(n):
            z[m, j] = skip * z[m, j] + np.sqrt(width) * rng.standard_normal()
    return second, fourth
