"""Questions of the lesson that `modular_addition` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .experiments import vote


@exercise(
    "All circles of the first layer are turned by one number, those of the second stay. What does the network answer "
    "to 3 + 8, on the clock of 23?",
    asked("answer", 0, 22),
    hint="Both numbers go through the first layer.",
)
def turned_by_one(answer: int, seed: int) -> bool | str:
    found = int(np.argmax(vote.run(x=3, y=8, turn=1.0, seed=seed).vote.values))
    if answer == (3 + 8) % 23:
        return "That would be so with circles that are not turned."
    if answer == (3 + 8 + 1) % 23:
        return "Each of the two numbers is turned."
    return True if answer == found else "That is not what it votes for."
