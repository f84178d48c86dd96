"""Units in the plane and in space, lateral units on digits, and a spiking network that learns task after task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from labcore.data import digits_split
from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.local_rules.hebb_rules import BLOWN_UP, Rule, hebb_step, hebb_stream

from .angles import Array, principal_angles
from .mechanism import Lateral, add_units, gpm_basis, learn_lateral, project
from .online_spiking import DECAY, answers, forward, online_gradients, trace

BATCH = 64
METHODS = ("none", "HLOP", "SVD")


def _diverged(lateral_weights: list[Tensor]) -> bool:
    """Whether a row, which should end at length 1, is longer than 10; the clip lets too high a rate go on for long."""
    return not all(bool((torch.linalg.vector_norm(h, dim=-1) <= 10).all()) for h in lateral_weights)


PLANE = Frame(
    seen=axis("samples seen"),
    unit=axis("unit", start=1),
    xy=axis("coordinate", values=("x", "y")),
    point=axis("sample"),
    w=var("seen unit xy", "weight"),
    away=var("seen unit", "angle to the cloud's long axis", "degrees"),
    length=var("seen unit", "length of the weight vector"),
    cloud=var("point xy", "input"),
)


@experiment(quick=dict(samples=1000), frame=PLANE)
def plane(
    angle: Annotated[
        float,
        number(
            0,
            180,
            "Direction in which the cloud is longest",
            "data",
            unit="degrees",
            label="cloud's direction",
            main=True,
        ),
    ] = 30.0,
    rule: Annotated[Rule, choice("The local learning rule", "units", label="learning rule", main=True)] = "oja",
    k: Annotated[int, number(1, 4, "Units, each with one weight vector", "units", label="units k")] = 2,
    turn: Annotated[
        float,
        number(
            -90, 90, "The cloud turns this far halfway through", "data", unit="degrees", label="turn halfway", main=True
        ),
    ] = 0.0,
    stretch: Annotated[
        float, number(1, 6, "How many times longer than wide the cloud is", "data", label="cloud's stretch")
    ] = 2.0,
    eta: Annotated[float, number(0.001, 0.5, "Learning rate", "units", scale="log", label="learning rate η")] = 0.03,
    tau: Annotated[
        float,
        number(
            0.02,
            2,
            "Softness of the competition between units",
            "units",
            scale="log",
            rule=["soft"],
            label="softness of competition τ",
        ),
    ] = 0.2,
    samples: Annotated[int, number(200, 5000, "Samples shown, one at a time", "data", label="samples shown")] = 1500,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Weight vectors of K units turning while they see a Gaussian cloud in the plane, sample by sample; 25 frames.

    The cloud's standard deviation is 1 along its axis and 1/stretch across; `away` is taken to the axis of the
    moment. Weights start at length 0.5 in random directions. A run without a limit on its weights says so and ends.
    """
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, 2 * np.pi, k)
    late = np.arange(samples) >= samples / 2
    heading = np.deg2rad(angle + turn * late)
    along, across = rng.normal(size=(2, samples)) / [[1.0], [stretch]]
    cos, sin = np.cos(heading), np.sin(heading)
    x = np.stack([along * cos - across * sin, along * sin + across * cos], 1)
    w0 = 0.5 * np.stack([np.cos(start), np.sin(start)], 1)
    run = hebb_stream(x, w0, rule, eta, tau, every=max(1, samples // 250))
    now = heading[np.maximum(run.seen - 1, 0)]
    length = np.linalg.norm(run.w, axis=2)
    along_axis = np.abs(run.w[..., 0] * np.cos(now)[:, None] + run.w[..., 1] * np.sin(now)[:, None])
    away = np.rad2deg(np.arccos(np.minimum(along_axis / np.maximum(length, 1e-12), 1)))
    for end in np.unique(np.linspace(1, len(run.seen), 25).astype(int)):
        last = end - 1
        cloud = x[late == late[max(run.seen[last] - 1, 0)]][:300]
        text = f"After {run.seen[last]} sample{'' if run.seen[last] == 1 else 's'} the weights are "
        if stretch > 1:
            text += f"{', '.join(f'{v:.0f}' for v in away[last])} degrees away from the cloud's long axis and "
        text += f"{', '.join(f'{v:.2f}' for v in length[last])} long{'.' if stretch > 1 else '; the cloud is round.'}"
        yield PLANE(
            dict(seen=run.seen[:end], w=run.w[:end], away=away[:end], length=length[:end], cloud=cloud),
            text,
            end / len(run.seen),
            axis=float(np.rad2deg(now[last])),
            stretch=stretch,
            samples=samples,
            turned_at=samples / 2 if turn else 0.0,
        )
    if run.diverged:  # nothing kept these weights small
        raise Diverged(run.diverged)


SPACE = Frame(
    batch=axis("batches seen"),
    unit=axis("unit", start=1),
    unit3=axis("axis", start=1),
    xyz=axis("coordinate", values=("x", "y", "z")),
    point=axis("sample"),
    w=var("batch unit xyz", "weight"),
    angle=var("batch unit", "principal angle to the data's subspace", "degrees"),
    to_axis=var("batch unit", "angle to its own axis", "degrees"),
    not_orthonormal=var("batch", "distance of W W^T from the identity"),
    cloud=var("point xyz", "input"),
    axes=var("unit3 xyz", "axis of the data"),
)


@experiment(quick=dict(batches=150), frame=SPACE)
def subspace(
    k: Annotated[int, number(1, 3, "Units, each with one weight vector", "units", label="units k", main=True)] = 2,
    rule: Annotated[Rule, choice("The local learning rule", "units", label="learning rule", main=True)] = "subspace",
    second: Annotated[
        float,
        number(0.05, 1, "Variance along the second axis; along the first it is 1", "data", label="second variance"),
    ] = 0.6,
    third: Annotated[float, number(0, 1, "Variance along the third axis", "data", label="third variance")] = 0.05,
    eta: Annotated[float, number(0.01, 1, "Learning rate", "units", scale="log", label="learning rate η")] = 0.05,
    batches: Annotated[int, number(20, 1000, "Batches of 20 samples", "data", label="batches shown")] = 300,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """K units in three dimensions: does the plane that their weights span turn into the plane that holds the cloud?

    `angle` are the principal angles between the span of the weights and that of the k first axes of the data's
    covariance, `to_axis` each unit's angle to the axis of its own number. 25 frames; soft competition uses tau 0.2.
    """
    rng = np.random.default_rng(seed)
    variances = np.array([1.0, second, third])
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    data = torch.tensor(np.einsum("bnd,de->bne", rng.normal(size=(batches, 20, 3)) * np.sqrt(variances), axes.T))
    w = torch.linalg.qr(torch.tensor(rng.normal(size=(3, k))))[0].mT
    c = torch.zeros(k, k, dtype=w.dtype)
    order = np.argsort(-variances, kind="stable")
    main = axes.T[order[:k]]
    path, diverged = [w.numpy().copy()], 0
    for step, x in enumerate(data, 1):
        w, _, c = hebb_step(x, w, rule, eta, 0.2, c)
        if not bool((w.abs() < BLOWN_UP).all() & c.isfinite().all()):
            diverged = step
            break
        path.append(w.numpy().copy())
    hist = np.stack(path)
    # units on top of one another span one direction, not two: a direction counts when its singular value is above 0.1
    length = np.linalg.norm(hist, axis=2)
    unit = hist / np.maximum(length, 1e-12)[..., None]
    _, size, span = np.linalg.svd(unit, full_matrices=False)
    shared = np.linalg.svd(np.einsum("kd,rld->rkl", main, span * (size > 0.1)[..., None]), compute_uv=False)
    angle = np.rad2deg(np.arccos(np.minimum(shared, 1)))
    own = np.abs(np.einsum("rkd,kd->rk", unit, main))
    gram = np.einsum("rkd,rld->rkl", hist, hist) - np.eye(k)
    error = np.sqrt((gram**2).sum((1, 2)) / k)
    for end in np.unique(np.linspace(1, len(hist), 25).astype(int)):
        last = end - 1
        told = f", and the largest angle between their span and the data's is {angle[last, -1]:.1f} degrees"
        if k < 3 and variances[order[k - 1]] == variances[order[k]]:
            told = f"; axes {k} and {k + 1} of the data are alike, so no span of this size is theirs"
        yield SPACE(
            dict(
                w=hist[:end],
                angle=angle[:end],
                to_axis=np.rad2deg(np.arccos(np.minimum(own[:end], 1))),
                not_orthonormal=error[:end],
                cloud=data[:15].reshape(-1, 3).numpy(),
                axes=axes.T[order] * np.sqrt(variances[order])[:, None],
            ),
            f"After {last} batch{'' if last == 1 else 'es'} the weights are {error[last]:.2f} away from "
            f"orthonormal{told}.",
            end / len(hist),
            batches=batches,
        )
    if diverged:
        raise Diverged(diverged)


FOUND = Frame(
    epoch=axis("passes over the digits"),
    direction=axis("direction", start=1),
    row=axis("pixel row"),
    column=axis("pixel column"),
    cos2=var("epoch direction", "squared cosine of the principal angle"),
    power=var("epoch", "share of the power kept"),
    image=var("direction row column", "weight"),
)


@experiment(quick=dict(epochs=20), frame=FOUND)
def extract(
    k: Annotated[int, number(1, 32, "Lateral units", "units", label="lateral units k", main=True)] = 8,
    hlop_lr: Annotated[
        float, number(0.002, 1, "Learning rate of the lateral units", "units", scale="log", label="learning rate")
    ] = 0.05,
    epochs: Annotated[int, number(1, 60, "Passes over the 1300 digits", "units", label="passes over digits")] = 20,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Lateral units of the continual learner, alone on real data: which directions of the 8x8 digits do they find?

    `cos2` are the squared cosines of the principal angles to the top-k subspace of E[x x^T], not centred; `power` is
    the share of |x|^2 that H^T H x keeps, `best` the most that any k directions can keep. A frame an epoch.
    """
    rng = np.random.default_rng(seed)
    pixels = torch.tensor(digits_split(1300, 497, seed).x_train, dtype=torch.float32)
    moments, axes = np.linalg.eigh(np.einsum("nd,ne->de", pixels.numpy(), pixels.numpy(), dtype=float))
    best, axes = moments[::-1][:k].sum() / moments.sum(), axes.T[::-1][:k]
    lateral = add_units(torch.zeros(0, 64), k, rng)
    log: list[tuple[Array, float]] = []
    for epoch in range(epochs + 1):
        if epoch:
            for batch in np.array_split(rng.permutation(1300), 20):
                lateral = learn_lateral(lateral, pixels[torch.tensor(batch)], hlop_lr)
        h = lateral.h.double()
        if _diverged([h]):
            raise Diverged(epoch)
        kept = 1 - float((project(pixels.double(), h) ** 2).sum() / (pixels.double() ** 2).sum())
        log.append((np.cos(principal_angles(h.numpy(), axes)) ** 2, kept))
        cos2, power = np.stack([c for c, _ in log]), np.array([p for _, p in log])
        told = f"they keep {kept:.1%} of the digits' power, of {best:.1%} at most."
        if kept < 0:  # rows that are too long reconstruct more than came in
            told = "they are too long, and what they give back is further from the digits than nothing would be."
        yield FOUND(
            dict(cos2=cos2, power=power, image=h.numpy().copy().reshape(k, 8, 8)),
            f"After {epoch} pass{'es' * (epoch != 1)} the span of the lateral units (there are {k}) has a mean squared "
            f"cosine of {cos2[-1].mean():.3f} with the best one; {told}",
            epoch / epochs,
            best=float(best),
            epochs=epochs,
        )


def _tasks(n_tasks: int, seed: list[int]) -> tuple[Array, Array, Array, Array]:
    """Permuted digits: inputs (tasks, n, 64), one-hot labels (n, 10), to train on, then to test. Task 1 is as it is."""
    split, rng = digits_split(1300, 497, seed), np.random.default_rng([*seed, 1])
    orders = [np.arange(64)] + [rng.permutation(64) for _ in range(n_tasks - 1)]
    train, test = (np.stack([x[:, o] for o in orders]) for x in (split.x_train, split.x_test))
    return train, split.y_train, test, split.y_test


FORGETTING = Frame(
    epoch=axis("passes over the data"),
    learner=axis("method", values=METHODS),
    task=axis("task", start=1),
    after=axis("tasks learned"),
    task_done=axis("task", start=1),
    layer=axis("layer", start=1),
    repeat=axis("network"),
    accuracy=var("epoch learner task repeat", "test accuracy"),
    table=var("after learner task", "test accuracy after a task"),
    learned=var("learner task_done repeat", "accuracy on a task when it was just learned"),
    ACC=var("learner repeat", "mean accuracy on the tasks so far"),
    BWT=var("learner repeat", "mean change of old tasks since they were learned"),
    leak=var("epoch learner layer", "share of the update felt by old inputs"),
)


@experiment(quick=dict(n_tasks=2, hidden=64, epochs=3), frame=FORGETTING)
def continual(
    protect: Annotated[
        float,
        number(
            0,
            1,
            "Share of each layer's inputs that task 1 gets lateral units for; later tasks a third",
            "lateral",
            label="protected directions",
            main=True,
        ),
    ] = 0.375,
    n_tasks: Annotated[
        int,
        number(2, 5, "Tasks, one after another: the same digits, pixels permuted", "tasks", label="tasks", main=True),
    ] = 4,
    hidden: Annotated[
        int, number(32, 128, "Spiking neurons in each of two hidden layers", "network", label="hidden neurons")
    ] = 128,
    steps: Annotated[int, number(2, 7, "Time steps for which a picture is shown", "network", label="time steps")] = 6,
    lr: Annotated[float, number(0.02, 0.3, "Learning rate of the weights", "network", label="learning rate")] = 0.1,
    hlop_lr: Annotated[
        float,
        number(0.002, 1, "Learning rate of the lateral units", "lateral", scale="log", label="lateral learning rate"),
    ] = 0.1,
    epochs: Annotated[
        int, number(2, 10, "Passes over each task; lateral units learn in the last two", "tasks", label="passes a task")
    ] = 6,
    n_seeds: Annotated[int, number(1, 5, "Networks to average over", "runs", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A spiking network learns n tasks in a row, three ways at once from the same start; a frame an epoch.

    none: nothing is protected. HLOP: updates are projected off what the lateral units know of old tasks. SVD: off the
    singular vectors of stored activity, as many. All tasks share one head. `accuracy` is on 497 test digits of each
    task, after every epoch for tasks begun and after every task for the others. BWT is the mean change of an old
    task's accuracy since it was learned. `leak` is
    |dW x_old| / (|dW| |x_old|) for a task's whole update dW and old test activity x_old; 0 in the first task.
    """
    seeds = [[seed, i] for i in range(n_seeds)]
    parts = [_tasks(n_tasks, s) for s in seeds]
    train, y, test, y_test = (torch.tensor(np.stack(p), dtype=torch.float32) for p in zip(*parts, strict=True))
    train, test = train.transpose(0, 1), test.transpose(0, 1)  # (tasks, S, n, 64)
    right, rngs = y_test.argmax(-1), [np.random.default_rng([*s, 2]) for s in seeds]
    sizes = [64, hidden, hidden, 10]
    weights = []
    for d, out in zip(sizes, sizes[1:], strict=False):
        start = np.stack([g.normal(size=(out, d)) * 2 / np.sqrt(d) for g in rngs])
        weights.append(torch.tensor(start, dtype=torch.float32).repeat(len(METHODS), 1, 1, 1))
    laterals = [Lateral(torch.zeros(n_seeds, 0, d), torch.zeros(n_seeds, 0, d), 0) for d in sizes[:-1]]
    peers = [torch.zeros(n_seeds, 0, d) for d in sizes[:-1]]
    counts = [round(protect * d) for d in sizes[:-1]]
    accuracy, leaks = [_accuracy(weights, test, right, steps)], [np.zeros((len(METHODS), 3, n_seeds))]
    yield _so_far(accuracy, leaks, laterals, epochs, 0.0)
    for task in range(n_tasks):
        before, old = [w.clone() for w in weights], [h.h for h in laterals]
        laterals = [
            add_units(h.h, count if task == 0 else round(count / 3), rngs[0])
            for h, count in zip(laterals, counts, strict=True)
        ]
        for epoch in range(epochs):
            orders = torch.tensor(np.stack([g.permutation(train.shape[2]) for g in rngs]))
            for start in range(0, orders.shape[1] - BATCH + 1, BATCH):
                rows = torch.arange(n_seeds)[:, None], orders[:, start : start + BATCH]
                x, target = train[task][rows].expand(len(METHODS), -1, -1, -1), y[rows]
                gradients, traces = online_gradients(weights, x, target, steps)
                for layer, change in enumerate(gradients):
                    safe = torch.stack([change[0], project(change[1], old[layer]), project(change[2], peers[layer])])
                    weights[layer] -= lr * safe
                    if epoch >= epochs - 2 and counts[layer]:
                        # the trace as an average: its plain sum grows with 1 / (1 - decay), and the best rate with it
                        seen = (1 - DECAY) * traces[layer][1].flatten(-3, -2)
                        laterals[layer] = learn_lateral(laterals[layer], seen, hlop_lr)
            if _diverged([h.h for h in laterals]) or not all(bool(w.isfinite().all()) for w in weights):
                raise Diverged(task * epochs + epoch + 1)
            begun = len(test) if epoch == epochs - 1 else task + 1
            now = _accuracy(weights, test[:begun], right, steps)
            accuracy.append(np.concatenate([now, accuracy[-1][:, begun:]], 1))
            leaks.append(_leak(weights, before, test[:task], steps))
            if epoch == epochs - 1:
                activity = [trace(s) for s in forward([w[2] for w in weights], train[task], steps)[0]]
                peers = [
                    gpm_basis(h, a.flatten(-3, -2), count if task == 0 else round(count / 3))
                    for h, a, count in zip(peers, activity, counts, strict=True)
                ]
            done = (task * epochs + epoch + 1) / (n_tasks * epochs)
            yield _so_far(accuracy, leaks, laterals, epochs, done)


def _accuracy(weights: list[Tensor], test: Tensor, right: Tensor, steps: int) -> Array:
    """Share of right answers (method, task, S) on test (tasks, S, n, 64)."""
    hits = [answers(weights, x.expand(len(METHODS), -1, -1, -1), steps) == right for x in test]
    return torch.stack(hits, 1).double().mean(-1).numpy()


def _leak(weights: list[Tensor], before: list[Tensor], old: Tensor, steps: int) -> Array:
    """How much of the change of each layer's weights since `before` the old inputs (tasks, S, n, 64) feel."""
    out = np.zeros((len(METHODS), len(weights), weights[0].shape[1]))
    if len(old):
        x = old.transpose(0, 1).flatten(1, 2).expand(len(METHODS), -1, -1, -1)
        for layer, activity in enumerate(forward(before, x, steps)[0]):
            a, change = trace(activity).flatten(-3, -2), weights[layer] - before[layer]
            felt = torch.linalg.matrix_norm(a @ change.mT)
            scale = torch.linalg.matrix_norm(change) * torch.linalg.matrix_norm(a)
            out[:, layer] = (felt / scale.clamp(min=1e-12)).double().numpy()
    return out


def _so_far(accuracy: list[Array], leaks: list[Array], laterals: list[Lateral], epochs: int, done: float) -> xr.Dataset:
    log = np.stack(accuracy)  # (epoch, method, task, S)
    table = log[::epochs]
    finished = len(table) - 1
    average = table[-1][:, : max(finished, 1)].mean(1)
    learned = np.stack([table[j + 1, :, j] for j in range(finished)] or [table[0, :, 0]], 1)  # (method, task, S)
    drift = (table[-1][:, : finished - 1] - learned[:, :-1]).mean(1) if finished > 1 else np.zeros_like(average)
    if not finished:
        text = f"Epoch {len(log) - 1} of task 1: all three networks know {log[-1, 0, 0].mean():.0%} of its test digits."
    else:
        means = ", ".join(f"{m} {a:.1%}" for m, a in zip(METHODS, average.mean(1), strict=True))
        text = f"After {finished} task{'s' * (finished > 1)} the mean accuracy on them is: {means}."
        if finished > 1:
            drifts = ", ".join(f"{m} {b:+z.1%}" for m, b in zip(METHODS, drift.mean(1), strict=True))
            text += f" An old task has changed since it was learned by: {drifts}."
    return FORGETTING(
        dict(accuracy=log, table=table.mean(3), learned=learned, ACC=average, BWT=drift, leak=np.stack(leaks).mean(3)),
        text,
        done,
        epochs=epochs,
        units=str([h.h.shape[-2] for h in laterals]),
    )
