"""The questions of the lesson that `separable` answers, and their checkers."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import fit, rollout


@exercise(
    "How many products does the six-input target need? Give a rank R for which the error is at most 5 % with at most "
    "170 numbers.",
    fit.parameters["rank"],
    hint=("Count the products in the formula of the target.", "A spare one can help the training."),
)
def sparing(rank: int, seed: int) -> bool | str:
    frame = fit.run(rank=rank, steps=1000, n_seeds=2, seed=seed)
    error, size = float(frame.error[0, :, -1].mean()), int(frame.params[0])
    if error > 0.05:
        return f"{rank} products leave an error of {error:.1%}."
    return True if size <= 170 else f"The error is {error:.1%}, but that takes {size} numbers."


@exercise(
    "Find how many steps p must lie between two sights so that the mean-square model's own future keeps at least 90 % "
    "of the true spread.",
    rollout.parameters["p"],
    hint=(
        "How many turns can a curve with six intervals make?",
        "The map seen every p steps makes 2^p - 1 turns.",
    ),
)
def still_alive(p: int, seed: int) -> bool | str:
    frame = rollout.run(p=p, steps=600, n_seeds=2, seed=seed)
    spread = float(frame.spread[0].max())  # of two networks: one may fall into a short cycle of its own
    if spread < 0.9:
        return f"Seen every {p} steps, the mean-square roll-out keeps only {spread:.0%} of the spread."
    return True
