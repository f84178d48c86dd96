"""The questions of the lesson that `kan_assessment` answers, and their checkers."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import edge, train


@exercise(
    "Which spline degree k makes the dragged point move exactly 2 of the 17 intervals?",
    edge.parameters["k"],
    hint="Count the intervals that move for k = 3 and for k = 2.",
)
def jump_free(degree: int, seed: int) -> bool | str:
    frame = edge.run(k=degree, drag=9, height=1.0, seed=seed)
    moved = frame.attrs["moved"] * frame.attrs["intervals"]
    return True if abs(moved - 2) < 0.2 else f"With degree {degree}, {moved:.1f} of the 17 intervals move."


@exercise(
    "Learn x times y, and lose at least one edge on the way: find a silencing penalty λ between 0 and 0.01 that "
    "prunes something and keeps the test error below 0.2. Any value that does it is right.",
    train.parameters["lam"],
    hint=("More penalty silences more edges.", "Watch them fade in the training bench, with weak edges removed."),
)
def small_enough(lam: float, seed: int) -> bool | str:
    frame = train.run(formula="xy", lam=lam, prune=True, n_train=300, steps=400, seed=seed)
    left, error = int(frame.alive.sum()), float(frame.test[-1])
    if left == len(frame.alive):
        return f"No edge was pruned (error {error:.3f})."
    return True if error < 0.2 else f"{left} edges are left, but the error is {error:.2f}."
