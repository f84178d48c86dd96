"""A 64-32-10 ReLU network without biases whose weights lie in one array, in plain loops.

For rules that change every weight at every step, the weights w are 64 x 32 first and 32 x 10 after them, row by
row. Loops, not matrix products, so that the same numbers come out bit for bit.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float

from labcore.checked import ANY, checked
from labcore.kernels import kernel

Array = np.ndarray
INPUTS, HIDDEN, OUTPUTS = 64, 32, 10
WEIGHTS = (INPUTS + OUTPUTS) * HIDDEN


def initial(rng: np.random.Generator) -> Float[Array, " 2368"]:
    """Weights from N(0, 1 / fan-in)."""
    fan_in = np.repeat([INPUTS, HIDDEN], [INPUTS * HIDDEN, HIDDEN * OUTPUTS])
    return rng.normal(size=WEIGHTS) / np.sqrt(fan_in)


@checked
@kernel
def forward(
    x: Float[Array, " 64"],
    w: Float[Array, " 2368"],
    h: Annotated[Float[Array, " 32"], ANY],
    out: Annotated[Float[Array, " 10"], ANY],
) -> None:
    """One image through the weights: hidden relu(x W1) into h, relu(x W1) W2 into out."""
    cut = INPUTS * HIDDEN
    h[:], out[:] = 0, 0
    for j in range(INPUTS):
        if x[j] != 0:
            for k in range(HIDDEN):
                h[k] += x[j] * w[j * HIDDEN + k]
    for k in range(HIDDEN):
        h[k] = max(h[k], 0.0)
        for q in range(OUTPUTS):
            out[q] += h[k] * w[cut + k * OUTPUTS + q]


@checked
@kernel
def gradient(
    x: Float[Array, "B 64"], y: Float[Array, "B 10"], w: Float[Array, " 2368"], g: Annotated[Float[Array, " 2368"], ANY]
) -> None:
    """Into g: the mean gradient of the cross-entropy of softmax(relu(x W1) W2)."""
    cut, h, out, back = INPUTS * HIDDEN, np.empty(HIDDEN), np.empty(OUTPUTS), np.empty(HIDDEN)
    g[:] = 0
    for b in range(len(x)):
        forward(x[b], w, h, out)
        out[:] = np.exp(out - out.max())
        error = (out / out.sum() - y[b]) / len(x)
        for k in range(HIDDEN):
            back[k] = 0.0
            for q in range(OUTPUTS):
                at = cut + k * OUTPUTS + q
                g[at] += h[k] * error[q]
                back[k] += w[at] * error[q] * (h[k] > 0)  # the same devices carry the signal and the error
        for j in range(INPUTS):
            if x[b, j] != 0:
                for k in range(HIDDEN):
                    g[j * HIDDEN + k] += x[b, j] * back[k]


@checked
@kernel
def accuracy(x: Float[Array, "n 64"], y: Float[Array, "n 10"], w: Float[Array, " 2368"]) -> float:
    """Share of right answers."""
    h, out, right = np.empty(HIDDEN), np.empty(OUTPUTS), 0
    for b in range(len(x)):
        forward(x[b], w, h, out)
        right += out.argmax() == y[b].argmax()
    return right / len(x)
