"""Questions of the lesson that `lmu_former` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .experiments import pixels, window
from .memory import step, streamed


@exercise(
    "The signal is 0.6 and has been for a long time. The memory keeps 16 numbers. What is the first of them?",
    asked("first number", -2.0, 2.0),
    hint=("The curve that the numbers draw is flat.", "The first polynomial is 1 everywhere, all others are not flat."),
)
def of_a_constant(first: float, seed: int) -> bool | str:
    m = streamed(np.full((2000, 1), 0.6), np.zeros((1, 16)), *step(16, 64.0))[-1, 0]
    if abs(first - m[0]) < 1e-6:
        return True
    return f"Then the curve would be flat at {first:.3g}." if first else "Then the curve would be flat at 0."


@exercise(
    "A wave with a period of 16 samples and a height of 1 comes on top of the opening signal. θ is 64. With how many "
    "numbers is the error, averaged over the window, below a tenth? Find a d of at most 24.",
    window.parameters["d"],
    hint=(
        "Four waves fit into the window.",
        "Each wave goes up and down: two turns of a polynomial, and more.",
    ),
)
def enough_numbers(d: int, seed: int) -> bool | str:
    if d > 24:
        return "That is more than 24."
    error = float(window.run(d=d, ripple=1.0, period=16, seed=seed).error.mean())
    return True if error < 0.1 else f"With that the error is {error:.2f}."


@exercise(
    "In the last bench, with every guess graded: above what probability must the network be sure, so that on average "
    "it reads at most 40 pixels of a digit, and at least 70 % of the digits?",
    pixels.parameters["sure"],
    hint=("The headline says both numbers.", "Less sure is earlier, and more often wrong."),
)
def early_and_right(sure: float, seed: int) -> bool | str:
    frame = pixels.run(sure=sure, graded="every", seed=seed)
    needed, right = float(frame.needed), float(frame.stopped)
    if needed <= 40 and right >= 0.7:
        return True
    return f"With that it reads {needed:.1f} pixels and {right:.0%} of the digits."
