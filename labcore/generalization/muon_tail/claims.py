"""What the paper says of Muon, Adam and rare facts, as checks on a linear memory."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, mean, once

from .experiments import evenness
from .updates import RULES

GRADIENT, SIGNS, ADAM, MUON, ROUGH = RULES
RUNS = 8
SETTING = f"64 facts of frequency 1/rank, stop at 95 %, {RUNS} pairs of codes"


def _ends(seeds: Seeds) -> xr.Dataset:
    """One-hot codes at 0, random rotations at 1."""
    return once(evenness, grid=2, n_codes=RUNS, seed=seeds.first)


@claim("When some fact is known to 95 %, Muon knows the rarest to 90 % as well, in one-hot codes and in turned ones")
def muon_knows_the_rarest(seeds: Seeds) -> Evidence:
    muon = _ends(seeds).balance.sel(rule=MUON)
    return Evidence(
        mean("chance of the least known fact, one-hot", muon.sel(place=0.0)) >= 0.9,
        mean("the same, turned", muon.sel(place=1.0)) >= 0.9,
        size=SETTING,
    )


@claim("Adam does so in one-hot codes alone: in turned ones it leaves rare facts behind, with its averages and without")
def adam_needs_its_code(seeds: Seeds) -> Evidence:
    balance = _ends(seeds).balance
    return Evidence(
        *(mean(f"{name}, one-hot", balance.sel(rule=name, place=0.0)) >= 0.9 for name in (ADAM, SIGNS)),
        *(mean(f"{name}, turned", balance.sel(rule=name, place=1.0)) <= 0.35 for name in (ADAM, SIGNS)),
        size=SETTING,
    )


@claim("Gradient descent leaves the rare facts behind in every code")
def gradient_descent_leaves_them(seeds: Seeds) -> Evidence:
    balance = _ends(seeds).balance.sel(rule=GRADIENT)
    return Evidence(
        *(mean(f"least known, {code}", balance.sel(place=v)) <= 0.2 for code, v in (("one-hot", 0.0), ("turned", 1.0))),
        size=SETTING,
    )


@claim("A turn of the codes changes nothing for Muon and for gradient descent, to rounding")
def turns_do_not_matter(seeds: Seeds) -> Evidence:
    balance = _ends(seeds).balance.sel(rule=[GRADIENT, MUON, ROUGH])
    return Evidence(
        exact("largest change of the least known fact", float(np.abs(balance - balance.sel(place=0.0)).max())) <= 1e-8,
        size=SETTING,
    )


@claim("Muon's memory uses all its directions alike, in turned codes; that of Adam uses some far more than others")
def muon_is_isotropic(seeds: Seeds) -> Evidence:
    flat = _ends(seeds).flatness.sel(place=1.0)
    return Evidence(
        mean("smallest / largest singular value, Muon", flat.sel(rule=MUON)) >= 0.95,
        *(mean(f"the same, {name}", flat.sel(rule=name)) <= 0.25 for name in (ADAM, SIGNS)),
        size=SETTING,
    )


@claim("Where all facts are equally frequent Muon has no advantage over Adam; on a power law it has")
def no_tail_no_advantage(seeds: Seeds) -> Evidence:
    balance = once(evenness, over="exponent", grid=2, n_codes=RUNS, seed=seeds.first).balance
    ahead = balance.sel(rule=MUON) - balance.sel(rule=ADAM)
    return Evidence(
        mean("Muon - Adam, least known fact, exponent 0", ahead.sel(place=0.0)) <= 0.1,
        mean("Muon - Adam, least known fact, exponent 1", ahead.sel(place=1.0)) >= 0.5,
        size=SETTING.replace("of frequency 1/rank", "of frequency 1/rank^s") + ", turned",
    )


@claim("Five Newton-Schulz steps keep most of it: the rarest fact falls behind that of exact Muon, but not far")
def five_steps_keep_most(seeds: Seeds) -> Evidence:
    balance = _ends(seeds).balance.sel(place=1.0)
    rough = balance.sel(rule=ROUGH)
    return Evidence(
        mean("least known fact, five steps", rough) >= 0.5,
        mean("exact Muon - five steps", balance.sel(rule=MUON) - rough) >= 0.05,
        size=f"{SETTING}, turned",
    )
