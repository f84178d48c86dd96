"""Gates that are hidden in the circuit itself."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the latent space",
    file="mechanism.py",
    line='x = cover(embed(w, at.kind), mask & at_input[:, None], w["mask input"])',
    instead='x = cover(embed(w, at.kind), mask, w["mask input"])',
    shows="masked_gate_modeling.masking",
    breaks=("function_is_preserved",),
)
