"""What becomes of a signal that crosses many layers, for a whole map of weights and biases."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from .activations import Activation
from .flow import passed, perpendicular

Array = np.ndarray
FATES = ("dies out", "all inputs become alike", "arrives", "neighbours part", "explodes")
LOUDER, WIDER = 1000.0, 3.0  # a size is lost when it changes by more than this, a gap, as a share of it, by this
ENDS = 1e12  # sizes beyond which nothing is followed


def fate(size: Array, gap: Array) -> Int[Array, "*n"]:
    """Which of FATES, from the last size over the first, and the same of the gap as a share of the size."""
    out = np.where(gap < 1 / WIDER, 1, np.where(gap > WIDER, 3, 2))
    return np.where(size > LOUDER, 4, np.where(size < 1 / LOUDER, 0, out))


def spoken(end: int) -> str:
    """One of FATES as a sentence, without its full stop."""
    return FATES[end] if end in (1, 3) else f"the signal {FATES[end]}"


def fate_map(
    activation: Activation, weights: Float[Array, " W"], biases: Float[Array, " B"], start: float, depth: int
) -> Int[Array, "B W"]:
    """The fate of two nearly equal signals of size `start`, in infinitely wide layers.

    Both growths are read from a table over sizes, in logarithms.
    """
    table = np.linspace(-np.log(ENDS), np.log(ENDS), 400)
    g = np.log(passed(activation, np.exp(table)))
    steep = np.log(np.maximum(perpendicular(activation, np.exp(table)), 1 / ENDS))
    log_k = np.full((len(biases), len(weights)), np.log(start))
    gap = np.zeros_like(log_k)  # half the logarithm of the squared gap over the size
    for _ in range(depth - 1):
        grown = weights * np.exp(np.interp(log_k, table, g)) + biases[:, None]
        after = np.clip(np.log(grown), table[0], table[-1])
        gap += (np.log(weights) + np.interp(log_k, table, steep) + log_k - after) / 2
        log_k = after
    return fate(np.exp(log_k) / start, np.exp(np.clip(gap, -50, 50)))
