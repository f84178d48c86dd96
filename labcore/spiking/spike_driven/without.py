"""Shortcuts that add what comes out of neurons to what comes out of neurons: numbers are back."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the sum before the neuron",
    file="network.py",
    line="return u + mixer(fire(u))",
    instead="return fire(u) + fire(mixer(fire(u)))",
    shows="spike_driven.pipe",
    fails=lambda frame: float(frame.products[1:].sum()) > 0,
)
