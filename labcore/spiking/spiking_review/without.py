"""Neurons that are not silenced: whoever reaches the threshold learns."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="one winner an image",
    file="plasticity.py",
    line="if compete:",
    instead="if False:",
    shows="spiking_review.fields",
    fails=lambda frame: float(frame.apart[-1]) < 0.2,
)
