"""Old tasks survive, new ones are learned, and lateral units find what SVD finds."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, jackknife, mean, once, repeats

from .experiments import continual, extract

FOUR_TASKS = "4 tasks, 2 x 128 neurons, 4 epochs a task, 10 networks"


def _four_tasks(seeds: Seeds) -> xr.Dataset:
    """One run for the claims that read it; narrow networks have too few inputs for four tasks."""
    return repeats(continual, seeds, 10, n_tasks=4, hidden=128, epochs=4)


@claim("Updates off the learned subspace keep old tasks, where plain training forgets them", slow=True)
def old_tasks_survive(seeds: Seeds) -> Evidence:
    frame = _four_tasks(seeds)
    (plain, hlop, svd), (forgets, keeps, _) = frame.ACC.values, frame.BWT.values
    return Evidence(
        mean("ACC of HLOP - of none", hlop - plain) >= 0.15,
        mean("BWT of none", forgets) <= -0.2,
        jackknife("BWT of HLOP / of none", lambda a, b: a.mean() / b.mean(), keeps, forgets) <= 0.25,
        size=FOUR_TASKS,
        also={"ACC of HLOP": hlop.mean(), "ACC of SVD": svd.mean(), "BWT of HLOP": keeps.mean()},
    )


@claim("Lateral units find the principal subspace of real activity with a local rule, no SVD")
def local_rule_finds_the_subspace(seeds: Seeds) -> Evidence:
    runs = [once(extract, k=8, hlop_lr=0.05, epochs=20, seed=s) for s in seeds(16)]
    cos2 = np.array([float(f.cos2[-1].mean()) for f in runs])
    return Evidence(
        mean("squared cosine of the principal angles", cos2) >= 0.95,
        mean("power kept / most that can be kept", [float(f.power[-1]) / f.best for f in runs]) >= 0.99,
        size="8 units, the top 8 directions of digits, 20 passes, 16 runs",
        also={"worst squared cosine": cos2.min()},
    )


@claim("New tasks are still learned, at a cost of less than two points", slow=True)
def new_tasks_are_learned(seeds: Seeds) -> Evidence:
    plain, hlop, _ = _four_tasks(seeds).learned.mean("task_done").values
    return Evidence(
        mean("accuracy when just learned, HLOP - none", hlop - plain) >= -0.02,
        mean("accuracy when just learned, HLOP", hlop) >= 0.9,
        size=FOUR_TASKS,
    )
