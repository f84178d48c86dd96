"""The question of the lesson that `epochwise_descent` answers, and its checker."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import trajectory


@exercise(
    "Two scales, but no bump: find a shrinking factor κ above 1 for which the test error never rises by more than "
    "5 % during training (130 samples, 70 fast directions, no noise).",
    trajectory.parameters["kappa"],
    hint="When do the slow directions arrive, compared with the overfitting of the fast ones?",
)
def two_scales_one_descent(kappa: float, seed: int) -> bool | str:
    error = trajectory.run(kappa=kappa, seed=seed).error.mean("repeat").values
    rise = max(error[i:].max() / error[i] for i in range(len(error)) if error[i] > 1e-3)
    if kappa == 1:
        return "One scale is too easy. Find a κ above 1."
    return True if rise < 1.05 else f"With this κ the test error still rises by {rise - 1:.0%} somewhere."
