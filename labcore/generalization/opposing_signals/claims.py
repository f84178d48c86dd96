"""Checks of what a few outliers with opposing signals do to the steps of training."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, geometric, mean, once

from .experiments import WINDOW, crossing, digit_outliers, edge, opposed, predicted, valley
from .outliers import Signals

MODEL = "1000 points, 5 ordinary features, outlier size 12, 4 % outliers, |β| = 3"


def _courses(seeds: Seeds, n: int, **values: float | str) -> list[xr.Dataset]:
    return [once(valley, seed=s, **values) for s in seeds(n)]


@claim("The sharpness falls a little, then more than triples, up to what the outliers alone predict: q s² |β|")
def progressive_sharpening(seeds: Seeds) -> Evidence:
    steep = [f.sharpness.values for f in _courses(seeds, 20, eta=0.02, steps=400)]
    whole = predicted(0.04, 12.0, 3.0)
    last = geometric("sharpness at the end / q s² |β|", [s[-1] / whole for s in steep])
    return Evidence(
        mean("lowest of the first 50 steps / start", [s[:51].min() / s[0] for s in steep]) <= 0.99,
        geometric("largest / start", [s.max() / s[0] for s in steep]) >= 3,
        last >= 0.9,
        last <= 1.1,
        size=f"{MODEL}; η = 0.02, 400 steps, 20 data sets",
    )


@claim("Without the 4 % of outliers the sharpness stays under half of what it is with them")
def outliers_make_the_sharpness(seeds: Seeds) -> Evidence:
    with_, without = (
        [f.sharpness.values.max() for f in _courses(seeds, 20, eta=0.02, steps=400, signals=signals)]
        for signals in ("opposing", "removed")
    )
    return Evidence(
        geometric("largest without / with", np.divide(without, with_)) <= 0.5,
        size=f"{MODEL}; η = 0.02, 400 steps, 20 data sets",
    )


def _alternating(seeds: Seeds, signals: Signals) -> tuple[list[float], list[float]]:
    """In the steps after the valley is too steep: shares in which the groups oppose, and in which group + turns."""
    apart, turns = [], []
    for frame in _courses(seeds, 20, signals=signals):
        each, at = frame.group_loss.values.T, crossing(frame.sharpness.values, float(frame.threshold))
        if at is not None:
            moves = np.diff(each[at : at + WINDOW + 1, 0])
            apart.append(opposed(each, at))
            turns.append(float((moves[1:] * moves[:-1] < 0).mean()))
    return apart, turns


@claim("Once the valley is too steep the losses of the two groups move against each other, and turn at every step")
def groups_take_turns(seeds: Seeds) -> Evidence:
    apart, turns = _alternating(seeds, "opposing")
    return Evidence(
        mean("steps in which they oppose", apart) >= 0.9,
        mean("steps after which group + turns", turns) >= 0.9,
        mean("steps in which they oppose, agreeing signals", _alternating(seeds, "agreeing")[0]) <= 0.1,
        size=f"{MODEL}; η = 0.15, the {WINDOW} steps after the sharpness has passed 2/η, 20 data sets",
    )


@claim("The groups swing at least 20 times as far as all others; the whole loss leaps, and then the steps fit again")
def the_leap_ends_itself(seeds: Seeds) -> Evidence:
    swing, leap, last = [], [], []
    for frame in _courses(seeds, 20):
        at = crossing(frame.sharpness.values, float(frame.threshold))
        after = frame.isel(step=slice(at, at + WINDOW + 1))
        spans = np.ptp(after.group_loss.values, axis=1)
        swing.append(spans[0] / spans[2])
        leap.append(float(after.loss.max() / after.loss[0]))
        last.append(float(frame.sharpness[-1] / frame.threshold))
    return Evidence(
        geometric("swing of group + / all others", swing) >= 20,
        geometric("highest loss / loss at the crossing", leap) >= 1.3,
        mean("sharpness at the end / (2/η)", last) <= 1,
        size=f"{MODEL}; η = 0.15, 80 steps, 20 data sets",
    )


@claim("The loss leaps where q s² |β| is above 2/η and nowhere else")
def the_edge_is_where_the_outliers_say(seeds: Seeds) -> Evidence:
    below, above = [], []
    for seed in seeds(20):
        frame = once(edge, seed=seed)
        over = frame.eta.values > frame.line.values[:, None]
        leaps = frame.ran_away.values | (frame.rise.values > 1e-3)
        below.append(leaps[~over].mean())
        above.append(leaps[over].mean())
    return Evidence(
        mean("settings with a leap, below the line", below) <= 0.02,
        mean("settings with a leap, above it", above) >= 0.9,
        size="40 learning rates from 0.01 to 0.3, 40 sizes from 2 to 20, 4 % outliers, |β| = 3, 20 data sets",
    )


@claim(
    "In a network on digits most of those that a step moves most wear the frame, and frames make the valley steep",
    slow=True,
)
def frames_are_found(seeds: Seeds) -> Evidence:
    more, ratio = [], []
    for seed in seeds(10):
        framed, bare = (once(digit_outliers, seed=seed, brightness=b) for b in (8.0, 0.0))
        more.append(float(framed.found - bare.found))
        ratio.append(float(framed.sharpness[-10:].mean() / bare.sharpness[-10:].mean()))
    return Evidence(
        mean("share with a frame among the 12 that move most, minus the same with black frames", more) >= 0.5,
        geometric("sharpness with frames / with black ones", ratio) >= 2,
        size="1000 digits, 10 % of threes and eights with a frame 8 times as bright as ink, η = 0.3, 10 runs",
    )
