"""What is varied and what is measured: how far the point stays from the valley."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.experiment import Seed, experiment, number
from labcore.frames import Frame, axis, var

from .mechanism import descend

COURSE = Frame(
    step=axis("steps", start=1),
    repeat=axis("repetition"),
    distance=var("repeat step", "distance from the valley"),
)


@experiment(quick=dict(n_seeds=3), frame=COURSE)
def course(
    rate: Annotated[float, number(0.01, 1, "How far a step goes", label="learning rate η")] = 0.1,
    noise: Annotated[float, number(0, 2, "Noise of the slope, standard deviation", label="noise σ")] = 0.5,
    steps: Annotated[int, number(10, 2000, "Steps", label="steps")] = 200,
    n_seeds: Annotated[int, number(1, 20, "Independent repetitions", label="repetitions")] = 5,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Distance from the valley at 0 over the steps, from 1. distance (repeat, step). One frame."""
    paths = [
        descend(1.0, rate, noise * np.random.default_rng([seed, k]).standard_normal(steps)) for k in range(n_seeds)
    ]
    distance = np.abs(paths)
    late = distance[:, steps // 2 :].mean()
    yield COURSE(
        dict(distance=distance), f"Over the second half of {steps} steps the point is {late:.3f} from the valley."
    )
