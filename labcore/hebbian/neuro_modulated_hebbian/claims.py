"""What adaptation recovers over five corruptions, what the gains add, and how soft the competition may be."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget
from labcore.primitives.digits.corrupted import KINDS

from .experiments import METHODS, adapt


def _accuracies(kind: str, **values: float) -> dict[str, float]:
    # five networks: from one trained network to the next, what the gains add varies as much as it is large
    frame = once(adapt, kind=kind, images=897, n_seeds=5, **values)
    return dict(zip(METHODS, frame.accuracy[-1].mean("repeat").values, strict=True))


def _all_kinds() -> dict[str, dict[str, float]]:
    """One stream of each corruption, severity 4, for the claims that read them."""
    return {kind: _accuracies(kind) for kind in KINDS}


@claim("Adapting without labels recovers much of what corruption costs")
def adaptation_helps(budget: Budget) -> Evidence:
    runs = _all_kinds()
    mean = {m: np.mean([r[m] for r in runs.values()]) for m in METHODS}
    return Evidence(
        mean,
        "five corruptions, severity 4: NHL - source >= 0.15 (most of it comes from the batch statistics)",
        mean["NHL"] - mean["source"] >= 0.15,
        n_seeds=5,
    )


@claim("The local rule needs the global signal: entropy-driven gains make it useful")
def gains_matter(budget: Budget) -> Evidence:
    more = {kind: r["NHL"] - r["Hebb only"] for kind, r in _all_kinds().items()}
    mean = np.mean(list(more.values()))
    return Evidence(
        {"mean": mean, **more},
        "NHL - Hebb only >= 0.01 on average, >= 0.02 on contrast and on fog",
        mean >= 0.01 and min(more["contrast"], more["fog"]) >= 0.02,
        n_seeds=5,
    )


@claim("The softness of the competition matters: too soft and the filters are spoiled")
def softness_matters(budget: Budget) -> Evidence:
    sharp, soft = _all_kinds()["blur"]["NHL"], _accuracies("blur", tau=1.0)["NHL"]
    return Evidence(
        {"tau = 0.3": sharp, "tau = 1": soft},
        "blur: accuracy of NHL at tau 0.3 - at tau 1 >= 0.03",
        sharp - soft >= 0.03,
        n_seeds=5,
    )
