"""A pair of devices that steps down as well as up."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="stepping only upwards",
    file="mechanism.py",
    line="elif method != UNIDIRECTIONAL:",
    instead="else:",
    shows="electronic_synapse.hwtrain",
    breaks=("upwards_only_beats_both_ways",),
)
