"""Checks of what the convex program proves, and of what the ways around it reach."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once

from .experiments import draws, race, squares

WAVE = "20 points of a wave with noise 0.1, β = 0.02"


@claim("The program's network is within half a per cent of a floor that none of 640 trainings gets below")
def the_program_meets_its_floor(seeds: Seeds) -> Evidence:
    gaps, lowest = [], []
    for seed in seeds(10):
        frame = once(race, seed=seed)
        gaps.append(float(1 - frame.floor[-1] / frame.convex[-1]))
        lowest.append(float(frame.loss.min() / frame.floor[-1]))
    return Evidence(
        mean("gap between the network's loss and the floor", gaps) <= 0.005,
        exact("lowest loss of all trainings / floor", min(lowest)) >= 1,
        size=f"{WAVE}; 3000 steps, 16 starts at each of 4 widths, 10 data sets",
    )


@claim("Trainings of 5 units end typically at more than 1.1 times the lowest loss, of 50 units within 3 %")
def narrow_networks_get_stuck(seeds: Seeds) -> Evidence:
    ends = np.array([once(race, seed=seed).ends for seed in seeds(10)])
    return Evidence(
        geometric("median of 16 trainings / lowest loss, 5 units", ends[:, 1]) >= 1.1,
        geometric("the same, 50 units", ends[:, 3]) <= 1.03,
        size=f"{WAVE}; Adam, 3000 steps, 10 data sets",
    )


@claim("More random units, frozen, never raise the loss, and a thousand come within 2 % of the lowest one")
def frozen_units_come_down(seeds: Seeds) -> Evidence:
    rises, last, floor = [], [], []
    for seed in seeds(10):
        frame = once(draws, seed=seed)
        above = frame.frozen.values
        rises.append(np.diff(above, axis=1).max())
        floor.append(above.min())
        last.append(above[:, -1].mean())
    return Evidence(
        exact("largest rise of the loss, of all draws", max(rises)) <= 1e-8,
        mean("loss of 1000 frozen units above the lowest", last) <= 0.02,
        size=f"{WAVE}; 4 draws of 5 to 1000 units, 10 data sets",
    )


@claim("With a hundred units drawn, their patterns come at least three times as near as the units themselves")
def patterns_are_worth_more(seeds: Seeds) -> Evidence:
    still, moving = [], []
    for seed in seeds(10):
        frame = once(draws, seed=seed).sel(drawn=100, method="nearest")
        still.append(float(frame.frozen.mean()))
        moving.append(max(float(frame.moving.mean()), 1e-6))
    return Evidence(
        geometric("loss above the lowest: patterns only / frozen units", np.divide(moving, still)) <= 1 / 3,
        size=f"{WAVE}; 4 draws, 10 data sets",
    )


@claim("Under attacks of 0.15 the robust network tells at least 10 points more rightly, and left alone no fewer")
def squares_make_it_robust(seeds: Seeds) -> Evidence:
    gain, clean = [], []
    for seed in seeds(16):
        right = once(squares, seed=seed).right
        difference = (right.sel(network="robust") - right.sel(network="plain")).values
        gain.append(difference[3])
        clean.append(difference[0])
    return Evidence(
        mean("share told rightly under attack, robust - plain", gain) >= 0.1,
        mean("the same without an attack", clean) >= -0.02,
        size="41 points, 10 % with the wrong label, e = 0.15, β = 0.001, 400 new points, 16 data sets",
    )
