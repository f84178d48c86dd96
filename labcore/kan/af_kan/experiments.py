"""The bumps of one input under the hand, and networks made of them on digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.training import adamw, count, cross_entropy, train_step
from labcore.words import plain

from .mechanism import ACTIVATIONS, Act, Combination, Reduction, bounds, bump_features, make_network

BUMPS = Frame(
    bump=axis("feature j"),
    x=axis("input x"),
    side=axis("side", values=("act(x - s)", "act(e - x)")),
    feature=var("bump x", "feature, scaled to [0, 1]"),
    value=var("bump", "feature at the cursor"),
    active=var("bump", "responds at the cursor"),
    inside=var("bump", "the cursor is between its bounds"),
    start=var("bump", "start s"),
    end=var("bump", "end e"),
    sides=var("side x", "activation of one side"),
    full=var("x", "random edge function"),
    merged=var("x", "sum of the features"),
)


@experiment(frame=BUMPS)
def bumps(
    x: Annotated[
        float, number(-0.5, 1.5, "The input; pixels lie in [0, 1]", "input", label="input x", main=True)
    ] = 0.5,
    act: Annotated[
        Act, choice("The activation that makes both sides of a bump", "features", label="activation", main=True)
    ] = "relu",
    combination: Annotated[
        Combination,
        choice(
            "How the two sides are put together",
            "features",
            label="how sides combine",
            main=True,
            words={
                "quad1": "(a b)²",
                "quad2": "a b + a² + b²",
                "sum": "a + b",
                "prod": "a b",
                "sum_prod": "a + b + a b",
                "cubic1": "(a + b)(a² + b²)",
                "cubic2": "(a b)³",
            },
        ),
    ] = "quad1",
    j: Annotated[
        int,
        number(0, 14, "The bump to look at and to move, at most the last one", "one bump", label="bump to look at j"),
    ] = 4,
    start_by: Annotated[
        float, number(-0.5, 0.5, "Moves the start s of that bump", "one bump", label="move its start s")
    ] = 0.0,
    end_by: Annotated[
        float, number(-0.5, 0.5, "Moves the end e of that bump", "one bump", label="move its end e")
    ] = 0.0,
    grid: Annotated[int, number(1, 10, "Intervals G of [0, 1]", "features", label="intervals G")] = 5,
    k: Annotated[int, number(1, 5, "Overlap k: a bump is (k + 1)/G wide", "features", label="overlap k")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The G + k features of one input, which of them respond at x, and what a layer can make of them. One frame.

    Features are scaled to [0, 1] by their minimum and maximum over x in [0, 1], as a batch of pixels would. One
    responds when it is more than 0.001 of that range away from what was 0 before the scaling. `full` is the edge
    function of random coefficients, which the seed draws; `merged` is the only curve that is left of an input when
    attention has summed its features, before the attention weight.
    """
    at = torch.linspace(-0.5, 1.5, 201, dtype=torch.float64)
    start, end = (v.double() for v in bounds(grid, k))
    j = min(j, grid + k - 1)
    start[j] += start_by
    end[j] += end_by
    raw = bump_features(torch.cat([at, torch.tensor([x], dtype=torch.float64)]), start, end, act, combination)
    pixels = raw[:-1][(at >= 0) & (at <= 1)]
    low, high = pixels.min(), pixels.max()
    # some sums are constant in between their bounds: nothing to scale
    scale = high - low if high - low > 1e-9 else torch.ones_like(high)
    f, zero = ((raw - low) / scale).numpy(), float(-low / scale)
    active = np.abs(f[-1] - zero) > 1e-3
    inside = ((start < x) & (x < end)).numpy()
    coefficients = np.random.default_rng(seed).normal(size=grid + k)
    pixel, outside = ((at >= 0) & (at <= 1))[:, None], (at[:, None] < start) | (at[:, None] > end)
    tails = np.abs(f[:-1] - zero)[(pixel & outside).numpy()]
    leak = float(tails.max()) if len(tails) else 0.0
    a, b = (ACTIVATIONS[act](v).numpy() for v in (at - start[j], end[j] - at))
    yield BUMPS(
        dict(
            x=at,
            feature=f[:-1].T,
            value=f[-1],
            active=active.astype(int),
            inside=inside.astype(int),
            start=start,
            end=end,
            sides=[a, b],
            full=f[:-1] @ coefficients,
            merged=f[:-1].sum(1),
        ),
        f"At x = {plain(x, '.2f')}, {active.sum()} of the {grid + k} features respond and {inside.sum()} have x "
        f"between their bounds. Outside their bounds (x in [0, 1]) "
        f"features are up to {leak:.0%} of their whole range away from 0.",
        at=x,
        looked_at=j,
        zero=zero,
    )


MODELS = ("AF-KAN", "ReLU-KAN, equal size", "ReLU-KAN, equal width", "MLP")

COURSE = Frame(
    model=axis("network", values=MODELS),
    repeat=axis("run"),
    time=axis("training time", "steps"),
    pixel=axis("pixel, row by row"),
    bump=axis("bump j"),
    side=axis("start or end", values=("s", "e")),
    accuracy=var("model repeat time", "share of test digits that are right"),
    loss=var("model repeat time", "training loss of a batch", "nats"),
    params=var("model", "learnable numbers"),
    attention=var("pixel", "mean attention weight of a pixel"),
    bounds=var("time bump side", "bounds of the first layer's bumps"),
)


