"""Questions of the lesson that `crnn_conversion` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .experiments import glass
from .neuron import count_range, pour, quantise


@exercise(
    "A neuron with the threshold 1 counts from 0 to 7. It gets 4.4, and later -2.7. How many spikes has it counted in "
    "the end, if it can take some back?",
    asked("spikes", -10, 10),
    hint=("It ends on the rounded sum of all its current.", "4.4 - 2.7 = 1.7."),
)
def in_the_end(spikes: int, seed: int) -> bool | str:
    current = np.zeros((24, 1))
    current[0], current[8] = 4.4, -2.7
    fired, _ = pour(current, 1.0, *count_range(3))
    if spikes == fired.sum():
        return True
    ordinary, _ = pour(current, 1.0, *count_range(3), "soft")
    if spikes == ordinary.sum():
        return "That is what a neuron keeps that cannot take spikes back."
    return False


@exercise(
    "The first pour is 3, at step 1; the second is -3, at step 6; the ripple is 0. Where must the second pour come at "
    "the latest, so that the ordinary neuron ends with less than 3 spikes?",
    asked("step of the second pour", 0, 15),
    hint=("The neuron begins with half a threshold of charge and fires once a step.", "Try it in the first bench."),
)
def before_it_fires(step: int, seed: int) -> bool | str:
    def ends(at: int) -> int:
        frame = glass.run(first=3.0, second=-3.0, first_at=1, second_at=at, ripple=0.0, seed=seed)
        return int(frame["count"][1, -1])

    fired = ends(step)
    if fired < 3 and step < 15 and ends(step + 1) < 3:
        return "It may come still later."
    return True if fired < 3 else f"Then it has fired {fired} times."


@exercise(
    "The current of a neuron comes in its first 4 steps, and it counts from 0 to 15. After how many steps has it "
    "certainly its rounded sum?",
    asked("steps", 1, 100),
    hint=(
        "Which current makes it wait longest? It fires once a step at most.",
        "Let nothing come before the fourth step, and then a flood.",
    ),
)
def certainly(steps: int, seed: int) -> bool | str:
    levels = count_range(4)
    rng = np.random.default_rng(seed)
    floods = [[0, 0, 0, 99], [99, 99, 99, -999], [0, 0, 0, 0.6], *rng.uniform(-20, 20, (40, 4))]

    def safe(n: int) -> bool:
        current = np.zeros((max(n, 4), len(floods)))
        current[:4] = np.transpose(floods)
        fired, _ = pour(current[:n], 1.0, *levels)
        return np.array_equal(fired.sum(0), quantise(np.sum(floods, 1), 1.0, *levels))

    if not safe(steps):
        return "There are currents for which that is too early."
    return True if not safe(steps - 1) else "That is certain, and fewer steps are too."
