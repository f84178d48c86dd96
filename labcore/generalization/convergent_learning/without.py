"""Units compared by their numbers, as if unit 7 of one network were unit 7 of the other."""

from __future__ import annotations

import numpy as np

from labcore.without import Without

WITHOUT = Without(
    idea="the matching",
    file="matching.py",
    line="rows, columns = linear_sum_assignment(likeness, maximize=True)",
    instead="rows = columns = np.arange(min(likeness.shape))",
    shows="convergent_learning.meet",
    fails=lambda frame: float(np.median(frame.diagonal)) < 0.3,
)
