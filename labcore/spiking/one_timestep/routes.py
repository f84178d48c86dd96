"""Three ways from a network with ReLUs to neurons that fire at most once, with equally many training steps."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from labcore.primitives.digits.batches import DigitBatches
from labcore.primitives.runs.training import cross_entropy

from .networks import Deep

ANALOG, CALIBRATION, SHOWN = 400, 200, 300  # batches with ReLUs; images that set thresholds; new digits looked at


class Look(NamedTuple):
    """What a spiking network does with new digits, at its number of time steps."""

    accuracy: Float[np.ndarray, " S"]
    rate: Float[np.ndarray, "S depth"]  # spikes of a neuron for each time step
    additions: Float[np.ndarray, " S"]  # for a digit, behind the first layer


def look(net: Deep, data: DigitBatches, steps: int) -> Look:
    """Accuracy, firing rates and additions on 300 new digits."""
    x, y = data.x_test[:, :SHOWN], data.y_test[:, :SHOWN]
    with torch.no_grad():
        logits, spikes = net(x, steps)
    rate = torch.stack([s.mean((0, 2, 3)) for s in spikes], 1).double().numpy()
    sent = torch.stack([s.sum((0, 2, 3)) for s in spikes], 1).double().numpy()
    fan_out = np.array([w.shape[2] for w in list(net.weights)[1:]])
    right = (logits.argmax(-1) == y).double().mean(1).numpy()
    return Look(right, rate, (sent * fan_out).sum(1) / SHOWN)


def _step(net: Deep, optimizer: torch.optim.Optimizer, data: DigitBatches, i: int, steps: int) -> None:
    x, y = data.batch(i)
    loss = cross_entropy(net(x, steps)[0] if steps else net.analog(x), y).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def analog(net: Deep, data: DigitBatches) -> Deep:
    """The same network after 400 batches with ReLUs; Adam, rate 1e-3."""
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for i in range(ANALOG):
        _step(net, optimizer, data, i, 0)
    return net


def spiking(net: Deep, data: DigitBatches, steps: int, percentile: float) -> Deep:
    """A copy that fires, its thresholds set for so many time steps."""
    made = deepcopy(net)
    made.calibrate(data.x[:, :CALIBRATION], steps, percentile)
    return made


def schedule(first: int, batches: int) -> list[int]:
    """The time steps of each batch: from `first` down to 1, one less after equally many batches, the rest with 1."""
    each = batches // first
    return [max(first - i // each, 1) for i in range(batches)]


def looks(plan: list[int]) -> list[int]:
    """Batches before which a network is looked at: around each change of the time steps, between them, at the end."""
    starts = [i for i in range(len(plan)) if i == 0 or plan[i] != plan[i - 1]] + [len(plan)]
    seen = {len(plan)}
    for a, b in zip(starts[:-1], starts[1:], strict=True):
        seen |= {a, a + (b - a) // 4, a + (b - a) // 2, a + 3 * (b - a) // 4, b - 1}
    return sorted(seen)


def trained(net: Deep, data: DigitBatches, plan: list[int], rate: float, seen: list[int]) -> Iterator[Deep]:
    """Train weights, thresholds and leaks, with plan[i] time steps in batch i; yields the net before batches `seen`.

    Adam, which begins anew whenever the number of time steps changes.
    """
    for i in range(len(plan) + 1):
        if i in seen:
            yield net
        if i < len(plan):
            if i == 0 or plan[i] != plan[i - 1]:
                optimizer = torch.optim.Adam(net.parameters(), rate)
            _step(net, optimizer, data, ANALOG + i, plan[i])
