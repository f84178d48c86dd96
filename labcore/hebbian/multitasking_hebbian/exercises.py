"""What the lesson asks about the ladder of overlaps: its rungs, one pattern left alone, the end of the ladder."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from labcore.exercises import asked, exercise

from .experiments import retrieve
from .mechanism import Array


def _overlaps(**values: float | str) -> Float[Array, " K"]:
    """Final overlaps, the strongest first."""
    return np.sort(np.abs(retrieve.run(**values).overlap.values[-1]))[::-1]


@exercise(
    "Two patterns, temperature T = 0.02. Choose the blank share d so that the second one is recalled a third as "
    "strongly as the first.",
    retrieve.parameters["d"],
    hint="What is the ratio of two rungs of the ladder?",
)
def second_is_a_third(d: float, seed: int) -> bool | str:
    m = _overlaps(d=d, K=2, start="hierarchy", seed=seed)
    if abs(m[1] / m[0] - 1 / 3) < 0.02:
        return True
    return f"With d = {d:g} the second overlap is {m[1] / m[0]:.2f} of the first."


@exercise(
    "At a blank share d = 0.4 three patterns are recalled. Find a temperature at which only the first is (above 0.3), "
    "and the others are below 0.05.",
    retrieve.parameters["T"],
    hint="Look along T on the map, at d = 0.4.",
)
def only_one_left(t: float, seed: int) -> bool | str:
    m = _overlaps(d=0.4, T=t, K=3, N=50_000, start="hierarchy", sweeps=60, seed=seed)
    if m[0] < 0.3:
        return f"Too hot: even the first overlap is only {m[0]:.2f}."
    return True if m[1] < 0.05 else f"At T = {t:g} the second overlap is still {m[1]:.2f}."


@exercise(
    "Four patterns, temperature T = 0. At which blank share d does the ladder break? The checker runs networks 0.03 "
    "below and above your answer.",
    asked("blank share d", 0.5, 0.7),
    hint="A neuron that is filled in all four: when do three followers outvote the leader? Solve 1 - 2d + d^4 = 0.",
)
def ladder_breaks(d: float, seed: int) -> bool | str:

    def off(at: float) -> float:
        m = _overlaps(d=at, T=0.0, K=4, N=100_000, start="hierarchy", sweeps=30, seed=seed)
        return float(np.abs(m - (1 - at) * at ** np.arange(4)).max())

    if (below := off(d - 0.03)) > 0.008:
        return f"At d = {d - 0.03:.3f} the ladder is already off by {below:.3f}."
    if (above := off(d + 0.03)) > 0.008:
        return True
    return f"At d = {d + 0.03:.3f} the ladder still stands, within {above:.3f}."
