"""A network that shrinks in time without training in between: one stage of a single step, thresholds as they were."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="one step fewer at a time",
    file="routes.py",
    line="return [max(first - i // each, 1) for i in range(batches)]",
    instead="return [1 for _ in range(batches)]",
    shows="one_timestep.shrink",
    fails=lambda frame: int((frame.rate[0, -1] < 0.005).sum()) >= 2,
)
