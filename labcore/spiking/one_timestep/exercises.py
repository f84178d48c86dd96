"""Questions of the lesson that `one_timestep` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise
from labcore.primitives.spiking.steps import lif_compiled

from .experiments import lever


@exercise(
    "A neuron without a leak has the threshold 1, and a spike takes 1 of its charge. It gets 0.4 in each of 5 steps. "
    "How often does it fire? With one step it would not fire at all.",
    asked("spikes", 0, 5),
    hint=("It adds up: 0.4, 0.8, 1.2.", "What is left after its spike stays."),
)
def adds_up(spikes: int, seed: int) -> bool | str:
    fired = lif_compiled(np.full((5, 1), 0.4), decay=1.0, reset="soft").spikes.sum()
    if spikes == fired:
        return True
    return "What is above the threshold is not lost when it fires." if spikes < fired else False


@exercise(
    "The network of eight layers was trained with five time steps. With one it guesses. By what number must all "
    "thresholds be multiplied, so that it reads at least 40 % of new digits with one step, without training?",
    lever.parameters["factor"],
    hint=("The current of one step has to be enough.", "Try it in the first bench of this paper, with T = 1."),
)
def without_training(factor: float, seed: int) -> bool | str:
    right = float(lever.run(steps=1, factor=factor, seed=seed).here)
    return True if right >= 0.4 else f"With that it reads {right:.0%}."
