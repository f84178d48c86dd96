"""The cut without its unit: eigenvalues as they are, not in units of their mean."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the unit in which the product is taken",
    file="spectrum.py",
    line="scaled = lam / lam.mean()",
    instead="scaled = lam",
    shows="setol.training",
    breaks=("the_cut_of_a_power_law",),
)
