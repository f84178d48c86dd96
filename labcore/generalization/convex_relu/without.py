"""The program without its cones: a unit may answer for points that it does not hear."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the cones",
    file="admm.py",
    line="s[c, k] = max(side, 0.0)",
    instead="s[c, k] = side",
    shows="convex_relu.fit",
    breaks=("the_program_meets_its_floor",),
)
