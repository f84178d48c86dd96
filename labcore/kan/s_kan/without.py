"""A pool of five names for one family."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the pool of families",
    file="basis_bank.py",
    line='if family == "spline":',
    instead="if family in FAMILIES:",
    shows="s_kan.families",
    fails=lambda frame: float(frame.rmse.max() - frame.rmse.min()) < 1e-9,
)
