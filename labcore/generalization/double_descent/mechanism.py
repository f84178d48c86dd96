"""The mechanism of `double_descent`."""

from __future__ import annotations

from typing import Any

import numpy as np

from labcore.primitives.regression import spectral

from . import spectral_bank


def filters(method: str, fits: spectral_bank.SpectralBank, steps: Any, lr_frac: float, ridge: float) -> np.ndarray:
    """phi (R,): which share of every mode the method has fitted. eta = lr_frac / s_max^2 on |Zw - Y|^2 / 2."""
    if method == "gd":
        return spectral.gd(fits.relative, steps, lr_frac)
    if method == "heavyball":
        return spectral.heavyball(fits.relative, steps, lr_frac, beta=0.9)
    if method == "ridge":
        return spectral.ridge(fits.s, ridge, np.repeat(fits.rows, np.diff(fits.offset)))
    return spectral.minnorm(fits.s)
