"""How evenly a memory uses its directions: its singular values, and four numbers about them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Array = np.ndarray


def spectrum(w: Float[Array, "n n"], keys: Float[Array, "n n"], answers: Float[Array, "n n"]) -> Float[Array, " n-1"]:
    """The singular values of A^T W E, of which the mean over answers is taken off: a softmax does not see it.

    Without it there are n - 1, the largest first.
    """
    z = answers.T @ w @ keys
    return np.linalg.svd(z - z.mean(0), compute_uv=False)[:-1]


class Isotropy(NamedTuple):
    """Of a spectrum s with energies s^2; a flat one has 1, 1, its number of values, and a tenth."""

    flatness: float  # smallest / largest singular value
    entropy: float  # of the energies, as a share of that of equal ones
    rank: float  # e^entropy: how many equal values would have it
    top: float  # share of the energy in the largest tenth


def isotropy(s: Float[Array, " m"]) -> Isotropy:
    """Four measures of evenness. Raises ValueError for a spectrum that is 0, or falls short of two values."""
    if len(s) < 2 or not s.max() > 0:
        raise ValueError(f"s = {s} is not allowed; it must hold two values or more, and not all 0")
    energy = np.sort(s**2)[::-1] / (s**2).sum()
    entropy = -(energy * np.log(np.maximum(energy, 1e-300))).sum()
    tenth = round(len(s) / 10) or 1
    return Isotropy(s.min() / s.max(), entropy / np.log(len(s)), np.exp(entropy), energy[:tenth].sum())
