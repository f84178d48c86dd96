"""Two-way weights against one-way weights: attack, noise, drawings, and a critic that does not help."""

from __future__ import annotations

import xarray as xr

from labcore.claims import Evidence, Seeds, claim, mean, once, repeats

from .experiments import train
from .mechanism import Method

SIZE = "two hidden layers of 64, 1500 steps"


def _pairs(seeds: Seeds, method: Method, n: int) -> xr.Dataset:
    return repeats(train, seeds, n, method=method, steps=1500)


def _gain(seeds: Seeds, method: Method, n: int, what: str, least: float) -> Evidence:
    frame = _pairs(seeds, method, n)
    one, two = {"FGSM 0.1": frame.fgsm[:, :, 2], "noise 0.3": frame.noisy[:, :, 3]}[what].values
    clean = frame.fgsm[:, :, 0].mean("repeat").values
    return Evidence(
        mean(f"accuracy under {what}, {method} - one way", two - one) >= least,
        size=f"{SIZE}, {n} pairs of networks",
        also={"one way": one.mean(), method: two.mean(), "clean, one way": clean[0], f"clean, {method}": clean[1]},
    )


@claim("Weights that also learned to draw are harder to fool with a small, aimed attack", slow=True)
def harder_to_fool(seeds: Seeds) -> Evidence:
    return _gain(seeds, "BL", 20, "FGSM 0.1", 0.04)


@claim("They also stand random noise a little better", slow=True)
def noise_tolerance(seeds: Seeds) -> Evidence:
    return _gain(seeds, "BL", 20, "noise 0.3", 0.02)


@claim("Run backwards, two-way weights draw the mean digits and name their own drawings")
def draws_what_it_names(seeds: Seeds) -> Evidence:
    frame = once(train, method="BL", steps=1500, n_seeds=5, seed=seeds.first)
    (one, two), named = frame.likeness.values, frame.named.values
    return Evidence(
        mean("correlation of drawings with class means, BL", two) >= 0.98,
        mean("correlation of drawings with class means, one way", one) <= 0.7,
        mean("own drawings named rightly, of ten, BL", named[1]) >= 9.5,
        size=f"{SIZE}, 5 pairs of networks",
        also={"own drawings named rightly, one way": named[0].mean()},
    )


@claim(
    "A generator that has to fool a critic (HAN) makes the classifier harder to fool",
    expected="not reproduced",
    reason="The published gain is that of convolutional networks with batch normalisation; ours are fully connected.",
    slow=True,
)
def critic_helps(seeds: Seeds) -> Evidence:
    return _gain(seeds, "HAN", 10, "FGSM 0.1", 0.04)
