"""The program without its cones: a unit may answer for points that it does not hear."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the cones",
    file="admm.py",
    line="s[c, k] = max(side, 0.0)",
    instead="s[c, k] = side",
    shows="convex_relu.fit",
    fails=lambda frame: float(frame.floor) < 0.98 * float(frame.loss),
)
