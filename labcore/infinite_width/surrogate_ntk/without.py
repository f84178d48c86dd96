"""The kernel without its second slope: the true one on both sides."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the second slope",
    file="primitives/wide/recursion.py",
    line="passed = weight_var * slope(activation, sigma, d1, d2, second)",
    instead="passed = weight_var * slope(activation, sigma, d1, d2)",
    shows="surrogate_ntk.steeper",
    fails=lambda frame: float(frame.here_surrogate) > 5,
)
