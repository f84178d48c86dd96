"""A mode whose gates stay open, whatever they have learned."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the gate",
    file="mechanism.py",
    line="return gamma * a * h, a",
    instead="return h, a",
    shows="dopamine_modes.specialise",
    # the claim that gates recover accuracy is a slow one
    fails=lambda frame: bool((frame.accuracy.sel(learner="gate") == frame.accuracy.sel(learner="frozen")).all()),
)
