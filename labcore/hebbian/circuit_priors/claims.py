"""Wired against random controllers: before learning, while it lasts and at its end; signs; what cutting does."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import learn, swim
from .mechanism import Array, Controller


def _best(controller: Controller, gens: int) -> Array:
    return once(learn, compare=controller, gens=gens, n_seeds=3).best[0].values


def _speeds(**weights: float) -> list[float]:
    return [once(swim, steps=300, seed=s, **weights).attrs["speed"] for s in range(3)]


@claim("The wired circuit swims before it has learned anything")
def innate_competence(budget: Budget) -> Evidence:
    wired = min(_speeds())
    return Evidence({"slowest": wired}, "untrained NCAP >= 0.06 body lengths per cycle in each seed", wired >= 0.06, 3)


@claim(
    "No random network swims before it has learned",
    expected="not reproduced",
    reason="On average they get nowhere, but with a clock among its inputs one of them is lucky.",
)
def random_networks_do_not_swim(budget: Budget) -> Evidence:
    starts = [once(learn, compare="MLP", gens=1, lam=2, n_seeds=5, seed=s).best[0, :, 0].values for s in range(4)]
    blank = np.concatenate(starts)
    return Evidence(
        {"fastest of 20": blank.max(), "mean": blank.mean(), "above 0.02": (blank > 0.02).sum()},
        "untrained MLP <= 0.02 body lengths per cycle, each of 20",
        blank.max() <= 0.02,
        n_seeds=20,
    )


@claim("With 4 weights instead of 109 the untrained circuit beats a network of 80 trials")
def data_efficiency(budget: Budget) -> Evidence:
    wired, blank = _best("NCAP", 10), _best("MLP", 40)
    lead, slowest = (wired[:, 0] - blank[:, 80]).min(), wired[:, 80].min()
    return Evidence(
        {"smallest lead": lead, "slowest NCAP after 80": slowest, "fastest MLP after 80": blank[:, 80].max()},
        "untrained NCAP above the MLP after 80 trials in every seed; NCAP after 80 trials >= 0.09 in every seed",
        lead > 0 and slowest >= 0.09,
        n_seeds=3,
    )


@claim("The small circuit ends about as fast as the large network")
def comparable_asymptote(budget: Budget) -> Evidence:
    wired, blank = _best("NCAP", 10)[:, 80].mean(), _best("MLP", 40)[:, 320].mean()
    return Evidence(
        {"NCAP after 80": wired, "MLP after 320": blank, "ratio": wired / blank},
        "mean speed of NCAP, after 80 trials already, >= 0.8 x that of the MLP after 320",
        wired >= 0.8 * blank,
        n_seeds=3,
    )


@claim("The signs make it learnable: sizes are soon found, signs are not")
def signs_matter(budget: Budget) -> Evidence:
    free, sizes = _best("NCAP, free signs", 10)[:, 80].max(), _best("NCAP, random sizes", 10)
    start, end = sizes[:, 0].mean(), sizes[:, 80].min()
    return Evidence(
        {"fastest with free signs": free, "random sizes, untrained": start, "slowest with random sizes": end},
        "after 80 trials, every seed: free signs <= 0.01, right signs with random sizes >= 0.09",
        free <= 0.01 and end >= 0.09,
        n_seeds=3,
    )


@claim("Cut what it feels of its own bend, or excite the opposite muscle too, and it swims no more")
def ablations(budget: Budget) -> Evidence:
    numb, excited, cut = (np.abs(_speeds(**w)) for w in ({"w_prop": 0.0}, {"w_contra": 1.0}, {"w_contra": 0.0}))
    return Evidence(
        {"no proprioception": numb.max(), "opposite excited": excited.max(), "no synapse across": cut.min()},
        "|speed| < 0.01 with w_prop = 0, and < 1e-6 with w_contra = +1, in every seed; w_contra = 0 is only told",
        numb.max() < 0.01 and excited.max() < 1e-6,
        n_seeds=3,
    )
