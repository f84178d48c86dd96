"""Questions of the lesson that `surrogate_ntk` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import exercise

from .descent import surrogate_kernel
from .experiments import LENGTH, sides, steeper


@exercise(
    "One hidden layer, biases b² = 0.1, inputs on the circle of the first bench. At which steepness m is the ordinary "
    "kernel of an input with itself 100? An answer that gives it to a twentieth is right.",
    steeper.parameters["steep"],
    hint=(
        "Each time the activation becomes four times as steep, this kernel becomes nearly four times as large.",
        "It is 43.8 at m = 64.",
    ),
)
def a_hundred(steep: float, seed: int) -> bool | str:
    x = np.array([[LENGTH, 0.0]])
    found = float(surrogate_kernel(x, x, 1, 0.1, steep)[0, 0])
    return True if abs(found / 100 - 1) <= 0.05 else f"At that steepness it is {found:.3g}."


@exercise(
    "A has length 1.5. B lies at height 1. How far across must B lie, so that teaching A moves B just as far as "
    "teaching B moves A? (One layer, a = 0.5, b² = 0.1. Moves that differ by less than a hundredth are the same.)",
    sides.parameters["b_across"],
    hint=(
        "Set the length of A in the bench and drag B along. When are the two moves the same?",
        "What would the two inputs have to have in common?",
    ),
)
def both_ways(b_across: float, seed: int) -> bool | str:
    x = np.array([[1.5, 0.0], [b_across, 1.0]])
    k = surrogate_kernel(x, x, 1, 0.1, sharp=0.5)
    if abs(k[0, 1] - k[1, 0]) < 0.01:
        return True
    return f"There B moves by {k[1, 0]:.3f} when A is taught, and A by {k[0, 1]:.3f} when B is taught."
