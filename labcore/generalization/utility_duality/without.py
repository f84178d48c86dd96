"""Rivals that anybody draws, in place of those that the learner would choose itself."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="that rivals are the learner's own choices",
    file="rivals.py",
    line="p[k] = np.exp(row[k] - top)",
    instead="p[k] = 1.0",
    shows="utility_duality.tug",
    breaks=("it_chooses_as_it_is_shown",),
)
