"""Checks of what the convex program proves, and of what the ways around it reach."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once, share

from .experiments import digits, draws, race, squares

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


@claim("Of trainings of 5 units three in ten or more end over 10 % above the lowest loss, of 50 units next to none")
def narrow_networks_get_stuck(seeds: Seeds) -> Evidence:
    stuck = []
    for seed in seeds(10):
        frame = once(race, seed=seed)
        stuck.append((frame.loss[..., -1] / frame.best > 1.1).mean("run").values)
    stuck = np.array(stuck)
    return Evidence(
        mean("share of 16 trainings over 10 % above, 5 units", stuck[:, 1]) >= 0.3,
        mean("the same, 50 units", stuck[:, 3]) <= 0.05,
        size=f"{WAVE}; Adam, 3000 steps, 10 data sets",
    )


@claim("More random units, frozen, never raise the loss, and a thousand come within 2 % of the lowest one")
def frozen_units_come_down(seeds: Seeds) -> Evidence:
    rises, last, floor = [], [], []
    for seed in seeds(8):
        frame = once(draws, repeats=3, seed=seed)
        above = frame.frozen.values
        rises.append(np.diff(above, axis=1).max())
        floor.append(above.min())
        last.append(above[:, -1].mean())
    return Evidence(
        exact("largest rise of the loss, of all draws", max(rises)) <= 1e-8,
        mean("loss of 1000 frozen units above the lowest", last) <= 0.02,
        size=f"{WAVE}; 3 draws of 10 to 1000 units, 8 data sets",
    )


@claim("Of a hundred random units the patterns alone lead nearer to the lowest loss than the units, in most draws")
def patterns_are_worth_more(seeds: Seeds) -> Evidence:
    nearer, still, moving = [], [], []
    for seed in seeds(8):
        frame = once(draws, repeats=3, seed=seed).sel(drawn=100)
        nearer.append((frame.moving < frame.frozen).values)
        still.append(float(frame.frozen.mean()))
        moving.append(float(frame.moving.mean()))
    return Evidence(
        share("draws in which patterns lead nearer", np.concatenate(nearer)) >= 0.5,
        size=f"{WAVE}; 3 draws, 8 data sets",
        also={"mean loss above the lowest, frozen units": np.mean(still), "the same, patterns only": np.mean(moving)},
    )


@claim("On digits the program lowers a network's loss by a twentieth with its patterns; drawn ones serve it worse")
def training_finds_patterns(seeds: Seeds) -> Evidence:
    ends = []
    for seed in seeds(8):
        frame = once(digits, seed=seed)
        trained, settled = (float(frame[name].median()) for name in ("trained", "settled"))
        ends.append((trained, settled, float(frame.moving[-1])))
    trained, settled, drawn = np.array(ends).T
    return Evidence(
        geometric("loss of the program with a network's patterns / of that network", settled / trained) <= 0.95,
        geometric("the same / of the program with the patterns of 80 drawn units", settled / drawn) <= 0.8,
        size="150 threes and eights, β = 0.3; medians of 4 networks of 20 units, Adam, 1000 steps, 8 data sets",
    )


@claim("Under attacks of 0.15 the robust network tells at least 10 points more rightly, and left alone no fewer")
def squares_make_it_robust(seeds: Seeds) -> Evidence:
    gain, clean = [], []
    for seed in seeds(48):
        right = once(squares, steps=1000, seed=seed).right
        difference = (right.sel(network="robust") - right.sel(network="plain")).values
        gain.append(difference[3])
        clean.append(difference[0])
    return Evidence(
        mean("share told rightly under attack, robust - plain", gain) >= 0.1,
        mean("the same without an attack", clean) >= -0.02,
        size="41 points, 10 % with the wrong label, e = 0.15, β = 0.001, 1000 steps, 400 new points, 48 data sets",
    )
