"""The idea alone, in torch or NumPy and numba: a point that goes down a noisy slope."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from labcore.checked import checked
from labcore.kernels import kernel


@checked
@kernel
def descend(x: float, rate: float, noise: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """Where the point is after each of T steps, from x: x <- x - rate (x + noise), with noise on the slope."""
    path = np.empty_like(noise)
    for t in range(len(noise)):
        x = x - rate * (x + noise[t])
        path[t] = x
    return path
