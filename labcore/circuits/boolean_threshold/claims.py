"""What RRR finds and what it does not, as checks: multipliers, their gates, rounding, the peers, the two sets alone."""

from __future__ import annotations

import numpy as np
import xarray as xr
from jaxtyping import Float

from labcore.claims import Evidence, Seeds, claim, geometric, mean, once, share
from labcore.primitives.logic.simulation import truth_table

from .experiments import against_gradient, generate, search
from .threshold_circuits import circuit, make_task, read_gates
from .wiring import Array

SIZE = "2-bit multiplier, widths 4-4-4-4, 10,000 iterations"


def _runs(seeds: Seeds) -> list[xr.Dataset]:
    """200 runs, ten at a time."""
    return [once(search, runs=10, max_iter=10_000, seed=seed) for seed in seeds(20)]


def _first_layer(frame: xr.Dataset) -> Float[Array, "solved neurons*m"]:
    """|w| of the first layer of the solved runs."""
    first = int(frame.width[1]) * int(frame.fan_in[0])
    return np.abs(frame.weights.values[frame.solved.values, :first])


@claim("RRR finds exact 2-bit multipliers, in a quarter of its runs or more", slow=True)
def finds_multipliers(seeds: Seeds) -> Evidence:
    frames = _runs(seeds)
    solved, took = (np.concatenate([f[name].values for f in frames]) for name in ("solved", "iterations"))
    return Evidence(
        share("runs with gap < 0.01 and all 64 output bits right", solved) >= 0.25,
        size=SIZE,
        also={"iterations of a solved run": took[solved].mean()} if solved.any() else {},
    )


@claim("Solutions are logic circuits, and their first neurons read exactly three values each", slow=True)
def solutions_are_circuits(seeds: Seeds) -> Evidence:
    made = make_task("multiplier2", 0, 16, 0)
    exact, threes = [], []
    for frame in _runs(seeds):
        for w in frame.weights.values[frame.solved.values]:
            netlist = circuit(made.net, *read_gates(made.net, w, made.X))
            # truth_table has the rows of the multiplier in the same order
            exact.append(netlist is not None and np.array_equal(truth_table(netlist), made.Y > 0))
        sizes = _first_layer(frame).reshape(-1, int(frame.width[1]), int(frame.fan_in[0]))
        threes.extend(((sizes > 0.5 * np.sqrt(5 / 3)).sum(2) == 3).mean(1))
    return Evidence(
        share("solved runs whose gates give all 16 rows", exact) >= 0.75,
        mean("share of first neurons with 3 weights", threes) >= 0.95,
        size=SIZE,
    )


@claim(
    "All weights of a solution round to -1, 0, +1 at once, and those of the first layer are within 0.05 of their level",
    expected="not reproduced",
    reason="A run stops at the gap 0.01, a mean over neurons, with a neuron or two not settled yet. Then a copy still "
    "has a second weight just above the threshold; asking which gate reproduces the neuron finds the right one.",
    slow=True,
)
def weights_round_at_once(seeds: Seeds) -> Evidence:
    frames = _runs(seeds)
    rounded = np.concatenate([f.quantised.values[f.solved.values] for f in frames])
    size = np.concatenate([_first_layer(f) for f in frames])
    off = np.minimum(size, np.abs(size - np.sqrt(5 / 3))).max(1)
    return Evidence(
        share("solved runs with every bit right after rounding", rounded == 1) >= 0.95,
        mean("farthest weight of the first layer from its level", off) <= 0.05,
        size=SIZE,
    )


def _adam_steps() -> float:
    """Steps of Adam with as many operations as an iteration of RRR.

    Counted in the code for a neuron of m edges and one of the rows: additions, multiplications, divisions and roots.
    """
    m, rows, newton = 5, 16, 5  # the equation for u takes Newton some five steps a neuron and row
    # an edge: w.x and the norms, their projection, the reflection, the averages of B, the move with its square
    rrr = m * (6 + 6 + 4 + 5 + 10) + 21 * newton + 11
    # an edge: forward, its gradient, back to the value below; and for all rows at once the two moments and the step
    adam = m * (2 + 2 + 3) + 9 + 16 * m / rows
    return rrr / adam


