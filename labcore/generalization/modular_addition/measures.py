"""How well a network adds, and the order in which its neurons are shown."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from .spectrum import Neurons
from .training import Look, Table, logits
from .voting import Activation

Array = np.ndarray
SWAPS: tuple[Activation, ...] = ("relu", "square", "abs", "fourth", "none")


def score(look: Look, data: Table, act: Activation) -> tuple[list[float], list[float]]:
    """Mean loss and accuracy over the whole table, training pairs first and then, where there are some, the others."""
    votes = logits(look.theta, look.xi, data.pairs, act)
    answer = data.pairs.sum(1) % data.p
    top = votes.max(1)
    losses = top + np.log(np.exp(votes - top[:, None]).sum(1)) - votes[np.arange(len(answer)), answer]
    parts = [data.train, ~data.train] if not data.train.all() else [data.train]
    weights = [data.weight * part / data.weight[part].sum() for part in parts]
    right = votes.argmax(1) == answer
    return [float(w @ losses) for w in weights], [float(w @ right) for w in weights]


def order(n: Neurons) -> Int[Array, " m"]:
    """The neurons by their largest frequency, and then by its share."""
    return np.lexsort((-n.share, n.frequency))


def first_at(step: Int[Array, " T"], values: Float[Array, " T"], level: float) -> int | None:
    """The first step at which the values have reached this level, or None."""
    reached = values >= level
    return int(step[reached.argmax()]) if reached.any() else None
