"""A two-layer ReLU network with every weight trained, as a compiled loop that can pause.

    f(x) = a . relu(W x + b),   L = sum_i (f(x_i) - y_i)^2 / 2B over the B samples of a batch

x in R^d, h hidden units, h (d + 2) parameters, one output. With full batches B = n.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import ANY, CONTIGUOUS, above, checked, index, within
from labcore.kernels import kernel

from .update_rules import Rule, rule_number, update

Array = np.ndarray
BLOWN_UP = 1e8


class TwoLayer(NamedTuple):
    """A network and its optimizer; the arrays change in place. theta: the rows of W^T, then b, then a."""

    theta: Float[Array, "d+2 h"]
    m: Float[Array, "d+2 h"]
    v: Float[Array, "d+2 h"]
    updates: Int[Array, " 1"]
    first: Float[Array, " 1"]  # the loss before the first update


def two_layer(h: int, d: int, rng: np.random.Generator, init_scale: float = 1.0) -> TwoLayer:
    """A fresh network: W, b ~ N(0, init_scale^2 / d), a ~ N(0, init_scale^2 / h). Raises ValueError for h, d < 1."""
    if h < 1 or d < 1:
        raise ValueError(f"h = {h}, d = {d} is not allowed; each must be at least 1")
    # drawn unit by unit: with the same seed a narrow net is the beginning of a wide one, up to the scale of a
    theta = init_scale * rng.standard_normal((h, d + 2)).T / np.sqrt(d)
    theta[-1] *= np.sqrt(d / h)
    theta = np.ascontiguousarray(theta)
    return TwoLayer(theta, np.zeros_like(theta), np.zeros_like(theta), np.zeros(1, np.int64), np.zeros(1))


def predict(net: TwoLayer, x: Float[Array, "m d"]) -> Float[Array, " m"]:
    """f(x)."""
    return np.maximum(x @ net.theta[:-2] + net.theta[-2], 0.0) @ net.theta[-1]


@checked
def train(
    net: Annotated[TwoLayer, ANY, CONTIGUOUS],
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    updates: Annotated[int, within(0)],
    lr: Annotated[float, above(0)],
    rule: Rule = "adam",
    batches: Annotated[Int[Array, "updates B"], index("n")] | None = None,
) -> int:
    """Train `net` in place for `updates` updates on x, y; call again to go on.

    batches holds the samples of each update; None means all samples every time. Returns 0, or the number
    of the update at which the run diverged: loss not finite, or over 1e8 times the larger of the mean square target and
    the loss before the first update.
    Raises ValueError for lr <= 0, shapes that do not match, or an unknown rule.
    """
    if batches is None:
        batches = np.empty((updates, 0), np.int64)
    ones = np.column_stack([x, np.ones(len(x))])
    if net.updates[0] == 0:
        net.first[0] = np.mean((predict(net, x) - y) ** 2)
    limit = BLOWN_UP * max(np.mean(y**2), net.first[0])
    return int(_run(*net[:4], ones, np.ascontiguousarray(y), batches, lr, rule_number(rule), limit))


@kernel
def _run(theta, m, v, updates, x, y, batches, lr, rule, limit):
    rows, h = theta.shape
    size = batches.shape[1] if batches.shape[1] > 0 else len(x)
    inner, a = theta[: rows - 1], theta[rows - 1]
    hidden, grad, xb, yb = np.empty((size, h)), np.empty((rows, h)), x, y
    if batches.shape[1] > 0:
        xb, yb = np.empty((size, rows - 1)), np.empty(size)
    for e in range(batches.shape[0]):
        if batches.shape[1] > 0:
            for i in range(size):
                xb[i] = x[batches[e, i]]
                yb[i] = y[batches[e, i]]
        np.dot(xb, inner, hidden)
        grad_a, loss = grad[rows - 1], 0.0
        grad_a[:] = 0.0
        for i in range(size):
            f = 0.0
            for j in range(h):
                f += a[j] * max(hidden[i, j], 0.0)
            res = (f - yb[i]) / size
            loss += res * res * size
            # hidden becomes the gradient at the pre-activation; a unit at exactly 0 counts as off, as in torch
            for j in range(h):
                on = hidden[i, j] > 0.0
                grad_a[j] += res * hidden[i, j] if on else 0.0
                hidden[i, j] = res * a[j] if on else 0.0
        k = updates[0] + 1
        if not (loss <= limit and loss < np.inf):  # a loss of 0 is fine where the limit is 0, no number is not
            return k
        updates[0] = k
        np.dot(xb.T, hidden, grad[: rows - 1])
        update(theta.reshape(-1), m.reshape(-1), v.reshape(-1), grad.reshape(-1), k, lr, rule)
    return 0
