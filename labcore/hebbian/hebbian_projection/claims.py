"""Old tasks survive, new ones are learned, and lateral units find what SVD finds."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import continual, extract


def _four_tasks() -> xr.Dataset:
    """One run for the claims that read it: 4 tasks, 3 networks; narrow networks have too few inputs for four tasks."""
    return once(continual, n_tasks=4, hidden=128, epochs=4, n_seeds=3)


@claim("Updates off the learned subspace keep old tasks, where plain training forgets them")
def old_tasks_survive(budget: Budget) -> Evidence:
    frame = _four_tasks()
    acc, bwt = frame.ACC.mean("repeat").values, frame.BWT.mean("repeat").values
    return Evidence(
        {"ACC, HLOP": acc[1], "ACC, none": acc[0], "BWT, HLOP": bwt[1], "BWT, none": bwt[0]},
        "4 tasks: ACC of HLOP - ACC of none >= 0.15, |BWT of HLOP| <= 0.06, BWT of none <= -0.2",
        acc[1] - acc[0] >= 0.15 and abs(bwt[1]) <= 0.06 and bwt[0] <= -0.2,
        n_seeds=3,
    )


@claim("Lateral units find the principal subspace of real activity with a local rule, no SVD")
def local_rule_finds_the_subspace(budget: Budget) -> Evidence:
    runs = [once(extract, k=8, hlop_lr=0.05, epochs=20, seed=s) for s in range(3)]
    cos2 = [float(f.cos2[-1].mean()) for f in runs]
    return Evidence(
        {"mean cos2": np.mean(cos2), "worst": min(cos2)},
        "mean squared cosine of the principal angles to the top 8 directions of digits >= 0.95 in every seed",
        min(cos2) >= 0.95,
        n_seeds=3,
    )


@claim("New tasks are still learned well")
def new_tasks_are_learned(budget: Budget) -> Evidence:
    learned = _four_tasks().learned.mean(("task_done", "repeat")).values
    return Evidence(
        {"HLOP": learned[1], "none": learned[0]},
        "4 tasks: mean accuracy of HLOP on a task when it was just learned >= 0.93",
        learned[1] >= 0.93,
        n_seeds=3,
    )
