"""What is shown of a fair fight: errors at the end and on the way, and what they have cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr

from labcore.frames import Frame, axis, label, var

from .fair_contest import verdict

FIGHT = Frame(
    run=axis("model and task"),
    model=label("run", "model"),
    task=label("run", "task"),
    repeat=axis("repetition"),
    point=axis("moment of the training"),
    error=var("run repeat", "test error"),
    course=var("run repeat point", "test error on the way"),
    spent=var("run point", "training steps until then"),
    rate=var("run", "learning rate, chosen on validation samples"),
    params=var("run", "parameters", "parameters"),
    flops=var("run", "work of a forward pass, one sample", "FLOPs"),
)


Against = Literal["steps", "work", "seconds"]
SPENT = {
    "steps": "training steps",
    "work": "work of training one network (GFLOP)",
    "seconds": "CPU seconds of training one network",
}


def fight_frame(rows: Sequence[tuple], progress: float, by: str, against: Against) -> xr.Dataset:
    """The frame of these contests: (model, task, error, course, spent, rate, params, flops, error of a guess)."""
    model, task, error, course, spent, rate, params, flops, guess = map(list, zip(*rows))
    what = {"params": "parameters", "flops": "work"}[by]
    ends = [float(s[-1]) for s in spent]
    cost = {
        "steps": "",
        "work": f" Training one network takes {min(ends):.2g} to {max(ends):.2g} GFLOP.",
        "seconds": f" Training one network took {min(ends):.2g} to {max(ends):.2g} CPU seconds.",
    }[against]
    return FIGHT(
        dict(
            model=model,
            task=task,
            error=np.array(error, float),
            course=np.array(course, float),
            spent=np.array(spent, float),
            rate=rate,
            params=params,
            flops=flops,
        ),
        f"At equal {what} {verdict(model, task, error, guess)}.{cost}",
        progress,
        names={"spent": SPENT[against]},
        budget_kind=by,
    )
