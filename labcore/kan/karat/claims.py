"""The rank of learned rows, their accuracy against softmax, and that they are no probabilities."""

from __future__ import annotations

from labcore.claims import Evidence, Seeds, claim, exact, mean, once, repeats

from .experiments import digits


@claim("Learned rows have at most rank r, where softmax is nearly always of higher rank")
def rank_is_bounded(seeds: Seeds) -> Evidence:
    rank = once(digits, seed=seeds.first, steps=100, n_seeds=3).ranks
    projected = once(digits, seed=seeds.first, steps=100, projection="l1", n_seeds=1).ranks.sel(mode="learned")
    return Evidence(
        exact("highest rank, learned", float(rank.sel(mode="learned").max())) <= 6,
        exact("highest rank, learned and brought into the l1 ball", float(projected.max())) <= 6,
        mean("share of softmax matrices above 6", (rank.sel(mode="softmax") > 6).mean("matrix")) >= 0.9,
        size="3 runs of 100 steps, r = 6, 64 matrices each (projected: 1); singular values above 1e-6 of the largest",
    )


@claim("Learned rows are about as accurate as softmax or better (with more parameters)", slow=True)
def accuracy_is_comparable(seeds: Seeds) -> Evidence:
    softmax, learned = repeats(digits, seeds, 8, steps=250).accuracy.isel(time=-1).values
    params = once(digits, seed=seeds.first, steps=250, n_seeds=5).parameters
    return Evidence(
        # 0.01 lies within the noise of as many runs as a night has time for
        mean("accuracy of learned rows - softmax", learned - softmax) >= -0.04,
        size="8 runs of 250 steps, r = 6",
        also={
            "accuracy, learned": learned.mean(),
            "accuracy, softmax": softmax.mean(),
            "parameters, learned / softmax": params[1] / params[0],
        },
    )


@claim("Without softmax, rows are no probabilities; the projection keeps them in the l1 unit ball")
def rows_are_not_probabilities(seeds: Seeds) -> Evidence:
    off = once(digits, seed=seeds.first, steps=100, n_seeds=3).off_sum.sel(mode="learned")
    size = once(digits, seed=seeds.first, steps=100, projection="l1", n_seeds=1).row_size.sel(mode="learned").max()
    return Evidence(
        mean("share of rows with sum off 1 by > 0.1", off) >= 0.5,
        exact("largest sum |row| with projection", size) <= 1 + 1e-9,
        size="3 runs of 100 steps without projection, 1 with it",
    )
