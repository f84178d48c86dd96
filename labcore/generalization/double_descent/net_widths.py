"""Two-layer nets of 1 to 80 hidden units on a noisy linear teacher, and what is shown of them while they train."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from labcore import data as datasets
from labcore.experiment import Diverged
from labcore.frames import Frame, axis, label, var

from . import two_layer as nets
from .feature_regression import TEST_SAMPLES
from .net_training import train_nets
from .spike import hump
from .update_rules import Rule
from .widths import WIDTHS

HIDDEN = (1, 2, 4, 6, 8, 10, 12, 16, 24, 40, 80)
NETS = Frame(
    **WIDTHS,
    h=label("width", "hidden units", "units"),
    repeat=axis("repetition"),
    test=var("repeat width", "test error (squared)"),
    train=var("repeat width", "training error (squared)"),
)


def net_widths(
    optimizer: Rule,
    lr: float,
    batch_size: int,
    steps: int,
    init_scale: float,
    n_train: int,
    d: int,
    noise: float,
    n_seeds: int,
    seed: int,
) -> Iterator[xr.Dataset]:
    """The frames of `experiments.two_layer`, whose parameters these are. Raises `Diverged`."""
    splits, grid, rngs = [], [], [np.random.default_rng([seed, repeat, 3]) for repeat in range(n_seeds)]
    for repeat, rng in enumerate(rngs):
        clean = datasets.gaussian_teacher(n_train, TEST_SAMPLES, d, (seed, repeat))[0]
        splits.append(clean._replace(y_train=clean.y_train + noise * rng.standard_normal((n_train, 1))))
        grid.append([nets.two_layer(h, d, np.random.default_rng([seed, repeat, 4]), init_scale) for h in HIDDEN])
    ratio = np.array(HIDDEN) * (d + 2) / n_train
    for now in train_nets(grid, splits, rngs, steps, lr, optimizer, batch_size):
        middle = np.median(now.test, axis=0)
        found = hump(now.test[:, 2:])
        peak = "It has no peak between them."
        if found:
            top = 2 + found[0]
            peak = (
                f"It peaks between them with {HIDDEN[top]} units, {middle[top]:.3g}: {ratio[top]:.3g} parameters per "
                f"training sample."
            )
        told = (
            f"the test error is {middle[2]:.3g} with {HIDDEN[2]} hidden units and {middle[-1]:.3g} with {HIDDEN[-1]}. "
            f"{peak}"
        )
        reading, done = f"After {now.updates} updates {told}", now.updates / steps
        if now.diverged:
            repeat, width, update = now.diverged
            told += f" The learning rate is too large with {HIDDEN[width]} hidden units, repetition {repeat}."
            reading, done = f"at the last look {told}", 1.0
        values = dict(test=now.test, train=now.train, ratio=ratio, h=HIDDEN)
        frame = NETS(values, reading, done, step=now.updates, n_train=n_train)
        if now.diverged:
            raise Diverged(update, frame)
        yield frame
