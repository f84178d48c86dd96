"""The question of the lesson that the wiring in groups answers, and its checker."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import train


@exercise(
    "You use 16 groups in place of 8. Which probability p between different groups keeps a quarter of the edges?",
    asked("probability p", 0.0, 0.5),
    hint="Solve the formula of the share for p.",
)
def a_quarter(p: float, seed: int) -> bool | str:
    frame = train.run(groups=16, p_inter=p, hidden=128, epochs=10, n_seeds=1, seed=seed)
    edges = frame.edges.mean("repeat")
    share = (edges.sel(wiring="groups") / edges.sel(wiring="dense")).item()
    return True if abs(share - 0.25) <= 0.015 else f"With this p, {share:.1%} of the edges exist."
