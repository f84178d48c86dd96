"""Questions of the lesson that `hierarchical_polynomials` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .target import Link, ceiling, floor, inner


def _target(pieces: int, seed: int) -> np.ndarray:
    return inner(pieces, pieces, "equal", np.random.default_rng([seed, 0]))


@exercise(
    "The link has a = 1. Of how many pieces L must p consist at least, so that endless samples bring the bottleneck to "
    "a correlation of 0.95 with p? Half of the pieces have a minus sign.",
    asked("pieces L", 2, 200),
    hint="The correlation ends at 1/√(1 + 4a²/L). And L is even.",
)
def enough_pieces(pieces: int, seed: int) -> bool | str:
    if pieces % 2:
        return "As many pieces have a plus sign as have a minus sign, so their number is even."
    reached = ceiling(_target(pieces, seed), Link(1.0, 1.0))
    if reached < 0.95:
        return f"With {pieces} pieces the correlation ends at {reached:.4f}."
    fewer = pieces > 2 and ceiling(_target(pieces - 2, seed), Link(1.0, 1.0)) >= 0.95
    return "Fewer will do." if fewer else True


@exercise(
    "In 24 dimensions, with 24 pieces: for which bend a of the link is half of the target's variance out of reach of "
    "all polynomials of degree 2? An answer with which it is from 0.48 to 0.52 is right.",
    asked("bend a", 0.0, 100.0),
    hint="Roughly, the share is a²/(1 + a²).",
)
def half_out_of_reach(bend: float, seed: int) -> bool | str:
    share = floor(_target(24, seed), Link(1.0, bend))
    return True if 0.48 <= share <= 0.52 else f"With this bend the share out of reach is {share:.3f}."
