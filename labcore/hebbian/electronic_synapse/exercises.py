"""The questions of the lesson about crooked devices, and their checkers."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import cancel, hwtrain


@exercise(
    "The plain pair is poor at a learning rate of 0.1. Find a learning rate with which it reaches 85 % "
    "(curvature 0.1, 20 epochs, mean of the last five epochs).",
    hwtrain.parameters["lr"],
    hint="It takes twice the step that it was asked for, and what it forgets grows with the number of pulses.",
)
def pair_repaired(lr: float, seed: int) -> bool | str:
    frame = hwtrain.run(n_seeds=2, lr=lr, seed=seed)
    score = float(frame.accuracy.sel({"method": "pair"}).values[:, -10:].mean())
    return True if score >= 0.85 else f"With this learning rate the plain pair reaches {score:.1%}."


@exercise(
    "Which curvature leaves half of a weight after 60 cancelling requests, with the halved pair and 128 pulses? "
    "Within 5 percentage points is right.",
    cancel.parameters["curvature"],
    hint="Solve ((1 + q)/2)^60 = 1/2 for q = exp(-c).",
)
def half_forgotten(curvature: float, seed: int) -> bool | str:
    frame = cancel.run(curvature=curvature, pulses=128, seed=seed)
    weight = frame.weight.sel({"method": "halved pair"}).values
    left = weight[60] / weight[0]
    return True if abs(left - 0.5) <= 0.05 else f"With this curvature {left:.0%} is left after 60 requests."
