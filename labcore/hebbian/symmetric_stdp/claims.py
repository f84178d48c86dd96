"""A teacher is enough for the symmetric rule, not for the classical one, and neurons must tire."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from labcore.claims import Evidence, Seeds, claim, mean, once

from .experiments import train
from .mechanism import Array

SMALL = "300 images twice, 36 neurons"


def _ends(
    seeds: range, n_train: int = 300, N_E: int = 36, **values: float | str
) -> tuple[Float[Array, " seeds"], Float[Array, " seeds"]]:
    """Final supervised and vote accuracy of each run."""
    frames = [once(train, n_train=n_train, N_E=N_E, seed=s, **values) for s in seeds]
    return tuple(np.array([float(f[name][-1]) for f in frames]) for name in ("acc_supervised", "acc_vote"))


@claim("Symmetric STDP and a teacher train a classifier whose class layer is as good as a vote", slow=True)
def learns_with_a_teacher(seeds: Seeds) -> Evidence:
    supervised, vote = _ends(seeds(10), n_train=900, N_E=64)
    return Evidence(
        mean("supervised accuracy", supervised) >= 0.78,
        mean("supervised - vote", supervised - vote) >= -0.05,
        size="900 images twice, 64 neurons",
        also={"vote": vote.mean(), "worst run": supervised.min()},
    )


@claim("Neurons must tire: with thresholds that stay, a few of them win every image")
def neurons_must_tire(seeds: Seeds) -> Evidence:
    without, tiring = (_ends(seeds(5), alpha=a)[0] for a in (0.0, 0.2))
    return Evidence(
        mean("supervised accuracy at alpha = 0", without) <= 0.3,
        mean("at alpha = 0.2 - at 0", tiring - without) >= 0.3,
        size=SMALL,
        also={"alpha = 0.2": tiring.mean()},
    )


@claim("Classical STDP with the same constants cannot use the teacher")
def classical_cannot_use_the_teacher(seeds: Seeds) -> Evidence:
    supervised, vote = _ends(seeds(5), stdp="classical")
    return Evidence(
        mean("supervised accuracy", supervised) <= 0.3,
        size=f"{SMALL}; the vote uses no synapses to the classes",
        also={"vote": vote.mean()},
    )
