"""Word circuits against bags of words and against shuffled grammar, and gradients as sums of diagrams."""

from __future__ import annotations

import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, mean, once, repeats

from .experiments import gradients, training

SIZE = "8 nouns, half of all sentences, 250 steps"


def _ends(seeds: Seeds) -> xr.Dataset:
    frame = repeats(training, seeds, 8, n_nouns=8, steps=250)
    return frame[["test_acc", "base_acc"]].isel(time=-1).transpose("model", "baseline", "repeat")


@claim("Wired by grammar, word circuits judge unseen sentences far better than bags of words")
def grammar_beats_bags(seeds: Seeds) -> Evidence:
    frame = _ends(seeds)
    circuits, bags = frame.test_acc.values[0], frame.base_acc.values[1:].max(0)
    return Evidence(
        mean("accuracy on unseen sentences, circuits - better bag of words", circuits - bags) >= 0.15,
        size=SIZE,
        also={"circuits": circuits.mean(), "better bag of words": bags.mean()},
    )


@claim("The wiring does it: exchange subject and object at random, and the circuits fall back")
def wiring_matters(seeds: Seeds) -> Evidence:
    grammar, shuffled = _ends(seeds).test_acc.values
    return Evidence(
        mean("accuracy on unseen sentences, grammar - shuffled grammar", grammar - shuffled) >= 0.1,
        size=SIZE,
        also={"grammar": grammar.mean(), "shuffled grammar": shuffled.mean()},
    )


@claim("The derivative of a diagram is a sum of diagrams: shifted circuits give the exact gradient")
def shifts_are_exact(seeds: Seeds) -> Evidence:
    sentences, bubbles = ("Alice loves Bob", "Bob loves Alice", "Alice loves Alice"), ("p", "log p")
    draws = list(enumerate(seeds(6)))
    sums = [once(gradients, depth=3, sentence=sentences[i % 3], bubble=bubbles[i // 3], seed=seed) for i, seed in draws]
    losses = [once(training, n_nouns=6, n_seeds=1, steps=50, q_s=i % 2, seed=seed) for i, seed in draws[:4]]
    gaps = [f.by_shift - f.by_autograd for f in sums] + [f.grad_shift - f.grad_autograd for f in losses]
    return Evidence(
        exact("largest gap to autograd", max(float(abs(gap).max()) for gap in gaps)) <= 1e-8,
        exact("to finite differences", max(float(abs(f.by_shift - f.by_difference).max()) for f in sums)) <= 1e-5,
        size="all angles of 3 sentences (p and log p), and of the loss of 4 trained models",
    )
