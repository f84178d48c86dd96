"""Questions of the lesson, and their checkers."""

from __future__ import annotations

import torch

from labcore.exercises import asked, exercise
from labcore.primitives.spiking.steps import lif

from .networks import readout


@exercise(
    "A neuron without a leak empties itself when it fires. It gets a current of 0.4 in each of 8 steps. "
    "How often does it fire at a threshold of 0.8? At 1 it fires twice.",
    asked("spikes", 0, 8),
    hint=("After each step: 0.4, 0.8. That is enough.", "Then it begins at 0 again."),
)
def fires_at(spikes: int, seed: int) -> bool | str:
    fired = int(lif(torch.full((8, 1), 0.4, dtype=torch.float64), 1.0, 0.8, "hard").spikes.sum())
    if spikes == fired:
        return True
    return "Two currents are enough for one spike." if spikes < fired else "What is over after a spike is lost."


@exercise(
    "The answer is read from neurons that keep 0.8 of their potential at each step. There are 4 time steps. "
    "How many times as much does the last step count as the first?",
    asked("times", 0.0, 100.0),
    hint="What comes in the first step is kept three times.",
)
def last_counts(times: float, seed: int) -> bool | str:
    first, last = (float(readout(torch.eye(4, dtype=torch.float64)[t][:, None, None])) for t in (0, 3))
    if abs(times - last / first) < 0.06:
        return True
    return "It is the other way round." if abs(times - first / last) < 0.03 else False
