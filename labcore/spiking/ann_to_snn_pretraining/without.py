"""A spiking network that begins with nothing, after all the training with ReLUs."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the copy",
    file="bridge.py",
    line="spiking.load_state_dict(analog.state_dict())",
    instead="analog.state_dict()",
    shows="ann_to_snn_pretraining.copy",
    breaks=("statistics",),
)
