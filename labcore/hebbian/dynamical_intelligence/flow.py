"""Oscillators moved on in time with steps that a tolerance chooses: the pair of Dormand and Prince.

Each step is taken with orders five and four at once; their difference is its error, and chooses the next step. The
first step and the rules are those of SciPy's RK45 with rtol = atol = tolerance, and so are the steps.
Source: Dormand and Prince, J. Comput. Appl. Math. 6 (1980); Hairer, Norsett, Wanner, Solving ODEs I, II.4.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float, Real

from labcore.checked import above, checked, within
from labcore.kernels import kernel

from .kuramoto import Indices, Starts, velocity

Array = np.ndarray
STAGES = np.array(
    [
        [1 / 5, 0, 0, 0, 0, 0],
        [3 / 40, 9 / 40, 0, 0, 0, 0],
        [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],  # the step itself, and the first of the next
    ]
)
ERROR = np.array([-71 / 57600, 0, 71 / 16695, -71 / 1920, 17253 / 339200, -22 / 525, 1 / 40])


@kernel
def _into(place, values):
    for i in range(len(place)):
        place[i] = values[i]


@kernel
def _add(place, share, values):
    for i in range(len(place)):
        place[i] += share * values[i]


@kernel
def _norm(x, now, new, tolerance):
    """Root mean square of x in units of what is tolerated: tolerance (1 + |angle|)."""
    total = 0.0
    for i in range(len(x)):
        total += (x[i] / (tolerance * (1 + max(abs(now[i]), abs(new[i]))))) ** 2
    return np.sqrt(total / len(x))


@kernel(error_model="numpy")  # what is divided by zero is refused as a step
def _first_step(now, slope, w, k, starts, indices, time, tolerance):
    """A step after which a Taylor series has an error of a hundredth of the tolerance, about."""
    size, speed = _norm(now, now, now, tolerance), _norm(slope, now, now, tolerance)
    step = min(1e-6 if size < 1e-5 or speed < 1e-5 else 0.01 * size / speed, time)
    there = now.copy()
    _add(there, step, slope)
    bent = velocity(there, w, k, starts, indices)
    _add(bent, -1.0, slope)
    bend = _norm(bent, now, now, tolerance) / step
    most = max(speed, bend)
    return min(100 * step, max(1e-6, step * 1e-3) if most <= 1e-15 else (0.01 / most) ** 0.2, time)


@checked
@kernel
def advance(
    theta: Float[Array, "M N"],
    w: Real[Array, " N"],
    k: Float[Array, " M"],
    starts: Starts | None,
    indices: Indices | None,
    time: Annotated[float, above(0)],
    tolerance: Annotated[float, within(1e-12, 0.1)],
    step: Annotated[Float[Array, " M"], within(0)],
) -> None:
    """Move theta on by this time, in place; row m has the coupling k[m].

    step is what each row tries first, 0 where it is to find that out; what it would try next is left there.
    Raises ValueError where no step is short enough.
    """
    slopes, error, new = np.empty((7, len(w))), np.empty(len(w)), np.empty(len(w))
    for m in range(len(k)):
        now, done, most = theta[m], 0.0, 10.0
        _into(slopes[0], velocity(now, w, k[m], starts, indices))
        if step[m] == 0:
            step[m] = _first_step(now, slopes[0], w, k[m], starts, indices, time, tolerance)
        while done < time:
            h = min(step[m], time - done)
            if not h >= 1e-15 * time:
                raise ValueError("theta cannot be moved on to this tolerance: the steps became too short")
            for stage in range(6):
                _into(new, now)
                for j in range(stage + 1):
                    _add(new, h * STAGES[stage, j], slopes[j])
                _into(slopes[stage + 1], velocity(new, w, k[m], starts, indices))
            for i in range(len(w)):
                error[i] = 0.0
            for j in range(7):
                _add(error, h * ERROR[j], slopes[j])
            wrong = _norm(error, now, new, tolerance)
            factor = min(most, max(0.2, 0.9 * wrong**-0.2)) if wrong > 0 else most
            if wrong < 1:
                # one that was cut at the end says little of the next one
                step[m] = max(h * factor, step[m] if h < step[m] else 0.0)
                done, most = time if h >= time - done else done + h, 10.0
                _into(now, new)
                _into(slopes[0], slopes[6])
            else:  # also where it is not a number; and the next one is not longer
                step[m], most = h * (factor if wrong >= 1 else 0.2), 1.0
