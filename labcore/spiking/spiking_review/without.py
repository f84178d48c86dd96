"""A neuron that a spike empties: what was above the threshold is lost each time."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="what is left over",
    file="conversion.py",
    line='return lif_compiled(current, 1.0, 1.0, "soft", start=start)',
    instead='return lif_compiled(current, 1.0, 1.0, "hard", start=start)',
    shows="spiking_review.count",
    breaks=("counting",),
    fails=lambda frame: float(abs(frame.rate - frame.current.clip(0, 1)).max()) > 0.2,
)
