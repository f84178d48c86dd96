"""A spiral onto a ring, units of a network on theirs, the turn of their directions, and two charges that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.data import digits_split
from labcore.experiment import Diverged, Seed, experiment, number
from labcore.frames import Frame, axis, var

from .charges import charges as follow_charges
from .normalized_net import ARMS, Start, train
from .norms import flow_norm, ring, settled_rate, velocity_norm
from .sphere import descend

FRAMES = 80
SHOWN = 1500  # points of a curve over time
HIDDEN = 32
SIZES = (0.1, 0.3, 1.0, 3.0, 10.0)

Decay = Annotated[
    float,
    number(0, 0.1, "Share of the weights that decay takes away, per unit of time", label="weight decay k", main=True),
]

SPIRAL = Frame(
    step=axis("gradient step"),
    x=var("step", "first weight"),
    y=var("step", "second weight"),
    length=var("step", "squared length ρ"),
    predicted=var("step", "predicted from the speeds"),
    flow=var("step", "gradient flow"),
    rate=var("step", "rate at which the direction moves, η/ρ"),
    ring=var("", "ring on which steps out and decay balance", optional=True),
    settled=var("", "rate that is predicted there", optional=True),
)


@experiment(quick=dict(steps=600), frame=SPIRAL)
def spiral(
    eta: Annotated[float, number(0.005, 0.5, "Learning rate", label="learning rate η", main=True)] = 0.05,
    decay: Decay = 0.02,
    size: Annotated[
        float, number(0.1, 100, "The loss is multiplied by this", scale="log", label="size of the loss", main=True)
    ] = 1.0,
    momentum: Annotated[float, number(0, 0.95, "Share of the last step in the next one", label="momentum m")] = 0.0,
    noise: Annotated[float, number(0, 2, "Noise of the gradients at length 1", label="gradient noise")] = 1.0,
    length: Annotated[float, number(0.1, 3, "Length of the weights at the start", label="first length |q|")] = 0.3,
    d: Annotated[int, number(2, 50, "Weights; the picture shows the first two", label="number of weights d")] = 2,
    steps: Annotated[int, number(100, 50_000, "Gradient steps", "", "steps", label="steps")] = 2000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Gradient descent on a loss that sees only the direction of the weights: 1/2 u.(A + noise) u, u = q/|q|.

    Frames arrive while it goes, with at most 1500 points so far. `predicted` is Noether's learning dynamics from the
    squared speeds, `flow` what gradient flow would do. `ring` is there with decay and without momentum; it and
    `settled` take the mean squared gradient of the last half. Raises Diverged where a weight is no finite number.
    """
    rng = np.random.default_rng(seed)
    bend, start = rng.normal(size=d), rng.normal(size=d)
    start *= length / np.linalg.norm(start)
    path = descend(start, bend, noise * rng.normal(size=(steps, d)), eta, decay, momentum, size)
    speed = ((np.diff(path.q, axis=0) / eta) ** 2).sum(1)
    predicted = velocity_norm(path.length[0], speed, eta, decay, momentum)
    flow = flow_norm(path.length[0], steps, eta, decay)
    frame = None
    for last in sorted({*np.geomspace(8, steps, FRAMES).astype(int)}):
        at = np.unique(np.linspace(0, last, SHOWN).astype(int))
        values = dict(
            step=at,
            x=path.q[at, 0],
            y=path.q[at, 1],
            length=path.length[at],
            predicted=predicted[at],
            flow=flow[at],
            rate=eta / path.length[at],
        )
        half = slice(last // 2, last)
        unit = float((path.gradient * path.length[:-1])[half].mean())
        said = f"After {last} steps the squared length is {path.length[last]:.3g}"
        if momentum:  # inertia, which is neglected, makes the length swing around the prediction
            late = slice(last // 2, last + 1)
            off = abs(predicted[late].mean() / path.length[late].mean() - 1)
            said += f"; the prediction from the speeds misses its mean over the second half by {off:.1%}"
        else:
            off = np.abs(predicted[: last + 1] / path.length[: last + 1] - 1).max()
            said += f"; the prediction from the speeds is off by at most {max(off, 1e-4):.2%}"
        said += f", and gradient flow would have {flow[last]:.3g}"
        if decay and not momentum and unit > 0:
            values |= dict(ring=ring(eta, decay, unit), settled=settled_rate(eta, decay, unit))
        frame = SPIRAL(values, f"{said}.", last / steps)
        yield frame


NEURONS = Frame(
    step=axis("gradient step"),
    arm=axis("network", values=ARMS),
    unit=axis("hidden unit"),
    loss=var("arm step", "loss, running mean"),
    rho=var("step unit", "squared length of a unit's weights"),
    predicted=var("step unit", "predicted from the speeds"),
    turn=var("arm step", "turn of the weights in a step, running mean", "rad"),
    settled=var("", "turn that is predicted, √(2kη)", "rad"),
)

Eta = Annotated[float, number(0.01, 0.3, "Learning rate", label="learning rate η", main=True)]
NetDecay = Annotated[float, number(0.002, 0.05, "Weight decay of the first layer", label="weight decay k", main=True)]
Digits = Annotated[int, number(100, 1500, "Training digits", label="training digits n")]


def _start(n_train: int, steps: int, seed: int) -> Start:
    split, rng = digits_split(n_train, 1, seed), np.random.default_rng([seed, 1])
    w, a = rng.normal(size=(64, HIDDEN)) / 8, rng.normal(size=(HIDDEN, 10)) / np.sqrt(HIDDEN)
    return Start(split.x_train, split.y_train.argmax(1), w, a, rng.integers(0, n_train, (steps, 32)))


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Means over the `width` steps up to each, or as many as there are: (T, ...) -> (T, ...)."""
    total = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, 0)])
    end = np.arange(1, len(values) + 1)
    begin = np.maximum(end - width, 0)
    return ((total[end] - total[begin]).T / (end - begin)).T


def _turn(turn: np.ndarray) -> float:
    """Root mean square over the steps, of the median unit: (T, H) -> number."""
    return float(np.median(np.sqrt((turn**2).mean(0))))


@experiment(quick=dict(steps=200, n_train=200), frame=NEURONS)
def neurons(
    eta: Eta = 0.1,
    decay: NetDecay = 0.02,
    size: Annotated[
        float,
        number(
            0.1,
            10,
            "The first layer's gradients are multiplied by this",
            scale="log",
            label="size of gradients",
            main=True,
        ),
    ] = 1.0,
    n_train: Digits = 500,
    steps: Annotated[int, number(100, 5000, "Batches of 32 digits", "", "steps", label="steps")] = 2000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Four networks 64-32-10 learn digits: normalized with and without decay, plain, and with an RMSProp in its place.

    One frame, at most 400 times. `rho` and `predicted` are of the normalized network with decay. Raises Diverged
    where a network ran away; the frame then ends there.
    """
    start = _start(n_train, steps, seed)
    runs = [train(start, arm, eta, decay, size) for arm in ARMS]
    kept = min(len(run.loss) for run in runs)
    at = np.unique(np.linspace(0, kept - 1, 400).astype(int))
    main = runs[0]
    predicted = velocity_norm(main.rho[0], main.speed[:kept], eta, decay)[at]
    alive = main.rho[at] > 1e-3
    off = np.abs(predicted / main.rho[at] - 1)[alive].max()
    settled = float(np.sqrt(2 * decay * eta))
    late = {arm: _turn(run.turn[kept // 2 : kept]) for arm, run in zip(ARMS, runs, strict=True)}
    frame = NEURONS(
        dict(
            step=at,
            loss=np.stack([_smooth(run.loss[:kept], 50)[at] for run in runs]),
            rho=main.rho[at],
            predicted=predicted,
            turn=np.stack([np.sqrt(np.median(_smooth(run.turn[:kept] ** 2, 200), 1))[at] for run in runs]),
            settled=settled,
        ),
        f"Normalized units with decay turn by {late[ARMS[0]]:.3f} rad a step, √(2kη) is {settled:.3f}; without decay "
        f"it is {late[ARMS[1]]:.3f}, in a plain network {late[ARMS[2]]:.3f}. Predicted lengths of living units "
        f"are off by at most {off:.1%}.",
    )
    yield frame
    if kept < steps:
        raise Diverged(kept, frame)


TURNS = Frame(
    size=axis("size of gradients"),
    arm=axis("network", values=ARMS),
    turn=var("arm size", "turn of the weights in a step, median unit", "rad"),
    loss=var("arm size", "loss at the end"),
    settled=var("", "turn that is predicted, √(2kη)", "rad"),
)


@experiment(quick=dict(steps=150, n_train=200), frame=TURNS)
def turns(
    eta: Eta = 0.1,
    decay: NetDecay = 0.02,
    n_train: Digits = 500,
    steps: Annotated[int, number(100, 3000, "Batches of 32 digits", "", "steps", label="steps")] = 1500,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same four networks with the first layer's gradients times 0.1 to 10: by how much a step turns the weights.

    A frame for each size as it comes. The turn is the root mean square over the last half of training, of the median
    unit; a network that runs away is shown as it was before.
    """
    start, settled = _start(n_train, steps, seed), float(np.sqrt(2 * decay * eta))
    turn, loss = [], []
    for i, size in enumerate(SIZES):
        runs = [train(start, arm, eta, decay, size) for arm in ARMS]
        turn.append([_turn(run.turn[len(run.turn) // 2 :]) for run in runs])
        loss.append([float(run.loss[-100:].mean()) for run in runs])
        seen = np.array(turn).T
        span = [f"{row.min():.3f} to {row.max():.3f}" for row in seen]
        yield TURNS(
            dict(size=np.array(SIZES[: i + 1]), turn=seen, loss=np.array(loss).T, settled=settled),
            f"With gradients {SIZES[0]:g} to {size:g} times as large a step turns normalized units with decay by "
            f"{span[0]} rad, √(2kη) is {settled:.3f}; units of a plain network by {span[2]}.",
            (i + 1) / len(SIZES),
        )


KEPT = Frame(
    step=axis("gradient step"),
    unit=axis("hidden unit"),
    sums=var("step unit", "sum of the output weights over classes"),
    sums_predicted=var("step unit", "predicted"),
    balance=var("step unit", "|w|² − |a|² of a unit"),
    balance_predicted=var("step unit", "predicted"),
    balance_flow=var("step unit", "under gradient flow"),
    loss=var("step", "loss"),
)


@experiment(quick=dict(steps=60, n_train=200), frame=KEPT)
def charges(
    eta: Annotated[float, number(0.01, 1, "Learning rate", label="learning rate η", main=True)] = 0.3,
    decay: Annotated[float, number(0, 0.1, "Weight decay", label="weight decay k", main=True)] = 0.0,
    n_train: Digits = 300,
    steps: Annotated[int, number(20, 1000, "Full-batch gradient steps", "", "steps", label="steps")] = 300,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A ReLU network 64-32-10 on digits, and what two symmetries of its loss keep: measured, predicted from gradients.

    One frame. Raises Diverged where the loss is no finite number; the frame then ends there.
    """
    split, rng = digits_split(n_train, 1, seed), np.random.default_rng([seed, 1])
    w, a = rng.normal(size=(65, HIDDEN)) / 8, rng.normal(size=(HIDDEN, 10)) / np.sqrt(HIDDEN)
    found = follow_charges(split.x_train, split.y_train.argmax(1), w, a, eta, decay, steps)
    off = max(np.abs(found.sums - found.sums_predicted).max(), np.abs(found.balance - found.balance_predicted).max())
    moved = np.abs(found.balance[-1] - found.balance[0]).max()
    frame = KEPT(
        dict(
            sums=found.sums,
            sums_predicted=found.sums_predicted,
            balance=found.balance,
            balance_predicted=found.balance_predicted,
            balance_flow=found.balance_flow,
            loss=found.loss,
        ),
        f"Over {len(found.loss) - 1} steps the loss goes from {found.loss[0]:.2f} to {found.loss[-1]:.2f}, and a "
        f"balance |w|² − |a|² moves by up to {moved:.2g}. The predictions miss by {off:.0e} at most.",
    )
    yield frame
    if len(found.loss) <= steps:
        raise Diverged(len(found.loss), frame)
