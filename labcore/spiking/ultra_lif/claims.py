"""Checks of slopes that are true, of the limit and what it is not, and of what honesty brings in learning."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, mean, once

from .experiments import learning, limit, surface, tangents

CROWD = dict(neurons=3400)
SIZE = "64 hidden neurons, 600 steps of 64 digits, 6 runs"


@claim(
    "Backpropagation through the soft neurons says the slope of the loss; through steps it says one that is not there"
)
def no_mismatch(seeds: Seeds) -> Evidence:
    soft, steps = [], []
    for kind in ("UltraLIF", "UltraDLIF"):
        for s in seeds(10):
            frame = once(tangents, neurons=kind, seed=s)
            off = abs(frame.said - frame.true).max("along") / abs(frame.said).max("along")
            soft.append(float(off.sel(neuron="soft")))
            steps.append(float(off.sel(neuron="step")))
    return Evidence(
        exact("largest error of the soft neurons' slope, over the largest slope", max(soft)) <= 1e-5,
        mean("the same of the steps'", steps) >= 0.5,
        size="64-4-10 networks, 4 steps, 361 places on a line, 10 networks of each kind",
    )


@claim("A step misses what its backward slopes add up to, the soft spike does not")
def area(seeds: Seeds) -> Evidence:
    frames = [once(surface, eps=e, seed=seeds.first) for e in (0.05, 0.3, 1.0)]
    return Evidence(
        exact("largest area of the soft spike", max(float(f.mismatch_soft) for f in frames)) <= 1e-3,
        exact("smallest area of the step", min(float(f.mismatch_hard) for f in frames)) >= 0.05,
        size="ε = 0.05, 0.3 and 1",
    )


@claim("As ε goes to 0 it becomes the neuron of hard maxima, within t ε ln 2 away from the threshold")
def the_limit(seeds: Seeds) -> Evidence:
    frames = [once(limit, seed=s, **CROWD) for s in seeds(10)]
    least = [f.sel(eps=1e-3) for f in frames]
    return Evidence(
        mean("mean distance of the potential at ε = 0.001", [float(f.error) for f in least]) <= 2e-3,
        mean("share of spikes that differ at ε = 0.001", [float(f.differ_limit) for f in least]) <= 1e-3,
        exact("share outside of t ε ln 2, clear of the threshold", max(float(f.outside_clear.max()) for f in frames))
        <= 0,
        size="3400 neurons, 50 steps, 10 crowds",
        also={"share outside, with all": float(np.mean([f.outside.sel(eps=1e-3) for f in frames]))},
    )


@claim(
    "As ε goes to 0 it becomes the classical leaky integrate-and-fire neuron",
    expected="not reproduced",
    reason="The limit is the neuron that keeps the largest of its decayed inputs. The classical one keeps their sum, "
    "and fires on inputs that together reach the threshold; about one in nine of their spikes differ, however small ε "
    "is. The paper's abstract says classical; the author's later page says tropical.",
)
def the_classical_limit(seeds: Seeds) -> Evidence:
    frames = [once(limit, seed=s, **CROWD) for s in seeds(10)]
    best = [float((1 - f.differ_ordinary).max()) for f in frames]
    return Evidence(
        mean("largest share of spikes shared with the ordinary neuron, over all ε", best) >= 0.95,
        size="3400 neurons, 50 steps, 10 crowds",
    )


def _run(seeds: Seeds, **values: object) -> xr.Dataset:
    return once(learning, seed=seeds.first, **{"n_seeds": 6} | values)


def _ends(seeds: Seeds, **values: object) -> xr.DataArray:
    """(model, repeat): test accuracy at the end."""
    return _run(seeds, **values).accuracy.isel(step=-1)


def _gain(accuracy: xr.DataArray, model: str, over: str = "surrogate") -> np.ndarray:
    return (accuracy.sel(model=model) - accuracy.sel(model=over)).values


@claim("With one step, on still digits, all four kinds of neuron learn about equally well")
def as_good(seeds: Seeds) -> Evidence:
    accuracy = _ends(seeds)
    gains = {kind: _gain(accuracy, kind) for kind in ("UltraLIF", "UltraDLIF", "smooth spike")}
    return Evidence(
        *(mean(f"{kind} - surrogate", g) >= -0.02 for kind, g in gains.items()),
        *(mean(f"{kind} - surrogate", g) <= 0.02 for kind, g in gains.items()),
        size=SIZE,
    )


@claim(
    "In a single step of time soft neurons learn better than steps with a surrogate, by two points or more",
    expected="not reproduced",
    reason="On these digits all four kinds end within about a point of each other: a slope that points roughly down is "
    "good enough. The paper's data are larger, most of its gains with events of a camera or an ear.",
)
def honesty_pays(seeds: Seeds) -> Evidence:
    accuracy = _ends(seeds)
    return Evidence(
        mean("UltraLIF - surrogate", _gain(accuracy, "UltraLIF")) >= 0.02,
        mean("UltraDLIF - surrogate", _gain(accuracy, "UltraDLIF")) >= 0.02,
        size=SIZE,
    )


@claim("A price on spikes makes soft neurons much quieter, and they read as well as before")
def quieter(seeds: Seeds) -> Evidence:
    free, priced = (_run(seeds, sparse=price, n_seeds=3) for price in (0.0, 0.5))
    soft = ["UltraLIF", "UltraDLIF"]
    rates = [frame.rate.sel(model=soft).values.ravel() for frame in (free, priced)]
    lost = free.accuracy.isel(step=-1).sel(model=soft) - priced.accuracy.isel(step=-1).sel(model=soft)
    return Evidence(
        mean("mean spike with the price, over that without", rates[1] / rates[0]) <= 0.6,
        mean("accuracy without - with", lost.values.ravel()) <= 0.02,
        size="64 hidden neurons, 600 steps of 64 digits, 3 runs, UltraLIF and UltraDLIF, λ = 0 and 0.5",
    )


@claim("Where columns come one after another, steps with a surrogate are ahead of UltraLIF", slow=True)
def sums_are_missed(seeds: Seeds) -> Evidence:
    best = {}
    for model in ("surrogate", "UltraLIF"):
        ends = [_ends(seeds, sent="columns", theta=theta).sel(model=model) for theta in (0.0, 1.0)]
        best[model] = max(ends, key=lambda e: float(e.mean())).values
    return Evidence(
        mean("surrogate - UltraLIF, each at its better threshold", best["surrogate"] - best["UltraLIF"]) >= 0.01,
        size=f"{SIZE}, thresholds 0 and 1",
    )
