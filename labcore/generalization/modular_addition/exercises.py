"""Questions of the lesson that `modular_addition` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .experiments import vote
from .frequency_race import blow_up_time

TIME = 0.6


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
    "A frequency starts with its phases off by D = 2.8 rad and with β = 1.5 in the second layer. How large must its "
    "amplitude α be, so that it becomes infinite after a time of 0.6? An answer within a twentieth is right.",
    asked("amplitude α", 0.01, 100.0),
    hint=("Drag your frequency in the race up and down, and read its time.", "It lies between 2.5 and 3.5."),
)
def in_time(alpha: float, seed: int) -> bool | str:
    early, late = (_time(alpha * f) for f in (1.05, 1 / 1.05))
    if early <= TIME <= late:
        return True
    return f"With this amplitude it takes a time of {_time(alpha):.2f}."


def _time(alpha: float) -> float:
    return float(blow_up_time(alpha, 1.5, 2.8, 1))
