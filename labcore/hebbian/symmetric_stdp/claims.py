"""A teacher is enough for the symmetric rule, not for the classical one, and neurons must tire."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import train


def _end(n_train: int = 300, N_E: int = 36, **values: float | str) -> tuple[float, float]:
    """Final supervised and vote accuracy, mean of three seeds."""
    frames = [once(train, n_train=n_train, N_E=N_E, seed=s, **values) for s in range(3)]
    return tuple(float(np.mean([f[name][-1] for f in frames])) for name in ("acc_supervised", "acc_vote"))


@claim("Symmetric STDP and a teacher train a classifier whose class layer is as good as a vote")
def learns_with_a_teacher(budget: Budget) -> Evidence:
    supervised, vote = _end(n_train=900, N_E=64)
    rule = "supervised accuracy >= 0.78 and >= vote - 0.05 (900 images, 64 neurons, mean)"
    return Evidence({"supervised": supervised, "vote": vote}, rule, supervised >= max(0.78, vote - 0.05), n_seeds=3)


@claim("Neurons must tire: with thresholds that stay, a few of them win every image")
def neurons_must_tire(budget: Budget) -> Evidence:
    without, tiring = _end(alpha=0.0)[0], _end()[0]
    rule = "supervised accuracy <= 0.3 without intrinsic plasticity (mean)"
    return Evidence({"supervised, alpha = 0": without, "supervised": tiring}, rule, without <= 0.3, n_seeds=3)


@claim("Classical STDP with the same constants cannot use the teacher")
def classical_cannot_use_the_teacher(budget: Budget) -> Evidence:
    supervised, vote = _end(stdp="classical")
    rule = "supervised accuracy <= 0.3 (mean); the vote, which uses no synapses to the classes, is shown beside it"
    return Evidence({"supervised": supervised, "vote": vote}, rule, supervised <= 0.3, n_seeds=3)
