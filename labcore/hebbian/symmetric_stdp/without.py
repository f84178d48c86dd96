"""A synapse that hears the teacher's spikes after its own only."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the left lobe",
    file="primitives/spiking/stdp.py",
    line="w[i, j] = min(max(w[i, j] + at_pre * trace_post[j], low), high)",
    instead="w[i, j] = min(max(w[i, j], low), high)",
    shows="symmetric_stdp.window",
    # the claim that a network learns is a slow one
    fails=lambda frame: not (frame.change.where(frame.lag < 0, 0) > 0).any(),
)
