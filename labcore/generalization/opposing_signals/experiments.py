"""One descent across the valley of the outliers, a map of many, and the outliers of a network on digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from . import curvature
from .descent import MOMENTUM, Optimizer, ends, follow
from .digit_outliers import MOVERS, framed_digits, train
from .outliers import GROUPS, D, Signals, draw, merged, moments

START = np.r_[np.full(D, 0.05), 0.5, 0.3]  # ordinary weights b, weight of the large feature b_o, output weight c
POINTS = 1000
FRAMES = 100
WINDOW = 40  # steps after the valley has become too steep

Size = Annotated[
    float, number(2, 20, "How large the feature of the outliers is", "data", label="outlier size s", main=True)
]
Share = Annotated[float, number(0, 0.1, "Share of points that are outliers", "data", label="share of outliers q")]
Imbalance = Annotated[
    float,
    number(0, 0.5, "0.1: 55 % of the outliers have the feature with a plus sign", "data", label="imbalance of groups"),
]
Beta = Annotated[
    float, number(0.5, 5, "How much the ordinary features matter", "data", label="strength of the rest |β|")
]

VALLEY = Frame(
    step=axis("gradient step"),
    group=axis("group of points", values=GROUPS),
    loss=var("step", "loss"),
    group_loss=var("group step", "loss of the group"),
    sharpness=var("step", "sharpness: largest eigenvalue of the Hessian"),
    cosine=var("step", "cosine between the gradients of both groups of outliers"),
    across=var("step", "weight of the large feature"),
    along=var("step", "output weight"),
    b_o=axis("weight of the large feature bₒ"),
    c=axis("output weight c"),
    landscape=var("c b_o", "loss where the ordinary weights are now"),
    threshold=var("", "steepest curvature that the steps can follow", optional=True),
)


@experiment(quick=dict(steps=40), frame=VALLEY)
def valley(
    eta: Annotated[float, number(0.005, 0.3, "Learning rate", "steps", label="learning rate η", main=True)] = 0.15,
    size: Size = 12.0,
    beta: Beta = 3.0,
    imbalance: Imbalance = 0.1,
    share: Share = 0.04,
    signals: Annotated[
        Signals,
        choice(
            "opposing: both signs of the feature ask for more; agreeing: outliers have it with one sign; "
            "removed: nobody has it",
            "data",
            label="outliers",
            main=True,
        ),
    ] = "opposing",
    optimizer: Annotated[
        Optimizer,
        choice(
            "gd: gradient descent; momentum: with 0.9 of the last step; adam; clip: no gradient longer than 1",
            "steps",
            label="optimizer",
        ),
    ] = "gd",
    steps: Annotated[int, number(20, 2000, "Gradient steps", "steps", scale="log", label="steps")] = 80,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A linear network c (b.x + b_o x_o) learns from 1000 points by full-batch steps; the exact sharpness at each.

    Frames arrive while it trains, one a step up to 100 of them. `landscape` is the loss over (b_o, c) with the ordinary
    weights b of that moment. `threshold` is 2/eta, and 2 (1 + m)/eta with momentum m; the other optimizers have none.
    Raises Diverged where a weight passes 1000.
    """
    m = moments(draw(POINTS, size, share, imbalance, beta, signals, seed))
    together = merged(m)
    second, cross = together.second[0], together.cross[0]
    path = follow(second, cross, START, eta, steps, optimizer)
    each = curvature.losses(m, path)
    steep = curvature.sharpness(curvature.hessian(second, cross, path))
    plus, minus = (curvature.gradients(m, path)[:, g] for g in (0, 1))
    norms = np.linalg.norm(plus, axis=1) * np.linalg.norm(minus, axis=1)
    cosine = (plus * minus).sum(1) / np.where(norms > 0, norms, 1)
    limit = {"gd": 2 / eta, "momentum": 2 * (1 + MOMENTUM) / eta}.get(optimizer)
    grid_b = np.linspace(-1.0, 1.0, 41) * max(0.6, min(1.15 * np.abs(path[:, -2]).max(), 3.0))
    grid_c = np.linspace(0, max(1.25 * min(np.abs(path[:, -1]).max(), 4.0), 1.0), 41)
    shown = sorted({round(i) for i in np.linspace(0, len(path) - 1, min(FRAMES, len(path)))})
    frame = None
    for t in shown:
        upto = slice(0, t + 1)
        spots = np.empty((len(grid_c), len(grid_b), D + 2))
        spots[..., :D], spots[..., -2], spots[..., -1] = path[t, :D], grid_b, grid_c[:, None]
        values = dict(
            step=np.arange(t + 1),
            loss=each[upto] @ m.share,
            group_loss=each[upto].T,
            sharpness=steep[upto],
            cosine=cosine[upto],
            across=path[upto, -2],
            along=path[upto, -1],
            b_o=grid_b,
            c=grid_c,
            landscape=curvature.losses(together, spots)[..., 0],
        )
        frame = VALLEY(
            values | ({} if limit is None else {"threshold": limit}),
            _reading(each[upto], steep[upto], limit, signals),
            t / steps,
        )
        yield frame
    if len(path) <= steps:
        raise Diverged(len(path), frame)


