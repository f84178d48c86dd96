"""A memory device whose conductance G in [0, 1] moves in pulses along a curved staircase.

P = `steps` pulses lead from 0 to 1, curvature c, B = 1 / (1 - exp(-P c)):
    k pulses up    G <- B - (B - G) exp(-k c)          k pulses down, mirrored    G <- (G + B - 1) exp(-k c) - (B - 1)
both cut off at 0 and 1. c = 0 is the straight device, G <- G +- k / P; so is one of P c under 1e-12, whose B may be
more than a number can hold.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from labcore.checked import above, checked
from labcore.kernels import kernel

STRAIGHT = 1e-12
Pulses = Annotated[float, above(0)]


@checked
@kernel
def potentiate(g: float, k: float, c: float, steps: Pulses) -> float:
    """The conductance after k pulses up from g, for a device of curvature c with `steps` pulses from 0 to 1."""
    if steps * c < STRAIGHT:
        return min(1.0, g + k / steps)
    # expm1 keeps the digits of an almost straight device, whose B is huge
    return min(1.0, g - (g + 1 / np.expm1(-steps * c)) * -np.expm1(-k * c))


@checked
@kernel
def depress(g: float, k: float, c: float, steps: Pulses) -> float:
    """The conductance after k pulses down: the same curve, seen from the top."""
    return 1 - potentiate(1 - g, k, c, steps)


@checked
@kernel
def pulses_to(g: float, c: float, steps: Pulses) -> float:
    """How many pulses up lead from 0 to g; a fraction where g is between two stairs."""
    return g * steps if steps * c < STRAIGHT else -np.log1p(g * np.expm1(-steps * c)) / c


@checked
@kernel
def rounded(request: float, cap: float, u: float) -> float:
    """A whole number of pulses whose mean over uniform u is the request, unless that is above the cap."""
    return min(cap, np.floor(request + u))


@checked
@kernel
def write(g: float, c: float, steps: Pulses, u: float) -> tuple[float, float]:
    """Reset a device and step it up to g: -> conductance, pulses. Between two stairs, u draws one; the mean is g."""
    exact = pulses_to(g, c, steps)
    low = min(np.floor(exact + 1e-9), steps - 1)
    below, above = potentiate(0.0, low, c, steps), potentiate(0.0, low + 1, c, steps)
    k = low + (u * (above - below) < g - below - 1e-9 * (above - below))
    return potentiate(0.0, k, c, steps), k
