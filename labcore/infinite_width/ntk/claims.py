"""Checks of a kernel that freezes, of training that is known beforehand, and of networks that are not lazy."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, geometric, jackknife, mean, once, share

from .experiments import features, kernel, training

LAZY, RICH = 10.0, 0.03
ONE_LAYER = "one hidden layer, 8 examples on a circle, 40 networks"


def _slope(distance: np.ndarray) -> float:
    """Of ln (mean distance) over ln (width), for distances (networks, 3) at widths 64, 256, 1024."""
    return float(np.polyfit(np.log([64, 256, 1024]), np.log(distance.mean(0)), 1)[0])


@claim("A random network's kernel comes to the limit as 1 over the root of the width")
def the_kernel_freezes(seeds: Seeds) -> Evidence:
    frames = [once(kernel, width=1024, depth=2, networks=12, seed=s) for s in seeds(2)]
    distance = np.concatenate([f.distance.sel(size=[64, 256, 1024]).T.values for f in frames])
    return Evidence(
        jackknife("exponent of the distance", _slope, distance) <= -0.35,
        jackknife("exponent of the distance, lower side", _slope, distance) >= -0.75,
        mean("distance from the limit at width 1024", distance[:, -1]) <= 0.12,
        size="relu, 2 hidden layers, widths 64, 256, 1024, 24 networks",
    )


def _learned(seeds: Seeds, runs: int, **values: object) -> xr.Dataset:
    """Eight networks a run, all in one frame."""
    return xr.concat(
        [once(training, networks=8, seed=s, **values) for s in seeds(runs)], "network", data_vars="minimal"
    )


@claim("In training the kernel of a wide network hardly moves, while its answers do")
def it_stays_frozen(seeds: Seeds) -> Evidence:
    narrow, wide = _learned(seeds, 1, width=32), _learned(seeds, 1, width=512)
    went = np.sqrt(((wide.answer - wide.start) ** 2).mean("angle"))
    return Evidence(
        jackknife("kernel's change, width 512 / width 32", lambda a, b: a.mean() / b.mean(), wide.moved, narrow.moved)
        <= 0.4,
        mean("kernel's change at width 512", wide.moved) <= 0.1,
        mean("change of the answers", went) >= 0.5,
        size="relu, 2 hidden layers, t = 20, 8 networks",
    )


@claim("What a wide network answers after training is what the kernel says, and more so the wider it is")
def known_beforehand(seeds: Seeds) -> Evidence:
    gaps = []
    for width in (64, 1024):
        frame = _learned(seeds, 5, width=width, depth=1)
        gaps.append(np.sqrt(((frame.answer - frame.paper) ** 2).mean("angle")).values)
    return Evidence(
        mean("difference of the answers at width 1024", gaps[1]) <= 0.1,
        jackknife("the same, over that at width 64", lambda a, b: a.mean() / b.mean(), *gaps[::-1]) <= 0.5,
        size=f"relu, {ONE_LAYER}, t = 20",
    )


def _rates(wrong: xr.DataArray) -> np.ndarray:
    """(networks, waves): at which rate each wave's error falls while over a twentieth of it is left."""
    time, out = wrong.time.values, []
    for one in wrong.transpose("network", "wave", "time").values:
        for error in one:
            early = np.maximum.accumulate(error < 0.05 * error[0])
            end = max(3, int(np.argmax(early)) if early.any() else len(time))
            out.append(-np.polyfit(time[:end], np.log(error[:end]), 1)[0])
    return np.array(out).reshape(wrong.sizes["network"], wrong.sizes["wave"])


@claim("The error along each eigenvector falls at the rate of its eigenvalue, the largest first")
def each_at_its_rate(seeds: Seeds) -> Evidence:
    frame = _learned(seeds, 5, width=1024, depth=1, time=3.0)
    seen, told = _rates(frame.wrong), _rates(frame.predicted)
    ratio = (seen / told)[:, :3].mean(1)
    return Evidence(
        mean("rate over the predicted one, waves of 0 to 2 periods", ratio) >= 0.85,
        mean("rate over the predicted one, upper side", ratio) <= 1.15,
        share("networks in which the three rates are in order", (np.diff(seen[:, :3], axis=1) < 0).all(1)) >= 0.5,
        size=f"relu, {ONE_LAYER}, width 1024",
    )


@claim("With an S-shaped activation three periods are learned before two, as the eigenvalues say")
def not_always_the_slow_one_first(seeds: Seeds) -> Evidence:
    frame = _learned(seeds, 5, width=1024, depth=1, activation="erf")
    left = frame.wrong.isel(time=-1) / frame.wrong.isel(time=0)
    told = float(frame.rate[3] - frame.rate[2])
    return Evidence(
        exact("eigenvalue of 3 periods - that of 2", told) >= 0,
        geometric("left of 3 periods over left of 2", (left.sel(wave=3) / left.sel(wave=2)).values) <= 0.8,
        size=f"erf, {ONE_LAYER}, width 1024, t = 20",
    )


@claim("With a small output scale the kernel moves and the neurons turn to the features, with a large one both stay")
def lazy_or_rich(seeds: Seeds) -> Evidence:
    frames = [once(features, seed=s) for s in seeds(8)]
    moved = np.array([f.moved.sel(scale=[RICH, LAZY]).values for f in frames])
    turned = np.array([(f.aligned - f.at_start).sel(scale=[RICH, LAZY]).values for f in frames])
    missed = np.array([f.error.sel(scale=[RICH, LAZY]).values for f in frames])
    return Evidence(
        mean(f"kernel's change at α = {RICH}", moved[:, 0]) >= 1,
        mean(f"kernel's change at α = {LAZY:g}", moved[:, 1]) <= 0.05,
        mean(f"neurons' share near features, after - before, α = {RICH}", turned[:, 0]) >= 0.25,
        mean(f"the same at α = {LAZY:g}", np.abs(turned[:, 1])) <= 0.05,
        geometric("error around the circle, rich over lazy", missed[:, 0] / missed[:, 1]) <= 0.5,
        size="three relu features, 24 inputs, 200 neurons, t = 50, 8 networks",
    )
