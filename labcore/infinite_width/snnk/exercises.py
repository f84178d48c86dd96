"""Questions of the lesson that `snnk` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .spread import spread


@exercise(
    "A neuron computes sin 2z. Its weights and its input have length 1 and stand at a right angle. How many plain "
    "features (M = 0) give an error of 0.1? An answer within a tenth is right.",
    asked("features m", 1, 1e6),
    hint=(
        "The second moment of a complex feature is $e^{\\omega |x + w|^2}$, with ω = 2. Its real part has half of it.",
        "The error of the mean of m features is the square root of spread / m.",
    ),
)
def features_needed(m: float, seed: int) -> bool | str:
    needed = float(spread("sine", np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))[0]) / 0.1**2
    if abs(m / needed - 1) < 0.1:
        return True
    if abs(m / needed - 2) < 0.2:
        return "That is both parts, real and imaginary."
    return f"That leaves an error of {0.1 * np.sqrt(needed / m):.2g}."


@exercise(
    "A layer of 100 neurons has 784 inputs and a bias each. Its neurons are replaced by m numbers each, which meet m "
    "features of the input. What is the largest m that stores at most a fifth of the numbers?",
    asked("features m", 1, 10_000),
    hint="The features themselves are not stored: they are drawn again from a seed.",
)
def a_fifth(m: float, seed: int) -> bool | str:
    before, after = 785 * 100, m * 100
    if after > before / 5:
        return f"That stores {after:,.0f} numbers of {before:,}."
    return True if after + 100 > before / 5 else "A larger one is possible."
