"""A diagram whose operations cost what comes out of them."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the axes that are summed away",
    file="diagrams/fuse.py",
    line="labels = {n for operand in self.operands for n in operand.labels} | set(self.out)",
    instead="labels = set(self.out)",
    shows="neural_circuit_diagrams.diagram",
    breaks=("cost_is_counted",),
)
