"""The network without what its activation passes on linearly."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the linear part of the activation",
    file="experiments.py",
    line="network = dual(constant, linear, power)",
    instead="network = dual(constant, 0.0, power)",
    shows="wide_deep_optimality.answers",
    fails=lambda frame: float(frame.agree.sel(rule="weighted vote")[-1]) < 0.97,
)
