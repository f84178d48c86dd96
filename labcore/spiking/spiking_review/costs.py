"""What a digit costs on each road: products, additions and words moved, counted from what was really said.

The image is the same in every step, so its currents are worked out once; only what hidden units say is said anew in
each step. Every unit's value or potential, of hidden units and outputs, is read and written once a step.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from labcore.primitives.spiking.operations import Word, Work, dense, neurons

Array = np.ndarray
OUTPUTS = 10
MEASURES = ("operations", "arithmetic", "memory")


def one_layer(x: Float[Array, "B n"]) -> Work:
    """Outputs straight from the pixels. Of one digit, as all that follow."""
    return (dense(x, OUTPUTS, "analog") + neurons(OUTPUTS * len(x), 1)).each(len(x))


def said(x: Float[Array, "B n"], hidden: Float[Array, "B K"]) -> Work:
    """Hidden units that say numbers, once."""
    layers = dense(x, hidden.shape[1], "analog") + dense(hidden, OUTPUTS, "analog")
    return (layers + neurons((hidden.shape[1] + OUTPUTS) * len(x), 1)).each(len(x))


def fired(x: Float[Array, "B n"], spikes: Float[Array, "T B K"]) -> list[Work]:
    """Hidden units that fire, driven by numbers: the work up to each of T steps."""
    steps, b, k = spikes.shape
    first, sent = dense(x, k, "analog"), spikes.sum((1, 2), dtype=float).cumsum() * OUTPUTS
    later = [Work(0, sent[t], sent[t]) + neurons((k + OUTPUTS) * b, t + 1) for t in range(steps)]
    return [(first + work).each(b) for work in later]


def timed(x: Float[Array, "B n"], features: Float[Array, "B K"], steps: int) -> Work:
    """One spike for each pixel above 0; hidden units say once how early they fired."""
    b, k = features.shape
    layers = dense((x > 0).astype(float), k) + dense(features, OUTPUTS, "analog")
    return (layers + neurons(k * b, steps) + neurons(OUTPUTS * b, 1)).each(b)


def costs(work: Work, word: Word) -> tuple[float, float, float]:
    """In the order of MEASURES: operations, nanojoules of arithmetic, nanojoules with memory."""
    return (
        work.products + work.additions,
        work.energy(word, memory=False) / 1000,
        work.energy(word) / 1000,
    )
