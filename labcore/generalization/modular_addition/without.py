"""Voters whose second phase does not follow from the first."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the alignment of phases",
    file="voting.py",
    line="psi = 2 * phi + off",
    instead="psi = phi + off",
    shows="modular_addition.vote",
    breaks=("waves_meet_at_the_sum",),
)
