"""Patterns in which every neuron has its entry."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the blanks",
    file="mechanism.py",
    line="return ((u >= d).astype(np.int8) - 2 * (u >= d + (1 - d) / 2)).astype(np.int8)",
    instead="return (1 - 2 * (u >= 0.5)).astype(np.int8)",
    shows="multitasking_hebbian.retrieve",
    breaks=("hierarchy_is_a_power_law",),
)
