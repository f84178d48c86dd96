"""Ridge regression on frozen units: their kept second moments, beside scikit-learn on the units themselves."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import Ridge

from labcore.generalization.hierarchical_polynomials import (
    fit_inner,
    form,
    hidden,
    inner,
    link,
    modes,
)
from labcore.generalization.hierarchical_polynomials.bottleneck import as_form, hermite, units
from labcore.generalization.hierarchical_polynomials.sampled import RIDGES
from labcore.generalization.hierarchical_polynomials.target import Link
from tests.benchmarks.timing import Duel, Growth

Array = np.ndarray


def problem(d: int, n: int) -> tuple[Array, Array, Array]:
    """Inputs, targets, and the frozen units' directions."""
    rng = np.random.default_rng(0)
    x, v = rng.standard_normal((n, d)), rng.standard_normal((d * d, d))
    return x, link(form(x, inner(d, d, "equal", rng)), Link(1.0, 0.7)), v / np.linalg.norm(v, axis=1, keepdims=True)


def by_moments(x: Array, y: Array, v: Array) -> Array:
    """The matrix of the bottleneck for each ridge, from second moments of the Hermite features."""
    t, features = units(v), hermite(x)
    values, basis = np.linalg.eigh(t @ t.T)
    root = (basis * np.sqrt(np.maximum(values, 0))) @ basis.T
    at, cross = modes(root @ (features.T @ features / len(x)) @ root), features.T @ y / len(x)
    return np.array([as_form(fit_inner(at, root, cross, lam), x.shape[1]) for lam in RIDGES])


def by_scikit_learn(x: Array, y: Array, v: Array) -> Array:
    """The same from the weights u of all units: a fit for each ridge."""
    z = hidden(x, v)
    fits = (Ridge(alpha=len(x) * lam, fit_intercept=False).fit(z, y) for lam in RIDGES)
    return np.array([(v.T * fit.coef_) @ v / np.sqrt(2) for fit in fits])


def ridges_at_once(quick: bool) -> list[Duel]:
    d, n = (6, 200) if quick else (24, 4608)
    given = problem(d, n)
    what = f"{len(RIDGES)} ridges of {d * d} frozen units, {n} samples"
    return [
        Duel(what, lambda: by_moments(*given), "scikit-learn Ridge", lambda: by_scikit_learn(*given), 1e-6, table=True)
    ]


def over_samples(quick: bool) -> list[Growth]:
    works = {}
    for n in (200, 400) if quick else (2000, 4000, 8000, 16_000):
        given = problem(6 if quick else 16, n)
        works[n] = (lambda g=given: by_moments(*g), 1)
    return [Growth("second moments of frozen units", "samples", works, 1.0)]


PEERS, GROWTH, MEMORY = (ridges_at_once,), (over_samples,), ()
