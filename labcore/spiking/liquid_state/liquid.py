"""A liquid: neurons wired at random, once, that never learn. Only their spikes are read.

    v_t = decay v_(t-1) (1 - s_(t-1)) + W_in x_t + W_rec s_(t-1),    s_t = 1 where v_t >= 1, else 0.

Potentials are in units of the threshold. A weight is a pair of memory cells, G+ - G-. What a cell conducts after the
breakdown that forms it is left to chance: max(0, N(1, spread^2)); one that is not formed conducts nothing. Reading a
cell is noisy: each weight that a spike reads is then multiplied by 1 + noise N(0, 1).
"""

from __future__ import annotations

from math import sqrt
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.checked import checked, within
from labcore.kernels import kernel

Array = np.ndarray


def pairs(rng: np.random.Generator, shape: tuple[int, ...], spread: float = 0.2, formed: float = 1.0) -> Array:
    """Weights G+ - G- of random cells, divided by sqrt(2) spread: mean 0, standard deviation 1 unless cells are cut.

    spread: of the conductance, in units of its mean. formed: the share of pairs that were formed, the others are 0;
    what is left is divided by sqrt(formed), so that a row keeps its length. Raises ValueError for a spread that is not
    above 0 and a share outside (0, 1].
    """
    if not spread > 0:
        raise ValueError(f"spread = {spread} is not allowed; it must be above 0")
    if not 0 < formed <= 1:
        raise ValueError(f"formed = {formed} is not allowed; it must be above 0 and at most 1")
    plus, minus = np.maximum(1 + spread * rng.standard_normal((2, *shape)), 0)
    return (plus - minus) * (rng.random(shape) < formed) / (sqrt(2 * formed) * spread)


class Wires(NamedTuple):
    """Weights from C channels and from N neurons to N neurons, drawn once."""

    into: Float[Array, "C N"]
    among: Float[Array, "N N"]


def wires(
    rng: np.random.Generator,
    channels: int,
    neurons: int,
    drive: float = 0.5,
    gain: float = 1.2,
    spread: float = 0.2,
    formed: float = 1.0,
) -> Wires:
    """Random wires. drive: standard deviation of a weight from outside; gain: length of a neuron's row of weights."""
    into = drive * pairs(rng, (channels, neurons), spread, formed)
    among = gain / sqrt(neurons) * pairs(rng, (neurons, neurons), spread, formed)
    return Wires(into, among)


class Course(NamedTuple):
    """Over time, of each neuron: spikes and potentials before the reset."""

    spikes: Float[Array, "T N"]
    potential: Float[Array, "T N"]


@kernel
def _step(v, fired, n_fired, x, into, among, decay, noise, rng, square):
    # only rows of what spiked are read; fired[:n_fired] are the neurons that spiked in the last step
    n = len(v)
    for k in range(n_fired):
        v[fired[k]] = 0.0
    for i in range(n):
        v[i] = decay * v[i]
        square[i] = 0.0
    for c in range(len(x)):
        if x[c] != 0.0:
            for i in range(n):
                v[i] += into[c, i]
            if noise > 0:
                for i in range(n):
                    square[i] += into[c, i] ** 2
    for k in range(n_fired):
        j = fired[k]
        for i in range(n):
            # the idea
            v[i] += among[j, i]
        if noise > 0:
            for i in range(n):
                square[i] += among[j, i] ** 2
    if noise > 0:  # the sum of independent errors of the weights that were read is one normal number
        for i in range(n):
            v[i] += noise * sqrt(square[i]) * rng.standard_normal()
    n_fired = 0
    for i in range(n):
        fired[n_fired] = i
        n_fired += v[i] >= 1.0
    return n_fired


@checked
@kernel
def course(
    events: Annotated[Float[Array, "T C"], within(0, 1)],
    into: Float[Array, "C N"],
    among: Float[Array, "N N"],
    decay: Annotated[float, within(0, 1)],
    noise: Annotated[float, within(0)],
    rng: np.random.Generator,
) -> Course:
    """What a liquid does under these events: a channel that is not 0 spikes. It begins at rest."""
    steps, n = len(events), len(among)
    v, fired, n_fired, square = np.zeros(n), np.empty(n + 1, np.int64), 0, np.empty(n)
    spikes, potential = np.zeros((steps, n)), np.empty((steps, n))
    for t in range(steps):
        n_fired = _step(v, fired, n_fired, events[t], into, among, decay, noise, rng, square)
        potential[t] = v
        for k in range(n_fired):
            spikes[t, fired[k]] = 1.0
    return Course(spikes, potential)


@checked
@kernel
def states(
    events: Annotated[Float[Array, "B T C"], within(0, 1)],
    into: Float[Array, "C N"],
    among: Float[Array, "N N"],
    decay: Annotated[float, within(0, 1)],
    noise: Annotated[float, within(0)],
    rng: np.random.Generator,
) -> Float[Array, "B N"]:
    """A liquid's state after each recording: how often each neuron has spiked."""
    n = len(among)
    v, fired, square, count = np.empty(n), np.empty(n + 1, np.int64), np.empty(n), np.zeros((len(events), n))
    for b in range(len(events)):
        v[:] = 0.0
        n_fired = 0
        for t in range(events.shape[1]):
            n_fired = _step(v, fired, n_fired, events[b, t], into, among, decay, noise, rng, square)
            for k in range(n_fired):
                count[b, fired[k]] += 1.0
    return count
