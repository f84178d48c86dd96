"""The soft neuron with a hard spike forward, and its smooth slope still put in backward."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the same function forward and backward",
    file="mechanism.py",
    line="return torch.sigmoid((h - theta) / eps)",
    instead="return (h >= theta) + (soft := torch.sigmoid((h - theta) / eps)) - soft.detach()",
    shows="ultra_lif.tangents",
    fails=lambda frame: float(abs(frame.said[1] - frame.true[1]).max()) > 1e-3,
)
