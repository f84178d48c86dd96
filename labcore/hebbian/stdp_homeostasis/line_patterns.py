"""Patterns of input lines that spike together, as rows of booleans, and inputs that are nearly those."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

Array = np.ndarray


def draw(p: int, n: int, active: int, similarity: float, rng: np.random.Generator) -> Bool[Array, "p n"]:
    """Random patterns of `active` lines: round(similarity active) from a pool common to all, the rest random."""
    order = rng.permutation(n)
    common = round(similarity * active)
    out = np.zeros((p, n), np.bool_)
    out[:, order[:common]] = True
    for row in out:
        row[rng.choice(order[common:], active - common, replace=False)] = True
    return out


def edits(pattern: Bool[Array, " n"]) -> Bool[Array, "n n"]:
    """All inputs that differ from the pattern in one line."""
    return pattern ^ np.eye(len(pattern), dtype=np.bool_)


def random_sets(count: int, n: int, active: int, rng: np.random.Generator) -> Bool[Array, "count n"]:
    """Random inputs with `active` lines each."""
    return rng.random((count, n)).argsort(1) < active
