"""Train two-layer nets of several widths and repeats in step, and stop at snapshots on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.data import Split

from .two_layer import TwoLayer, predict, train
from .update_rules import Rule

Array = np.ndarray
WORK = 1e5  # estimated microseconds between snapshots, the same updates on every machine


class NetSnapshot(NamedTuple):
    """Errors after `updates` updates, `diverged`: (repeat, width, update), or None."""

    updates: int
    test: Float[Array, "repeat width"]
    train: Float[Array, "repeat width"]
    diverged: tuple[int, int, int] | None


def train_nets(
    grid: Sequence[Sequence[TwoLayer]],
    splits: Sequence[Split],
    rngs: Sequence[np.random.Generator],
    updates: int,
    lr: float,
    rule: Rule,
    batch: int,
) -> Iterator[NetSnapshot]:
    """Train grid[repeat][width] in place, each repeat on its own split (one output) with its own generator.

    batch 0, or n and more, is full batches; else all nets of a repeat see the same mini-batches, with replacement.
    When a net diverges, it goes back to the last snapshot and training ends there, with `diverged` set.
    Errors of `two_layer.train` pass through.
    """
    n, d = splits[0].x_train.shape
    sizes = [net.theta.shape[1] for net in grid[0]]
    rows = n if batch == 0 else min(batch, n)
    cost = len(splits) * sum(2 + 2e-4 * h * rows * (d + 2) for h in sizes)
    chunk, done, diverged = max(1, int(WORK / cost)), 0, None
    while done < updates and diverged is None:
        more = min(chunk, updates - done)
        for i, (split, g) in enumerate(zip(splits, rngs)):
            batches = None if rows == n else g.integers(0, n, (more, rows))
            for j, net in enumerate(grid[i]):
                before = net.theta.copy()
                if at := train(net, split.x_train, split.y_train[:, 0], more, lr, rule, batches):
                    net.theta[:] = before
                    diverged = diverged or (i, j, at)
        done += more
        test, fit = np.empty((2, len(splits), len(sizes)))
        for i, split in enumerate(splits):
            for j, net in enumerate(grid[i]):
                test[i, j] = np.mean((predict(net, split.x_test) - split.y_test[:, 0]) ** 2)
                fit[i, j] = np.mean((predict(net, split.x_train) - split.y_train[:, 0]) ** 2)
        yield NetSnapshot(done, test, fit, diverged)
