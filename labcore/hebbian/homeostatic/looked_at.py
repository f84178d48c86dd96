"""A life that is looked at here and there: lived once, and kept as it was now and then, so that looks take no time."""

from __future__ import annotations

import functools
import threading
from typing import NamedTuple

from .mechanism import Array, Life

EVERY = 250  # samples between two states that are kept


class Moment(NamedTuple):
    """The network before a sample: its weights, what it has gathered of the batch's gradient, its rate."""

    theta: Array
    grad: Array
    eta: float


class LookedAt:
    """The life of these settings (see `Life`), at any sample in any order."""

    def __init__(self, *settings):
        self.life = Life(*settings)
        self._kept = {0: self._state()}
        self._lock = threading.Lock()

    def before(self, sample: int) -> Moment:
        """The network before this sample; a diverged one as it was when it did. Nobody else has these arrays."""
        with self._lock:
            last = max(k for k in self._kept if k <= sample)
            life = self.life
            (theta, grad, life.eta), life.died, life.done = self._kept[last]
            life.theta[:], life.grad[:] = theta, grad
            for stop in range(last + EVERY, sample + 1, EVERY):
                life.go_on(stop)
                self._kept[stop] = self._state()
            life.go_on(sample)
            return self._state()[0]

    def _state(self) -> tuple[Moment, int, int]:
        life = self.life
        return Moment(life.theta.copy(), life.grad.copy(), life.eta), life.died, life.done


@functools.lru_cache(maxsize=2)
def looked_at(epochs: int, swaps: int, eta0: float, step: float, memo: int, at: int, seed: tuple[int, ...]) -> LookedAt:
    """The homeostatic network of these settings; the last two are kept, as a slider asks for one again and again."""
    return LookedAt(1, epochs, swaps, eta0, step, memo, at, list(seed))
