"""Prediction of the length by the loss's symmetry alone, as if steps had no kinetic energy."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the kinetic energy of the steps",
    file="norms.py",
    line="gain = eta * (1.0 if rate == 0 else -np.expm1(-rate) / rate) * 2 * mass / friction",
    instead="gain = 0.0",
    shows="noether_dynamics.spiral",
    breaks=("speeds_make_the_length",),
)
