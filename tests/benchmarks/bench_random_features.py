"""One matrix behind random features: solved at once, beside scikit-learn's ridge regression."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import Ridge

from labcore.data import digits_split
from labcore.infinite_width.snnk import draw, embed_inputs, readout
from tests.benchmarks.timing import Duel

RIDGE = 1e-4


def by_sklearn(phi: np.ndarray, y: np.ndarray) -> np.ndarray:
    return Ridge(alpha=len(phi) * RIDGE, fit_intercept=False).fit(phi, y).coef_


def solved(quick: bool) -> list[Duel]:
    split, duels = digits_split(1297, 500, 0), []
    for m in (64,) if quick else (64, 512, 2048):
        shared = draw("arc-cosine", m, 64, np.random.default_rng(m))
        given = embed_inputs(split.x_train, shared), split.y_train
        duels.append(
            Duel(
                f"matrix on {m} features of 1297 digits",
                lambda g=given: readout(*g, RIDGE),
                "scikit-learn Ridge",
                lambda g=given: by_sklearn(*g),
                1e-6,
                table=m == 2048,
            )
        )
    return duels


PEERS, GROWTH, MEMORY = (solved,), (), ()
