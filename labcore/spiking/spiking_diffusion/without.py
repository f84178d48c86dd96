"""A denoiser whose blocks replace what came before instead of adding to it."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the stream that is added to",
    file="networks.py",
    line="stream = stream + branch",
    instead="stream = branch",
    shows="spiking_diffusion.knob",
    fails=lambda frame: float(frame.distance.min()) > 5,
)
