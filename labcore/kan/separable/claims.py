"""Products against an equal network, the order of interaction, and what a drawn future keeps in chaos."""

from __future__ import annotations

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import fit, rollout


def _errors(budget: Budget, **values: int) -> dict[str, float]:
    frame = once(fit, budget, n_seeds=3, **values)
    return dict(zip(frame.model.values, frame.error[:, :, -1].mean("repeat").values))


@claim("A sum of a few products of curves learns a separable function far better than an equal MLP")
def products_beat_an_mlp(budget: Budget) -> Evidence:
    error = _errors(budget)
    return Evidence(
        {"CP": error["CP"], "MLP": error["MLP"], "ratio": error["CP"] / error["MLP"]},
        "relative test error of CP with R = 4 <= 0.2, and <= 0.4 of the MLP's, both at the best of three rates",
        error["CP"] <= 0.2 and error["CP"] <= 0.4 * error["MLP"],
        n_seeds=3,
    )


@claim("The order of the interaction decides: without products the same curves learn almost nothing")
def order_matters(budget: Budget) -> Evidence:
    error = _errors(budget, steps=200)  # the additive model is solved, not trained
    return Evidence(
        {"additive": error["additive"]},
        "relative test error of the best additive model >= 0.9",
        error["additive"] >= 0.9,
        n_seeds=3,
    )


@claim("In chaos a drawn future stays realistic, where the mean future shrinks to a state that never comes")
def distribution_keeps_the_measure(budget: Budget) -> Evidence:
    frame = once(rollout, budget, n_seeds=3)
    w1, spread = frame.w1.mean("repeat").values, frame.spread.mean("repeat").values
    return Evidence(
        {"W1, distributional": w1[1], "W1, mean-square": w1[0], "spread, mean-square": spread[0]},
        "p = 6: W1 to the true states <= 0.02 (distributional), >= 0.1 (mean-square); spread of mean-square <= 0.5",
        w1[1] <= 0.02 and w1[0] >= 0.1 and spread[0] <= 0.5,
        n_seeds=3,
    )
