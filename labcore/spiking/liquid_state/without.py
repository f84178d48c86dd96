"""A liquid whose neurons do not hear each other: only what comes from outside makes them fire, no ripple spreads."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the wires among neurons",
    file="liquid.py",
    line="v[i] += among[j, i]",
    instead="v[i] += 0.0",
    shows="liquid_state.ripples",
    fails=lambda frame: float(frame.late[-1]) < 0.05,
)
