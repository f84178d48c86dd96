"""A query that meets no key: pairs get what their rates let expect, and the two orders no longer agree."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the coincidences",
    file="attention.py",
    line="return q @ k.mT",
    instead="return q.mean(-1, keepdim=True) * k.sum(-1, keepdim=True).mT",
    shows="spikformer.tally",
    fails=lambda frame: float(frame.apart) > 0,
)
