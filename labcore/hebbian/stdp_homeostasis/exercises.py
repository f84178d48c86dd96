"""What the lesson asks about the tolerance of a detector and about how many patterns one neuron can share."""

from __future__ import annotations

import numpy as np

from labcore.exercises import exercise

from .experiments import detect, detector


@exercise(
    "16 lamps, inhibition κ = 0.5. Find a threshold h that accepts two lamps off with two strangers on, but not three "
    "off with one on.",
    detector.parameters["h"],
    hint="Put both inputs into the rule.",
)
def tolerant(h: float, seed: int) -> bool | str:
    accepted = detector.run(h=h, kappa=0.5, active=16, seed=seed).accepted
    yes, no = (int(accepted.sel(missing=m, strangers=e)) for m, e in ((2, 2), (3, 1)))
    if not yes:
        return "Two lamps off and two strangers on is not accepted."
    return True if no == 0 else "Three lamps off and one stranger on is accepted too."


@exercise(
    "How many random patterns can one neuron share before its balanced accuracy falls below 0.8 (16 lines each, mean "
    "of five draws)? Give a number of at least 3 that still works.",
    detect.parameters["n_patterns"],
    hint="Watch the dark orange line of the shared detector, and try other seeds.",
)
def wide_enough(p: int, seed: int) -> bool | str:
    runs = [detect.run(n_patterns=p, mode="shared", probes=500, seed=s) for s in range(seed, seed + 5)]
    mean = np.mean([float(f.accuracy[-1]) for f in runs])
    if mean < 0.8:
        return f"With {p} patterns the balanced accuracy is {mean:.2f}, mean of five draws."
    return True if p >= 3 else "That works, but more patterns still would."
