"""Questions of the lesson that `modular_addition` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .experiments import vote
from .frequency_race import blow_up_time


@exercise(
    "All circles of the first layer are turned by one number, those of the second stay. What does the network answer "
    "to 3 + 8, on the clock of 23?",
    asked("answer", 0, 22),
    hint="Both numbers go through the first layer.",
)
def turned_by_one(answer: int, seed: int) -> bool | str:
    found = int(np.argmax(vote.run(x=3, y=8, turn=1.0, seed=seed).vote.values))
    if answer == 11:
        return "So it is with circles that are not turned."
    if answer == 12:
        return "Each of the two numbers is turned."
    return True if answer == found else "That is not what it votes for."


@exercise(
    "A frequency starts with its phases off by D = 2 rad and with β = 0.7 in the second layer. How large must its "
    "amplitude α be, so that it becomes infinite after a time of 1? An answer within a twentieth is right.",
    asked("amplitude α", 0.01, 100.0),
    hint=("Drag your frequency in the race to D = 2, and read its time.", "It lies between 1 and 2."),
)
def in_time(alpha: float, seed: int) -> bool | str:
    early, late = (float(blow_up_time(alpha * f, 0.7, 2.0, 1)) for f in (1.05, 1 / 1.05))
    if early <= 1 <= late:
        return True
    return f"With this amplitude it takes a time of {float(blow_up_time(alpha, 0.7, 2.0, 1)):.2f}."
