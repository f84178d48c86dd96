"""Checks of what two stages and a bottleneck learn, from how many samples."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, mean, once, repeats

from .experiments import bottleneck, pieces, race
from .target import Link, ceiling, inner

TASK = "24 dimensions, a = 0.7, half of the samples for each stage"


def _runs(seeds: Seeds, n: int, **values: float | str) -> list[xr.Dataset]:
    return [once(bottleneck, seed=s, **values) for s in seeds(n)]


def _each(frames: list[xr.Dataset], name: str) -> np.ndarray:
    return np.array([float(f[name]) for f in frames])


@claim("With 16 d² samples three layers come far below what any polynomial of degree 2 can reach")
def below_what_degree_two_can(seeds: Seeds) -> Evidence:
    found = _runs(seeds, 8)
    error = _each(found, "error")
    return Evidence(
        mean("error of three layers, share of the variance", error) <= 0.2,
        mean("floor of degree 2 - error", _each(found, "floor") - error) >= 0.12,
        size=f"{TASK}, 9216 samples, 8 runs",
    )


@claim("The bottleneck, fitted to g(p(x)) alone, becomes p as samples grow: a correlation over 0.9 at 16 d²")
def the_bottleneck_becomes_p(seeds: Seeds) -> Evidence:
    rows = np.sqrt(np.stack([f.parts.isel(part=0).sel(ratio=[2, 4, 8, 16]).values for f in _runs(seeds, 8)]))
    return Evidence(
        mean("correlation with p at 16 d²", rows[:, -1]) >= 0.9,
        *(
            mean(f"its gain from {n} d² to {2 * n} d²", gain) >= 0
            for n, gain in zip((2, 4, 8), np.diff(rows).T, strict=True)
        ),
        size=f"{TASK}, 8 runs",
    )


@claim("A kernel stays above the floor with 4 d² samples, and so does a two-layer network with 16 d²", slow=True)
def rivals_stay_above(seeds: Seeds) -> Evidence:
    small = repeats(race, seeds, 9, d=16, most=4, steps=50)
    large = repeats(race, seeds, 16, most=16)
    three = large.three.sel(ratio=16).values
    return Evidence(
        mean("error of the exp kernel, d = 16", small.kernel.sel(few=4).values) >= 0.33,
        mean("error of two layers, d = 24", large.net.sel(ratio=16).values) >= 0.33,
        mean("error of two layers - three layers, d = 24", large.net.sel(ratio=16).values - three) >= 0.12,
        size="a = 0.7; exp kernel with 1024 samples, 9 runs; Adam with 9216 samples, 256 units, 1000 batches, 16 runs",
    )


@claim("With 8 d² samples three layers do as well in 12 dimensions as in 8; a kernel, with more to find, does worse")
def kernels_need_more_in_more_dimensions(seeds: Seeds) -> Evidence:
    three = [_each(_runs(seeds, 30, d=d, samples=8), "error") for d in (8, 12)]
    kernel = [repeats(race, seeds, 6, d=d, most=8, steps=50).kernel.sel(few=8).values for d in (8, 12)]
    return Evidence(
        mean("error of three layers in 12 - in 8 dimensions", np.subtract(*three[::-1])) <= 0.05,
        mean("the same, exp kernel", np.subtract(*kernel[::-1])) >= 0.05,
        size="a = 0.7, 8 d² samples; 30 runs of three layers, 6 of the kernel",
    )


@claim("With only d² samples a kernel is better than three layers")
def few_samples_favour_kernels(seeds: Seeds) -> Evidence:
    found = repeats(race, seeds, 9, d=16, most=2, steps=50)
    worse = found.three.sel(ratio=1) - found.kernel.sel(few=1)
    return Evidence(
        mean("error of three layers - exp kernel", worse.values) >= 0,
        size="16 dimensions, a = 0.7, 256 samples, 9 runs",
        also={"the same at 2 d²": float((found.three.sel(ratio=2) - found.kernel.sel(few=2)).mean())},
    )


@claim("A steeper bend, or pieces of random weights, cost the bottleneck some of its correlation with p")
def it_stalls(seeds: Seeds) -> Evidence:
    settings = {}, {"bend": 1.0}, {"weights": "random"}
    # seed by seed: what the three have in common is then drawn once
    found = [[once(bottleneck, seed=s, **more) for more in settings] for s in seeds(8)]
    plain, steep, random = (_each(list(frames), "correlation") for frames in zip(*found, strict=True))
    return Evidence(
        mean("correlation with p at 16 d², a = 1", steep) <= 0.9,
        mean("the same with a = 0.7 - with a = 1", plain - steep) >= 0,
        mean("the same with equal - with random weights", plain - random) >= 0,
        size="24 dimensions, 9216 samples, 8 runs",
    )


@claim("Few pieces spoil the bottleneck: its correlation with p ends at 1/√(1 + 4a²/L) for L pieces")
def few_pieces_contaminate(seeds: Seeds) -> Evidence:
    off = [
        ceiling(inner(d, count, "equal", np.random.default_rng(s)), Link(1, bend)) * np.sqrt(1 + 4 * bend**2 / count)
        - 1
        for s in seeds(3)
        for d, count in ((8, 2), (24, 12), (32, 32))
        for bend in (0.3, 0.7, 1.5)
    ]
    found = [once(pieces, seed=s) for s in seeds(6)]
    return Evidence(
        exact("largest relative difference of the formula", np.abs(off).max()) <= 1e-12,
        mean("correlation for 24 - for 2 pieces", [float(f.correlation[-1] - f.correlation[0]) for f in found]) >= 0.15,
        size="24 dimensions, a = 0.7, 18,432 samples, 6 runs",
    )


@claim("A polynomial of degree 2 leaves a²(1 + 2/d) of the target's variance 1 + a²(1 + 6/d), and no less")
def the_floor_is_known(seeds: Seeds) -> Evidence:
    off = []
    for frame, d, bend in (
        *((f, 24, 0.7) for f in _runs(seeds, 8)),
        *((once(bottleneck, d=10, bend=bend, seed=seeds.first), 10, bend) for bend in (0.3, 1.5)),
    ):
        off.append(float(frame.floor) * (1 + bend**2 * (1 + 6 / d)) / (bend**2 * (1 + 2 / d)) - 1)
    return Evidence(
        exact("largest relative difference of the floor", np.abs(off).max()) <= 1e-12,
        size="d = 24 and a = 0.7, 8 targets; d = 10, a = 0.3 and 1.5",
    )
