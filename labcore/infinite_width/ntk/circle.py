"""Inputs on a circle, on which the limiting kernel depends on the angle between two inputs only."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Array = np.ndarray


def circle(angles: Float[Array, " n"]) -> Float[Array, "n 2"]:
    """Points at these angles on the circle of radius sqrt(2): <x, x> / n_0 = 1."""
    return np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def waves(f: Float[Array, "... n"]) -> Float[Array, "... k"]:
    """How large the waves of 0, 1, ... n // 2 periods are in n values at equal angles: root mean squares.

    These waves are the eigenvectors of every kernel that depends on the angle only, a sine and a cosine together.
    """
    n = f.shape[-1]
    power = np.abs(np.fft.rfft(f)) ** 2 / n**2
    twice = np.full(power.shape[-1], 2.0)
    twice[0] = 1.0
    if n % 2 == 0:
        twice[-1] = 1.0
    return np.sqrt(twice * power)


def rates(row: Float[Array, " n"]) -> Float[Array, " k"]:
    """The eigenvalues of Theta / n, one a wave, from the kernel of the first of n equal angles with all of them."""
    return np.fft.rfft(row).real / len(row)
