"""Checks of when the test error falls a second time, and of what label noise adds to it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from labcore.claims import Evidence, Seeds, claim, jackknife, mean, once, repeats

from .experiments import trajectory
from .mechanism import Array
from .turns import turning_points

Errors = Float[Array, "draw time"]


def _error(seeds: Seeds, **values: float) -> tuple[Float[Array, " time"], Errors]:
    frame = once(trajectory, seed=seeds.first, **values)
    return frame.time.values, frame.error.values


def _peak(error: Float[Array, " time"]) -> tuple[int, int]:
    """Where the error is lowest before it rises, and highest after that; where it never rises, its end for both."""
    turns = turning_points(error)
    return (turns[0], turns[1]) if len(turns) > 1 else (len(error) - 1, len(error) - 1)


def _bump(error: Errors) -> float:
    """Peak over the minimum before it, of the mean over draws."""
    curve = error.mean(0)
    low, high = _peak(curve)
    return float(curve[high] / curve[low])


@claim("Without label noise the error falls, rises and falls again; with one scale it only falls")
def double_descent_without_noise(seeds: Seeds) -> Evidence:
    two, one = (_error(seeds, kappa=kappa, n_seeds=100)[1] for kappa in (100.0, 1.0))

    def rise(error: Errors) -> float:
        curve = error.mean(0)
        return float(np.max((curve + 1e-12) / (np.minimum.accumulate(curve) + 1e-12)) - 1)

    return Evidence(
        jackknife("peak / first minimum", _bump, two) >= 1.15,
        mean("error at the end", two[:, -1]) <= 0.05,
        jackknife("largest rise at kappa = 1", rise, one) <= 0.01,
        size="n = 130, 70 fast directions of 100, kappa 100 and 1, 100 draws; errors under 1e-12 count as 0",
    )


@claim("Slow features ten times smaller are learned a hundred times later")
def second_descent_scales_with_kappa_squared(seeds: Seeds) -> Evidence:
    (t, ten), (_, hundred) = (_error(seeds, n=110, kappa=kappa, t_max=1e9, n_seeds=20) for kappa in (100.0, 1000.0))

    def fall(error: Errors) -> float:
        """log10 of the time at which the mean error falls through half its peak."""
        curve = error.mean(0)
        high = _peak(curve)[1]
        below = high + int(np.argmax(curve[high:] < curve[high] / 2))
        return float(np.interp(-curve[high] / 2, -curve[below - 1 : below + 1], np.log10(t[below - 1 : below + 1])))

    shift = jackknife("shift in decades", lambda a, b: fall(b) - fall(a), ten, hundred)
    return Evidence(
        shift >= 1.75,
        shift <= 2.25,
        size="time at which the error falls through half its peak, kappa 100 -> 1000, n = 110, 20 draws",
    )


@claim("With label noise a third turn appears: after the second descent the error rises again")
def label_noise_adds_a_third_turn(seeds: Seeds) -> Evidence:
    error = repeats(trajectory, seeds, 300, n=150, noise=0.5).error.values

    def last(error: Errors) -> float:
        curve = error.mean(0)
        return float(curve[-1] / curve[_peak(curve)[1] :].min() - 1)

    return Evidence(
        jackknife("peak / first minimum", _bump, error) >= 1.15,
        jackknife("rise from the second minimum to the end", last, error) >= 0.15,
        size="n = 150, noise 0.5, 70 fast directions of 100, kappa 100, 300 draws",
    )
