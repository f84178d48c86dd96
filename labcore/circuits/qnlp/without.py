"""Words that are measured one by one."""

from __future__ import annotations

import xarray as xr

from labcore.without import Without


def _no_words_meet(frame: xr.Dataset) -> bool:
    """Whether each box on two wires is inside one word."""
    word = frame.word.values
    joined = frame.second.values >= 0
    return bool((word[frame["first"].values[joined]] == word[frame.second.values[joined]]).all())


WITHOUT = Without(
    idea="the cups",
    file="qubit_circuit.py",
    line='steps = ((0, "CNOT"), (0, "H"), (1, "<0|"), (0, "<0|"))',
    instead='steps = ((1, "<0|"), (0, "<0|"))',
    shows="qnlp.sentence",
    # the claims train networks of their own, which contract the same diagrams as tensors
    fails=_no_words_meet,
)
