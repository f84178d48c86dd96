"""Labcore: neural-network papers as small compiled programs whose claims are re-measured by running code.

    import labcore
    labcore.run("double_descent.model_wise", label_noise=0.3)      # the last frame, an xarray.Dataset
    labcore.run(my_function, lr=0.3)                         # of a function of your own
    labcore.sweep("double_descent.model_wise", out="runs", label_noise=[0, 0.3], seed=range(10))    # a grid, on Dask
    labcore.load_experiment("double_descent.model_wise")     # the experiment: parameters, frames, run
    labcore.papers(theme="generalization")                   # rows of the catalogue

Importing labcore loads no method and no torch; a method is loaded when it is named.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Several kernels share a machine. A thread pool that waits by spinning, as torch's does unless told before it loads,
# then makes everybody ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from labcore.catalog import Paper, Theme, UnknownKey, load_experiment, load_paper, paper, papers, themes

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray

__version__ = "0.1.0"
__all__ = [
    "Paper",
    "Theme",
    "UnknownKey",
    "load_experiment",
    "load_paper",
    "open_sweep",
    "paper",
    "papers",
    "run",
    "sweep",
    "themes",
]


def run(what: str | Callable[..., Any], /, budget: str = "full", **values: Any) -> xarray.Dataset:
    """Run the experiment `KEY.EXPERIMENT`, or a function of yours, and return its last frame.

    Raises `UnknownKey` for a name that does not exist and `labcore.experiment.ParameterError` for bad values.
    """
    if isinstance(what, str):
        return load_experiment(what).run(budget, **values)
    from labcore.functions import experiment_of

    return experiment_of(what).run(budget, **values)


def sweep(what: str | Callable[..., Any], /, **grid: Any) -> xarray.Dataset:
    """Run `KEY.EXPERIMENT`, or a function of yours, at every point of a grid; see `labcore.sweeps.sweep` for `out`,
    `cluster` and the rest.
    """
    from labcore.sweeps import sweep

    return sweep(what, **grid)


def open_sweep(folder: str | os.PathLike, which: str | Callable[..., Any] | None = None) -> xarray.Dataset:
    """The points of a sweep as one Dataset; see `labcore.sweeps.open_sweep`."""
    from labcore.sweeps import open_sweep

    return open_sweep(folder, which)
