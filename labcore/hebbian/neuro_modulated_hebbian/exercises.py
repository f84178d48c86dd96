"""What the lesson asks about the softness of the competition."""

from __future__ import annotations

from labcore.answers import number
from labcore.exercises import exercise

from .experiments import clusters


@exercise(
    "Two units, four clusters. Find a softness tau for which nobody shares: of every cluster, one unit takes more than "
    "90 %. Any such tau is right.",
    hint="Try the bench of the competition with k = 2.",
)
def nobody_owns(text: str, seed: int) -> bool | str:
    largest = clusters.run(tau=number(text), k=2, n_clusters=4, seed=seed).share.max("unit").values
    if (largest > 0.9).all():
        return True
    return f"With this tau a cluster is still split: its largest share is {largest.min():.2f}."
