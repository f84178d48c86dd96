"""The same two projections, taken in turn."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the reflection",
    file="relax_reflect.py",
    line="wR[:], xR[:], yR[:] = 2 * wA - w, 2 * xA - x, 2 * yA - y",
    instead="wR[:], xR[:], yR[:] = wA, xA, yA",
    shows="boolean_threshold.search",
    # the claim that runs are solved is a slow one
    fails=lambda frame: not frame.solved.any(),
)
