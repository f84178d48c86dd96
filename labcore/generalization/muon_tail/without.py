"""Muon with the singular values of its gradient, scaled to a largest of 1, in place of equal ones."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the equal singular values",
    file="updates.py",
    line="return (u * (s > NULL * s[0])) @ vt",
    instead="return (u * (s / s[0])) @ vt",
    shows="muon_tail.memory",
    breaks=("muon_knows_the_rarest",),
)
