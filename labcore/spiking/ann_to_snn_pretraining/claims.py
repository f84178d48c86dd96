"""What the paper says of a copy as a beginning, as checks."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, geometric, mean, once

from .experiments import GOAL, copy, race
from .history import reaches

CHANNELS = "16, 32 and 32 channels"
SIZE = CHANNELS + ", 1280 training digits, 4 time steps, 8 networks"
MORE = SIZE.replace("8 networks", "16 networks")
SAME = {"analog_epochs": 4, "scratch_rate": 3e-3, "epochs": 1}  # one rate of learning for both
AFTER_ONE = 2  # looks, one each half epoch


@functools.lru_cache(maxsize=32)
def _race(seed: int, **values) -> xr.Dataset:
    return once(race, n_seeds=4, seed=seed, **values)


def _races(seeds: Seeds, n: int = 2, **values) -> list[xr.Dataset]:
    """n times four networks."""
    return [_race(s, **values) for s in seeds(n)]


def _at(frames: list[xr.Dataset], look: int) -> tuple[np.ndarray, np.ndarray]:
    both = np.concatenate([f.accuracy.values[:, :, look] for f in frames], 1)
    return both[0], both[1]


def _spent(frames: list[xr.Dataset], route: int) -> list[float]:
    """Millions of operations to 95 %; a run that does not get there counts with all that it spent."""
    out = []
    for f in frames:
        spent = f.operations.values[route]
        out += [reaches(spent, a, GOAL) or float(spent[-1]) for a in f.accuracy.values[route]]
    return out


def _ratios(frames: list[xr.Dataset]) -> list[float]:
    return [a / b for a, b in zip(_spent(frames, 0), _spent(frames, 1), strict=True)]


@claim("Just after the copy the spiking network has lost at least 30 points of what the network with ReLUs reads")
def lost(seeds: Seeds) -> Evidence:
    ends = [once(copy, seed=s) for s in seeds(12)]
    return Evidence(
        mean("right with ReLUs", [float(f.analog) for f in ends]) >= 0.9,
        mean("lost by the copy", [float(f.analog - f.here) for f in ends]) >= 0.3,
        size="4 epochs with ReLUs, 200 new digits, 12 networks",
    )


@claim(
    "With statistics that are measured anew and no weight changed, it reads within 5 points of the network with ReLUs"
)
def statistics(seeds: Seeds) -> Evidence:
    ends = [once(copy, statistics="anew", seed=s) for s in seeds(12)]
    return Evidence(
        mean("lost by the copy", [float(f.analog - f.here) for f in ends]) <= 0.05,
        size="4 epochs with ReLUs, 200 new digits, 12 networks",
    )


@claim(
    "After one epoch with spikes a copied network reads 90 %, 10 points more than one from scratch at its rate",
    slow=True,
)
def same_rate(seeds: Seeds) -> Evidence:
    mine, other = _at(_races(seeds, 4, **SAME), AFTER_ONE)
    return Evidence(
        mean("right, copied", mine) >= 0.9, mean("right, copied - from scratch", mine - other) >= 0.1, size=MORE
    )


@claim(
    "After one epoch with spikes a copied network reads 25 points more than one from scratch, whatever its rate",
    expected="not reproduced",
    reason="A rate of learning that suits weights which are to be kept is too low for weights that know nothing. With "
    "ten times the rate the network from scratch is a few points behind after one epoch.",
    slow=True,
)
def own_rate(seeds: Seeds) -> Evidence:
    mine, other = _at(_races(seeds), AFTER_ONE)
    return Evidence(mean("right, copied - from scratch", mine - other) >= 0.25, size=SIZE)


@claim(
    "With the training of the network with ReLUs included, a copy needs two fifths of the operations for 95 %, or less",
    expected="not reproduced",
    reason="The paper says a tenth to two fifths of the time, on large images. Here three half epochs from scratch are "
    "enough, and an epoch with ReLUs costs a quarter of one with spikes.",
    slow=True,
)
def half_the_work(seeds: Seeds) -> Evidence:
    return Evidence(geometric("operations, copied / from scratch", _ratios(_races(seeds))) <= 0.4, size=SIZE)


@claim("With statistics that are measured anew, a copy needs at most two thirds of the operations for 95 %", slow=True)
def less_work(seeds: Seeds) -> Evidence:
    frames = _races(seeds, 4, statistics="anew", epochs=2)
    return Evidence(geometric("operations, copied / from scratch", _ratios(frames)) <= 2 / 3, size=MORE)


@claim(
    "In the end, after three epochs with spikes, a copy reads no fewer digits than a network from scratch, to 3 points",
    slow=True,
)
def same_end(seeds: Seeds) -> Evidence:
    mine, other = _at(_races(seeds), -1)
    return Evidence(mean("right, from scratch - copied", other - mine) <= 0.03, size=SIZE)


@claim(
    "A copy whose weights are shuffled in each layer loses at least a quarter of its advantage after one epoch",
    slow=True,
)
def structure(seeds: Seeds) -> Evidence:
    mine, other = _at(_races(seeds, 4, **SAME), AFTER_ONE)
    dealt, _ = _at(_races(seeds, 4, **SAME, shuffle=5, statistics="anew"), AFTER_ONE)
    return Evidence(
        mean("3/4 of the advantage - what shuffling leaves", 0.75 * (mine - other) - (dealt - other)) >= 0, size=MORE
    )


@claim(
    "Trained on still means of a moving digit's events, a copy is 5 points ahead one epoch after it gets the events",
    slow=True,
)
def events(seeds: Seeds) -> Evidence:
    mine, other = _at(_races(seeds, 4, kind="moving", analog_epochs=4, channels=8, epochs=1), AFTER_ONE)
    return Evidence(
        mean("right, copied - from scratch", mine - other) >= 0.05,
        size=MORE.replace(CHANNELS, "8, 16 and 16 channels"),
    )
