"""A slope whose width does not follow the potentials: on a victim of another scale it reaches few of them."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the victim's own spread",
    file="neurons.py",
    line="sigma = torch.stack(potentials).detach().std((0, 2), correction=0)",
    instead="sigma = torch.full_like(potentials[0][:, 0], 0.3)",
    shows="sparse_attack.membrane",
    fails=lambda frame: float(frame.success[1]) < 0.5,
)
