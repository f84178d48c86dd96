"""The share phi of every mode that each full-batch method has fitted: one filter for all knobs of an optimizer."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from labcore.primitives.regression import spectral

from .spectral_bank import Array, SpectralBank


def filters(
    method: str, fits: SpectralBank, steps: int | Int[Array, "K 1"], lr_frac: float, ridge: float
) -> Float[Array, "*K R"]:
    """phi, the share of every mode that the method has fitted, after each number of steps.

    eta = lr_frac / s_max^2 on |Zw - Y|^2 / 2.
    """
    if method == "gd":
        return spectral.gd(fits.relative, steps, lr_frac)
    if method == "heavyball":
        return spectral.heavyball(fits.relative, steps, lr_frac, beta=0.9)
    if method == "ridge":
        return spectral.ridge(fits.s, ridge, np.repeat(fits.rows, np.diff(fits.offset)))
    return spectral.minnorm(fits.s)
