"""Gradient training of networks of signs, to compare with: straight-through, or tanh now and signs afterwards."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float

from labcore.checked import ANY, checked, within
from labcore.kernels import kernel
from labcore.primitives.runs.flat_adam import adam_update

from .wiring import Array, Wiring, _refuse_forward


@checked
@kernel
def gradient(
    net: Wiring,
    w: Float[Array, " E"],
    X: Float[Array, "P inputs-1"],
    Y: Float[Array, "P outputs"],
    straight: bool,
    grad: Annotated[Float[Array, " E"], ANY],
) -> tuple[float, float]:
    """Logistic loss of the outputs, with its gradient put into grad, and the share of output bits that are right.

    A neuron sees a = w.x / sqrt(m). Hidden neurons give sign(a), with the derivative of a hard tanh in its place
    (straight-through), or tanh(a). X and Y are all -1 or +1.
    """
    _refuse_forward(net)
    items, neurons = len(X), len(net.start) - 1
    nodes = net.inputs + neurons
    first_output = nodes - net.outputs
    y, a, back = np.zeros(nodes), np.zeros(nodes), np.zeros(nodes)
    loss, right = 0.0, 0
    grad[:] = 0.0
    y[0] = -1.0
    for i in range(items):
        y[1 : net.inputs] = X[i]
        for k in range(neurons):
            n, total = net.inputs + k, 0.0
            for e in range(net.start[k], net.start[k + 1]):
                total += w[e] * y[net.source[e]]
            a[n] = total / np.sqrt(net.start[k + 1] - net.start[k])
            if straight:
                y[n] = 1.0 if a[n] > 0 else -1.0
            else:
                y[n] = np.tanh(a[n])
        back[:] = 0.0
        for k in range(neurons - 1, -1, -1):
            n = net.inputs + k
            if n >= first_output:
                label = Y[i, n - first_output]
                right += (a[n] > 0) == (label > 0)
                loss += np.log1p(np.exp(-abs(a[n]))) + max(-label * a[n], 0.0)
                slope = -label / (1.0 + np.exp(label * a[n]))
            elif straight:
                slope = back[n] if abs(a[n]) <= 1.0 else 0.0
            else:
                slope = back[n] * (1.0 - y[n] * y[n])
            slope /= np.sqrt(net.start[k + 1] - net.start[k]) * items
            for e in range(net.start[k], net.start[k + 1]):
                grad[e] += slope * y[net.source[e]]
                back[net.source[e]] += slope * w[e] * items
    return loss / items, right / (items * net.outputs)


@checked
@kernel
def adam(
    net: Wiring,
    w: Float[Array, " E"],
    mean: Float[Array, " E"],
    square: Float[Array, " E"],
    X: Float[Array, "P inputs-1"],
    Y: Float[Array, "P outputs"],
    lr: float,
    straight: bool,
    done: Annotated[int, within(0)],
    steps: Annotated[int, within(0)],
) -> tuple[int, float, bool]:
    """Up to `steps` full-batch steps of Adam after `done` of them, in place; ends as soon as hard signs are right.

    Returns the steps done in all, the share of output bits right before the last step, and whether it is solved.
    A tanh network is not asked on the way: only its signs count, and its owner looks at them.
    """
    grad, share = np.empty(len(w)), 0.0
    for t in range(done + 1, done + steps + 1):
        _, share = gradient(net, w, X, Y, straight, grad)
        if straight and share == 1.0:
            return t - 1, share, True
        adam_update(w, mean, square, grad, t, lr)
    return done + steps, share, False
