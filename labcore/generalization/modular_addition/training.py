"""A two-layer network learns a table of additions by full-batch steps.

    logit_j = sum_m xi_m[j] act(theta_m[x] + theta_m[y]),    cross-entropy with x + y mod p,    no biases
A pair and its mirror (y, x) are one example that counts twice: the network cannot tell them apart, so a mirror in the
test would be no test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from labcore.primitives.runs.flat_adam import adam_update

from .voting import Activation, activate, odd

Array = np.ndarray
Optimizer = Literal["adamw", "gd"]
HIGH = 1e6  # a weight beyond it has run away


class Table(NamedTuple):
    """All P = p (p + 1)/2 pairs x <= y of a clock of p."""

    p: int
    pairs: Int[Array, "P 2"]
    weight: Float[Array, " P"]  # how often a pair is in the whole table: 1 or 2, over p^2
    train: Bool[Array, " P"]


class Look(NamedTuple):
    """A network before the step of this number."""

    step: int
    theta: Float[Array, "m p"]
    xi: Float[Array, "m p"]


def table(p: int, share: float, seed: int) -> Table:
    """The table, of which this share of the pairs is for training. Raises ValueError for an even p, and for no pair."""
    x, y = np.triu_indices(odd(p))
    kept = round(share * len(x))
    if not 1 <= kept <= len(x):
        raise ValueError(f"share = {share} is not allowed; it must leave from 1 to all of {len(x)} pairs for training")
    train = np.zeros(len(x), bool)
    train[np.random.default_rng([seed, 7]).permutation(len(x))[:kept]] = True
    return Table(p, np.stack([x, y], 1), np.where(x == y, 1, 2) / p**2, train)


def start(p: int, m: int, scale: float, seed: int) -> tuple[Float[Array, "m p"], Float[Array, "m p"]]:
    """First weights, scale N(0, 1)/sqrt(p) in both layers."""
    theta, xi = scale / np.sqrt(odd(p)) * np.random.default_rng([seed, 8]).standard_normal((2, m, p))
    return theta, xi


def logits(
    theta: Float[Array, "m p"], xi: Float[Array, "m p"], pairs: Int[Array, "P 2"], act: Activation
) -> Float[Array, "P p"]:
    """What the network votes for each answer to each pair."""
    return activate(theta[:, pairs[:, 0]] + theta[:, pairs[:, 1]], act).T @ xi


def gradients(
    theta: Float[Array, "m p"],
    xi: Float[Array, "m p"],
    given: Float[Array, "P p"],
    answer: Int[Array, " P"],
    weight: Float[Array, " P"],
    act: Activation,
) -> tuple[float, Float[Array, "m p"], Float[Array, "m p"]]:
    """The weighted cross-entropy, and its gradients by theta and xi. `given` says how often a pair has each number."""
    z = theta @ given.T
    h = activate(z, act)
    votes = h.T @ xi
    votes -= votes.max(1, keepdims=True)
    back = np.exp(votes)
    total = back.sum(1, keepdims=True)
    rows = np.arange(len(answer))
    loss = float(weight @ (np.log(total[:, 0]) - votes[rows, answer]))
    back *= (weight / total[:, 0])[:, None]
    back[rows, answer] -= weight
    return loss, ((xi @ back.T) * _slope(z, act)) @ given, h @ back


def _slope(z: Float[Array, "m P"], act: Activation) -> Float[Array, "m P"]:
    return {"square": lambda: 2 * z, "relu": lambda: (z > 0) * 1.0, "abs": lambda: np.sign(z)}[act]()


def train(
    first: tuple[Float[Array, "m p"], Float[Array, "m p"]],
    data: Table,
    looks: Sequence[int],
    act: Activation,
    rate: float,
    decay: float = 0.0,
    optimizer: Optimizer = "adamw",
) -> Iterator[Look]:
    """Full-batch steps of AdamW or of plain gradient descent, looked at before the steps of these numbers, which rise.

    Decay takes `rate * decay` of each weight away, every step. Ends early where a weight is above a million.
    """
    theta, xi = (w.copy() for w in first)
    pairs, weight = data.pairs[data.train], data.weight[data.train] / data.weight[data.train].sum()
    given = np.zeros((len(pairs), data.p))
    np.add.at(given, (np.arange(len(pairs))[:, None], pairs), 1)
    answer = pairs.sum(1) % data.p
    moments = [np.zeros((2, w.size)) for w in (theta, xi)]
    looks, step = sorted(set(looks)), 0
    for look in looks:
        while step < look:
            with np.errstate(over="ignore", invalid="ignore"):
                _, *slopes = gradients(theta, xi, given, answer, weight, act)
            step += 1
            for w, slope, (m, v) in zip((theta, xi), slopes, moments, strict=True):
                w *= 1 - rate * decay
                if optimizer == "adamw":
                    adam_update(w.reshape(-1), m, v, slope.reshape(-1), step, rate)
                else:
                    w -= rate * slope
        if not (np.abs(theta).max() < HIGH and np.abs(xi).max() < HIGH):
            return
        yield Look(step, theta.copy(), xi.copy())
