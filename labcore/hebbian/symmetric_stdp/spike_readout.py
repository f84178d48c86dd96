"""What a spiking network says: the output neuron that fires most, or a vote of neurons without labels of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def answers(counts: Counts) -> Counts:
    """The class (B,) whose neuron fires most, from spikes (B, K); the first of equals, and -1 where none fires."""
    return np.where(counts.max(1) > 0, counts.argmax(1), -1)


def votes(counts: Counts, labels: Counts, tested: Counts, classes: int = 10) -> Counts:
    """Answers (B,) of neurons that are each named after the class for which they fired most, on average.

    counts (M, N) with labels (M,) name the neurons; tested (B, N) are their spikes in a test. A class is spoken for by
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
