"""When the spike is there, that all knobs act through one cause, and which two-layer nets show it, as checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.stats import spearmanr

from labcore.claims import Evidence, Seeds, claim, geometric, mean, once

from .experiments import model_wise, two_layer
from .net_widths import HIDDEN
from .spike import Array, prominence

DRAWS = 8


def _at_match(frame: xr.Dataset) -> tuple[Float[Array, " repeat"], Float[Array, " repeat"]]:
    """Prominence of the spike and training error at p = n, of each repetition."""
    ratio = frame.ratio.values
    heights = np.array([prominence(test, ratio) for test in frame.test.values])
    return heights, frame.train.values[:, np.argmin(np.abs(ratio - 1))]


@claim("The spike is there if and only if training reaches a low loss where parameters match samples")
def spike_iff_low_loss(seeds: Seeds) -> Evidence:
    checks = []
    for k in (3, 4, 7):
        frame = once(model_wise, steps=10**k, n_train=200, n_seeds=DRAWS, seed=seeds.first)
        height, loss = _at_match(frame)
        height, loss = geometric(f"prominence after 1e{k} steps", height), mean(f"training error after 1e{k}", loss)
        checks += [height >= 4, loss <= 0.01] if k == 7 else [height <= 1.15, loss >= 0.01]
    return Evidence(*checks, size="digits, n = 200, label noise 0.15, gradient descent")


@claim("Optimizer, rate, budget, initialization and normalization act through the loss they reach")
def one_cause(seeds: Seeds) -> Evidence:
    points = []

    def run(**values: Any) -> Iterator[xr.Dataset]:
        return model_wise.frames(n_train=100, n_seeds=DRAWS, seed=seeds.first, **values)

    for rate in (0.2, 1.0):
        for method in ("gd", "heavyball"):
            points += [_at_match(f) for k in (3, 5, 7) for f in run(method=method, lr_frac=rate, steps=10**k)]
        by_pass = {f.step: f for f in run(method="adam", lr_frac=rate, steps=256)}
        points += [_at_match(by_pass[min(k for k in by_pass if k >= wanted)]) for wanted in (10, 50, 256)]
    points += [_at_match(f) for scale in (0.5, 1.0) for f in run(steps=10**7, init_scale=scale)]
    points += [_at_match(f) for how in ("center", "row") for f in run(steps=10**7, normalization=how)]
    heights, losses = np.array(points).transpose(1, 2, 0)
    rho = [spearmanr(loss, height).statistic for loss, height in zip(losses, heights, strict=True)]
    return Evidence(
        mean("rank correlation of training error at p = n with prominence", rho) <= -0.8,
        size=f"{len(points)} settings on digits, n = 100, label noise 0.15",
    )


@claim("Two-layer nets spike where parameters match samples with Adam, and not with plain SGD", slow=True)
def two_layer_needs_adam(seeds: Seeds) -> Evidence:
    at = [HIDDEN.index(h) for h in (4, 10, 80)]
    adam, sgd = (
        once(two_layer, optimizer=optimizer, steps=steps, n_seeds=30, seed=seeds.first).test.values[:, at].T
        for optimizer, steps in (("adam", 3000), ("sgd", 1500))
    )
    return Evidence(
        geometric("Adam: error with 10 units / with 4", adam[1] / adam[0]) >= 2,
        geometric("Adam: with 10 / with 80", adam[1] / adam[2]) >= 2,
        geometric("SGD: with 10 / with 80", sgd[1] / sgd[2]) <= 1,
        geometric("with 10 units, SGD / Adam", sgd[1] / adam[1]) <= 0.5,
        size="n = 100, 10 inputs, noise 0.5; 10 units have 1.2 parameters a sample; 3000 updates of Adam, 1500 of SGD",
        also={"SGD: with 10 / with 4": float(np.exp(np.log(sgd[1] / sgd[0]).mean()))},
    )
