"""A compiled ELU network 64-40-30-10 that is taught one sample at a time, as one vector of weights.

Softmax and cross-entropy on top; gradients are summed over a batch of `BATCH` samples before a step of plain SGD.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float

from labcore.checked import ANY, CONTIGUOUS, checked, index
from labcore.kernels import kernel

Array = np.ndarray
BATCH, SIZES = 10, (64, 40, 30, 10)
Weights = Annotated[Float[Array, " 4140"], CONTIGUOUS]
Layers = tuple[
    Float[Array, "64 40"], Float[Array, " 40"], Float[Array, "40 30"], Float[Array, " 30"], Float[Array, "30 10"],
    Float[Array, " 10"],
]  # fmt: skip


@checked
@kernel
def unpack(theta: Annotated[Weights, ANY]) -> Layers:
    """Views of theta as w1, b1, w2, b2, w3, b3."""
    w1, w2, w3 = theta[:2560].reshape(64, 40), theta[2600:3800].reshape(40, 30), theta[3830:4130].reshape(30, 10)
    return w1, theta[2560:2600], w2, theta[3800:3830], w3, theta[4130:]


@kernel
def _layer(a: Float[Array, " d"], w: Float[Array, "d k"], b: Float[Array, " k"], elu: bool) -> Float[Array, " k"]:
    z = b.copy()
    for i in range(len(a)):
        if a[i] != 0:  # half of the pixels are black
            for j in range(len(z)):
                z[j] += a[i] * w[i, j]
    if elu:
        for j in range(len(z)):
            if z[j] < 0:
                z[j] = np.exp(z[j]) - 1
    return z


@checked
@kernel
def forward(
    theta: Weights, x: Float[Array, " 64"]
) -> tuple[Float[Array, " 40"], Float[Array, " 30"], Float[Array, " 10"]]:
    """Both hidden layers and the scores of one sample."""
    w1, b1, w2, b2, w3, b3 = unpack(theta)
    a1 = _layer(x, w1, b1, True)
    a2 = _layer(a1, w2, b2, True)
    return a1, a2, _layer(a2, w3, b3, False)


@kernel
def _back(
    a: Float[Array, " d"],
    error: Float[Array, " k"],
    w: Float[Array, "d k"],
    gw: Float[Array, "d k"],
    gb: Float[Array, " k"],
) -> Float[Array, " d"]:
    back = np.zeros(len(a))
    for j in range(len(error)):
        gb[j] += error[j]
    for i in range(len(a)):
        for j in range(len(error)):
            gw[i, j] += a[i] * error[j]
            back[i] += w[i, j] * error[j]
        back[i] *= 1.0 if a[i] > 0 else a[i] + 1  # the slope of ELU, from its value
    return back


@checked
@kernel
def look(
    theta: Annotated[Weights, ANY], x: Float[Array, " 64"], label: Annotated[int, index("10")], grad: Weights
) -> int:
    """The guess for x, before it is learned; adds the gradient of its cross-entropy to `grad`. -1 if not finite."""
    a1, a2, error = forward(theta, x)
    guess, total = 0, 0.0
    for j in range(10):
        if not np.isfinite(error[j]):
            return -1
        if error[j] > error[guess]:
            guess = j
    top = error[guess]
    for j in range(10):
        error[j] = np.exp(error[j] - top)
        total += error[j]
    for j in range(10):
        error[j] = error[j] / total - (1.0 if j == label else 0.0)
    w1, _, w2, _, w3, _ = unpack(theta)
    g1, gb1, g2, gb2, g3, gb3 = unpack(grad)
    _back(x, _back(a1, _back(a2, error, w3, g3, gb3), w2, g2, gb2), w1, g1, gb1)
    return guess


@checked
@kernel
def descend(theta: Weights, grad: Weights, eta: float) -> Weights:
    """The weights after one step of SGD by the gradient summed over (part of) a batch."""
    after = np.empty_like(theta)
    for i in range(len(theta)):
        after[i] = theta[i] - eta / BATCH * grad[i]
    return after
