"""Checks of how a network adds on a clock, and of how it comes to it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once

from .experiments import grokking, lottery, training, vote

LEARNED = "p = 23, 256 ReLU neurons, the whole table, 200 steps of AdamW, 8 runs"
RACED = "p = 23, 128 neurons, z², gradient descent from small weights, when the loss has halved, 8 runs"
GROKKED = "p = 31, 128 neurons, z², first weights of size 1, 75 % of the pairs, 600 steps of AdamW at 0.003, 5 runs"


@claim("The votes of all frequencies are the flawed indicator: the sum, and two ghosts of half its height at 2x and 2y")
def waves_meet_at_the_sum(seeds: Seeds) -> Evidence:
    off = []
    for seed in seeds(3):
        for p in (7, 15, 23):  # 15 is no prime
            for x, y in ((3, 1), (2, 6), (4, 4)):
                for n in (3, 5):
                    frame = once(vote, x=x, y=y, p=p, frequencies=29, neurons=n, seed=seed)
                    off.append(float(np.abs(frame.vote - frame.expected).max()))
    return Evidence(
        exact("largest difference from n (p/4, p/8, p/8, all less 1/2)", max(off)) <= 1e-10,
        size="p = 7, 15, 23; 3 and 5 neurons a frequency, 3 pairs, 3 sets of first phases",
    )


def _learned(seeds: Seeds) -> list[xr.Dataset]:
    return [once(training, seed=s, steps=200) for s in seeds(8)]


@claim("A trained neuron has one frequency, the same in both layers, and its phases are aligned: ψ = 2φ")
def one_frequency_each(seeds: Seeds) -> Evidence:
    frames = _learned(seeds)
    return Evidence(
        mean("share of pairs added right", [float(f.accuracy[-1]) for f in frames]) >= 0.99,
        mean("share of the squared amplitudes in one frequency, median neuron", [float(f.share[-1]) for f in frames])
        >= 0.8,
        mean("share of neurons with the same in both layers", [float((f.own == f.own_out).mean()) for f in frames])
        >= 0.95,
        mean("|ψ - 2φ| of the median neuron", [float(f.off[-1]) for f in frames]) <= 0.2,
        size=LEARNED,
    )


@claim(
    "Neurons spread over all frequencies, and over the phases of each so evenly that they leave less noise than chance"
)
def voters_are_diverse(seeds: Seeds) -> Evidence:
    fewest, uneven = [], []
    for frame in _learned(seeds):
        own, voice = frame.own.values.astype(int), frame.voice.values
        fewest.append(np.bincount(own, minlength=12)[1:].min())
        noise = []
        for k in np.unique(own):
            mine = own == k
            for turn in (frame.phase_out.values[mine], (frame.phase_out + frame.phase).values[mine]):
                noise.append(abs((voice[mine] * np.exp(1j * turn)).sum()) ** 2 / (voice[mine] ** 2).sum())
        uneven.append(np.mean(noise))
    return Evidence(
        mean("neurons of the rarest frequency", fewest) >= 3,
        mean("noise that a frequency's votes leave, over that of random phases", uneven) <= 0.85,
        size=LEARNED,
    )


@claim("After training |z|, z² or z⁴ do in place of the ReLU, without any training; a straight line does not")
def any_bend_will_do(seeds: Seeds) -> Evidence:
    frames = _learned(seeds)
    right = {name: [float(f.swapped.sel(swap=name)) for f in frames] for name in ("abs", "square", "fourth", "none")}
    return Evidence(
        *(mean(f"pairs added right with {name}", right[name]) >= 0.95 for name in ("abs", "square", "fourth")),
        mean("pairs added right without an activation", right["none"]) <= 0.15,
        size=LEARNED,
    )


@claim("The frequency that would blow up first, by its first amplitudes and phases alone, wins the neuron")
def a_lottery_at_the_start(seeds: Seeds) -> Evidence:
    ours, largest = [], []
    for seed in seeds(8):
        frame = once(lottery, seed=seed)
        half = int((frame.loss.values <= frame.loss.values[0] / 2).argmax())
        time, size = frame.right.values[:, half]
        ours.append(time)
        largest.append(size)
    return Evidence(
        mean("share of neurons foretold by the time to infinity", ours) >= 0.75,
        mean("the same, minus the share foretold by the largest amplitude", np.subtract(ours, largest)) >= 0.15,
        size=RACED,
        also={"share foretold by the largest amplitude": np.mean(largest), "guessing": float(frame.chance)},
    )


@claim("It knows its examples by heart long before it knows the rule, and in between its neurons let go of frequencies")
def by_heart_first(seeds: Seeds) -> Evidence:
    later, purer = [], []
    for frame in _grokked(seeds, 1.0):
        memory, insight = float(frame.memory), float(frame.get("insight", 600))
        later.append(insight / memory)
        at = np.searchsorted(frame.step.values, (memory, insight))
        purer.append(float(np.diff(frame.share.values[at])[0]))
    return Evidence(
        geometric("step of 95 % on the test / step of 99 % on the training pairs", later) >= 2,
        mean("gain in the share of one frequency between the two", purer) >= 0.2,
        size=GROKKED,
    )


@claim("Without weight decay as many steps do not bring it to the rule")
def decay_brings_the_rule(seeds: Seeds) -> Evidence:
    with_, without = ([float(f.accuracy[1, -1]) for f in _grokked(seeds, decay)] for decay in (1.0, 0.0))
    return Evidence(
        mean("test pairs right with weight decay 1, minus those with none", np.subtract(with_, without)) >= 0.2,
        mean("test pairs right with none", without) <= 0.3,
        size=GROKKED,
        also={"with weight decay 1": np.mean(with_)},
    )


def _grokked(seeds: Seeds, decay: float) -> list[xr.Dataset]:
    return [once(grokking, seed=s, decay=decay, rate=3e-3, steps=600) for s in seeds(5)]
