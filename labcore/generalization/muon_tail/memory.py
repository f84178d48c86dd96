"""A linear memory: W makes of a key's code the code of its answer, and a softmax says how sure it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray


def chances(w: Float[Array, "n n"], keys: Float[Array, "n n"], answers: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """The chance of each answer (rows) to each key (columns): softmax(A^T W E)."""
    z = answers.T @ w @ keys
    z = np.exp(z - z.max(0))
    return z / z.sum(0)


def gradient(
    chance: Float[Array, "n n"], p: Float[Array, " n"], keys: Float[Array, "n n"], answers: Float[Array, "n n"]
) -> Float[Array, "n n"]:
    """The gradient by W of -sum_k p_k log(chance of answer k to key k): A (P - I) diag(p) E^T."""
    return answers @ ((chance - np.eye(len(p))) * p) @ keys.T


class Run(NamedTuple):
    """A training at each of L moments: when its best-known fact first had this chance or more."""

    step: Int[Array, " L"]
    known: Float[Array, "L n"]  # chance of the right answer to each key
    weights: Float[Array, "L n n"]
    reached: Int[Array, ""]  # how many of the moments came; the others show the last step


def train(
    p: Float[Array, " n"],
    keys: Float[Array, "n n"],
    answers: Float[Array, "n n"],
    update: Callable[[Array, Array], None],
    levels: Float[Array, " L"],
    most: int,
) -> Run:
    """Train from W = 0 on facts of frequencies p until the best-known has the last of the rising levels.

    Optimizers differ in their pace, so they are compared where they know one fact equally well, never at equal steps.
    After `most` steps it ends in any case. Raises ValueError for levels that do not rise within (0, 1), and for codes
    and frequencies of different sizes.
    """
    n = len(p)
    if keys.shape != (n, n) or answers.shape != (n, n):
        raise ValueError(f"{n} frequencies, keys {keys.shape}, answers {answers.shape} are not allowed; all must match")
    if not len(levels) or levels[0] <= 0 or levels[-1] >= 1 or (np.diff(levels) < 0).any():
        raise ValueError(f"levels = {levels} is not allowed; they must rise, above 0 and below 1")
    w, count = np.zeros((n, n)), 0
    run = Run(np.zeros(len(levels), int), np.zeros((len(levels), n)), np.zeros((len(levels), n, n)), np.array(0))
    step = 0
    while True:
        chance = chances(w, keys, answers)
        known = np.diag(chance)
        now = int(np.searchsorted(levels, known.max(), side="right"))
        end = len(levels) if step == most else max(now, count)
        run.step[count:end], run.known[count:end], run.weights[count:end] = step, known, w
        count = end
        if count == len(levels):
            return run._replace(reached=np.array(now))
        update(w, gradient(chance, p, keys, answers))
        step += 1
