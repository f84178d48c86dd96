"""Neurons that keep no charge from one time step to the next: with one step or with five, each step stands alone."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the charge that gathers",
    file="networks.py",
    line='return lif(scaled, leak.clamp(0, 1), 1.0, "soft", surrogate="triangle", alpha=self.gamma).spikes',
    instead='return lif(scaled, 0 * leak, 1.0, "soft", surrogate="triangle", alpha=self.gamma).spikes',
    shows="one_timestep.lever",
    fails=lambda frame: float(frame.accuracy[0]) > float(frame.accuracy[4]) - 0.1,
)
