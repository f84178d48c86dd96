"""Questions of the lesson that `convex_relu` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .exchange import optimum
from .experiments import fit
from .patterns import all_patterns
from .samples import with_constant


@exercise(
    "The points of the first bench, as it opens. From which price β on has the best network no unit at all? An answer "
    "within a tenth is right.",
    asked("price β", 1e-3, 1e3),
    hint=(
        "A silent network misses by y itself, and a first unit w would save |y · relu(X w)|.",
        "Set β to 1, and look how far blue sticks out of the circle: it is drawn in prices.",
    ),
)
def price_of_silence(beta: float, seed: int) -> bool | str:
    values = fit.settings()
    x = with_constant(np.array([values[f"x_{k}"] for k in range(1, 8)]))
    y = np.array([values[f"y_{k}"] for k in range(1, 8)])
    if len(optimum(x, y, 1.1 * beta)[0].a):
        return "At this price the best network has a unit still, and at a tenth more too."
    return True if len(optimum(x, y, beta / 1.1)[0].a) else "A lower price silences it as well."


@exercise(
    "Thirty points stand at thirty places on a line, and the network has a constant input. How many patterns of points "
    "that a unit hears are there, the silent one counted?",
    asked("patterns", 1, 10**9),
    hint="A unit hears all points right of some place, or all points left of it.",
)
def how_many_patterns(patterns: int, seed: int) -> bool | str:
    x = with_constant(np.random.default_rng(seed).permutation(30) / 15 - 1)
    right = len(all_patterns(x)) + 1
    if patterns == right - 1:
        return "The one that hears nobody counts as well."
    return (
        True if patterns == right else "Slide a place over the line, for units that hear the right; then for the left."
    )
