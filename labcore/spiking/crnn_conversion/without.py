"""A neuron that cannot take a spike back."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the negative spike",
    file="neuron.py",
    line="return -1",
    instead="return 0",
    shows="crnn_conversion.glass",
    breaks=("any_order", "no_error"),
)
