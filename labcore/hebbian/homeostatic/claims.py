"""What need is worth with swaps and without, against chance, a tuned constant and the published step."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import Regulator, stream


def _accuracies(regulator: Regulator, swaps: int) -> tuple[float, float]:
    """Means over 4 seeds after the first epoch: the regulator's accuracy and the constant rate's, at full length."""
    runs = [once(stream, regulator=regulator, swaps_per_epoch=swaps, epochs=12, seed=s).attrs for s in range(4)]
    return float(np.mean([a["accuracy"] for a in runs])), float(np.mean([a["accuracy_constant"] for a in runs]))


@claim("Where labels keep swapping, a rate that is at stake learns better than the same rate held constant")
def need_helps_under_shift(budget: Budget) -> Evidence:
    need, constant = _accuracies("homeostatic", 12)
    return Evidence(
        {"homeostatic": need, "constant": constant, "gain": need - constant},
        "12 swaps an epoch, both start at 0.01: homeostatic - constant >= 0.15",
        need - constant >= 0.15,
        n_seeds=4,
    )


@claim(
    "The advantage comes from the shift: it is larger with swaps than without, and there it costs nothing",
)
def advantage_grows_with_shift(budget: Budget) -> Evidence:
    (need, constant), (calm, steady) = (_accuracies("homeostatic", s) for s in (12, 0))
    return Evidence(
        {"gain at 12 swaps": need - constant, "gain at 0 swaps": calm - steady},
        "gain at 12 swaps - gain at 0 swaps >= 0.1, and gain at 0 swaps >= -0.01",
        (need - constant) - (calm - steady) >= 0.1 and calm - steady >= -0.01,
        n_seeds=4,
    )


@claim(
    "Under shift it beats a rate moved by random intake, and is as good as a constant rate that was tuned",
    expected="not reproduced",
    reason="Here any higher rate relearns faster. Random intake drifts up without a bound, which helps "
    "here and ruins some runs without shift; a large constant relearns at once, for whoever knows it beforehand.",
)
def beats_its_rivals(budget: Budget) -> Evidence:
    need, chance = (_accuracies(r, 12)[0] for r in ("homeostatic", "random"))
    tuned = np.mean(
        [once(stream, eta0=0.2, regulator="constant", memo=5, epochs=12, seed=s).accuracy for s in range(4)]
    )
    return Evidence(
        {"homeostatic": need, "random": chance, "constant 0.2": tuned},
        "12 swaps an epoch, first rate 0.01 (both): homeostatic >= random + 0.02 and >= constant 0.2 - 0.01",
        need >= chance + 0.02 and need >= tuned - 0.01,
        n_seeds=4,
    )


@claim(
    "With the published step (a tenth of the rate, on a batch's first sample) it beats the constant rate under shift",
    expected="not reproduced",
    reason="The imagined steps then carry the gradient of one sample in place of ten. Nearly all decisions tie, which "
    "leaves the rate alone, and the few that do not ask for a lower rate about as often as for a higher one.",
)
def published_step_helps(budget: Budget) -> Evidence:
    settings = dict(swaps_per_epoch=4, eta0=0.02, step_frac=0.1, memo=20, decide_at="first", epochs=12)
    runs = [once(stream, seed=s, **settings) for s in range(4)]
    gain = np.mean([f.accuracy - f.accuracy_constant for f in runs])
    ties = np.mean([(f.leave == f.take).mean() for f in runs])
    hoped_up = np.mean([(f.guess.values[f.taken.values > 0] >= 5).mean() for f in runs])
    return Evidence(
        {"gain": gain, "share of ties": ties, "taken in the hope to rise": hoped_up},
        "4 swaps an epoch, first rate 0.02, memory 20: homeostatic - constant >= 0.02",
        gain >= 0.02,
        n_seeds=4,
    )
