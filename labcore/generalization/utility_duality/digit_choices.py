"""A network 64-32-10 on digits that learns from rivals, or from all options at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.data import Split

from .rivals import rival_gradient

Array = np.ndarray
HIDDEN, BATCH = 32, 32


class Course(NamedTuple):
    """Accuracies at the steps that were asked for, and how a step from rivals lies to the exact one."""

    test: Float[Array, " P"]
    cosine: Float[Array, " P"]


def train(split: Split, rivals: int, lr: float, at: Array, seed: int) -> Course:
    """Steps of batches of 32 up to at[-1], read at the steps `at`, which rise. rivals = 0 is maximum likelihood.

    Batches and first weights are those of the seed alone, the same for any number of rivals.
    """
    x, y = split.x_train, split.y_train.argmax(1)
    x_new, y_new = split.x_test, split.y_test.argmax(1)
    begin, luck = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2, rivals])
    w, a = begin.normal(size=(64, HIDDEN)) / 8, begin.normal(size=(HIDDEN, 10)) / np.sqrt(HIDDEN)
    b, c = np.zeros(HIDDEN), np.zeros(10)
    test, cosine = [], []
    for step in range(int(at[-1]) + 1):
        chosen = begin.integers(0, len(x), BATCH)
        h = np.maximum(x[chosen] @ w + b, 0)
        u = h @ a + c
        up = rival_gradient(u, y[chosen], rivals, luck)
        if step in at:
            exact = rival_gradient(u, y[chosen], 0, luck)
            cosine.append((h.T @ up).ravel() @ (h.T @ exact).ravel() / _length(h.T @ up) / _length(h.T @ exact))
            scores = np.maximum(x_new @ w + b, 0) @ a + c
            test.append((scores.argmax(1) == y_new).mean())
        back = (up @ a.T) * (h > 0)
        a += lr / BATCH * (h.T @ up)
        c += lr / BATCH * up.sum(0)
        w += lr / BATCH * (x[chosen].T @ back)
        b += lr / BATCH * back.sum(0)
    return Course(np.array(test), np.array(cosine))


def _length(g: Array) -> float:
    return max(float(np.linalg.norm(g)), 1e-300)
