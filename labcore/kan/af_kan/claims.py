"""Accuracy at equal size and at equal width, and the work of a step."""

from __future__ import annotations

import time

import numpy as np

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once, repeats
from labcore.primitives.contest.operations import operations
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.training import adamw, cross_entropy, train_step

from .experiments import digits
from .mechanism import Kind, make_network


def step_operations(kind: Kind, hidden: int = 32) -> int:
    """Elementary operations of the forward and the backward pass of one network, for a batch of 64 digits."""
    net, (x, y) = make_network(kind, [[0, 0]], hidden), digit_batches([[0, 0]], 1).batch(0)
    return operations(lambda: cross_entropy(net(x), y).sum().backward())


def step_seconds(kind: Kind, hidden: int = 32, repeats: int = 20) -> float:
    """Seconds that one training step of one network takes on this machine, the fastest of several."""
    net, (x, y) = make_network(kind, [[0, 0]], hidden), digit_batches([[0, 0]], 1).batch(0)
    optimizer, best = adamw(net, 5e-3), np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        train_step(net, optimizer, x, y)
        best = min(best, time.perf_counter() - began)
    return best


def _errors(seeds: Seeds, n: int) -> np.ndarray:
    """Share of test digits that are wrong, (model, run), after 400 steps."""
    return 1 - repeats(digits, seeds, n, steps=400).accuracy[:, :, -1].values


@claim("With equally many parameters AF-KAN makes less than half of ReLU-KAN's errors", slow=True)
def wins_at_equal_size(seeds: Seeds) -> Evidence:
    af, relu, _, _ = _errors(seeds, 60)
    return Evidence(
        geometric("errors of AF-KAN / ReLU-KAN", af / relu) <= 0.5,
        size="60 runs of 400 steps; silu, global attention, 2612 parameters, ReLU-KAN 2400",
        also={"accuracy of AF-KAN": 1 - af.mean(), "accuracy of ReLU-KAN": 1 - relu.mean()},
    )


@claim("With equally many hidden units AF-KAN comes close to ReLU-KAN with a seventh of its parameters", slow=True)
def close_at_equal_width(seeds: Seeds) -> Evidence:
    af, _, relu, _ = _errors(seeds, 60)
    params = once(digits, seed=seeds.first, steps=400, n_seeds=5).params.values
    return Evidence(
        mean("accuracy of ReLU-KAN - AF-KAN", af - relu) <= 0.05,
        exact("parameters of ReLU-KAN / AF-KAN", params[2] / params[0]) >= 7,
        size="60 runs of 400 steps, 32 hidden units; silu, global attention",
        also={"accuracy of AF-KAN": 1 - af.mean(), "accuracy of ReLU-KAN": 1 - relu.mean()},
    )


@claim("The bumps cost work: a training step takes at least twice as many operations as an MLP's")
def slower_than_the_mlp(seeds: Seeds) -> Evidence:
    counted = step_operations("AF-KAN") / step_operations("MLP")
    return Evidence(
        exact("operations of AF-KAN / MLP", counted) >= 2,
        size="64-32-10, forward and backward pass of a batch of 64",
        also={"time of AF-KAN / MLP here": step_seconds("AF-KAN") / step_seconds("MLP")},
    )
