"""Questions that `ann_to_snn_pretraining` answers, and their checkers."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import copy


@exercise(
    "An epoch with spikes costs 4 times what one with ReLUs costs. Two epochs with ReLUs and one with spikes read as "
    "many digits as one and a half epochs from scratch. What share of the operations does the copied one need?",
    asked("operations, copied / from scratch", 0.0, 5.0),
    hint=("Count in epochs with ReLUs.", "2 + 4 beside 1.5 times 4."),
)
def share_of_work(share: float, seed: int) -> bool | str:
    if abs(share - (2 + 4) / (1.5 * 4)) < 1e-6:
        return True
    return "Two epochs with ReLUs count as well." if abs(share - 4 / 6) < 0.01 else False


@exercise(
    "All statistics are copied. With which threshold, of all neurons, does the copy read at least 10 points more than "
    "with the threshold 1, in 4 time steps and without training?",
    copy.parameters["theta"],
    hint=("The deep layers get less current than they expect.", "Try it in the first bench."),
)
def lower_threshold(theta: float, seed: int) -> bool | str:
    other, plain = (float(copy.run(theta=t, seed=seed).here) for t in (theta, 1.0))
    return True if other >= plain + 0.1 else f"It reads {other:.0%}, with the threshold 1 {plain:.0%}."
