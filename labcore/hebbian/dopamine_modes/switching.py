"""One frozen network with a switch: no mode, a mode for upright digits, a mode for turned ones."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .mechanism import Array, Base, Patch, digits, forward, foundation, right, specialised, turned

SWEEP = tuple(range(0, 95, 5))


def bare_gates(k: int, s: int, width: int, theta: Float[Tensor, "2 width"], gamma: Float[Tensor, "2 width"]) -> Patch:
    """A patch of gates only, for k modes of s networks."""
    parts = [[p[layer].expand(k, s, 1, width).clone() for layer in range(2)] for p in (theta, gamma)]
    none = [torch.zeros(1, 1, 1, 1)] * 2
    down, up = (
        [torch.zeros(1, 1, *shape(n)) for n in (64, width, width)] for shape in (lambda i: (1, i), lambda _: (1, 1))
    )
    return Patch(*parts, none, down, up)


class TwoModes(NamedTuple):
    """One base of width 32 and its modes: off, upright, turned."""

    base: Base
    theta: Float[Tensor, "3 2 32"]
    gamma: Float[Tensor, "3 2 32"]
    curves: Float[Array, "3 19"]  # accuracy at each angle of the sweep


@lru_cache(maxsize=4)
def two_modes(steps: int, lam: float, seed: int) -> TwoModes:
    """Train the base, and on it a mode for upright digits and one for digits turned by 45 degrees.

    Off is the open gate, theta = -1e9 and gamma = 1, which is the base itself. Gates are hard; angles are `SWEEP`.
    """
    base, data = foundation(((seed, 0),), 32, 400, True), digits([[seed, 0]])
    x, rngs = torch.stack([data.train, turned(data.train, 45)]), [np.random.default_rng([seed, 0, 2])]
    lams = torch.full((2, 1), lam)
    train = specialised(
        base, x, data.train_labels, ("gate", "gate"), steps=steps, tau=0.25, lam=lams, rank=1, rngs=rngs
    )
    _, patch = deque(train, maxlen=1)[0]
    learned = [torch.stack([p.detach()[:, 0, 0] for p in part], 1) for part in (patch.theta, patch.gamma)]
    theta, gamma = (torch.cat([torch.full((1, 2, 32), off), p]) for off, p in zip((-1e9, 1.0), learned))
    curves = np.empty((3, len(SWEEP)))
    for j, angle in enumerate(SWEEP):
        seen = turned(data.test, angle)[None]
        for m in range(3):
            scores = forward(base, seen, bare_gates(1, 1, 32, theta[m], gamma[m]), hard=True)[0]
            curves[m, j] = right(scores, data.test_labels)[0, 0]
    return TwoModes(base, theta, gamma, curves)
