"""Questions of the lesson that `convergent_learning` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .experiments import partners, turn
from .matching import one_to_one

LIKENESS = np.array([[0.9, 0.8], [0.85, 0.1]])


@exercise(
    "Two units of A, two of B. The correlations of A's first unit are 0.9 and 0.8, those of the second 0.85 and 0.1. "
    "What is the mean correlation of the pairs in the best one-to-one matching?",
    asked("mean correlation", -1.0, 1.0),
    hint="There are only two matchings. Who has to give way?",
)
def who_gives_way(mean: float, seed: int) -> bool | str:
    right = float(LIKENESS[one_to_one(LIKENESS)].mean())
    if abs(mean - right) < 0.005:
        return True
    if abs(mean - LIKENESS.max(1).mean()) < 0.006:
        return "That lets both units of A have the same partner."
    return "Add up both matchings, and compare."


@exercise(
    "Find a penalty λ with which a unit of B, in layer 1, is predicted from four units of A on average, give or take a "
    "half.",
    partners.parameters["penalty"],
    hint="A higher price leaves fewer. Drag the blue line of the bench.",
)
def four_partners(penalty: float, seed: int) -> bool | str:
    frame = partners.run(penalty=penalty, seed=seed)
    used = float(frame.used.sel(penalty=penalty, method="nearest"))
    return True if abs(used - 4) <= 0.5 else f"With this penalty it is {used:.1f} units on average."


@exercise(
    "B's axes are turned as far as they go. Which share of the mean correlation of matched units in layer 2 is left? "
    "An answer within five percent is right.",
    asked("share left", 0.0, 100.0, "%"),
    hint="Read both ends of the blue curve, and divide.",
)
def what_a_turn_leaves(share: float, seed: int) -> bool | str:
    matched = turn.run(layer=2, seed=seed).matched.values
    left = 100 * float(matched[-1] / matched[0])
    return True if abs(share - left) <= 5 else "That is not what is measured."
