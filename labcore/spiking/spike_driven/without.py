"""Potentials that go to the next weights as they are: no neuron in front of a block, so numbers are multiplied."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the neuron in front of each block",
    file="network.py",
    line="return u + mixer(fire(u))",
    instead="return u + mixer(u)",
    shows="spike_driven.pipe",
    fails=lambda frame: float(frame.products[1:].sum()) > 0,
)
