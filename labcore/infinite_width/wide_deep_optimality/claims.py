"""Checks of what an infinitely deep network becomes."""

from __future__ import annotations

import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, mean, once

from .experiments import answers, profile, risks

MAP = "151 examples in 2 dimensions, labels by a logistic of sharpness 10, 1800 places"


@claim("Near an example the vote's kernel grows as r^-α, with α = -2 ln q'(0) / ln q'(1)")
def the_exponent(seeds: Seeds) -> Evidence:
    frames = [once(profile, linear=a, power=p, seed=seeds.first) for a, p in ((0.5, 3), (0.3, 2), (0.7, 5), (0.2, 7))]
    off = [abs(float(f.slope / f.alpha) - 1) for f in frames]
    return Evidence(
        exact("largest relative difference of the fitted exponent", max(off)) <= 0.02,
        exact("difference at a₁² = 1/2, p = 3 from the sphere's dimension 2", abs(float(frames[0].alpha) - 2)) <= 1e-9,
        size="four activations, distances from 0.0001 to 0.04",
    )


def _ends(seeds: Seeds, n: int, **values: float) -> list[xr.Dataset]:
    return [once(answers, seed=s, **values).isel(layer=-1) for s in seeds(n)]


@claim("With a constant part it answers with the majority, without a linear one like the nearest neighbour")
def two_simple_ends(seeds: Seeds) -> Evidence:
    majority = [float(f.agree.sel(rule="majority")) for f in _ends(seeds, 6, constant=0.3, linear=0.4, depth=60)]
    copied = [float(f.agree.sel(rule="nearest neighbour")) for f in _ends(seeds, 6, linear=0.0, power=2, depth=12)]
    return Evidence(
        mean("agreement with the majority, a₀² = 0.3, 60 layers", majority) >= 0.99,
        mean("agreement with the nearest neighbour, q = ξ², 12 layers", copied) >= 0.98,
        size=f"{MAP}, 6 runs each",
    )


@claim("Otherwise it becomes the weighted vote, but slowly: 40 layers still answer more like the nearest neighbour")
def a_vote_at_last(seeds: Seeds) -> Evidence:
    early, late = _ends(seeds, 16, depth=40), _ends(seeds, 8, depth=20_000)
    ahead = [float(f.agree.sel(rule="nearest neighbour") - f.agree.sel(rule="weighted vote")) for f in early]
    return Evidence(
        mean("agreement with the vote, 20,000 layers", [float(f.agree.sel(rule="weighted vote")) for f in late])
        >= 0.98,
        mean("agreement with the vote, 40 layers", [float(f.agree.sel(rule="weighted vote")) for f in early]) >= 0.9,
        mean("the nearest neighbour's, minus that", ahead) >= 0,
        size=f"{MAP}, a₁² = 1/2, p = 3, 16 runs at 40 layers, 8 at 20,000",
    )


@claim("A constant part of a four-hundredth is not seen at 10 layers and takes everything at 1000")
def a_little_constant(seeds: Seeds) -> Evidence:
    changed, taken = [], []
    for s in seeds(8):
        short = once(answers, seed=s, constant=0.0025, depth=10), once(answers, seed=s, depth=10)
        changed.append(abs(float(short[0].risk[-1] - short[1].risk[-1])))
        taken.append(float(once(answers, seed=s, constant=0.0025, depth=1000).agree.sel(rule="majority")[-1]))
    return Evidence(
        mean("change of the share of wrong answers, 10 layers", changed) <= 0.02,
        exact("least agreement with the majority, 1000 layers", min(taken)) >= 1,
        size=f"{MAP}, a₁² = 1/2, p = 3, 8 runs",
    )


@claim("The vote with α = d is wrong less often than the nearest neighbour, and the network of 40 layers lies between")
def the_vote_is_better(seeds: Seeds) -> Evidence:
    frame = once(risks, seed=seeds.first, n_seeds=20, n_test=600)
    at = frame.risk.sel(n=[100, 400])
    nearest, vote, network = (at.sel(rule=name) for name in ("nearest neighbour", "weighted vote", "deep network"))
    return Evidence(
        mean("nearest neighbour - vote, 100 examples", (nearest - vote).sel(n=100)) >= 0.008,
        mean("nearest neighbour - vote, 400 examples", (nearest - vote).sel(n=400)) >= 0.008,
        mean("network - vote, 400 examples", (network - vote).sel(n=400)) >= 0.005,
        mean("nearest neighbour - network, 400 examples", (nearest - network).sel(n=400)) >= 0,
        size="2 dimensions, a₁² = 1/2, p = 3, 600 inputs, 20 sets of examples",
    )


@claim(
    "With more examples the vote comes nearer to the lowest possible risk, the nearest neighbour does not", slow=True
)
def it_is_consistent(seeds: Seeds) -> Evidence:
    some = [once(risks, seed=seeds.first + k, n_seeds=20, n_test=600).risk for k in range(3)]
    risk = xr.concat(some, "repeat")
    above = risk - risk.sel(rule="best possible")
    gain = above.sel(n=25) - above.sel(n=400)
    ratio = above.sel(n=400, rule="weighted vote") / above.sel(n=400, rule="nearest neighbour")
    return Evidence(
        mean("vote's avoidable errors, 25 examples - 400", gain.sel(rule="weighted vote")) >= 0,
        mean("vote's avoidable errors / the neighbour's, 400 examples", ratio) <= 0.6,
        mean("neighbour's avoidable errors, 400 examples", above.sel(n=400, rule="nearest neighbour")) >= 0.025,
        size="2 dimensions, a₁² = 1/2, p = 3, 600 inputs, 60 sets of examples",
    )
