"""Questions of the lesson that `opposing_signals` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .descent import ends
from .experiments import POINTS, START
from .outliers import draw, merged, moments

ETA = asked("learning rate η", 1e-4, 10.0)


def _leaps(eta: float, size: float, seed: int) -> str:
    """What the loss does on its way: "falls", "leaps" or "runs away"."""
    all_points = merged(moments(draw(POINTS, size, 0.04, 0.1, 3.0, "opposing", seed)))
    _, rises = ends(*all_points[1:], START, np.array([eta]), 400)
    return "runs away" if np.isinf(rises[0, 0]) else "leaps" if rises[0, 0] > 1e-3 else "falls"


@exercise(
    "The outliers are of size 16. Name a learning rate η with which the loss leaps up on its way, and training still "
    "arrives.",
    ETA,
    hint="The valley ends up with a curvature of q s² |β|, and steps can follow up to 2/η. Here q = 0.04 and |β| = 3.",
)
def a_leap_that_ends(eta: float, seed: int) -> bool | str:
    does = _leaps(eta, 16.0, seed)
    return True if does == "leaps" else f"With this learning rate the {_SAID[does]}."


_SAID = {"falls": "loss only falls: the steps can follow the valley", "runs away": "training runs away"}


@exercise(
    "The outliers are only of size 8. How large can the learning rate η be if the loss is to fall at every step? An "
    "answer within a tenth is right.",
    ETA,
    hint="Set q s² |β| equal to 2/η, with q = 0.04 and |β| = 3.",
)
def the_largest_calm_rate(eta: float, seed: int) -> bool | str:
    if _leaps(eta / 1.1, 8.0, seed) != "falls":
        return "With this learning rate the loss does not fall at every step, and not with one a tenth smaller either."
    return True if _leaps(1.1 * eta, 8.0, seed) != "falls" else "Larger learning rates will do as well."
