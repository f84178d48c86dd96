"""Wired against random controllers: before learning, while it lasts and at its end; signs; what cutting does."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, exact, jackknife, mean, once, repeats, share

from .experiments import learn, swim
from .mechanism import Array, Controller


def _best(seeds: Seeds, n: int, controller: Controller, gens: int) -> Array:
    """Speed of the best so far of n searches, by trial."""
    return repeats(learn, seeds, n, compare=controller, gens=gens, lam=8).best[0].values


@claim("The wired circuit swims before it has learned anything")
def innate_competence(seeds: Seeds) -> Evidence:
    speed = _best(seeds, 16, "NCAP", 1)[:, 0]
    return Evidence(
        mean("speed of untrained NCAP", speed) >= 0.06,
        size="body lengths per cycle over 5 cycles, 16 phases of the clock",
        also={"slowest": speed.min()},
    )


@claim("A random network gets nowhere before it has learned, but for a lucky one now and then")
def random_networks_do_not_swim(seeds: Seeds) -> Evidence:
    speed = repeats(learn, seeds, 40, compare="MLP", gens=1, lam=2).best[0, :, 0].values
    return Evidence(
        mean("speed of an untrained MLP", speed) <= 0.02,
        size="body lengths per cycle over 5 cycles, 40 networks",
        also={"fastest": speed.max(), "share above 0.02": (speed > 0.02).mean()},
    )


@claim("With 4 weights instead of 109 the untrained circuit is faster than the average network after 80 trials")
def data_efficiency(seeds: Seeds) -> Evidence:
    untrained, blank = _best(seeds, 16, "NCAP", 1)[:, 0], _best(seeds, 16, "MLP", 10)[:, 80]
    lead = untrained - blank
    return Evidence(
        mean("untrained NCAP - MLP after 80 trials", lead) >= 0,
        mean("NCAP after 80 trials", _best(seeds, 8, "NCAP", 10)[:, 80]) >= 0.09,
        size="body lengths per cycle, 16 MLPs and 8 NCAPs that learn",
        also={"MLP after 80 trials": blank.mean(), "share of MLPs that are slower": (lead > 0).mean()},
    )


@claim("The small circuit ends about as fast as the large network", slow=True)
def comparable_asymptote(seeds: Seeds) -> Evidence:
    wired, blank = _best(seeds, 16, "NCAP", 10)[:, 80], _best(seeds, 16, "MLP", 40)[:, 320]
    return Evidence(
        jackknife("speed of NCAP / of MLP", lambda a, b: a.mean() / b.mean(), wired, blank) >= 0.8,
        size="NCAP after 80 trials, MLP after 320, 16 searches of each",
        also={"NCAP": wired.mean(), "MLP": blank.mean()},
    )


@claim("The signs make it learnable: sizes are soon found, signs in a minority of the runs", slow=True)
def signs_matter(seeds: Seeds) -> Evidence:
    free, sizes = _best(seeds, 100, "NCAP, free signs", 10)[:, 80], _best(seeds, 10, "NCAP, random sizes", 10)
    return Evidence(
        mean("right signs, random sizes", sizes[:, 80]) >= 0.09,
        share("free signs, runs that swim at 0.06", free >= 0.06) <= 0.5,
        size="body lengths per cycle after 80 trials, 10 searches with right signs, 100 with free ones",
        also={"random sizes, untrained": sizes[:, 0].mean(), "free signs, mean": free.mean()},
    )


@claim("Cut what it feels of its own bend, or excite the opposite muscle too, and it swims no more")
def ablations(seeds: Seeds) -> Evidence:
    def speeds(**weights: float) -> Array:
        return np.array([abs(once(swim, steps=300, seed=s, **weights).attrs["speed"]) for s in seeds(8)])

    numb, excited, cut = (speeds(**w) for w in ({"w_prop": 0.0}, {"w_contra": 1.0}, {"w_contra": 0.0}))
    return Evidence(
        mean("|speed| with w_prop = 0", numb) <= 0.01,
        exact("largest |speed| with w_contra = +1", excited.max()) <= 1e-6,
        size="body lengths per cycle over 5 cycles, 8 phases of the clock",
        also={"slowest with w_contra = 0": cut.min()},
    )
