"""A trained network with fewer time steps, untouched; and training down to a single one, by three routes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from copy import deepcopy
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.batches import DigitBatches, digit_batches
from labcore.primitives.runs.one_thread import one_thread

from .networks import Deep
from .routes import ANALOG, SHOWN, Look, analog, look, looks, schedule, spiking, trained

FIRST, RATE, MOST = 5, 2e-3, 8
Depth = Annotated[int, number(2, 10, "Hidden layers", "network", label="hidden layers", main=True)]
Width = Annotated[int, number(16, 256, "Units of a hidden layer", "network", label="units of a layer")]
Percentile = Annotated[
    float, number(70, 99.9, "Of the currents, where thresholds begin", "network", label="threshold percentile")
]


@functools.lru_cache(maxsize=4)
def _with_five(depth: int, width: int, percentile: float, seed: int) -> tuple[Deep, DigitBatches]:
    data = digit_batches([[seed, 0]], ANALOG + 100)
    net = spiking(analog(Deep([[seed, 0]], depth, width, 0.3), data), data, FIRST, percentile)
    *_, net = trained(net, data, [FIRST] * 100, RATE, [100])
    return net, data


LEVER = Frame(
    steps=axis("time steps", start=1),
    accuracy=var("steps", "right on new digits"),
    layer=axis("hidden layer", start=1),
    rate=var("layer", "share of neurons that fire in a time step"),
    here=var("", "right on new digits with these time steps"),
)


@experiment(quick=dict(depth=3), frame=LEVER)
@one_thread
def lever(
    steps: Annotated[
        int, number(1, MOST, "Time steps of the trained network", "network", label="time steps T", main=True)
    ] = 5,
    factor: Annotated[
        float,
        number(
            0.2, 2, "Of all thresholds, after training", "network", scale="log", label="thresholds times", main=True
        ),
    ] = 1.0,
    depth: Depth = 8,
    width: Width = 64,
    percentile: Percentile = 90.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A network that was trained with 5 time steps, looked at with 1 to 8 and other thresholds; one frame.

    400 batches of 64 digits with ReLUs, thresholds set for 5 time steps, 100 batches with spikes.
    """
    kept, data = _with_five(depth, width, percentile, seed)
    net = deepcopy(kept)  # another run may be looking at the one that is kept
    x, y = data.x_test[:, :SHOWN], data.y_test[:, :SHOWN]
    with torch.no_grad():
        for t in net.thresholds:
            t.mul_(factor)
        _, spikes = net(x, MOST)
        logits = (spikes[-1] @ net.weights[-1]).cumsum(0)
    accuracy = (logits.argmax(-1) == y).double().mean((1, 2)).numpy()
    rate = np.array([float(s[:steps].mean()) for s in spikes])
    silent = int((rate < 0.005).sum())
    fire = f"in a step {rate.min():.1%} to {rate.max():.1%} of a layer's neurons fire"
    told = f"{silent} of {depth} hidden layers are silent" if silent else fire
    yield LEVER(
        dict(accuracy=accuracy, rate=rate, here=accuracy[steps - 1]),
        f"With {steps} time step{'s' * (steps > 1)} the network reads {accuracy[steps - 1]:.1%} of new digits; {told}.",
        1.0,
    )


Set = Literal["kept", "anew"]
ROUTES = ("one at a time", "at once")
SHRINK = Frame(
    route=axis("time steps are taken away", values=ROUTES),
    repeat=axis("repetition"),
    batch=axis("training steps with spikes"),
    accuracy=var("route repeat batch", "right on new digits"),
    steps=var("route batch", "time steps"),
    layer=axis("hidden layer", start=1),
    rate=var("route batch layer", "share of neurons that fire in a time step"),
    additions=var("route repeat batch", "additions for a digit behind the first layer"),
)


@experiment(quick=dict(depth=6, width=32, batches=50), frame=SHRINK)
@one_thread
def shrink(
    thresholds: Annotated[
        Set,
        choice(
            "Of the network that loses its time steps at once",
            "route",
            label="thresholds, at once",
            main=True,
            words={"kept": "as for five steps", "anew": "set anew for one step"},
        ),
    ] = "kept",
    depth: Depth = 8,
    width: Width = 64,
    first: Annotated[int, number(2, MOST, "Time steps at the beginning", "route", label="time steps at first")] = FIRST,
    batches: Annotated[
        int, number(50, 600, "Of 64 digits, with spikes", "training", label="training steps", main=True)
    ] = 325,
    percentile: Percentile = 90.0,
    gamma: Annotated[
        float, number(0.1, 1, "Height of the surrogate slope", "training", label="surrogate height γ")
    ] = 0.3,
    rate: Annotated[float, number(1e-4, 1e-2, "Of Adam", "training", scale="log", label="learning rate")] = RATE,
    n_seeds: Annotated[int, number(1, 8, "Splits and starts", "data", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """From `first` time steps to 1, one less after equally many batches, and all at once; a frame every few batches.

    Both routes begin with the same weights, trained with ReLUs, and train equally long with spikes. Rates are means
    over the repetitions.
    """
    seeds = [[seed, r] for r in range(n_seeds)]
    data = digit_batches(seeds, ANALOG + batches)
    start = analog(Deep(seeds, depth, width, gamma), data)
    plan = schedule(first, batches)
    slow, fast = (spiking(start, data, t, percentile) for t in (first, 1 if thresholds == "anew" else first))
    seen = looks(plan)
    nets = zip(trained(slow, data, plan, rate, seen), trained(fast, data, [1] * batches, rate, seen), strict=True)
    rows: list[tuple[Look, Look]] = []
    for i, (a, b) in zip(seen, nets, strict=True):
        t = plan[min(i, batches - 1)]
        rows.append((look(a, data, t), look(b, data, 1)))
        yield _shrunk(rows, seen, plan, i / batches)


def _shrunk(rows: list[tuple[Look, Look]], seen: list[int], plan: list[int], progress: float) -> xr.Dataset:
    at = seen[: len(rows)]
    steps = [[plan[min(i, len(plan) - 1)] for i in at], [1] * len(at)]
    right = [rows[-1][r].accuracy.mean() for r in range(2)]
    silent = [int((rows[-1][r].rate.mean(0) < 0.005).sum()) for r in range(2)]
    quiet = f", {silent[1]} of its layers silent" if silent[1] else ""
    return SHRINK(
        dict(
            batch=np.array(at, float),
            steps=np.array(steps, float),
            accuracy=np.array([[row[r].accuracy for row in rows] for r in range(2)]).transpose(0, 2, 1),
            rate=np.array([[row[r].rate.mean(0) for row in rows] for r in range(2)]),
            additions=np.array([[row[r].additions for row in rows] for r in range(2)]).transpose(0, 2, 1),
        ),
        f"After {at[-1]} training steps the network that loses its time steps one at a time has {steps[0][-1]} and "
        f"reads {right[0]:.1%} of new digits; the one that lost them at once reads {right[1]:.1%}{quiet}.",
        progress,
    )
