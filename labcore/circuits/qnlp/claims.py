"""Word circuits against bags of words and against shuffled grammar, and gradients as sums of diagrams."""

from __future__ import annotations

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import gradients, training


@claim("Wired by grammar, word circuits judge unseen sentences far better than bags of words")
def grammar_beats_bags(budget: Budget) -> Evidence:
    frame = once(training, n_nouns=8, steps=250, n_seeds=5)
    test, bags = float(frame.test_acc[0, :, -1].mean()), float(frame.base_acc[1:].mean("repeat").max())
    majority = float(max(frame.truth.mean(), 1 - frame.truth.mean()))
    return Evidence(
        {"circuits": test, "best bag of words": bags, "majority": majority},
        "share of unseen sentences that are right: circuits - best bag of words >= 0.15",
        test - bags >= 0.15,
        n_seeds=5,
    )


@claim("The wiring does it: exchange subject and object at random, and the circuits fall back")
def wiring_matters(budget: Budget) -> Evidence:
    grammar, shuffled = once(training, n_nouns=8, steps=250, n_seeds=5).test_acc[:, :, -1].mean("repeat").values
    return Evidence(
        {"grammar": grammar, "shuffled grammar": shuffled},
        "share of unseen sentences that are right: grammar - shuffled >= 0.1",
        grammar - shuffled >= 0.1,
        n_seeds=5,
    )


@claim("The derivative of a diagram is a sum of diagrams: shifted circuits give the exact gradient")
def shifts_are_exact(budget: Budget) -> Evidence:
    sentences, bubbles = ("Alice loves Bob", "Bob loves Alice", "Alice loves Alice"), ("p", "log p")
    sums = [once(gradients, depth=3, sentence=sentences[i % 3], bubble=bubbles[i % 2], seed=i) for i in range(5)]
    losses = [once(training, n_nouns=6, n_seeds=1, steps=50, q_s=i % 2, seed=i) for i in range(5)]
    gaps = [f.by_shift - f.by_autograd for f in sums] + [f.grad_shift - f.grad_autograd for f in losses]
    autograd = max(float(abs(gap).max()) for gap in gaps)
    difference = max(float(abs(f.by_shift - f.by_difference).max()) for f in sums)
    return Evidence(
        {"to autograd": autograd, "to finite differences": difference},
        "largest gap over all angles <= 1e-8 to autograd (of p, log p and the loss) and <= 1e-5 to finite differences",
        autograd <= 1e-8 and difference <= 1e-5,
        n_seeds=5,
    )
