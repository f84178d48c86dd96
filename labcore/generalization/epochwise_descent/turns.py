"""Turning points of a curve that is nearly smooth, and the curve in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def turning_points(values: Array, tolerance: float = 0.02, floor: float = 1e-3) -> list[int]:
    """Indices of the alternating interior minima and maxima of a curve (T,), those that matter.

    A turn counts once the curve has moved back from it by more than `tolerance` of its height there
    plus `floor` of the curve's largest value: wiggles and the rounding noise of a vanished error do not.
    """
    turns: list[int] = []
    margin = floor * np.max(np.abs(values))
    low = high = 0
    falling: bool | None = None
    for i, v in enumerate(values):
        if v < values[low]:
            low = i
        if v > values[high]:
            high = i
        if falling is not False and v > values[low] * (1 + tolerance) + margin:
            turns += [low] if falling else []
            falling, high = False, i
        elif falling is not True and v < values[high] * (1 - tolerance) - margin:
            turns += [high] if falling is False else []
            falling, low = True, i
    return turns


def describe(t: Array, values: Array, tolerance: float = 0.02) -> str:
    """The turns of a curve (T,) over times (T,) in words: 'falls to 0.26 at t = 6, rises to 0.33 at t = 150, ...'."""
    turns, last = turning_points(values, tolerance), len(values) - 1
    end = f"{values[-1]:.3f}"
    if not turns and abs(values[-1] - values[0]) <= tolerance * max(abs(values[0]), abs(values[-1])):
        return f"stays near {end}"
    verbs = ["falls" if values[b] < values[a] else "rises" for a, b in zip([0, *turns], [*turns, last], strict=True)]
    if not turns:
        return f"{verbs[0]} all the way from {values[0]:.3f} to {end}"
    legs = [f"{verb} to {values[i]:.3f} at t = {short(t[i])}" for verb, i in zip(verbs, turns, strict=False)]
    return ", ".join(legs) + f", then {verbs[-1]} and ends at {end}"


def short(t: float) -> str:
    """A time in two digits: 150, 12,000, 1e7."""
    rounded = float(f"{t:.2g}")
    return f"{rounded:,.0f}" if t < 1e6 else f"{rounded:.1e}".replace("e+0", "e").replace(".0e", "e")
