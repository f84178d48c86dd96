"""Train the cells of several repeats by a real minibatch loop, in step, and stop at snapshots on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.primitives.regression.spectral import risk

from .feature_regression import Cells, Data, Problem, Test, cell, draw
from .linear_sgd import linear_state, sgd_linear
from .random_features import Activation, Normalization

Array = np.ndarray
WORK = 1e9  # multiply-adds between snapshots: about 0.15 s, and the same on every machine


class Job(NamedTuple):
    """One repeat: each cell's features, test distribution and initial weights, and the shared targets."""

    inputs: list[tuple[Float[Array, "n p"], Test, Float[Array, "p c"]]]
    tops: Float[Array, " W"]  # s_max of each cell
    y: Float[Array, "n c"]
    mean: Float[Array, " c"]  # added to every prediction; zero unless the features are centred
    rng: np.random.Generator  # sample order


def job(
    data: Data,
    cells: Cells,
    normalization: Normalization,
    activation: Activation,
    problem: Problem,
    y: Float[Array, "n c"],
    scale: float,
) -> Job:
    """The first cells of a decomposed problem, made ready for training on targets y from scale * N(0, 1/p)."""
    source = draw(data, problem.cells, activation, problem.seed)
    rows = [cell(source, n, p, normalization) for n, p in cells]
    rows = [(np.ascontiguousarray(z), test, scale * start) for z, test, start in rows]
    tops = problem.bank.s[problem.bank.offset[: len(cells)]]
    mean = y.mean(0) * (normalization in ("center", "standardize"))
    return Job(rows, tops, y, mean, np.random.default_rng([*problem.seed, 5]))


def rates(task: Job, rule: Literal["sgd", "adam"], lr_frac: float) -> Float[Array, " W"]:
    """The step size of each cell, from a dimensionless lr_frac.

    sgd: lr_frac n / s_max^2, which with full batches is gradient descent at lr_frac / s_max^2 on |Zw - Y|^2 / 2.
    adam: 0.1 lr_frac / (mean length |z|_1 of a row), so that a first update moves a prediction by about 0.1 lr_frac.
    """
    if rule == "sgd":
        return lr_frac * len(task.y) / task.tops**2
    return np.array([0.1 * lr_frac / np.abs(z).sum(1).mean() for z, _, _ in task.inputs])


class Snapshot(NamedTuple):
    """State after `passes` passes."""

    passes: int
    test: Float[Array, "repeat cell"]
    train: Float[Array, "repeat cell"]
    norm: Float[Array, "repeat cell"]
    weights: list[list[Float[Array, "p c"]]]  # [repeat][cell]
    diverged: tuple[int, int, int] | None  # repeat, cell, update


def train_cells(
    jobs: Sequence[Job], batch: int, rule: Literal["sgd", "adam"], lr_frac: float, passes: int
) -> Iterator[Snapshot]:
    """Train every cell of every repeat for `passes` passes; yield snapshots after 1, 2, 4, ... passes, then evenly.

    When a cell diverges, it goes back to the last snapshot and training ends there, with `diverged` set.
    """
    states = [[linear_state(w0) for _, _, w0 in task.inputs] for task in jobs]
    steps = [rates(task, rule, lr_frac) for task in jobs]
    cost = sum(2 * z.size * task.y.shape[1] for task in jobs for z, _, _ in task.inputs)
    chunk, done = max(1, int(WORK / cost)), 0
    while done < passes:
        more, diverged = min(chunk, max(1, done), passes - done), None
        for i, task in enumerate(jobs):
            n = len(task.y)
            order = task.rng.permuted(np.tile(np.arange(n), (more, 1)), axis=1)
            for j, (z, _, _) in enumerate(task.inputs):
                state, before = states[i][j], states[i][j].w.copy()
                update = sgd_linear(state, z, task.y - task.mean, order, min(batch, n), float(steps[i][j]), rule)
                if update:
                    state.w[:] = before
                    diverged = diverged or (i, j, update)
        done += more
        yield _snapshot(jobs, states, done, diverged)
        if diverged:
            return


def _snapshot(jobs: Sequence[Job], states: list, done: int, diverged: tuple[int, int, int] | None) -> Snapshot:
    shape = len(jobs), len(jobs[0].inputs)
    test, train, norm = np.empty(shape), np.empty(shape), np.empty(shape)
    for i, task in enumerate(jobs):
        for j, (z, population, _) in enumerate(task.inputs):
            w = states[i][j].w
            test[i, j] = risk(population, w, task.mean)
            train[i, j] = np.mean((z @ w + task.mean - task.y) ** 2)
            norm[i, j] = np.linalg.norm(w)
    return Snapshot(done, test, train, norm, [[s.w.copy() for s in row] for row in states], diverged)
