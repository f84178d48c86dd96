"""Questions of the lesson that `wide_deep_optimality` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .deep_kernel import log_kernel
from .dual import alpha, dual


@exercise(
    "Your inputs lie on a circle, d = 1. The activation is linear but for a part of degree p = 5. Which linear part "
    "a₁² gives the vote with α = 1? An answer that gives α to a hundredth is right.",
    asked("linear part a₁²", 0.01, 0.99),
    hint=(
        "α = -2 ln a₁² / ln q'(1), and q'(1) = a₁² + p (1 - a₁²).",
        "A larger linear part means a smaller α. Halve the interval until you have it.",
    ),
)
def for_a_circle(linear: float, seed: int) -> bool | str:
    found = alpha(dual(0.0, linear, 5))
    return True if abs(found - 1) < 0.01 else f"With this part α = {found:.2f}."


@exercise(
    "Two examples lie at distances 0.1 and 0.2 of an input. In the infinitely deep network with α = 2, how many times "
    "as much does the nearer one count? An answer within a twentieth is right.",
    asked("times as much", 0.1, 1e4),
    hint="An example at distance r counts about r^-α.",
)
def twice_as_near(times: float, seed: int) -> bool | str:
    c = dual(0.0, 0.5, 3)
    log_k = log_kernel(1 - np.array([0.1, 0.2]) ** 2 / 2, c, np.array([10**7]))[0]
    measured = float(np.exp(log_k[0] - log_k[1]))
    if abs(times / measured - 1) < 0.05:
        return True
    return "That would be α = 1." if abs(times - 2) < 0.1 else False
