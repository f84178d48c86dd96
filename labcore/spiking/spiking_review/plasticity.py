"""Learning without labels from who comes first: one spike a pixel, one winner an image, one local rule.

A bright pixel spikes early. Neurons without a leak add up the weights of the pixels that have spiked. The first neuron
to reach its threshold wins and silences the others for this image (the one furthest above, if several reach theirs in
the same step). Only the winner learns, and all it needs is the order of spikes:
    w += plus w (1 - w)   from pixels that spiked before it, or in the same step
    w -= minus w (1 - w)  from all others
So weights stay between 0 and 1. A winner's threshold rises by 1, and after each image all sink by 1 / K, not below
`floor`: who wins often has it harder. Source: Kheradpisheh et al. (2018), arXiv:1611.01421; thresholds as in Diehl and
Cook (2015), doi:10.3389/fncom.2015.00099.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import EMPTY, above, checked, index, rows, within
from labcore.kernels import kernel
from labcore.primitives.spiking.encoders import latency_steps

Array = np.ndarray


class Events(NamedTuple):
    """Spikes of B images, sorted by time: those of image b are the entries from starts[b] to starts[b + 1]."""

    pixels: Annotated[Int[Array, " E"], index("D"), EMPTY]
    steps: Annotated[Int[Array, " E"], EMPTY]  # only compared
    starts: Annotated[Int[Array, " B+1"], rows("E")]

    def of(self, first: int, end: int) -> Events:
        """The events of images first, ..., end - 1."""
        a, b = self.starts[first], self.starts[end]
        return Events(self.pixels[a:b], self.steps[a:b], self.starts[first : end + 1] - a)


def events(x: Float[Array, "B D"], steps: int) -> Events:
    """One spike for each pixel above 0, in step floor((1 - x) T). Raises ValueError for pixels outside [0, 1]."""
    when = latency_steps(x, steps)
    order = np.argsort(when, axis=1, kind="stable")
    sorted_steps = np.take_along_axis(when, order, 1)
    seen = sorted_steps < steps
    return Events(order[seen], sorted_steps[seen], np.concatenate([[0], seen.sum(1).cumsum()]))


@checked
@kernel
def learn(
    weights: Annotated[Float[Array, "D K"], within(0, 1)],
    thresholds: Annotated[Float[Array, " K"], above(0)],
    images: Events,
    plus: Annotated[float, within(0, 1)],
    minus: Annotated[float, within(0, 1)],
    floor: Annotated[float, above(0)],
    compete: bool = True,
    homeostasis: bool = True,
) -> tuple[Int[Array, " B"], Int[Array, " B"]]:
    """Show the images once; weights and thresholds change in place. Who won each, and in which step; -1 for nobody.

    Without `compete` every neuron that reaches its threshold learns, once an image, and the first of them is told.
    Work: for each image its spikes times K, and D for who learns.
    """
    n_pixels, n_neurons = weights.shape
    n_images = len(images.starts) - 1
    winner, step = np.full(n_images, -1), np.full(n_images, -1)
    for b in range(n_images):
        v, arrived, fired = np.zeros(n_neurons), np.zeros(n_pixels), np.zeros(n_neurons)
        at, end = images.starts[b], images.starts[b + 1]
        while at < end:
            now = images.steps[at]
            while at < end and images.steps[at] == now:  # all spikes of this step, then a look at the thresholds
                arrived[images.pixels[at]] = 1
                for k in range(n_neurons):
                    v[k] += weights[images.pixels[at], k]
                at += 1
            while True:
                first = -1
                for k in range(n_neurons):
                    over = v[k] - thresholds[k]
                    if over >= 0 and fired[k] == 0 and (first < 0 or over > v[first] - thresholds[first]):
                        first = k
                if first < 0:
                    break
                fired[first] = 1
                if winner[b] < 0:
                    winner[b], step[b] = first, now
                for d in range(n_pixels):
                    w = weights[d, first]
                    # the idea
                    weights[d, first] += (plus if arrived[d] else -minus) * w * (1 - w)
                if compete:
                    at = end  # the others are silent for the rest of this image
                    break
        if homeostasis:
            for k in range(n_neurons):
                # the idea
                thresholds[k] = max(thresholds[k] + fired[k] - 1 / n_neurons, floor)
    return winner, step


@checked
@kernel
def first_spikes(
    weights: Float[Array, "D K"],
    thresholds: Annotated[Float[Array, " K"], above(0)],
    images: Events,
    silent: Annotated[int, within(1)],
) -> Int[Array, "B K"]:
    """The step of each neuron's first spike, when nobody silences anybody; `silent` where it has none."""
    n_neurons = weights.shape[1]
    n_images = len(images.starts) - 1
    out = np.full((n_images, n_neurons), silent)
    for b in range(n_images):
        v = np.zeros(n_neurons)
        for at in range(images.starts[b], images.starts[b + 1]):
            now = images.steps[at]
            last = at + 1 == images.starts[b + 1] or images.steps[at + 1] != now
            for k in range(n_neurons):
                v[k] += weights[images.pixels[at], k]
                if last and v[k] >= thresholds[k] and out[b, k] == silent:
                    out[b, k] = now
    return out


def first_weights(rng: np.random.Generator, pixels: int, neurons: int) -> Float[Array, "D K"]:
    """Normal around 0.5, standard deviation 0.1, kept inside (0, 1)."""
    return rng.normal(0.5, 0.1, (pixels, neurons)).clip(0.01, 0.99)


def apart(weights: Float[Array, "D K"]) -> float:
    """Mean cosine distance of two neurons' weights: 0 where all look for the same."""
    unit = weights / np.linalg.norm(weights, axis=0)
    n = weights.shape[1]
    return float(1 - ((unit.T @ unit).sum() - n) / (n * (n - 1)))
