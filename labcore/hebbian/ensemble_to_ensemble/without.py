"""As many edges, wherever they fall."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the groups",
    file="masked_linear.py",
    line="return same | (rng.random((out, into)) < p_inter)",
    instead="return rng.random((out, into)) < same.mean() + p_inter * (1 - same.mean())",
    shows="ensemble_to_ensemble.train",
    breaks=("rewiring_wears_modularity",),
)
