"""What RRR finds and what it does not, as checks: multipliers, their gates, rounding, the peers, the two sets alone."""

from __future__ import annotations

import time
from functools import lru_cache

import numpy as np
import xarray as xr
from jaxtyping import Float

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget
from labcore.primitives.logic import boolean

from .experiments import against_gradient, search
from .peers import adam
from .relax_reflect import advance, random_state
from .threshold_circuits import circuit, make_task, read_gates
from .wiring import Array


def _ten_runs() -> xr.Dataset:
    return once(search, runs=10, max_iter=10_000)


def _first_layer(frame: xr.Dataset) -> Float[Array, "runs neurons m"]:
    """|w| of the first layer of the solved runs."""
    neurons, m = int(frame.width[1]), int(frame.fan_in[0])
    return np.abs(frame.weights.values[frame.solved.values, : neurons * m]).reshape(-1, neurons, m)


@claim("RRR finds exact 2-bit multipliers")
def finds_multipliers(budget: Budget) -> Evidence:
    frame = _ten_runs()
    solved, took = frame.solved.values, frame.iterations.values
    return Evidence(
        {"solved of 10": solved.sum(), "mean iterations": took[solved].mean() if solved.any() else 0.0},
        "at least 4 of 10 runs with gap < 0.01 and all 64 output bits right within 10,000 iterations",
        solved.sum() >= 4,
        10,
    )


@claim("Every solution is a logic circuit, and its first neurons read exactly three values each")
def solutions_are_circuits(budget: Budget) -> Evidence:
    frame, exact = _ten_runs(), []
    made = make_task("multiplier2", 0, 16, 0)
    for w in frame.weights.values[frame.solved.values]:
        netlist = circuit(made.net, *read_gates(made.net, w, made.X))
        # truth_table has the rows of the multiplier in the same order
        exact.append(netlist is not None and np.array_equal(boolean.truth_table(netlist), made.Y > 0))
    count = (_first_layer(frame) > 0.5 * np.sqrt(5 / 3)).sum(2)
    return Evidence(
        {"exact circuits": sum(exact), "solved": len(exact), "first neurons with 3 weights": (count == 3).mean()},
        "the gates of every solved run give all 16 rows of the truth table, and every first neuron has 3 weights",
        len(exact) > 0 and all(exact) and bool((count == 3).all()),
        len(exact),
    )


@claim(
    "All weights of a solution round to -1, 0, +1 at once, and those of the first layer are within 0.05 of their level",
    expected="not reproduced",
    reason="A run stops at the gap 0.01, a mean over neurons, with a neuron or two not settled yet. In one run a copy "
    "still has a second weight just above the threshold; asking which gate reproduces the neuron finds the right one.",
)
def weights_round_at_once(budget: Budget) -> Evidence:
    frame = _ten_runs()
    rounded, size = frame.quantised.values[frame.solved.values], _first_layer(frame)
    off = np.minimum(size, np.abs(size - np.sqrt(5 / 3)))
    return Evidence(
        {"exact after rounding": (rounded == 1).sum(), "solved": len(rounded), "farthest weight": off.max(initial=0)},
        "all solved runs keep every bit after rounding at half of sqrt(m/3), and no first weight is more than 0.05 off",
        len(rounded) > 0 and bool((rounded == 1).all()) and off.max(initial=0) <= 0.05,
        len(rounded),
    )


@lru_cache(maxsize=1)  # measured once, so that all claims give Adam the same number of steps
def _cost() -> tuple[float, float]:
    """Microseconds of CPU time of an RRR iteration and of a straight-through step of Adam, on this machine."""
    made = make_task("multiplier2", 0, 16, 0)
    w, moments, cost = np.random.default_rng(0).normal(size=len(made.net.source)), np.zeros((2, 60)), (1.0, 1.0)
    state = random_state(made.net, made.X, made.Y, np.random.default_rng(0))
    for steps in (1, 1000):  # the first call compiles
        began = time.thread_time()
        advance(made.net, state, made.X, made.Y, 3.0, 0.2, 1e-3, True, np.empty(steps))
        middle = time.thread_time()
        adam(made.net, w, *moments, made.X, made.Y, 1e-9, True, 0, steps)
        cost = (middle - began) / steps * 1e6, (time.thread_time() - middle) / steps * 1e6
    return cost


def _equal_time() -> xr.Dataset:
    """The three methods when Adam gets as many straight-through steps as fit into the CPU time of RRR."""
    rrr, step = _cost()
    return once(against_gradient, adam_steps=float(np.clip(rrr / step, 0.1, 20)), runs=8, max_iter=10_000)


@claim("In the same CPU time RRR solves at least as many networks as straight-through gradients")
def not_beaten_by_straight_through(budget: Budget) -> Evidence:
    rrr, step = _cost()
    share = _equal_time().solved.mean("repeat").values
    return Evidence(
        {"RRR": share[0], "straight-through": share[1], "us a RRR iteration": rrr, "us an Adam step": step},
        "share of 8 multipliers solved by RRR >= share solved by Adam (rate 0.01) with straight-through signs",
        share[0] >= share[1],
        8,
    )


@claim(
    "A tanh network whose weights are then used with signs solves nothing",
    expected="not reproduced",
    reason="True for a few thousand steps of Adam; in the CPU time of RRR some tanh networks grow steep enough.",
)
def tanh_does_not_round(budget: Budget) -> Evidence:
    frame = _equal_time()
    solved = frame.solved.sum("repeat").values
    return Evidence(
        {"tanh, then signs": solved[2], "RRR": solved[0], "tanh bits right": frame.soft[:, -1].mean()},
        "0 of 8 tanh networks are exact with signs at any of 40 looks",
        solved[2] == 0,
        8,
    )


@claim("With sigma = 2.5 no gate of three inputs has margin enough, and nothing is found")
def small_support_finds_nothing(budget: Budget) -> Evidence:
    frame = once(search, sigma=2.5, runs=5, max_iter=6000)
    return Evidence(
        {"solved of 5": frame.solved.sum(), "smallest gap": frame.gap.min(), "mean last gap": frame.gap[:, -1].mean()},
        "0 of 5 runs solved in 6,000 iterations",
        not frame.solved.any(),
        5,
    )


@claim("Without the reflection the same two projections stall")
def alternating_projections_stall(budget: Budget) -> Evidence:
    frame = once(search, method="alternating", runs=10, max_iter=2000)
    half = frame.gap.sel(iteration=frame.iteration[-1] / 2, method="nearest")
    fall = 1 - float((frame.gap[:, -1] / half).mean())
    return Evidence(
        {"solved of 10": frame.solved.sum(), "last gap": frame.gap[:, -1].mean(), "fall in the second half": fall},
        "0 of 10 runs solved, and the gap falls by less than 10 % in the second half of the iterations",
        not frame.solved.any() and fall < 0.1,
        10,
    )
