"""Units that grow by all inputs, also by those that they do not hear."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="that a unit grows only by what it hears",
    file="mechanism.py",
    line="heard = slope",
    instead="heard = torch.ones_like(slope)",
    shows="representational_geometry.alignment",
    breaks=("a_deaf_side_leaves_the_labels",),
)
