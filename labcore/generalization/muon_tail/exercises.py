"""Questions of the lesson that `muon_tail` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .codes import code, frequencies
from .memory import train
from .updates import rule

FACTS = 64


def _trained(name: str, eta: float, exponent: float, seed: int) -> tuple[int, float]:
    """Steps until a fact of 64 in turned codes is known to 95 %, and the chance of the least known one."""
    rng = np.random.default_rng(seed)
    keys, answers = code(FACTS, 1.0, "all", rng), code(FACTS, 1.0, "all", rng)
    run = train(frequencies(FACTS, exponent), keys, answers, rule(name, eta), np.array([0.95]), 4000)
    return int(run.step[0]), float(run.known[0].min())


@exercise(
    "A memory of K = 64 facts begins at W = 0. Exact Muon, with learning rate η = 0.05, makes all its singular values "
    "grow by 0.05 a step. After how many steps is a fact known to 95 %? An answer within a twentieth is right.",
    asked("steps", 1.0, 1e4),
    hint=(
        "Then W is α times the sum of all outer products: the right answer's score is α above every other one.",
        "The chance is e^α / (e^α + 63).",
    ),
)
def steps_of_muon(steps: float, seed: int) -> bool | str:
    needed, _ = _trained("Muon", 0.05, 1.0, seed)
    if abs(steps / needed - 1) <= 0.05:
        return True
    return "By then it is known better than that." if steps > needed else "By then it is not known so well."


@exercise(
    "How heavy may the tail be for Adam? Find an exponent s at which, in turned codes, it knows the rarest of 64 facts "
    "to about a half (from 40 to 60 %) when the best known is at 95 %.",
    asked("tail exponent s", 0.0, 2.0),
    hint="Let the bench draw it over the tail exponent.",
)
def a_tail_for_adam(exponent: float, seed: int) -> bool | str:
    _, least = _trained("Adam", 0.005, exponent, seed)
    return True if 0.4 <= least <= 0.6 else f"With this exponent it knows the rarest to {least:.0%}."
