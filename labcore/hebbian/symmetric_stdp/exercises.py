"""What the lesson asks about a window under which a random teacher moves nothing."""

from __future__ import annotations

import numpy as np

from labcore.exercises import exercise

from .experiments import window


@exercise(
    "The left lobe is at -0.5. How high must the right lobe be so that a random teacher moves the weights by less than "
    "0.1 on average?",
    window.parameters["after"],
    hint="What must the area of the window be?",
)
def no_drift(after: float, seed: int) -> bool | str:
    if after == 0:
        return "With both lobes at 0 nothing ever changes. Keep the left one at -0.5."
    runs = [window.run(before=-0.5, after=after, seed=s) for s in range(seed, seed + 5)]
    drift = np.mean([float(run["mean"][-1]) for run in runs])
    if abs(drift) < 0.1:
        return True
    return f"With this window a random teacher still moves the weights by {drift:+.2f}."
