"""Images as spikes over time: by chance, and by when. Time is the first axis; spikes are float32, 0.0 or 1.0.

by chance (rate code):    one spike in step t with the probability of the pixel
by when (latency code):   one spike a pixel, in step floor((1 - x) T), none for a pixel that is 0
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Array = np.ndarray


def poisson(
    x: Float[Array, "*shape"], steps: int, rng: np.random.Generator, gain: float = 1.0
) -> Float[Array, "T ..."]:
    """Spikes by chance, with probability gain x in each step; above 1 is 1. (T, *shape).

    Raises ValueError for pixels outside [0, 1], for no step and for a gain below 0.
    """
    _check(x, steps)
    if not gain >= 0:
        raise ValueError(f"gain = {gain} is not allowed; it must be at least 0")
    return (rng.random((steps, *np.shape(x))) < gain * np.asarray(x)).astype(np.float32)


def latency(x: Float[Array, "*shape"], steps: int) -> Float[Array, "T ..."]:
    """One spike a pixel, the brighter the earlier, none where x is 0. (T, *shape). Raises ValueError as `poisson`."""
    when = latency_steps(x, steps)
    return (np.arange(steps).reshape(-1, *[1] * np.ndim(x)) == when).astype(np.float32)


def latency_steps(x: Float[Array, "*shape"], steps: int) -> Array:
    """The step of each pixel's one spike, 0 to T - 1; T where it has none. Raises ValueError as `poisson`."""
    _check(x, steps)
    x = np.asarray(x)
    # 1e-9, so that a pixel of k / T spikes in step T - k, whatever (1 - x) T was rounded to
    when = np.floor((1 - x) * steps + 1e-9).astype(np.int64).clip(0, steps - 1)
    return np.where(x > 0, when, steps)


def _check(x: Array, steps: int) -> None:
    if steps < 1:
        raise ValueError(f"steps = {steps} is not allowed; it must be at least 1")
    x = np.asarray(x)
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"x has values from {x.min()} to {x.max()}; they must be from 0 to 1")
