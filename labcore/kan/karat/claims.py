"""The rank of learned rows, their accuracy against softmax, and that they are no probabilities."""

from __future__ import annotations

import xarray as xr

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import digits


def _trained() -> xr.Dataset:
    """The run that all three claims look at."""
    return once(digits, steps=250, n_seeds=3)


@claim("Learned rows have at most rank r, where softmax is nearly always of higher rank")
def rank_is_bounded(budget: Budget) -> Evidence:
    rank = _trained().ranks
    highest, above = float(rank.sel(mode="learned").max()), float((rank.sel(mode="softmax") > 6).mean())
    return Evidence(
        {"highest rank, learned": highest, "share of softmax matrices above r": above},
        "learned <= r = 6 for every matrix; softmax > 6 for >= 90 % (singular values above 1e-6 of the largest)",
        highest <= 6 and above >= 0.9,
        n_seeds=3,
    )


@claim("Learned rows do as well as softmax or better (with more parameters)")
def accuracy_is_comparable(budget: Budget) -> Evidence:
    frame = _trained()
    softmax, learned = frame.accuracy.isel(time=-1).mean("repeat").values
    return Evidence(
        {
            "accuracy, learned": learned,
            "accuracy, softmax": softmax,
            "parameters, learned / softmax": frame.parameters[1] / frame.parameters[0],
        },
        "mean accuracy of the learned rows >= softmax - 0.01 after 250 steps",
        learned >= softmax - 0.01,
        n_seeds=3,
    )


@claim("Without softmax, rows are no probabilities; the projection keeps them in the l1 unit ball")
def rows_are_not_probabilities(budget: Budget) -> Evidence:
    off = float(_trained().off_sum.sel(mode="learned").mean())
    size = float(once(digits, steps=100, projection="l1", n_seeds=1).row_size.sel(mode="learned").max())
    return Evidence(
        {"share of rows with sum off 1 by > 0.1": off, "largest sum |row| with projection": size},
        "share > 0.5 without projection (3 runs); sum |row| <= 1 + 1e-9 with it (1 run)",
        off > 0.5 and size <= 1 + 1e-9,
        n_seeds=1,
    )
