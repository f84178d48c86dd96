"""The network with an activation that is cut off below zero, as ReLU is."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the bent side below zero",
    file="activation.py",
    line="return lam * F.elu(z, alpha)",
    instead="return lam * F.relu(z)",
    shows="selu.plane",
    fails=lambda frame: abs(float(frame.variance[-1]) - 1) > 0.5,
)