def crossing(sharpness: np.ndarray, limit: float | None) -> int | None:
    """The first step at which the valley is too steep, or None."""
    over = sharpness > limit if limit is not None else np.zeros(0, bool)
    return int(over.argmax()) if over.any() else None


def opposed(each: np.ndarray, start: int) -> float:
    """Share of the steps after `start` in which one group's loss rises and the other's falls; nan without steps."""
    moves = np.diff(each[start : start + WINDOW + 1, :2], axis=0)
    return float((moves[:, 0] * moves[:, 1] < 0).mean()) if len(moves) else np.nan


def _reading(each: np.ndarray, steep: np.ndarray, limit: float | None, signals: Signals) -> str:
    t, at = len(steep) - 1, crossing(steep, limit)
    said = f"After {t} step{'s' * (t != 1)} the sharpness is {steep[-1]:.1f}"
    if limit is None:
        return f"{said}; it was {steep[0]:.1f} at the start."
    said += f"; the steps can follow up to {limit:.1f}"
    if at is None:
        return f"{said}."
    if signals == "removed" or at == t:
        return f"{said}, which it passed at step {at}."
    after = min(t - at, WINDOW)
    return (
        f"{said}, which it passed at step {at}. In {opposed(each, at):.0%} of the {after} step{'s' * (after != 1)} "
        "after that one group's loss rose while the other's fell."
    )


def predicted(share: float, size: np.ndarray, beta: float) -> np.ndarray:
    """q s^2 |beta|: the curvature across the valley when the network has learned the ordinary features."""
    return share * size**2 * beta


EDGE = Frame(
    eta=axis("learning rate η"),
    size=axis("outlier size s"),
    rise=var("size eta", "highest rise of the loss, as a share of the first loss"),
    ran_away=var("size eta", "whether training ran away"),
    line=var("size", "learning rate at which q s² |β| is 2/η"),
)


