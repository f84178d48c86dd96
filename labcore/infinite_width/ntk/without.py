"""The network without the 1 / sqrt(n) inside."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the division by √n inside the network",
    file="networks.py",
    line="return math.sqrt(variance / n)",
    instead="return math.sqrt(variance)",
    shows="ntk.kernel",
    fails=lambda frame: float(frame.distance[-1].mean()) > 10,
)
