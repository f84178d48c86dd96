"""One presentation is enough, sharing a neuron costs accuracy, and similar patterns are confused by the rule."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from labcore.claims import Evidence, Seeds, claim, exact, mean, once

from .experiments import detect


@claim("A detector taught once, with the threshold at S, accepts its pattern and nothing else")
def one_presentation_is_enough(seeds: Seeds) -> Evidence:
    frames = [once(detect, n_patterns=1, mode="one neuron each", probes=2000, seed=s) for s in seeds(20)]
    return Evidence(
        exact("worst balanced accuracy", min(float(f.accuracy[-1]) for f in frames)) >= 1,
        exact("answers against the rule", sum(int(f.wrong[-1]) for f in frames)) <= 0,
        size="20 patterns, each with its 64 one-line edits and 2000 random inputs",
    )


@claim("A neuron that is taught many patterns begins to accept what it was never taught")
def sharing_costs_accuracy(seeds: Seeds) -> Evidence:
    frames = [once(detect, n_patterns=8, mode="shared", probes=2000, seed=s) for s in seeds(20)]
    accuracy, fpr, tpr = (np.array([f[name].values for f in frames]) for name in ("accuracy", "fpr", "tpr"))
    return Evidence(
        mean("balanced accuracy with 1 - with 8 patterns", accuracy[:, 0] - accuracy[:, 7]) >= 0.1,
        mean("share of wrong inputs accepted, 8 patterns", fpr[:, 7]) >= 0.1,
        size="16 of 64 lines, A- = A+, 2000 random inputs",
        also={f"accuracy, p = {p}": accuracy[:, p - 1].mean() for p in (1, 2, 4, 8)} | {"tpr, p = 8": tpr[:, 7].mean()},
    )


@claim("Similar patterns are confused, exactly where the acceptance rule says")
def similar_patterns_are_confused(seeds: Seeds) -> Evidence:
    levels, thresholds = np.linspace(0, 1, 8), (0.5, 0.6, 0.7, 0.8, 0.9)
    common = dict(n_patterns=8, mode="one neuron each", probes=100)
    wrong, confused = 0, np.zeros((12, len(levels)))
    for i, s in enumerate(seeds(12)):
        for k, x in enumerate(levels):
            for h in thresholds:
                frame = once(detect, similarity=x, h=h, seed=s, **common)
                wrong += int(frame.wrong[-1])
                confused[i, k] += (frame.confusion.values.sum() - 8) / (8 * 7 * len(thresholds))
    return Evidence(
        exact("answers against the rule", wrong) <= 0,
        mean("Spearman correlation of confusion and similarity", [spearmanr(levels, c).statistic for c in confused])
        >= 0.8,
        size="the share of other patterns that a detector answers, mean over h from 0.5 to 0.9; 8 patterns, 8 levels",
        also={f"confused at {levels[k]:.2f}": confused[:, k].mean() for k in (2, 4, 5, 6)},
    )
