"""A winner that learns from all pixels alike, whether they spiked before it or too late."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the order of spikes",
    file="plasticity.py",
    line="weights[d, first] += (plus if arrived[d] else -minus) * w * (1 - w)",
    instead="weights[d, first] += plus * w * (1 - w)",
    shows="spiking_review.fields",
    fails=lambda frame: float(frame.apart[-1]) < 0.2,
)
