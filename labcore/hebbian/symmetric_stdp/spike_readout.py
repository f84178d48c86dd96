"""What a spiking network says: the output neuron that fires most, or a vote of neurons without labels of their own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

Array = np.ndarray


def answers(counts: Int64[Array, "B K"]) -> Int64[Array, " B"]:
    """The class whose neuron fires most, from their spikes; the first of equals, and -1 where none fires."""
    return np.where(counts.max(1) > 0, counts.argmax(1), -1)


def votes(
    counts: Int64[Array, "M N"], labels: Int64[Array, " M"], tested: Int64[Array, "B N"], classes: int = 10
) -> Int64[Array, " B"]:
    """Answers of neurons that are each named after the class for which they fired most, on average.

    counts with labels name the neurons; tested are their spikes in a test. A class is spoken for by
    the mean spikes of its neurons. -1 where none fires.
    """
    mean = np.zeros((classes, counts.shape[1]))
    for k in np.unique(labels):
        mean[k] = counts[labels == k].mean(0)
    name = np.where(mean.max(0) > 0, mean.argmax(0), -1)
    score = np.zeros((len(tested), classes))
    for k in np.unique(name[name >= 0]):
        score[:, k] = tested[:, name == k].mean(1)
    return np.where(score.max(1) > 0, score.argmax(1), -1)