@experiment(quick=dict(n_seeds=1, steps=60), frame=COURSE)
def digits(
    act: Annotated[Act, choice("The activation of the AF-KAN", "AF-KAN", label="activation", main=True)] = "silu",
    combination: Annotated[
        Combination,
        choice(
            "How the two sides of a bump are put together",
            "AF-KAN",
            label="how sides combine",
            words={
                "quad1": "(a b)²",
                "quad2": "a b + a² + b²",
                "sum": "a + b",
                "prod": "a b",
                "sum_prod": "a + b + a b",
                "cubic1": "(a + b)(a² + b²)",
                "cubic2": "(a b)³",
            },
        ),
    ] = "quad1",
    reduction: Annotated[
        Reduction,
        choice(
            "How features become one number an input",
            "AF-KAN",
            label="merging of features",
            main=True,
            words={"multistep": "plain weighted sum", "none": "no merging"},
        ),
    ] = "global attention",
    hidden: Annotated[int, number(4, 64, "Hidden units", "network", label="hidden units", main=True)] = 32,
    grid: Annotated[int, number(1, 10, "Intervals G", "network", label="intervals G")] = 5,
    k: Annotated[int, number(1, 5, "Overlap k", "network", label="overlap k")] = 3,
    steps: Annotated[
        int, number(50, 1000, "Training steps on batches of 64", "training", unit="steps", label="training steps")
    ] = 400,
    lr: Annotated[
        float, number(1e-4, 5e-2, "Learning rate of AdamW", "training", scale="log", label="learning rate")
    ] = 5e-3,
    n_seeds: Annotated[int, number(1, 5, "Runs to average over", "runs", label="repetitions")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Train AF-KAN, two ReLU-KANs and an MLP on the same digits in the same order.

    Run i draws split, batches and weights from (seed, i). The ReLU-KAN of equal size has as many hidden units as fit
    into the AF-KAN's parameters, at least one. `attention` is the first layer's, the mean over test digits of run 0;
    other reductions than global attention leave it at 1/64. `bounds` are those of the first layer of run 0.
    """
    seeds = [[seed, i] for i in range(n_seeds)]
    data = digit_batches(seeds, steps)
    shape = dict(grid=grid, k=k)
    af = make_network("AF-KAN", seeds, hidden, act=act, combination=combination, reduction=reduction, **shape)
    per_unit = 74 * (grid + k)
    small = max(1, round((count(af, n_seeds) - 4 * (grid + k)) / per_unit))
    nets = [
        af,
        *(make_network("ReLU-KAN", seeds, h, **shape) for h in (small, hidden)),
        make_network("MLP", seeds, hidden),
    ]
    optimizers, params = [adamw(net, lr) for net in nets], [count(net, n_seeds) for net in nets]
    every, log, edges = max(1, 24 // n_seeds), ([], [], []), []
    for step in range(steps + 1):
        x, y = data.batch(min(step, steps - 1))
        if step % every == 0 or step == steps:
            seen = 500 if step == steps else 150
            for net in nets:
                net.eval()
            with torch.no_grad():
                # before the first step there are no running values: the batch itself gives them
                losses = np.stack([cross_entropy(net(x), y).numpy() for net in nets])
                right = [(net(data.x_test[:, :seen]).argmax(-1) == data.y_test[:, :seen]) for net in nets]
                weights = np.full(64, 1 / 64)
                if reduction == "global attention":
                    weights = af[0].attention(af[0].features(data.x_test[:, :seen]))[0].double().mean(0).numpy()
            edges.append(torch.stack([af[0].start[0, 0, 0], af[0].end[0, 0, 0]], -1).detach().numpy().copy())
            for net in nets:
                net.train()
            if not np.isfinite(losses).all() or not np.isfinite(weights).all():
                raise Diverged(step)
            for column, value in zip(
                log, (step, losses, np.stack([r.float().mean(1).numpy() for r in right])), strict=True
            ):
                column.append(value)
            yield _digits_frame(log, weights, edges, params, small, steps)
        if step < steps:
            for net, optimizer in zip(nets, optimizers, strict=True):
                train_step(net, optimizer, x, y)


def _digits_frame(log, weights: np.ndarray, edges: list, params: list[int], small: int, total: int) -> xr.Dataset:
    steps, loss, accuracy = log
    last = accuracy[-1].mean(1)
    return COURSE(
        dict(
            time=steps,
            accuracy=np.stack(accuracy, -1),
            loss=np.stack(loss, -1),
            params=params,
            attention=weights,
            bounds=np.stack(edges),
        ),
        f"After {steps[-1]} steps AF-KAN gets {last[0]:.1%} of the test digits right with {params[0]:,} "
        f"parameters, ReLU-KAN {last[1]:.1%} with {params[1]:,} ({small} hidden units) and {last[2]:.1%} with "
        f"{params[2]:,}, the MLP {last[3]:.1%} with {params[3]:,}.",
        steps[-1] / total,
    )
