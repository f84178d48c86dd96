"""Checks of when the test error falls a second time, and of what label noise adds to it."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import trajectory
from .mechanism import Array
from .turns import turning_points


def _mean_error(budget: Budget, **values: float) -> tuple[Array, Array]:
    frame = once(trajectory, budget, **values)
    return frame.time.values, frame.error.values.mean(0)


@claim("Without label noise the error falls, rises and falls again; with one scale it only falls")
def double_descent_without_noise(budget: Budget) -> Evidence:
    _, two = _mean_error(budget, kappa=100.0, n_seeds=30)
    _, one = _mean_error(budget, kappa=1.0, n_seeds=30)
    turns = turning_points(two)
    bump = two[turns[1]] / two[turns[0]] if len(turns) == 2 else 0.0
    rise = np.max((one + 1e-12) / (np.minimum.accumulate(one) + 1e-12)) - 1
    return Evidence(
        {"peak / first minimum": bump, "end": two[-1], "largest rise at kappa = 1": rise},
        "peak / first minimum >= 1.15 and end <= 0.05; at kappa = 1 no rise above 1 % (errors under 1e-12 count as 0)",
        bump >= 1.15 and two[-1] <= 0.05 and rise <= 0.01,
        n_seeds=30,
    )


def _second_fall(budget: Budget, kappa: float) -> float:
    """log10 of the time at which the error falls through half its peak; nan when there is no peak."""
    t, error = _mean_error(budget, n=110, kappa=kappa, t_max=1e9, n_seeds=10)
    turns = turning_points(error)
    if len(turns) < 2:
        return np.nan
    half = error[turns[1]] / 2
    below = turns[1] + int(np.argmax(error[turns[1] :] < half))
    return float(np.interp(-half, -error[below - 1 : below + 1], np.log10(t[below - 1 : below + 1])))


@claim("Slow features ten times smaller are learned a hundred times later")
def second_descent_scales_with_kappa_squared(budget: Budget) -> Evidence:
    shift = _second_fall(budget, 1000.0) - _second_fall(budget, 100.0)
    return Evidence(
        {"shift in decades": shift},
        "kappa 100 -> 1000 moves the fall through half the peak by 2.0 +- 0.25 decades (n = 110)",
        abs(shift - 2) <= 0.25,
        n_seeds=10,
    )


@claim("With label noise a third turn appears: after the second descent the error rises again")
def label_noise_adds_a_third_turn(budget: Budget) -> Evidence:
    _, error = _mean_error(budget, n=150, noise=0.5, n_seeds=30)
    turns = turning_points(error)
    rise = error[-1] / error[turns[2]] - 1 if len(turns) == 3 else 0.0
    return Evidence(
        {"turns": len(turns), "last rise": rise},
        "three turns, and the error ends >= 15 % above its second minimum (n = 150, noise 0.5)",
        len(turns) == 3 and rise >= 0.15,
        n_seeds=30,
    )