@experiment(quick=dict(grid=12), frame=EDGE)
def edge(
    beta: Beta = 3.0,
    share: Share = 0.04,
    imbalance: Imbalance = 0.1,
    steps: Annotated[int, number(50, 2000, "Gradient steps", "steps", scale="log", label="steps")] = 500,
    grid: Annotated[int, number(5, 60, "Learning rates, and sizes, of the map", "steps", label="fineness")] = 40,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Plain gradient descent for each pair of a learning rate and an outlier size, on the same points. One frame.

    `rise` is 0 where the loss only falls; where training ran away it is the largest of the others. `line` is at most
    1000, which it is without outliers.
    """
    etas, sizes = np.geomspace(0.01, 0.3, grid), np.linspace(2, 20, grid)
    problems = [moments(draw(POINTS, size, share, imbalance, beta, "opposing", seed)) for size in sizes]
    _, second, cross, power = (np.concatenate(part) for part in zip(*map(merged, problems), strict=True))
    _, rise = ends(second, cross, power, START, etas, steps)
    away, curve = np.isinf(rise), predicted(share, sizes, beta)
    line = np.minimum(2 / np.maximum(curve, 2e-3), 1000)
    over, leaps = etas > line[:, None], rise > 1e-3
    said = f"In {away.sum()} of {rise.size} settings training ran away"
    for name, where in (("below", ~over), ("above", over)):
        if where.any():
            said += f"; {name} the line the loss rose on its way in {leaps[where].mean():.0%}"
    yield EDGE(
        dict(eta=etas, size=sizes, rise=np.where(away, rise[~away].max(initial=0), rise), ran_away=away, line=line),
        f"{said}.",
    )


DIGITS = Frame(
    step=axis("gradient step"),
    group=axis("group of digits", values=("framed threes", "framed eights", "all others")),
    mover=axis("digit, by how much its loss changes"),
    row=axis("row"),
    column=axis("column"),
    loss=var("step", "loss"),
    group_loss=var("group step", "loss of the group", optional=True),
    sharpness=var("step", "sharpness: largest eigenvalue of the Hessian"),
    rising=var("mover row column", "digits whose loss rises most in the next step"),
    falling=var("mover row column", "digits whose loss falls most in the next step"),
    rising_by=var("mover", "change of the loss of those that rise"),
    falling_by=var("mover", "change of the loss of those that fall"),
    found=var("", "share of both that wear a frame"),
    cosine=var("", "cosine between the gradients of both"),
    threshold=var("", "steepest curvature that the steps can follow"),
)


@experiment(quick=dict(steps=60, n_train=400, width=32), frame=DIGITS)
def digit_outliers(
    eta: Annotated[float, number(0.02, 0.5, "Learning rate", "steps", label="learning rate η", main=True)] = 0.3,
    brightness: Annotated[
        float, number(0, 10, "Brightness of the frames; ink is 1", "data", label="brightness of frames", main=True)
    ] = 8.0,
    share: Annotated[
        float, number(0, 0.5, "Share of the threes and eights that wear a frame", "data", label="share with a frame")
    ] = 0.1,
    n_train: Annotated[int, number(200, 1700, "Training digits", "data", label="training digits n")] = 1000,
    width: Annotated[int, number(8, 128, "Hidden units", "steps", label="hidden units")] = 64,
    steps: Annotated[int, number(20, 600, "Full-batch gradient steps", "steps", scale="log", label="steps")] = 180,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A tanh network on digits of which some threes and some eights wear the same bright frame. An illustration.

    A frame comes every odd number of steps, so that what alternates is seen to. Each names the digits whose own loss
    the next step changes most: nobody tells it who wears a frame. The sharpness is from a few steps of Lanczos.
    """
    data = framed_digits(n_train, share, brightness, seed)
    stride = 1 + 2 * round((steps - 60) / 120) if steps > 60 else 1
    looks = [*range(0, steps, stride), steps]
    log: list[tuple[float, ...]] = []
    frame = None
    for look in train(data, width, eta, steps, looks, seed):
        groups = [look.losses[data.group == g].mean() for g in range(3) if (data.group == g).any()]
        log.append((look.step, look.losses.mean(), look.sharpness, *groups))
        step, loss, steep, *group_loss = np.array(log).T
        found = float((data.group[np.r_[look.rising, look.falling]] < 2).mean())
        wearing = f"{found:.0%} of the {2 * MOVERS} digits that the next step moves most wear a frame"
        rise, fall = (np.unique(data.labels.numpy()[at]) for at in (look.rising, look.falling))
        if len(rise) == len(fall) == 1 and rise != fall:
            wearing += f": {MOVERS} of class {rise[0]} get worse, {MOVERS} of class {fall[0]} better"
        values = dict(
            step=step,
            loss=loss,
            sharpness=steep,
            rising=data.x.numpy()[look.rising].reshape(-1, 8, 8),
            falling=data.x.numpy()[look.falling].reshape(-1, 8, 8),
            rising_by=look.moves[look.rising],
            falling_by=look.moves[look.falling],
            found=found,
            cosine=look.cosine,
            threshold=2 / eta,
        )
        frame = DIGITS(
            values | ({"group_loss": np.stack(group_loss)} if len(groups) == 3 else {}),
            f"After {look.step} step{'s' * (look.step != 1)} the sharpness is {look.sharpness:.1f}, and the steps can "
            f"follow up to {2 / eta:.1f}; {wearing}.",
            look.step / steps,
        )
        yield frame
    if look.step < steps:
        raise Diverged(look.step, frame)
