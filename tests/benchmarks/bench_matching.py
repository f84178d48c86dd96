"""One-to-many maps between two networks: all lasso problems over one Gram matrix, beside one problem after another."""

from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.linear_model import Lasso, lasso_path

from labcore.generalization.convergent_learning import sparse_maps, standardize
from labcore.generalization.convergent_learning.digit_nets import activations, train
from tests.benchmarks.timing import Duel, Growth

Array = np.ndarray
OURS, THEIRS, MOST = 1e-8, 1e-8, 100_000  # at these tolerances both are off by about as much, 1e-7


def networks(width: int, steps: int) -> tuple[Array, Array]:
    """Standardized activations of two trained networks."""
    found = train(width, steps, 0)
    first, second = (standardize(a).z for a in activations(found.after, found.held_out, 1)[0])
    return first, second


def ours(z: Array, y: Array, penalties: Array) -> Array:
    """The Gram matrix is part of the work."""
    return sparse_maps(z.T @ z / len(z), y.T @ z / len(z), penalties, OURS)


def one_by_one(z: Array, y: Array, penalties: Array, gram: bool) -> Array:
    """A problem for each penalty and unit, with a Gram matrix that is computed once, or without."""
    given = z.T @ z if gram else False
    fits = [
        Lasso(alpha=p, fit_intercept=False, precompute=given, tol=THEIRS, max_iter=MOST).fit(z, t)
        for p in penalties
        for t in y.T
    ]
    return np.array([f.coef_ for f in fits]).reshape(len(penalties), y.shape[1], z.shape[1])


def by_paths(z: Array, y: Array, penalties: Array) -> Array:
    """A path over the penalties for each unit, each solution from the one before."""
    paths = [lasso_path(z, t, alphas=penalties, precompute=True, tol=THEIRS, max_iter=MOST)[1] for t in y.T]
    return np.array(paths).transpose(2, 0, 1)


def beside_scikit_learn(quick: bool) -> list[Duel]:
    z, y = networks(*(16, 50) if quick else (64, 600))
    duels = []
    for penalties, rivals in (
        (
            np.array([0.1]),
            {
                "scikit-learn, unit by unit": partial(one_by_one, gram=False),
                "scikit-learn, one Gram matrix": partial(one_by_one, gram=True),
            },
        ),
        (np.geomspace(0.5, 0.01, 3 if quick else 12), {"scikit-learn, a path a unit": by_paths}),
    ):
        many = f"{len(penalties)} penalties" if len(penalties) > 1 else "1 penalty"
        what = f"{y.shape[1]} units as sparse sums of {z.shape[1]}, {many}"
        for rival, work in rivals.items():
            given = z, y, penalties
            duels.append(Duel(what, partial(ours, *given), rival, partial(work, *given), 1e-5, table=True))
    return duels


def over_targets(quick: bool) -> list[Growth]:
    z, y = networks(*(16, 50) if quick else (64, 600))
    gram, cross = z.T @ z / len(z), y.T @ z / len(z)
    works = {}
    for copies in (1, 2, 4) if quick else (1, 2, 4, 8):
        many = np.tile(cross, (copies, 1))
        works[len(many)] = (partial(sparse_maps, gram, many, np.array([0.1])), 1)
    return [Growth("sparse maps of many units", "units", works, 1.0)]


PEERS, GROWTH, MEMORY = (beside_scikit_learn,), (over_targets,), ()
