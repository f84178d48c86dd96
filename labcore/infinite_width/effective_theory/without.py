"""The network whose weights do not know how many inputs they share a neuron with."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the division by the width",
    file="ensemble.py",
    line="scale = np.sqrt(c_w / n)",
    instead="scale = np.sqrt(c_w)",
    shows="effective_theory.journey",
    fails=lambda frame: float(frame["size"].median("net")[-1]) > 1e6,
)
