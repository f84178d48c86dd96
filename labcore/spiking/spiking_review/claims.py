"""What the review says of the roads to a spiking classifier, as checks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once

from .experiments import ORDINARY, STDP, TRAINED, bits_name, count, fields, paths

SIZE = "100 hidden units, 300 training steps, 500 new digits, 16 networks"


def _roads(seeds: Seeds) -> list[xr.Dataset]:
    return [once(paths, batches=300, n_seeds=4, seed=s) for s in seeds(4)]


def _right(frames: list[xr.Dataset], road: str) -> np.ndarray:
    return np.concatenate([f.right.sel(road=road).values for f in frames])


def _path(frames: list[xr.Dataset], steps: int) -> np.ndarray:
    return np.concatenate([f.path.sel(steps=steps).values for f in frames])


def _cost(frames: list[xr.Dataset], measure: str, road: str | int) -> np.ndarray:
    if isinstance(road, int):
        return np.array([float(f.path_cost.sel(measure=measure, steps=road)) for f in frames])
    return np.array([float(f.cost.sel(measure=measure, road=road)) for f in frames])


@claim("A neuron that keeps what is left over counts its current, to half a spike; one that a spike empties does not")
def counting(seeds: Seeds) -> Evidence:
    off, emptied = [], []
    for steps in (1, 3, 8, 64):
        soft, hard = (once(count, steps=steps, after=a, seed=seeds.first) for a in ("soft", "hard"))
        off.append(float(abs(soft.rate - soft.current.clip(0, 1)).max()) * steps)
        emptied.append(float(abs(hard.rate - hard.current.clip(0, 1)).max()) * steps)
    return Evidence(
        exact("largest distance from T a, in spikes", max(off)) <= 0.5 + 1e-9,
        exact("the same where a spike empties the neuron, T = 64", emptied[-1]) >= 10,
        size="241 currents, 1, 3, 8 and 64 steps",
    )


@claim(
    "The converted network reads as the ordinary one from 32 steps on, and additions grow as the steps do", slow=True
)
def converted(seeds: Seeds) -> Evidence:
    frames = _roads(seeds)
    ordinary = _right(frames, ORDINARY)
    growth = [float(f.spikes.sel(steps=16) / f.spikes.sel(steps=8)) for f in frames]
    return Evidence(
        mean("right, ordinary - converted with 32 steps", ordinary - _path(frames, 32)) <= 0.01,
        mean("right, ordinary - converted with 1 step", ordinary - _path(frames, 1)) >= 0.02,
        geometric("additions with 16 steps / with 8, least", growth) >= 1.9,
        geometric("additions with 16 steps / with 8, most", growth) <= 2.3,
        size=SIZE,
    )


@claim("Trained with spikes, a network reads as many digits as the ordinary one: the gap can vanish", slow=True)
def no_gap(seeds: Seeds) -> Evidence:
    frames = _roads(seeds)
    additions = _cost(frames, "operations", TRAINED) - 6400
    return Evidence(
        mean("right, ordinary - trained with spikes", _right(frames, ORDINARY) - _right(frames, TRAINED)) <= 0.01,
        mean("share of its 6 x 100 x 10 possible additions", additions / 6000) <= 0.6,
        size=SIZE,
    )


@claim(
    "Networks of spikes that read as many digits as the ordinary network need fewer operations",
    expected="not reproduced",
    reason="Six steps in which two of five neurons fire are more additions than there were products, and the first "
    "layer, which reads numbers, has its products on each of these roads. Fewer operations has only STDP, which reads "
    "two or three digits of a hundred less.",
    slow=True,
)
def fewer_operations(seeds: Seeds) -> Evidence:
    frames = _roads(seeds)
    ordinary = _cost(frames, "operations", ORDINARY)
    return Evidence(
        geometric("operations, trained with spikes / ordinary", _cost(frames, "operations", TRAINED) / ordinary) <= 1,
        geometric("operations, converted with 8 steps / ordinary", _cost(frames, "operations", 8) / ordinary) <= 1,
        size=SIZE,
        also={
            "operations, STDP / ordinary": float((_cost(frames, "operations", STDP) / ordinary).mean()),
            "right, ordinary - STDP": float((_right(frames, ORDINARY) - _right(frames, STDP)).mean()),
        },
    )


@claim("By arithmetic ten steps and more are cheaper than the ordinary network; with memory about four are", slow=True)
def memory(seeds: Seeds) -> Evidence:
    cheaper = np.array([f.cheaper.values for f in _roads(seeds)])
    return Evidence(
        mean("steps up to which converted costs less, arithmetic", cheaper[:, 1]) >= 10,
        mean("steps up to which converted costs less, with memory", cheaper[:, 2]) <= 6,
        size=SIZE,
    )


@claim("An ordinary network of two-bit units reads as many digits as 8 steps of spikes, and costs less", slow=True)
def few_bits(seeds: Seeds) -> Evidence:
    frames, two = _roads(seeds), bits_name(2)
    one = _right(frames, bits_name(1)) - _path(frames, 1)
    return Evidence(
        mean("right, converted with 8 steps - two bits", _path(frames, 8) - _right(frames, two)) <= 0.01,
        geometric("energy with memory, two bits / 8 steps", _cost(frames, "memory", two) / _cost(frames, "memory", 8))
        <= 0.95,
        mean("right, one bit - converted with one step", one) >= 0.01,
        size=SIZE,
    )


@claim("Who fires first learns strokes without labels; nine of ten digits are read from them, less from random weights")
def strokes(seeds: Seeds) -> Evidence:
    frames = [once(fields, seed=s) for s in seeds(8)]
    few = [once(fields, labels=100, seed=s) for s in seeds(8)]
    learned, random = (np.array([float(f.right.sel(features=k)) for f in frames]) for k in ("learned", "random"))
    return Evidence(
        mean("right, 1297 labels", learned) >= 0.9,
        mean("right, 100 labels", [float(f.right.sel(features="learned")) for f in few]) >= 0.75,
        mean("right, learned - random", learned - random) >= 0.2,
        mean("distance of fields, end - start", [float(f.apart[-1] - f.apart[0]) for f in frames]) >= 0.3,
        size="100 neurons, 4 passes, 8 networks",
    )


@claim("Without silence all neurons learn the same; thresholds that adapt, and are kept for reading, each help")
def parts(seeds: Seeds) -> Evidence:
    def right(missing: str) -> np.ndarray:
        return np.array([float(once(fields, missing=missing, seed=s).right[0]) for s in seeds(8)])

    whole = right("nothing")
    same = [once(fields, missing="silence", seed=s) for s in seeds(4)]
    return Evidence(
        mean("distance of fields without silence", [float(f.apart[-1]) for f in same]) <= 0.1,
        mean("right without silence", [float(f.right[0]) for f in same]) <= 0.3,
        mean("right, whole - thresholds fixed", whole - right("homeostasis")) >= 0,
        mean("right, whole - learned thresholds forgotten", whole - right("thresholds")) >= 0,
        size="100 neurons, 4 passes, 1297 labels, 8 networks, 4 without silence",
    )


@claim(
    "Where labels are few, features that were learned without them read more digits than the pixels do",
    expected="not reproduced",
    reason="A logistic regression on 64 pixels needs few labels and reads 9 of 10 digits from 100 of them. How early "
    "100 neurons fire, in 16 steps, says less than the pixels did.",
)
def few_labels(seeds: Seeds) -> Evidence:
    right = [once(fields, labels=100, seed=s).right for s in seeds(20)]
    return Evidence(
        mean("right, learned - pixels, 100 labels", [float(r[0] - r[2]) for r in right]) >= 0,
        size="100 neurons, 4 passes, 20 networks",
    )
