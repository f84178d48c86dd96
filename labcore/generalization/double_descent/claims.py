"""When the spike is there, that all knobs act through one cause, and which two-layer nets show it, as checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import spearmanr

from labcore.claims import Evidence, claim
from labcore.experiment import Budget

from .experiments import HIDDEN, model_wise, prominence, two_layer


def _at_match(frame: xr.Dataset) -> tuple[float, float]:
    """Prominence of the spike and training error at p = n, of the mean over repeats."""
    test, ratio = frame.test.values.mean(0), frame.ratio.values
    return prominence(test, ratio), float(frame.train.values.mean(0)[np.argmin(np.abs(ratio - 1))])


@claim("The spike is there if and only if training reaches a low loss where parameters match samples")
def spike_iff_low_loss(budget: Budget) -> Evidence:
    runs = {k: _at_match(model_wise.run(steps=10**k, n_train=200, n_seeds=5)) for k in (3, 4, 7)}
    early = all(runs[k][0] < 1.15 and runs[k][1] > 0.01 for k in (3, 4))
    return Evidence(
        measured={f"{name}_1e{k}": v for k, run in runs.items() for name, v in zip(("prominence", "train"), run)},
        criterion="1e3 and 1e4 steps: prominence < 1.15, train > 0.01; 1e7 steps: prominence > 4, train < 0.003",
        holds=early and runs[7][0] > 4 and runs[7][1] < 0.003,
        n_seeds=5,
    )


@claim("Optimizer, rate, budget, initialization and normalization act through the loss they reach")
def one_cause(budget: Budget) -> Evidence:
    points = []

    def run(**values: Any) -> Iterator[xr.Dataset]:
        return model_wise.frames(n_train=100, n_seeds=3, **values)

    for rate in (0.2, 1.0):
        for method in ("gd", "heavyball"):
            points += [_at_match(f) for k in (3, 5, 7) for f in run(method=method, lr_frac=rate, steps=10**k)]
        by_pass = {f.step: f for f in run(method="adam", lr_frac=rate, steps=256)}
        points += [_at_match(by_pass[min(k for k in by_pass if k >= wanted)]) for wanted in (10, 50, 256)]
    points += [_at_match(f) for scale in (0.5, 1.0) for f in run(steps=10**7, init_scale=scale)]
    points += [_at_match(f) for how in ("center", "row") for f in run(steps=10**7, normalization=how)]
    heights, losses = np.array(points).T
    rho = float(spearmanr(losses, np.log(heights)).statistic)
    return Evidence(
        measured={"spearman": rho, "settings": len(points)},
        criterion="rank correlation of training error at p = n with log prominence <= -0.8 over at least 16 settings",
        holds=rho <= -0.8 and len(points) >= 16,
        n_seeds=3,
    )


@claim("Two-layer nets spike where parameters match samples with Adam, and not with plain SGD")
def two_layer_needs_adam(budget: Budget) -> Evidence:
    adam = two_layer.run(steps=3000, n_seeds=20).test.values.mean(0)
    sgd = two_layer.run(optimizer="sgd", steps=1500, n_seeds=20).test.values.mean(0)
    h = np.array(HIDDEN)
    top = int(np.argmax(np.where((h >= 6) & (h <= 16), adam, 0)))
    rise, plain = adam[top] / max(adam[h == 4][0], adam[-1]), sgd[h == 10][0] / sgd[h == 4][0]
    interior = adam[top] > max(adam[top - 1], adam[top + 1])
    return Evidence(
        measured={"adam_peak_over_4_and_80": rise, "adam_peak_at": h[top], "sgd_10_over_4": plain},
        criterion="Adam: a maximum at 6..16 units, >= 2 x the error at 4 and 80; SGD: error at 10 <= 1.3 x that at 4",
        holds=bool(interior and rise >= 2 and plain <= 1.3),
        n_seeds=20,
    )
