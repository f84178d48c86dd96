"""Samples of both stages, and the second moments of the first stage's features at every size: drawn once and kept.

They do not depend on the target, so another link or another inner polynomial costs one product.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .bottleneck import Modes, Network, as_form, fit_inner, fit_outer, hermite, modes, predict, second_layer, units
from .target import Link, form, link

Array = np.ndarray
MOST = 32  # the largest number of samples / d^2
LEVELS = (1, 2, 4, 8, 16, 32)
RIDGES = 10.0 ** np.arange(-6, 1, 0.5)
TEST = 20_000


class Drawn(NamedTuple):
    """One draw: frozen weights, samples of both stages and a test set."""

    root: Float[Array, "D D"]  # square root of T T^T
    first: Float[Array, "n1 d"]
    fresh: Float[Array, "n2 d"]
    test: Float[Array, "m d"]
    sums: Float[Array, "MOST D D"]  # of hermite(x) hermite(x)^T over the first 1, 2, ... MOST parts of `first`

    def size(self, samples: int) -> tuple[int, int]:
        """How many samples each stage has, of samples * d^2."""
        return samples * len(self.first) // MOST, samples * len(self.fresh) // MOST


@functools.lru_cache(maxsize=3)
def draw(d: int, m1: int, share: float, seed: int) -> Drawn:
    """Draw for up to MOST d^2 samples; `share` of them are for stage 1. Half a second for d = 24."""
    rng = [np.random.default_rng([seed, k]) for k in range(1, 5)]
    v = rng[0].standard_normal((m1, d))
    t = units(v / np.linalg.norm(v, axis=1, keepdims=True))
    values, basis = np.linalg.eigh(t @ t.T)
    part = round(share * d * d)
    first, fresh, test = (
        r.standard_normal((n, d)) for r, n in zip(rng[1:], (MOST * part, MOST * (d * d - part), TEST), strict=True)
    )
    sums = np.empty((MOST, len(t), len(t)))
    for k in range(MOST):
        features = hermite(first[k * part : (k + 1) * part])
        sums[k] = features.T @ features + (sums[k - 1] if k else 0)
    return Drawn((basis * np.sqrt(np.maximum(values, 0))) @ basis.T, first, fresh, test, sums)


@functools.lru_cache(maxsize=40)
def _modes(d: int, m1: int, share: float, seed: int, samples: int) -> Modes:
    drawn = draw(d, m1, share, seed)
    return modes(drawn.root @ (drawn.sums[samples - 1] / drawn.size(samples)[0]) @ drawn.root)


@functools.lru_cache(maxsize=40)
def _fresh(d: int, m1: int, share: float, seed: int, samples: int) -> Float[Array, "D D"]:
    """Second moments of hermite(x) over the samples of stage 2, by which a ridge is judged."""
    drawn = draw(d, m1, share, seed)
    features = hermite(drawn.fresh[: drawn.size(samples)[1]])
    return features.T @ features / len(features)


class Setting(NamedTuple):
    """A task without its target: dimensions, units, the share of stage 1, a seed."""

    d: int
    m1: int
    share: float
    seed: int


def find(
    setting: Setting, a: Float[Array, "d d"], g: Link, samples: int, ridge: float | None = None, steps: int = 0
) -> Float[Array, "d d"]:
    """Stage 1 with samples * d^2 samples in all: B of the bottleneck g1(x) = x.Bx - tr B.

    Without a ridge it is the one of RIDGES that brings g1 nearest to y on the fresh samples. `steps`: see `fit_inner`.
    """
    drawn, at = draw(*setting), _modes(*setting, samples)
    n1, n2 = drawn.size(samples)
    x, fresh = drawn.first[:n1], drawn.fresh[:n2]
    cross = _cross(x, link(form(x, a), g))
    if ridge is None:
        tried = np.stack([fit_inner(at, drawn.root, cross, lam) for lam in RIDGES])
        # the mean of (y - hermite(x).w)^2, but for that of y^2
        aim = _cross(fresh, link(form(fresh, a), g))
        best = int(np.argmin(((tried @ _fresh(*setting, samples)) * tried).sum(1) - 2 * tried @ aim))
        if not steps:
            return as_form(tried[best], setting.d)
        ridge = RIDGES[best]
    return as_form(fit_inner(at, drawn.root, cross, ridge, steps), setting.d)


def _cross(x: Float[Array, "n d"], y: Float[Array, " n"]) -> Float[Array, " D"]:
    """The mean of y hermite(x), without the features themselves."""
    i, j = np.triu_indices(x.shape[1])
    second = (x * y[:, None]).T @ x / len(x)
    return np.where(i == j, (second[i, j] - y.mean()) / np.sqrt(2), second[i, j])


class Learned(NamedTuple):
    """Both stages, and their errors as shares of the target's variance on the test set."""

    network: Network
    p: Float[Array, " m"]  # of the test set: the hidden form,
    z: Float[Array, " m"]  # and the bottleneck
    error: float
    first_error: float  # of the bottleneck alone


def learn(
    setting: Setting, a: Float[Array, "d d"], g: Link, samples: int, m2: int, b: Float[Array, "d d"], steps: int = 0
) -> Learned:
    """Stage 2 on a bottleneck x.Bx - tr B, and the test."""
    drawn = draw(*setting)
    fresh = drawn.fresh[: drawn.size(samples)[1]]
    units2 = second_layer(m2, np.random.default_rng([setting.seed, 5]))
    network = fit_outer(form(fresh, b), link(form(fresh, a), g), *units2, steps)
    p, z = form(drawn.test, a), form(drawn.test, b)
    y = link(p, g)
    errors = [float(((y - f) ** 2).mean() / y.var()) for f in (predict(network, z), y.mean() + z)]
    return Learned(network, p, z, *errors)
