"""Units that learn by Hebb's product alone."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the forgetting",
    file="primitives/local_rules/hebb_rules.py",
    line="w[k, d] += eta * y[k] * (x[t, d] - back[d])",
    instead="w[k, d] += eta * y[k] * x[t, d]",
    shows="hebbian_projection.plane",
    # the claims are about lateral units of a network; here the weights must stay near length 1
    fails=lambda frame: bool((frame.length[-1] > 2).any()),
)
