"""Rows that softmax makes, as in any transformer."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the learned curves",
    file="mechanism.py",
    line="return PROJECTIONS[self.projection](attention)",
    instead="return scores.softmax(-1)",
    shows="karat.row",
    breaks=("rank_is_bounded",),
)
