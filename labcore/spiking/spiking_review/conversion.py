"""A ReLU by counting: a neuron without a leak fires in proportion to its current.

    h = v + a,   it fires where h >= 1,   v = h - 1 after a spike,   v = 1/2 at the start
A spike takes one threshold and no more, so nothing is lost: after T steps of the current a from 0 to 1 it has fired
floor(1/2 + T a) times, which is T a rounded. Its rate is a staircase of T steps, 0 below it and 1 above.
A layer's currents are divided by one number, so that nearly all are below 1: a percentile of what its ReLUs say on
training images. Source: Diehl et al. (2015), doi:10.1109/IJCNN.2015.7280696; Rueckauer et al. (2017),
doi:10.3389/fnins.2017.00682.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from labcore.primitives.spiking.steps import Course, lif_compiled

Array = np.ndarray


def count(current: Float[Array, "T ..."], start: float = 0.5, hard: bool = False) -> Course:
    """Spikes and potentials under these currents, threshold 1. `hard`: a spike empties the neuron."""
    if hard:
        return lif_compiled(current, 1.0, 1.0, "hard", start=start)
    return lif_compiled(current, 1.0, 1.0, "soft", start=start)


def staircase(current: Float[Array, "*shape"], steps: int, start: float = 0.5) -> Float[Array, "*shape"]:
    """The rate after so many steps of a constant current, in closed form: floor(start + T a) / T in [0, 1]."""
    return (np.floor(start + steps * current) / steps).clip(0, 1)


def scale_of(answers: Float[Array, "B K"], percentile: float) -> float:
    """What a layer's currents are divided by: this percentile of its answers above 0, 1 where there are none."""
    above = answers[answers > 0]
    return float(np.percentile(above, percentile)) if above.size else 1.0
