"""Outliers of which both groups ask for the same."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="that the two groups oppose each other",
    file="outliers.py",
    line="return x @ direction + PULL * np.abs(feature)",
    instead="return x @ direction + PULL * feature",
    shows="opposing_signals.valley",
    breaks=("groups_take_turns",),
)
