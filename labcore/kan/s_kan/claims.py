"""Who is picked, whether choosing wins over seven targets, and what pruning costs."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, median, once, repeats, share

from .basis_bank import FAMILIES, PLANTED_POOL
from .experiments import select, seven_tasks


@claim(
    "On T_5(x1) + cos(4 pi x2) the nodes mostly pick Chebyshev and Fourier, and together beat any one family", slow=True
)
def nodes_pick_their_family(seeds: Seeds) -> Evidence:
    frame = repeats(select, seeds, 96)
    picks = frame.alpha[:, -1].argmax("family").values
    right = (picks == [PLANTED_POOL.index("chebyshev"), PLANTED_POOL.index("fourier")]).all(1)
    best = frame.single.min("family").values
    return Evidence(
        share("runs with both right", right) >= 0.5,
        geometric("error after pruning / best single family", frame.rmse[:, -1].values / best) <= 0.1,
        size="96 runs of 400, 500 and 300 steps, 8 functions a family",
        # the others take the spline for T_5
        also={"worst error / best single family": (frame.rmse[:, -1].values / best).max()},
    )


@claim(
    "Over seven targets choosing has the best mean rank and is never far from the best, as every fixed family is",
    expected="not reproduced",
    reason="Nodes commit while the others still move, so that the choice itself errs on some targets; and rbf is at "
    "worst about four times as far off as the best family, so that there is little to win.",
    slow=True,
)
def choosing_wins_over_seven_tasks(seeds: Seeds) -> Evidence:
    logs = np.log10(repeats(seven_tasks, seeds, 6).rmse.transpose("repeat", "model", "task").values)
    rank = (logs.argsort(1).argsort(1) + 1).mean(2)
    worst = (logs - logs[:, 1:-1].min(1, keepdims=True)).max(2)
    return Evidence(
        mean("rank of S-KAN of 7", rank[:, 0]) <= 2,
        mean("worst gap of S-KAN, log10", worst[:, 0]) <= 0.5,
        mean("smallest worst gap of a family, log10", worst[:, 1:-1].min(1)) >= 0.7,
        size="6 runs of 500, 300 and 300 steps, 4 hidden nodes",
        also={f"worst gap of {name}": gap for name, gap in zip(FAMILIES, worst[:, 1:-1].mean(0))},
    )


@claim("One family a node is enough: pruning removes the rest and costs little")
def pruning_is_cheap(seeds: Seeds) -> Evidence:
    frame = once(select, seed=seeds.first, n_seeds=32)
    removed = 1 - float(frame.counts.sel(stage="pruned") / frame.counts.sel(stage="full"))
    before = frame.rmse[:, np.flatnonzero(frame.time < frame.attrs["stages"][1])[-1]].values
    rise = frame.rmse[:, -1].values / before
    return Evidence(
        median("error after fine-tuning / before pruning", rise) <= 1.2,
        exact("coefficients removed / (1 - 1/|P|)", removed / (1 - 1 / len(PLANTED_POOL))) >= 0.8,
        size="32 runs of 400, 500 and 300 steps, 8 functions a family, 4 families",
        also={"worst run": rise.max()},
    )