def _equal_work(seeds: Seeds) -> xr.Dataset:
    """Three methods with as many operations; that a tanh costs more than a sign is left out, in favour of tanh."""
    runs = [once(against_gradient, adam_steps=_adam_steps(), runs=16, max_iter=10_000, seed=s) for s in seeds(8)]
    return xr.concat([f[["solved", "soft"]] for f in runs], "repeat").transpose("method", "repeat", "work")


@claim("With as many operations RRR solves at least as many networks as straight-through gradients", slow=True)
def not_beaten_by_straight_through(seeds: Seeds) -> Evidence:
    rrr, straight, _ = _equal_work(seeds).solved.values.astype(float)
    return Evidence(
        mean("solved, RRR - straight-through", rrr - straight) >= 0.0,
        size=f"{SIZE}, {_adam_steps():.1f} steps of Adam (rate 0.01) to each",
        also={"RRR": rrr.mean(), "straight-through": straight.mean()},
    )


@claim("A tanh network learns the table in 2500 steps; with signs in its place it is seldom exact", slow=True)
def tanh_does_not_round(seeds: Seeds) -> Evidence:
    frames = [once(against_gradient, adam_steps=5.0, runs=16, max_iter=500, seed=seed) for seed in seeds(10)]
    solved, soft = (
        np.concatenate(parts) for parts in zip(*((f.solved.values[2], f.soft.values[:, -1]) for f in frames))
    )
    return Evidence(
        mean("share of bits right before signs", soft) >= 0.99,
        share("tanh networks that are exact with signs", solved) <= 0.25,
        size="2-bit multiplier, 2500 steps of Adam (rate 0.01), asked 40 times",
    )


@claim(
    "With signs in its place a tanh network is hardly ever exact, with as many operations as RRR",
    expected="not reproduced",
    reason="True for a few thousand steps of Adam; with as much work as RRR some tanh networks grow steep enough.",
    slow=True,
)
def tanh_does_not_round_later(seeds: Seeds) -> Evidence:
    frame = _equal_work(seeds)
    rrr, _, tanh = frame.solved.values
    return Evidence(
        share("tanh networks that are exact with signs", tanh) <= 0.05,
        size=f"{SIZE}, {_adam_steps():.1f} steps of Adam (rate 0.01) to each, asked 40 times",
        also={"RRR": rrr.mean(), "tanh bits right": frame.soft.values[:, -1].mean()},
    )


@claim("With sigma = 2.5 no gate of three inputs has margin enough, and nothing is found")
def small_support_finds_nothing(seeds: Seeds) -> Evidence:
    frame = once(search, sigma=2.5, runs=10, max_iter=6000, seed=seeds.first)
    return Evidence(
        share("runs solved", frame.solved.values) <= 0.5,
        geometric("smallest gap of a run", frame.gap.values.min(1)) >= 0.01,
        size="2-bit multiplier, 6000 iterations; a run would stop at the gap 0.01",
        also={"last gap": frame.gap.values[:, -1].mean()},
    )


@claim("Without the reflection the same two projections stall")
def alternating_projections_stall(seeds: Seeds) -> Evidence:
    frame = once(search, method="alternating", runs=10, max_iter=2000, seed=seeds.first)
    half = frame.gap.sel(iteration=frame.iteration[-1] / 2, method="nearest").values
    last = frame.gap.values[:, -1]
    return Evidence(
        share("runs solved", frame.solved.values) <= 0.5,
        mean("fall of the gap in the second half", 1 - last / half) <= 0.1,
        size="2-bit multiplier, 2000 iterations",
        also={"last gap": last.mean()},
    )


@claim("A generative network finds codes for its pictures and the weights that draw them, at once")
def finds_its_own_codes(seeds: Seeds) -> Evidence:
    frames = [once(generate, images="random", length=4, sigma=3, runs=10, seed=seed) for seed in seeds(4)]
    return Evidence(
        share("runs that draw every picture without a wrong pixel", np.concatenate([f.solved for f in frames])) >= 0.5,
        size="8 random pictures, codes of 4 signs, 8 neurons between, 10,000 iterations",
    )
