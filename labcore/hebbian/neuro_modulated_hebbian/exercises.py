"""What the lesson asks about the softness of the competition."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import clusters


@exercise(
    "Two units, four clusters. Find a softness τ of the competition for which nobody shares: of every cluster, one "
    "unit takes more than 90 %. Any such τ is right.",
    clusters.parameters["tau"],
    hint="Try the bench of the competition with two units.",
)
def nobody_owns(tau: float, seed: int) -> bool | str:
    largest = clusters.run(tau=tau, k=2, n_clusters=4, seed=seed).share.max("unit").values
    if (largest > 0.9).all():
        return True
    return f"With this τ a cluster is still split: its largest share is {largest.min():.2f}."
