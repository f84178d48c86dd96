"""One presentation is enough, sharing a neuron costs accuracy, and similar patterns are confused by the rule."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import detect


@claim("A detector taught once, with the threshold at S, accepts its pattern and nothing else")
def one_presentation_is_enough(budget: Budget) -> Evidence:
    frames = [once(detect, n_patterns=1, mode="one neuron each", probes=2000, seed=s) for s in range(20)]
    accuracy, wrong = min(float(f.accuracy[-1]) for f in frames), sum(int(f.wrong[-1]) for f in frames)
    return Evidence(
        {"worst accuracy": accuracy, "wrong answers": wrong},
        "accuracy 1 on the pattern, its 64 one-line edits and 2000 random inputs, for every seed",
        accuracy == 1.0 and wrong == 0,
        n_seeds=20,
    )


@claim("A neuron that is taught many patterns begins to accept what it was never taught")
def sharing_costs_accuracy(budget: Budget) -> Evidence:
    frames = [once(detect, n_patterns=8, mode="shared", probes=2000, seed=s) for s in range(10)]
    accuracy, fpr, tpr = (np.mean([f[name].values for f in frames], 0) for name in ("accuracy", "fpr", "tpr"))
    return Evidence(
        {f"p = {p}": accuracy[p - 1] for p in (1, 2, 4, 8)} | {"fpr, p = 8": fpr[7], "tpr, p = 8": tpr[7]},
        "balanced accuracy at p = 8 at least 0.1 below that at p = 1 (A- = A+, mean)",
        accuracy[0] - accuracy[7] >= 0.1,
        n_seeds=10,
    )


@claim("Similar patterns are confused, exactly where the acceptance rule says")
def similar_patterns_are_confused(budget: Budget) -> Evidence:
    levels = np.linspace(0, 1, 8)
    common = dict(n_patterns=20, mode="one neuron each", h=0.8, probes=300)
    frames = [[once(detect, similarity=x, seed=s, **common) for x in levels] for s in range(3)]
    wrong = sum(int(f.wrong[-1]) for row in frames for f in row)
    own = np.mean([[float(f.own[-1]) for f in row] for row in frames], 0)
    rank = float(spearmanr(levels, own).statistic)
    return Evidence(
        {"answers against the rule": wrong, "Spearman": rank}
        | {f"right at {levels[k]:.2f}": own[k] for k in (0, 5, 6)},
        "no answer against the rule (20 patterns, h = 0.8), and Spearman correlation of the share of patterns that "
        "only their own detector answers with similarity <= -0.8, over 8 levels",
        wrong == 0 and rank <= -0.8,
        n_seeds=3,
    )
