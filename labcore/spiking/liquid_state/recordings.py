"""What the two senses get: digits swept past a slit of eight channels, and sounds of eight bands, both as spikes.

A sound is made up. Each class has a few hidden features, a class mean image's first principal coordinates where the
senses are linked, and random ones where they are not. A sound of the class has these features and noise, and a fixed
random map makes intensities of them, over time and bands. Without a link nothing could name a class that was never met.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from jaxtyping import Bool, Float, Int

from labcore.primitives.spiking.events import digit_events

Array = np.ndarray
STEPS, COLUMNS, CHANNELS = 24, 8, 8
FEATURES, GRAIN = 6, 0.3  # hidden features of a class, and the noise of one sound


def swept(x: Float[Array, "B 64"], rng: np.random.Generator) -> Float[Array, "B T C"]:
    """Digits, column after column, three steps each."""
    return np.ascontiguousarray(digit_events(x, "scan", STEPS, rng).transpose(1, 0, 2), dtype=np.float64)


def moved(events: Float[Array, "B T C"], order: Int[Array, "B 8"]) -> Float[Array, "B T C"]:
    """The same events with the columns of each recording in another order."""
    parts = events.reshape(len(events), COLUMNS, -1, events.shape[2])
    return np.take_along_axis(parts, order[:, :, None, None], 1).reshape(events.shape)


def orders(rng: np.random.Generator, n: int, columns: int) -> Int[Array, "n 8"]:
    """Orders of eight columns in which so many, drawn for each recording, are put in a random order."""
    order = np.tile(np.arange(COLUMNS), (n, 1))
    for row in order:
        at = rng.permutation(COLUMNS)[:columns]
        row[at] = rng.permutation(at)
    return order


def backwards(events: Float[Array, "B T C"], which: Bool[Array, " B"]) -> Float[Array, "B T C"]:
    """The recordings named swept from the other side."""
    order = np.where(which[:, None], np.arange(COLUMNS)[::-1], np.arange(COLUMNS))
    return moved(events, order)


def features(x: Float[Array, "n 64"], labels: Int[Array, " n"], link: float, rng: np.random.Generator) -> Array:
    """Hidden features of the ten classes (10, 6): how each looks on average, and a random part where link is below 1.

    Raises ValueError for a link outside [0, 1].
    """
    if not 0 <= link <= 1:
        raise ValueError(f"link = {link} is not allowed; it must be from 0 to 1")
    means = np.stack([x[labels == c].mean(0) for c in range(10)])
    u, s, _ = np.linalg.svd(means - means.mean(0), full_matrices=False)
    looks = (u * s)[:, :FEATURES]
    return link * looks / looks.std() + sqrt(1 - link**2) * rng.standard_normal(looks.shape)


def sounds(of: Float[Array, "n f"], rng: np.random.Generator, voice: Float[Array, "f TC"]) -> Float[Array, "n T C"]:
    """A sound for each row of hidden features: noise, intensities by a fixed map, and spikes of that probability."""
    heard = of + GRAIN * rng.standard_normal(of.shape)
    intensity = 1 / (1 + np.exp(1 - 1.5 * heard @ voice))
    return (rng.random(intensity.shape) < intensity).astype(np.float64).reshape(len(of), STEPS, CHANNELS)
