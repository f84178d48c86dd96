"""Two senses whose projections stay as they were drawn: nothing is learned, and their spaces have nothing in common."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the alignment",
    file="alignment.py",
    line="optimizer.step()",
    instead="pass",
    shows="liquid_state.unseen",
    fails=lambda frame: float(frame.met[:, -1].mean()) < 0.35,
)
