"""A worm that does not feel its own bend."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the sense of its own bend",
    file="mechanism.py",
    line="dorsal, ventral = prop * max(angles[i - 1], 0.0), prop * max(-angles[i - 1], 0.0)",
    instead="dorsal, ventral = 0.0, 0.0",
    shows="circuit_priors.swim",
    breaks=("innate_competence",),
)
