"""Elitist Gaussian search: one parent, lambda children a generation, and the best of all is the next parent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Array = np.ndarray


class Generation(NamedTuple):
    """Where the search stands."""

    x: Float[Array, " P"]  # the parent, the best found
    best: Float[Array, " E"]  # the best value after each evaluation so far; it never falls


def search_1plus_lambda(
    f: Callable[[Float[Array, " P"]], float],
    x0: Float[Array, " P"],
    sigma: float,
    generations: int,
    lam: int,
    rng: np.random.Generator,
) -> Iterator[Generation]:
    """Maximise f from x0: the start first, then one item a generation.

    Children are x + sigma N(0, 1); a child as good as its parent replaces it, so a search can cross flat ground. How
    the first generations go does not depend on how many follow.
    """
    if sigma < 0 or lam < 1:
        raise ValueError(f"sigma = {sigma}, lam = {lam} are not allowed; sigma must be >= 0 and lam >= 1")
    x = np.array(x0, float)
    value = f(x)
    best = [value]
    yield Generation(x, np.array(best))
    for _ in range(generations):
        children = x + sigma * rng.standard_normal((lam, len(x)))
        values = [f(child) for child in children]
        best.extend(np.maximum.accumulate([value, *values])[1:])
        winner = int(np.argmax(values))
        if values[winner] >= value:
            x, value = children[winner], values[winner]
        yield Generation(x, np.array(best))
