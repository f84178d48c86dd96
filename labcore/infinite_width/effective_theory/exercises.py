"""Questions of the lesson that `effective_theory` answers, and their checkers."""

from __future__ import annotations

from math import log

from labcore.exercises import asked, exercise

from .critical import tuned
from .flow import flow
from .fluctuations import four_point_with_skip


@exercise(
    "A leaky ReLU has slope 1 above 0 and slope 1/5 below. With which C_W is it critical, at C_b = 0? To a hundredth.",
    asked("weights C_W", 0.1, 10.0),
    hint=(
        "Half of the neurons see a number above 0, half one below.",
        "g(K) = (1 + 1/25) K / 2, and C_W g(K) must be K.",
    ),
)
def leaky_point(c_w: float, seed: int) -> bool | str:
    if abs(c_w - tuned("leaky")[1]) < 0.01:
        return True
    after = flow("leaky", c_w, 0.0, 1.0, 50)[-1]
    return f"With that the size goes from 1 to {after:.3g} in 50 layers."


@exercise(
    "A ReLU network of width 100 is at its critical point. How many layers must a signal cross until its size has a "
    "relative variance of 1 between networks? A tenth off is right.",
    asked("layers crossed", 1.0, 100_000.0),
    hint=("Each layer multiplies 1 + variance by the same number.", "That number is 1 + 5/100."),
)
def as_varied_as_large(layers: float, seed: int) -> bool | str:
    c_b, c_w = tuned("relu")
    size = flow("relu", c_w, c_b, 1.0, 2)
    a_layer = float(four_point_with_skip("relu", c_w, size, 0.0)[-1]) / 100
    needed = log(2) / log(1 + a_layer)
    if abs(layers / needed - 1) < 0.1:
        return True
    return f"After {layers:g} layers it is {min((1 + a_layer) ** min(layers, 2000) - 1, 1e6):.3g}."
