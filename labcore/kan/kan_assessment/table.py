"""A KAN that learns to predict the last column of a table of your own from the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Diverged, Seed, number
from labcore.tables import Table, of_table, split

from . import view
from .experiments import TRAINING
from .fair_contest import generator
from .kan import KAN, snapshot
from .tasks import error_of
from .training import train as training

MOST_EDGES = 120


def picture(frame: xr.Dataset) -> dict[str, Any]:
    """As for a formula, with the words of a table."""
    spec = view.train(frame)
    spec["layout"]["xaxis3"]["title"] = {"text": frame.target.attrs["long_name"]}
    return spec


@of_table(picture, TRAINING, dict(steps=120))
def train(
    table: Table,
    *,
    width: Annotated[int, number(1, 10, "Nodes in the hidden layer of the KAN", label="hidden nodes", main=True)] = 3,
    grid: Annotated[int, number(2, 30, "Grid intervals G of each curve", label="grid intervals G", main=True)] = 5,
    k: Annotated[int, number(1, 5, "Degree k of the splines; 3 is cubic", label="spline degree k")] = 3,
    lam: Annotated[float, number(0, 0.1, "Weight of the sparsity term", label="sparsity λ")] = 0.0,
    lr: Annotated[float, number(1e-3, 0.1, "Learning rate of Adam", label="learning rate")] = 0.02,
    steps: Annotated[int, number(100, 1000, "Training steps", unit="steps", label="training steps")] = 400,
    n_train: Annotated[int, number(20, 2000, "Rows it trains on", label="training rows", main=True)] = 500,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A KAN [columns, width, 1] learns your table; frames show every edge's curve while it does.

    Columns have mean 0 over the training rows, and lie in [-1, 1] within three standard deviations of it. Errors are
    root mean squares in units of the spread of the target, on up to 1000 rows that are left: 1 is a guess. Raises
    ValueError for a width that makes more than 120 edges.
    """
    columns = table.x.shape[1]
    if width * (columns + 1) > MOST_EDGES:
        raise ValueError(
            f"width = {width} is not allowed with {columns} columns; it must be at most {MOST_EDGES // (columns + 1)}"
        )
    rows = split(table, n_train, [seed, 0])
    x, y, x_test, y_test = (torch.as_tensor(v, dtype=torch.float32) for v in rows)
    x, x_test = x[:, None].clamp(-3, 3) / 3, x_test[:, None].clamp(-3, 3) / 3
    y, y_test = y[:, None, None], y_test[:, None, None]
    net = KAN([columns, width, 1], grid, k, [generator(seed, 1)])
    every, log = max(1, steps // 60), []
    shown = y_test[:200, 0, 0].numpy()
    straight = _straight(rows.x, rows.y, rows.x_test, rows.y_test)

    def frame(step: int, note: str) -> xr.Dataset:
        with torch.no_grad():
            errors = [float(error_of(net(a), b)[0]) for a, b in ((x, y), (x_test, y_test))]
            guess = net(x_test[:200])[:, 0, 0].numpy()
        log.append((step, *errors))
        at, fit, test = np.array(log).T
        edges = snapshot(net, x)
        return TRAINING(
            dict(
                layer=edges.layer,
                input=edges.input,
                output=edges.output,
                step=at.astype(int),
                phi=edges.phi,
                place=edges.place,
                score=edges.score,
                alive=edges.alive,
                train=fit,
                test=test,
                target=shown,
                guess=guess,
            ),
            f"{note} the error on rows that it has not seen is {test[-1]:.3g} of the target's spread; a straight "
            f"plane has {straight:.3g}.",
            step / steps,
            names=dict(target=f"{table.names[-1]}, centred and scaled"),
            extended=0,
            formula=table.names[-1],
        )

    yield frame(0, "Before training")
    for step, loss in training(net, x, y, torch.tensor([lr]), steps, generator(seed, 2), lam=lam):
        if not loss.item() < 1e6:
            raise Diverged(step)
        if step % every == 0 or step == steps:
            yield frame(step, f"After {step} of {steps} steps")


def _straight(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    """The test error of the least-squares plane, which curves have to beat."""
    w = np.linalg.lstsq(x, y, rcond=None)[0]
    return float(np.sqrt(np.mean((x_test @ w - y_test) ** 2)) / y_test.std())
