"""Questions of the lesson on liquids, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .experiments import ripples, unseen
from .liquid import course


@exercise(
    "A neuron keeps half of its potential from step to step, its threshold is 1, and each step brings 0.6. In which "
    "step does it fire first?",
    asked("step", 1, 10),
    hint=("0.6, then half of that and 0.6.", "0.9 is not enough."),
)
def fires_first(step: int, seed: int) -> bool | str:
    made = course(np.full((10, 1), 1.0), np.array([[0.6]]), np.zeros((1, 1)), 0.5, 0.0, np.random.default_rng(seed))
    first = int(np.flatnonzero(made.spikes[:, 0])[0]) + 1
    if step == first:
        return True
    return f"After step {step} it had {made.potential[step - 1, 0]:.3g}." if step < first else "It has fired before."


@exercise(
    "Find a recurrent gain with which the liquid of the first bench never falls silent, while fewer than a quarter of "
    "its neurons fire in a step, long after the digit.",
    ripples.parameters["gain"],
    hint=("Where the green curve leaves 0.", "Above 2, below 3."),
)
def at_the_edge(gain: float, seed: int) -> bool | str:
    late = float(ripples.run(gain=gain, seed=seed).here)
    if 0.01 < late < 0.25:
        return True
    return "It falls silent." if late <= 0.01 else f"With that {late:.0%} of the neurons fire in a step."


@exercise(
    "The projections have p dimensions each, and both senses give the states of 256 neurons. How many weights are "
    "trained for p = 32?",
    asked("weights", 1, 1_000_000),
    hint="One matrix for each sense; the liquids are left as they are.",
)
def weights_trained(weights: int, seed: int) -> bool | str:
    count = int(unseen.run(batches=30, seed=seed).trained)
    if weights == count:
        return True
    return "That is one sense; there are two." if 2 * weights == count else False
