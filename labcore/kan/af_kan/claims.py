"""Accuracy at equal size and at equal width, and the time of a step."""

from __future__ import annotations

import time

import numpy as np

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.training import adamw, train_step

from .experiments import digits
from .mechanism import Act, Kind, make_network


def step_seconds(kind: Kind, hidden: int = 32, repeats: int = 40) -> float:
    """Seconds that one training step of one network takes on this machine, the fastest of several."""
    net, data = make_network(kind, [[0, 0]], hidden), digit_batches([[0, 0]], 1)
    optimizer, (x, y) = adamw(net, 5e-3), data.batch(0)
    best = np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        train_step(net, optimizer, x, y)
        best = min(best, time.perf_counter() - began)
    return best


def _accuracy(act: Act) -> tuple[np.ndarray, np.ndarray]:
    """Mean accuracy and size of the four models; two claims read one run."""
    frame = once(digits, act=act, n_seeds=3, steps=400)
    return frame.accuracy[:, :, -1].mean("repeat").values, frame.params.values


@claim("With equally many parameters AF-KAN beats ReLU-KAN")
def wins_at_equal_size(budget: Budget) -> Evidence:
    accuracy, params = _accuracy("silu")
    return Evidence(
        {"AF-KAN": accuracy[0], "ReLU-KAN": accuracy[1], "parameters": params[0], "of ReLU-KAN": params[1]},
        "mean accuracy of AF-KAN (silu, global attention) >= that of ReLU-KAN + 0.02, 400 steps",
        accuracy[0] >= accuracy[1] + 0.02,
        n_seeds=3,
    )


@claim("With equally many hidden units AF-KAN comes close to ReLU-KAN with a seventh of its parameters")
def close_at_equal_width(budget: Budget) -> Evidence:
    accuracy, params = _accuracy("silu")
    return Evidence(
        {"AF-KAN": accuracy[0], "ReLU-KAN": accuracy[2], "parameters of ReLU-KAN / AF-KAN": params[2] / params[0]},
        "mean accuracy within 0.05 of ReLU-KAN and >= 7 times fewer parameters, 400 steps",
        accuracy[0] >= accuracy[2] - 0.05 and params[2] / params[0] >= 7,
        n_seeds=3,
    )


@claim("The bumps cost time: a training step takes at least twice as long as an MLP's")
def slower_than_the_mlp(budget: Budget) -> Evidence:
    ratio = step_seconds("AF-KAN") / step_seconds("MLP")
    return Evidence({"time of AF-KAN / MLP": ratio}, "fastest of 40 steps each, ratio >= 2", ratio >= 2, n_seeds=1)
