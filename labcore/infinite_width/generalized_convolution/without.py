"""A filter that multiplies where it should measure a distance."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the distance in place of the dot product",
    file="experiments.py",
    line='kinds = ("dot", operator)',
    instead='kinds = ("dot", "dot")',
    shows="generalized_convolution.find",
    fails=lambda frame: float(frame.unlike[1]) > float(frame.nearest) + 0.02,
)
