"""Patterns of input lines that spike together, as rows of booleans, and inputs that are nearly those."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Lines = NDArray[np.bool_]


def draw(p: int, n: int, active: int, similarity: float, rng: np.random.Generator) -> Lines:
    """Random patterns (p, n) of `active` lines: round(similarity active) from a pool common to all, the rest random."""
    order = rng.permutation(n)
    common = round(similarity * active)
    out = np.zeros((p, n), np.bool_)
    out[:, order[:common]] = True
    for row in out:
        row[rng.choice(order[common:], active - common, replace=False)] = True
    return out


def edits(pattern: Lines) -> Lines:
    """All inputs (n, n) that differ from the pattern (n,) in one line."""
    return pattern ^ np.eye(len(pattern), dtype=np.bool_)


def random_sets(count: int, n: int, active: int, rng: np.random.Generator) -> Lines:
    """Random inputs (count, n) with `active` lines each."""
    return rng.random((count, n)).argsort(1) < active
