"""Descent that reaches every direction of the features equally soon."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the slowness of weak directions",
    file="mechanism.py",
    line="return spectral.gd(fits.relative, steps, lr_frac)",
    instead="return spectral.gd(np.ones_like(fits.relative), steps, lr_frac)",
    shows="double_descent.model_wise",
    breaks=("spike_iff_low_loss",),
)
