"""What the paper says of spiking diffusion, as checks."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, geometric, mean, once

from .experiments import gains, knob, rivals

SIZE = "two blocks of 128 units, 500 training steps, 500 pictures in 12 steps, {} networks"


def _at(values: np.ndarray, thresholds: np.ndarray, theta: float) -> float:
    return float(values[np.flatnonzero(thresholds == theta)[0]])


@claim(
    "A threshold chosen with other noise brings pictures 5 % nearer to digits, without training",
    expected="not reproduced",
    reason="Around the threshold of the training the distance is flat: what a choice gains is mostly the luck of the "
    "noise it was chosen with. The paper's best case, 16.7 %, is of a large network on photographs.",
    slow=True,
)
def guided(seeds: Seeds) -> Evidence:
    kept = []
    for f in (once(knob, seed=s) for s in seeds(8)):
        off, at = f.distance.values, f.threshold.values
        kept.append(1 - _at(off, at, float(f.best)) / _at(off, at, 1.0))
    return Evidence(mean("gain in distance, noise not chosen with", kept) >= 0.05, size=SIZE.format(8))


@claim("The noise is told best at the threshold of the training; pictures far from it are worse", slow=True)
def trained_best(seeds: Seeds) -> Evidence:
    frames = [once(knob, seed=s) for s in seeds(8)]
    at = frames[0].threshold.values
    told = {t: [_at(f.error.values, at, t) / _at(f.error.values, at, 1.0) for f in frames] for t in (0.8, 1.2)}
    off = {t: [_at(f.distance.values, at, t) / _at(f.distance.values, at, 1.0) for f in frames] for t in (0.5, 1.7)}
    return Evidence(
        geometric("error at 0.8 / at 1", told[0.8]) >= 1,
        geometric("error at 1.2 / at 1", told[1.2]) >= 1,
        geometric("distance at 0.5 / at 1", off[0.5]) >= 1.05,
        geometric("distance at 1.7 / at 1", off[1.7]) >= 1.05,
        size=SIZE.format(8),
    )


@claim("Fine-tuning with a gain for each time step tells the noise better than as much fine-tuning without", slow=True)
def with_gains(seeds: Seeds) -> Evidence:
    ends = [once(gains, seed=s).error.values[:, -1] for s in seeds(12)]
    return Evidence(
        geometric("error with gains / without", [float(a / b) for a, b in ends]) <= 1,
        size=f"{SIZE.format(12)}, 200 steps of fine-tuning",
    )


def _ratios(seeds: Seeds, name: str, below: str) -> list[float]:
    frames = [once(rivals, seed=s) for s in seeds(6)]
    return [float(f[name].sel(network="spikes") / f[name].sel(network=below)) for f in frames]


@claim("Pictures of the spiking network are within twice the distance of those made with ReLUs", slow=True)
def near_the_twin(seeds: Seeds) -> Evidence:
    return Evidence(
        geometric("distance, spikes / ReLU", _ratios(seeds, "distance", "ReLU")) <= 2,
        size=SIZE.format(6),
        also={"distance, spikes / staircase": float(np.mean(_ratios(seeds, "distance", "staircase")))},
    )


@claim(
    "Four time steps make pictures nearer to digits than one",
    expected="not reproduced",
    reason="With four steps the noise is told a little better, and yet the pictures are farther from digits. "
    "With one step a neuron is a threshold, and there is nothing to reset.",
    slow=True,
)
def more_steps(seeds: Seeds) -> Evidence:
    return Evidence(
        geometric("distance, 4 steps / 1", _ratios(seeds, "distance", "one time step")) <= 1,
        size=SIZE.format(6),
        also={"error, 4 steps / 1": float(np.mean(_ratios(seeds, "error", "one time step")))},
    )


@claim(
    "To tell the noise costs the spiking network less energy than the same network with ReLUs",
    expected="not reproduced",
    reason="It has less arithmetic to pay for. But weights are fetched for every spike, and potentials are read and "
    "written at every step; that costs more than the arithmetic.",
    slow=True,
)
def cheaper(seeds: Seeds) -> Evidence:
    return Evidence(
        geometric("energy, spikes / ReLU", _ratios(seeds, "energy", "ReLU")) <= 1,
        size=f"{SIZE.format(6)}; 45 nm, memory counted",
        also={
            "energy without memory, spikes / ReLU": float(np.mean(_ratios(seeds, "bare", "ReLU"))),
            "energy, spikes / staircase of 4 bits": float(np.mean(_ratios(seeds, "energy", "staircase"))),
        },
    )
