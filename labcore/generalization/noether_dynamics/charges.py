"""Two charges of a ReLU network with softmax, along its training by plain gradient descent.

Translation: adding the same to all classes changes no probability, so the output weights' gradients sum to 0 over
classes, and their sums are kept; with decay k they shrink by (1 - eta k) a step.
Rescaling: a ReLU unit may be fed twice as much and heard half as loud. Then <g_w, w> = <g_a, a>, and
|w|^2 - |a|^2 <- (1 - eta k)^2 (|w|^2 - |a|^2) + eta^2 (|g_w|^2 - |g_a|^2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray


class Charges(NamedTuple):
    """Measured and predicted, before the first step and after each of T."""

    loss: Float[Array, " T+1"]
    sums: Float[Array, "T+1 H"]  # over classes, of the weights from each hidden unit
    sums_predicted: Float[Array, "T+1 H"]
    balance: Float[Array, "T+1 H"]  # |w|^2 - |a|^2 of each hidden unit, its bias among w
    balance_predicted: Float[Array, "T+1 H"]
    balance_flow: Float[Array, "T+1 H"]  # what gradient flow would keep of it: its decay alone


def charges(
    x: Float[Array, "n d"],
    labels: Int[Array, " n"],
    w: Float[Array, "d+1 H"],
    a: Float[Array, "H c"],
    eta: float,
    decay: float,
    steps: int,
) -> Charges:
    """Train softmax(relu([x 1] w) a) by gradient descent on cross-entropy, and follow its charges.

    Predictions use each step's gradients, never the weights. Training ends where the loss is no finite number.
    """
    x, n = np.column_stack([x, np.ones(len(x))]), len(x)
    w, a, keep = w.copy(), a.copy(), 1 - eta * decay
    target = np.eye(a.shape[1])[labels]
    loss, rows = [], [(a.sum(1), a.sum(1), *[(w**2).sum(0) - (a**2).sum(1)] * 3)]
    for step in range(steps + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            before = x @ w
            h = np.maximum(before, 0)
            z = h @ a
            z -= z.max(1, keepdims=True)
            p = np.exp(z)
            p /= p.sum(1, keepdims=True)
            loss.append(float(-np.log(np.maximum(p[np.arange(n), labels], 1e-300)).mean()))
            back = (p - target) / n
            g_a, g_w = h.T @ back, x.T @ ((before > 0) * (back @ a.T))
        if step == steps or not (np.isfinite(g_w).all() and np.isfinite(g_a).all()):
            break
        w, a = keep * w - eta * g_w, keep * a - eta * g_a
        _, sums, _, balance, flow = rows[-1]
        pushed = eta**2 * ((g_w**2).sum(0) - (g_a**2).sum(1))
        rows.append((a.sum(1), keep * sums, (w**2).sum(0) - (a**2).sum(1), keep**2 * balance + pushed, keep**2 * flow))
    kept = len(loss)
    return Charges(np.array(loss), *(np.stack(part)[:kept] for part in zip(*rows, strict=True)))
