"""Checks of the kernel of learning with surrogate slopes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once, repeats, share

from .experiments import cloud, sides, steeper


@claim("Made steeper, the ordinary kernel grows without limit where an input meets itself, and nowhere else")
def the_spike(seeds: Seeds) -> Evidence:
    soft, steep = (once(steeper, steep=m, seed=seeds.first) for m in (16.0, 64.0))
    grown = np.log(float(steep.here_ordinary / soft.here_ordinary)) / np.log(4)
    apart = abs(soft.angle) >= 30
    change = abs(steep.ordinary - soft.ordinary).where(apart).max() / abs(soft.ordinary).where(apart).max()
    return Evidence(
        exact("power of the steepness with which it grows", grown) >= 0.9,
        exact("power of the steepness with which it grows", grown) <= 1,
        exact("largest change at 30 degrees or more", float(change)) <= 0.01,
        exact("change of the surrogate kernel", float(steep.here_surrogate / soft.here_surrogate) - 1) <= 0.03,
        size="one hidden layer, steepness 16 and 64",
        also={"at 16": float(soft.here_ordinary), "at 64": float(steep.here_ordinary)},
    )


@claim("With it a network of steps would learn its examples by heart and answer 0 everywhere else")
def by_heart(seeds: Seeds) -> Evidence:
    frame = once(cloud, seed=seeds.first, width=50, steps=100, n_seeds=2)
    away = np.abs((frame.angle - frame.place + 180) % 360 - 180).min("example")
    size = {name: np.sqrt(float((frame[name] ** 2).where(away >= 3).mean())) for name in ("ordinary", "predicted")}
    met = abs(frame.ordinary.sel(angle=frame.place) - frame.target).max()
    return Evidence(
        exact(
            "size of its answer between the examples, over the surrogate kernel's", size["ordinary"] / size["predicted"]
        )
        <= 0.02,
        exact("largest error at an example", float(met)) <= 1e-6,
        size="erf of steepness 1000, one hidden layer, five examples",
    )


def _moves(seeds: Seeds, n: int, **values: float) -> tuple[xr.DataArray, xr.DataArray]:
    return repeats(sides, seeds, n, **values).moved, once(sides, seed=seeds.first, n_seeds=4, **values).expected


@claim("A learning step moves networks of steps as the surrogate kernel says, and not the same in both directions")
def two_directions(seeds: Seeds) -> Evidence:
    moved, expected = _moves(seeds, 800)
    there, back = (moved.sel(way=way) for way in ("A taught, B asked", "B taught, A asked"))
    said = {way: float(expected.sel(kernel="surrogate kernel", way=way)) for way in expected.way.values}
    other = expected.sel(kernel="smooth slopes on both sides", way="B taught, A asked")
    return Evidence(
        mean("move of B / the kernel's", there / said["A taught, B asked"]) >= 0.95,
        mean("move of B / the kernel's", there / said["A taught, B asked"]) <= 1.05,
        mean("move of A / the kernel's", back / said["B taught, A asked"]) >= 0.95,
        mean("move of A / the kernel's", back / said["B taught, A asked"]) <= 1.05,
        mean("move of A - move of B", back - there) >= 0.2,
        mean("move of A / that with smooth slopes on both sides", back / float(other)) >= 1.2,
        size="inputs of length 0.5 and 2.4, one layer of 1000 neurons, a = 0.5, 800 networks",
    )


@claim("The same holds with two hidden layers")
def two_layers(seeds: Seeds) -> Evidence:
    moved, expected = _moves(seeds, 800, depth=2, width=200, rate=0.5)
    ways = moved / expected.sel(kernel="surrogate kernel")
    there, back = (ways.sel(way=way) for way in ways.way.values)
    smooth = moved / expected.sel(kernel="smooth network")
    return Evidence(
        mean("move of B / the kernel's", there) >= 0.85,
        mean("move of B / the kernel's", there) <= 1.15,
        mean("move of A / the kernel's", back) >= 0.85,
        mean("move of A / the kernel's", back) <= 1.15,
        mean("moves / those of a smooth network", smooth.mean("way")) >= 2,
        size="inputs of length 0.5 and 2.4, two layers of 200 neurons, a = 0.5, 800 networks",
    )


def _toward(f: xr.DataArray, here: xr.DataArray, there: xr.DataArray) -> xr.DataArray:
    """How far each network is on the way from one answer, 0, to another, 1."""
    way = there - here
    return ((f - here) * way).sum("angle") / (way**2).sum("angle")


@claim("Trained networks of steps scatter around the surrogate kernel's answer, not around a smooth network's")
def the_middle(seeds: Seeds) -> Evidence:
    f = repeats(cloud, seeds, 192, sharp=0.5, steps=150).f
    frame = once(cloud, seed=seeds.first, n_seeds=16, sharp=0.5, steps=150)
    toward = _toward(f, frame.predicted, frame.smooth)
    size = float((f.mean("repeat") * frame.predicted).sum() / (frame.predicted**2).sum())
    return Evidence(
        mean("share of the way to the smooth network's answer", toward) <= 0.35,
        mean("share of the way to the smooth network's answer", toward) >= -0.35,
        size="one layer of 400 neurons, a = 0.5, five examples, 192 networks",
        also={"size of the mean answer, over the kernel's": size},
    )


@claim("A single network comes nearer as it is made wider, but slowly: 16 times as wide, half the distance")
def a_single_one(seeds: Seeds) -> Evidence:
    narrow, runs = (repeats(cloud, seeds, 64, width=width, steps=150) for width in (100, 1600))
    kernel = once(cloud, seed=seeds.first, n_seeds=16, width=1600, steps=150).predicted
    eights = runs.f.coarsen(repeat=8).mean()
    together = np.sqrt(((eights - kernel) ** 2).mean("angle") / (kernel**2).mean())
    narrow, wide = narrow.away, runs.away
    return Evidence(
        geometric("distance at 1600 neurons, over that at 100", wide / narrow) <= 0.7,
        geometric("distance at 1600 neurons, over that at 100", wide / narrow) >= 0.4,
        mean("distance of the mean of 8 networks of 1600 neurons", together) <= 0.2,
        size="one layer, a = 1, 64 pairs of networks",
        also={"at 100": float(narrow.mean()), "at 1600": float(wide.mean())},
    )


@claim("They do learn: within 150 steps the error of the examples falls below a hundredth of its start")
def they_learn(seeds: Seeds) -> Evidence:
    error = repeats(cloud, seeds, 64, width=1600, steps=150).error
    return Evidence(
        share("networks that come below 1 % of their first error", error.min("step") < 0.01 * error.isel(step=0))
        >= 0.9,
        size="one layer of 1600 neurons, a = 1, 64 networks",
    )
