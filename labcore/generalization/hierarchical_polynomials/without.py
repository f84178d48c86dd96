"""Three layers without the curve over the bottleneck: what is left is a kernel of degree 2."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the curve of stage 2",
    file="bottleneck.py",
    line="return z + net.constant + bent",
    instead="return z + net.constant",
    shows="hierarchical_polynomials.bottleneck",
    breaks=("below_what_degree_two_can",),
)
