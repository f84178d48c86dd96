"""Checks of a network's scores as utilities: how they are learned, and what they can decide."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, exact, mean, once

from .experiments import NAMES, TAUS, average, digits, sentences, tug


@claim("A step against a rival drawn from the network itself is, on average, the step of maximum likelihood")
def a_rival_is_the_likelihood(seeds: Seeds) -> Evidence:
    frames = [once(average, seed=s, confidence=c) for s in seeds(10) for c in (0.5, 1.0)]
    off = mean("root mean square difference, in standard errors", [float((f.off**2).mean() ** 0.5) for f in frames])
    return Evidence(
        exact("largest difference over all rivals, by probability", max(float(f.enumerated) for f in frames)) <= 1e-12,
        exact("smallest cosine of the mean of 20,000", min(float(f.cosine[-1]) for f in frames)) >= 0.99,
        off >= 0.7,
        off <= 1.3,
        size="linear classifier of digits, batches of 8, first utilities of two sizes, 10 runs each",
    )


@claim("Raising what is shown above one rival of its own makes a learner choose each option as often as it is shown")
def it_chooses_as_it_is_shown(seeds: Seeds) -> Evidence:
    apart, rank = [], []
    for s in seeds(40):
        frame = once(tug, seed=s, steps=20_000, lr=0.01)
        apart.append(float(frame.apart[-1]))
        rank.append(float((np.argsort(-frame.utility.values) == np.arange(frame.sizes["option"])).mean()))
    return Evidence(
        mean("distance of the shares", apart) <= 0.05,
        mean("options at their right rank", rank) >= 0.9,
        size="six options, 20,000 demonstrations, η = 0.01, one rival, 40 runs",
    )


@claim("Digits are learned from four rivals a step as well as from all options at once, and from one not much worse")
def rivals_are_enough(seeds: Seeds) -> Evidence:
    lost = {name: [] for name in NAMES[1:]}
    for s in seeds(12):
        last = once(digits, seed=s).test.isel(step=-1)
        for name in lost:
            lost[name].append(float(last.sel(arm=NAMES[0]) - last.sel(arm=name)))
    return Evidence(
        mean("accuracy on new digits lost with 4 rivals", lost["4 rivals"]) <= 0.02,
        mean("accuracy on new digits lost with 1 rival", lost["1 rival"]) <= 0.05,
        size="network 64-32-10, 1000 digits, 600 batches of 32, 12 runs",
    )


@claim("Where every word is ranked rightly, hardly any sampled sentence is right, unless utilities are made steeper")
def ranking_is_not_sampling(seeds: Seeds) -> Evidence:
    at_one, gained, moved, ranked = [], [], [], []
    for s in seeds(12):
        frame = once(sentences, seed=s)
        sampled = frame.whole.sel(rule="sampling")
        one = sampled.sel(tau=1.0, method="nearest")
        at_one.append(float(one))
        gained.append(float(sampled.sel(tau=frame.tau_sampling) - one))
        best = frame.whole.sel(rule="best option")
        moved.append(float(best.max() - best.min()))
        ranked.append(float(frame.ranked))
    return Evidence(
        mean("sampled sentences right at τ = 1", at_one) <= 0.25,
        mean("gained by the τ of held-out sentences", gained) >= 0.5,
        mean("words whose best answer is the right one", ranked) >= 0.98,
        exact("largest change of the best option's accuracy with τ", max(moved)) <= 1e-12,
        size="sentences of 12 words, 20 to choose from, e = 0.15, 400 demonstrations, one rival, 12 runs",
    )


@claim("The gain is the rule's, not a mistake of the model: for likelihood the best temperature is 1")
def the_model_is_calibrated(seeds: Seeds) -> Evidence:
    taus = [float(once(sentences, seed=s).tau_likelihood) for s in seeds(12)]
    near = TAUS[np.abs(np.log(TAUS)).argsort()[:2]]
    return Evidence(
        mean("likeliest τ", taus) >= 0.9,
        mean("likeliest τ", taus) <= 1.1,
        size=f"chosen among {len(TAUS)} temperatures, nearest {near.min():g} and {near.max():g}; 12 runs",
    )


@claim("Any rising map of the utilities leaves the best option as it is, and changes what is sampled")
def only_the_order_is_known(seeds: Seeds) -> Evidence:
    best, sampled = [], []
    for s in seeds(6):
        plain = once(sentences, seed=s).whole
        for reading in ("doubled", "squashed", "ranks"):
            other = once(sentences, seed=s, reading=reading).whole
            best.append(float(np.abs((other - plain).sel(rule="best option")).max()))
            sampled.append(float(np.abs((other - plain).sel(rule="sampling")).max()))
    return Evidence(
        exact("largest change of the best option's accuracy", max(best)) <= 1e-12,
        mean("largest change of sampling's accuracy", sampled) >= 0.2,
        size="sentences of 12 words, 20 to choose from, three maps, 6 runs",
    )


@claim("Least risk among 32 samples reads the same probabilities and gets most sentences right at τ = 1")
def risk_needs_probabilities(seeds: Seeds) -> Evidence:
    frames = [once(sentences, seed=s).whole for s in seeds(12)]
    at = [f.sel(rule="least risk").sel(tau=1.0, method="nearest") for f in frames]
    hot = [f.sel(rule="least risk", tau=float(TAUS[-1])) for f in frames]
    return Evidence(
        mean("sentences right at τ = 1", [float(a) for a in at]) >= 0.9,
        mean("sentences right at τ = 2", [float(h) for h in hot]) <= 0.2,
        size="sentences of 12 words, 20 to choose from, e = 0.15, 400 demonstrations, one rival, 12 runs",
    )
