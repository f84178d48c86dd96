"""Checks of what the steps of training make of the symmetries of a loss."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once

from .experiments import charges, neurons, spiral, turns
from .normalized_net import ARMS

LONG = dict(d=20, length=1.0, noise=0.3, steps=20_000)


def _spirals(seeds: Seeds, n: int, **values: float) -> list[xr.Dataset]:
    return [once(spiral, seed=s, **(LONG | values)) for s in seeds(n)]


@claim("Speeds and decay give the length of the weights to 1 % at every moment; without kinetic energy it would vanish")
def speeds_make_the_length(seeds: Seeds) -> Evidence:
    off, lost = [], []
    for frame in [*_spirals(seeds, 4), *_spirals(seeds, 4, eta=0.2, decay=0.01)]:
        off.append(float(np.abs(frame.predicted / frame.length - 1).max()))
        lost.append(float(1 - frame.flow[-1] / frame.length[-1]))
    return Evidence(
        exact("largest error at any of 1500 moments, of all runs", max(off)) <= 0.01,
        exact("share of the length that gradient flow has lost at the end, least of all runs", min(lost)) >= 0.9,
        size="20 weights, 20,000 steps; η = 0.05, k = 0.02 and η = 0.2, k = 0.01; 4 runs each",
    )


@claim("Steps out and decay balance on a ring, and the direction moves at √(2kη) over the gradient's size")
def a_ring_sets_the_rate(seeds: Seeds) -> Evidence:
    length, rate = [], []
    for frame in _spirals(seeds, 8):
        late = frame.isel(step=slice(frame.sizes["step"] // 2, None))
        length.append(float(late.length.mean() / frame.ring))
        rate.append(float(late.rate.mean() / frame.settled))
    ratios = geometric("mean squared length / ring", length), geometric("mean rate / predicted", rate)
    return Evidence(
        *(ratio >= 0.97 for ratio in ratios),
        *(ratio <= 1.03 for ratio in ratios),
        size="20 weights, η = 0.05, k = 0.02, second half of 20,000 steps, 8 runs",
    )


@claim("With momentum the mean squared length is M ⟨|q'|²⟩ / k, where the speeds are those of the steps")
def momentum_has_mass(seeds: Seeds) -> Evidence:
    ratios = []
    for momentum in (0.5, 0.9):
        for frame in _spirals(seeds, 4, momentum=momentum):
            late = frame.isel(step=slice(frame.sizes["step"] // 2, None))
            ratios.append(float(late.predicted.mean() / late.length.mean()))
    ratio = geometric("mean prediction / mean squared length", ratios)
    return Evidence(
        ratio >= 0.97,
        ratio <= 1.03,
        size="20 weights, m = 0.5 and 0.9, η = 0.05, k = 0.02, second half of 20,000 steps, 4 runs each",
    )


@claim("Ten times the gradients turn the units of a normalized network with decay no faster; others they do", slow=True)
def the_rate_adapts(seeds: Seeds) -> Evidence:
    factors = []
    for seed in seeds(6):
        frame = once(turns, seed=seed)
        turn = frame.turn.sel(size=10.0) / frame.turn.sel(size=1.0)
        factors.append([float(turn.sel(arm=arm)) for arm in ARMS])
    normalized, no_decay, plain, _ = np.array(factors).T
    same = geometric("turn with ten times the gradients / before: normalized, decay", normalized)
    return Evidence(
        same >= 0.95,
        same <= 1.05,
        geometric("the same without decay", no_decay) >= 1.2,
        geometric("the same in a plain network", plain) >= 1.2,
        size="network 64-32-10, 500 digits, η = 0.1, k = 0.02, second half of 1500 batches of 32, 6 runs",
    )


@claim("Normalization with decay trains as an explicit RMSProp on the sphere does")
def an_rmsprop_that_nobody_wrote(seeds: Seeds) -> Evidence:
    apart, other = [], []
    for seed in seeds(6):
        loss = np.log(once(neurons, seed=seed, steps=1000).loss)
        first = loss.sel(arm=ARMS[0])
        apart.append(float(np.abs(first - loss.sel(arm="length 1, RMSProp"))[50:].mean()))
        other.append(float(np.abs(first - loss.sel(arm="normalized"))[50:].mean()))
    return Evidence(
        mean("mean difference of log loss, spherical RMSProp", apart) <= 0.05,
        mean("the same, minus that of normalization without decay", np.subtract(apart, other)) <= 0,
        size="network 64-32-10, 500 digits, η = 0.1, k = 0.02, running means over 50 of 1000 batches, 6 runs",
    )


@claim("Sums over classes are kept, and a ReLU unit's balance moves by its squared gradients alone, both exactly")
def kept_to_the_last_digit(seeds: Seeds) -> Evidence:
    worst = 0.0
    for seed in seeds(3):
        for decay in (0.0, 0.05):
            frame = once(charges, seed=seed, decay=decay)
            for name in ("sums", "balance"):
                worst = max(worst, float(np.abs(frame[name] - frame[f"{name}_predicted"]).max()))
    return Evidence(
        exact("largest difference of a charge and its prediction", worst) <= 1e-12,
        size="network 64-32-10, 300 digits, η = 0.3, k = 0 and 0.05, 300 steps, 3 runs",
    )
