"""Minibatch training of a linear model, as the real sequential loop: for what has no closed form.

Loss L(w) = |Zw - Y|^2 / 2n on features Z, targets Y. One update on a batch of B rows uses the mean
gradient g = Z_B^T (Z_B w - Y_B) / B and one of the rules in `update_rules`.
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


class LinearState(NamedTuple):
    """Weights, the rule's two moments, the updates done so far, the loss before the first. Arrays change in place."""

    w: Float[Array, "p c"]
    m: Float[Array, "p c"]
    v: Float[Array, "p c"]
    updates: Int[Array, " 1"]
    first: Float[Array, " 1"]


def linear_state(w: Float[Array, "p c"]) -> LinearState:
    """A fresh optimizer at a copy of the weights."""
    w = np.array(w, dtype=float)
    return LinearState(w, np.zeros_like(w), np.zeros_like(w), np.zeros(1, np.int64), np.zeros(1))


@checked
def sgd_linear(
    state: Annotated[LinearState, ANY, CONTIGUOUS],
    z: Float[Array, "n p"],
    y: Float[Array, "n c"],
    order: Annotated[Int[Array, "passes n"], index("n")],
    batch: Annotated[int, within(1, "n")],
    lr: Annotated[float, above(0)],
    rule: Rule = "sgd",
) -> int:
    """Train `state` in place for len(order) passes over z, y; call again to go on.

    order holds the sample order of each pass; batches are cut from it, the last may be smaller.
    Returns 0, or the number of the update at which the run diverged: batch loss not finite, or over 1e8 times the
    larger of the mean square target and the loss before the first update. Training stops there. Raises ValueError for a
    batch outside 1..n, lr <= 0 or an unknown rule.
    """
    number = rule_number(rule)
    if state.updates[0] == 0:
        state.first[0] = np.mean((z @ state.w - y) ** 2)
    limit = BLOWN_UP * y.shape[1] * max(np.mean(y**2), state.first[0])
    z, y, order = np.ascontiguousarray(z), np.ascontiguousarray(y), np.ascontiguousarray(order)
    return int(_run(*state[:4], z, y, order, batch, lr, number, limit))


@kernel
def _run(w, m, v, updates, z, y, order, batch, lr, rule, limit):
    n, p, c = z.shape[0], z.shape[1], y.shape[1]
    zb, res, g = np.empty((batch, p)), np.empty((batch, c)), np.empty((p, c))
    for e in range(order.shape[0]):
        for start in range(0, n, batch):
            size = min(batch, n - start)
            for i in range(size):
                zb[i] = z[order[e, start + i]]
            np.dot(zb[:size], w, res[:size])
            loss = 0.0
            for i in range(size):
                for j in range(c):
                    res[i, j] = (res[i, j] - y[order[e, start + i], j]) / size
                    loss += res[i, j] ** 2 * size
            k = updates[0] + 1
            if not (loss <= limit and loss < np.inf):  # a loss of 0 is fine where the limit is 0, no number is not
                return k
            updates[0] = k
            np.dot(zb[:size].T, res[:size], g)
            update(w.reshape(-1), m.reshape(-1), v.reshape(-1), g.reshape(-1), k, lr, rule)
    return 0
