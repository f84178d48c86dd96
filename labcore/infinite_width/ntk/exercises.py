"""Questions of the lesson that `ntk` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise
from labcore.primitives.wide.duals import Activation
from labcore.primitives.wide.recursion import nngp_ntk

from .circle import circle, rates
from .experiments import WEIGHT_VAR
from .flow import left


def _rates(depth: int, bias: float) -> np.ndarray:
    """Eigenvalues of the limit for relu and 8 examples around the circle, of waves of 0 to 4 periods."""
    x = circle(2 * np.pi * np.arange(8) / 8)
    return rates(nngp_ntk(x, x, Activation("relu"), depth, WEIGHT_VAR, bias).theta[0])


@exercise(
    "A wide network with one hidden layer, relu and no biases (b² = 0) learns eight examples around the circle. A wave "
    "of how many periods can it not learn at all, from 1 to 4?",
    asked("periods", 1, 4),
    hint=(
        "Set the bench of training to one hidden layer and no biases. Which colour stays where it is?",
        "max(z, 0) is z/2 + |z|/2. What can |z| not make, which has the same value at opposite places?",
    ),
)
def cannot_be_learned(periods: int, seed: int) -> bool | str:
    rate = float(_rates(1, 0.0)[periods])
    return (
        True if rate < 1e-9 else f"Its eigenvalue is {rate:.2f}, so its error is halved in t = {np.log(2) / rate:.1f}."
    )


@exercise(
    "Two hidden layers, relu, b² = 0.1: the eigenvalue of the wave of 2 periods is λ = 0.473. At which time t is a "
    "hundredth of its error left? An answer within three percent is right.",
    asked("time t", 0.1, 100.0),
    hint="What is left is e to the power -λt.",
)
def a_hundredth(time: float, seed: int) -> bool | str:
    rate = _rates(2, 0.1)[2:3]
    if abs(time * float(rate[0]) / np.log(100) - 1) < 0.03:
        return True
    return f"At that time {float(left(rate, time)[0]):.1%} is left."
