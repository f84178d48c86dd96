"""Questions of the lesson on attacks, and their checkers."""

from __future__ import annotations

import math

from labcore.exercises import asked, exercise

from .experiments import flips, membrane


@exercise(
    "The potentials of a layer have the spread 4. How large is the fitted slope at u = 2, half a spread above 0?",
    asked("slope", 0.0, 1.0),
    hint=("There the bell has its top.", "The top of a bell of width sigma is 1 / (sqrt(2 pi) sigma)."),
)
def top_of_the_bell(slope: float, seed: int) -> bool | str:
    if abs(slope - 1 / (math.sqrt(2 * math.pi) * 4)) < 0.002:
        return True
    return "That is the top of a bell of width 1." if abs(slope - 1 / math.sqrt(2 * math.pi)) < 0.01 else False


@exercise(
    "The scale of the currents is 12, and the attacker has a rectangle. How wide must it be, so that at least half of "
    "the digits are made wrong?",
    membrane.parameters["width"],
    hint=("Look at how far the potentials spread.", "Much wider than 1."),
)
def wide_enough(width: float, seed: int) -> bool | str:
    made = float(membrane.run(gain=12, kind="rectangle", width=width, seed=seed).success[0])
    return True if made >= 0.5 else f"With that width {made:.0%} of the digits are made wrong."


@exercise(
    "How many flips, best first, are needed before digit 0 of the bench is read wrong?",
    flips.parameters["count"],
    hint=("Move the slider until the answer changes.", "The lead of the right digit falls below 0."),
)
def fewest(count: int, seed: int) -> bool | str:
    frame = flips.run(count=count, seed=seed)
    enough = int(frame.needed)
    return True if count == enough else "Fewer are enough." if count > enough else "It is still read right."
