"""Coincidences of spikes token by token; what each order of the product costs; and digits read with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Seed, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.one_thread import one_thread
from labcore.primitives.runs.training import adamw, cosine_rate, train_step
from labcore.primitives.spiking.operations import Work

from .attention import ORDERS, coincidences, order_work, softmax_work, spiking_attention
from .networks import ARMS, Former, fire

Features = Annotated[int, number(4, 128, "Of a head", "spikes", label="features d", main=True)]


def _spikes(rng: np.random.Generator, n: int, d: int, rate: float) -> np.ndarray:
    return (rng.random((n, d)) < rate).astype(np.float32)


TALLY = Frame(
    asks=axis("token that asks", start=1),
    answers=axis("token that answers", start=1),
    feature=axis("feature", start=1),
    q=var("asks feature", "spikes of the queries"),
    k=var("answers feature", "spikes of the keys"),
    met=var("asks answers", "features in which both fire"),
    out=var("asks feature", "(Q K^T) V"),
    fires=var("asks feature", "spikes behind the threshold"),
    apart=var("", "largest difference of the two orders"),
    usual=var("", "mean count of a pair"),
)


@experiment(quick=dict(features=16), frame=TALLY)
def tally(
    token: Annotated[
        int,
        number(1, 64, "The one that asks; beyond the last one, the last", "spikes", label="asking token", main=True),
    ] = 5,
    rate: Annotated[
        float,
        number(
            0.02, 1, "Of queries and keys: chance of a spike in a feature", "spikes", label="firing rate", main=True
        ),
    ] = 0.2,
    power: Annotated[
        int,
        number(
            -8,
            2,
            "The scale is 2 to this power; counts fire from 1 over the scale on",
            "threshold",
            label="scale 2^",
            main=True,
        ),
    ] = -3,
    tokens: Annotated[int, number(2, 64, "N", "spikes", label="tokens N")] = 16,
    features: Annotated[int, number(4, 128, "Of a head", "spikes", label="features d")] = 32,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Spikes of queries, keys and values by chance, and their coincidences; one frame. Values fire at rate 0.2.

    Behind them the neurons of the networks, one step from rest: half of scale times count has to reach 1/2.
    """
    draws = zip(np.random.default_rng(seed).spawn(3), (rate, rate, 0.2), strict=True)
    q, k, v = (_spikes(g, tokens, features, r) for g, r in draws)
    made = [torch.as_tensor(x) for x in (q, k, v)]
    first, second = (spiking_attention(*made, order).numpy() for order in ORDERS)
    count = coincidences(*made[:2]).numpy()
    fires = fire(torch.as_tensor(2.0**power * first)[None], 0.5)[0].numpy()
    i = min(token, tokens) - 1
    best = int(count[i].argmax())
    yield TALLY(
        dict(
            q=q, k=k, met=count, out=first, fires=fires, apart=float(np.abs(first - second).max()),
            usual=float(count.mean()),
        ),
        f"Token {i + 1} and token {best + 1} both fire in {count[i, best]:.0f} of {features} features, the most that "
        f"token {i + 1} finds; a mean pair in {count.mean():.2f}. Behind the threshold {fires.mean():.1%} fire.",
    )  # fmt: skip


GRID = np.unique(np.round(2 ** np.arange(1, 8.01, 0.5)).astype(int))
COSTS = Frame(
    way=axis("order", values=(*ORDERS, "softmax")),
    length=axis("tokens N", values=tuple(int(n) for n in GRID)),
    additions=var("way length", "additions"),
    products=var("way length", "products and exponentials"),
    energy=var("way length", "energy of the operations and of memory", "pJ"),
    here=var("way", "additions with N tokens"),
    here_energy=var("way", "energy with N tokens", "pJ"),
    difference=var("", "largest difference of what the two orders give"),
)


@experiment(quick=dict(features=16), frame=COSTS)
def orders(
    tokens: Annotated[int, number(2, 256, "N", "size", label="tokens N", scale="log", main=True)] = 16,
    features: Annotated[int, number(4, 128, "Of a head", "size", label="features d", scale="log", main=True)] = 32,
    asking: Annotated[
        float, number(0.02, 0.5, "Chance of a spike of a query", "spikes", label="rate of queries", main=True)
    ] = 0.2,
    values: Annotated[float, number(0.02, 0.5, "Chance of a spike of a value", "spikes", label="rate of values")] = 0.2,
    keys: Annotated[float, number(0.02, 0.5, "Chance of a spike of a key", "spikes", label="rate of keys")] = 0.2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Additions of (Q K^T) V and of Q (K^T V), counted spike by spike on the same spikes by chance; one frame."""
    draws = zip(np.random.default_rng(seed).spawn(3), (asking, keys, values), strict=True)
    q, k, v = (_spikes(g, 256, features, r) for g, r in draws)
    rows = {n: _ways(q[:n], k[:n], v[:n]) for n in {*GRID.tolist(), tokens}}
    made = [torch.as_tensor(x[:tokens]) for x in (q, k, v)]
    first, second = (spiking_attention(*made, order) for order in ORDERS)
    table = np.array([[(w.additions, w.products, w.energy()) for w in rows[int(n)]] for n in GRID]).transpose(2, 1, 0)
    here = [w.additions for w in rows[tokens]]
    least, most = min(here[:2]), max(here[:2])
    less = "tokens" if here[0] < here[1] else "features"
    told = "as many" if least == most else f"{less} first is cheaper, {most / max(least, 1):.2f} times"
    yield COSTS(
        dict(
            additions=table[0], products=table[1], energy=table[2], here=np.array(here),
            here_energy=np.array([w.energy() for w in rows[tokens]]),
            difference=float((first - second).abs().max()),
        ),
        f"With {tokens} tokens of {features} features (Q K^T) V takes {here[0]:.0f} additions and Q (K^T V) "
        f"{here[1]:.0f}; {told}.",
    )  # fmt: skip


def _ways(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> list[Work]:
    return [*(order_work(q, k, v, order) for order in ORDERS), softmax_work(q, k, v)]


NAMES = ("spikes", "softmax", "no attention", "quantised")
LEARN = Frame(
    arm=axis("attention", values=NAMES),
    repeat=axis("repetition"),
    batch=axis("training steps"),
    accuracy=var("arm repeat batch", "right on new digits"),
    rate=var("arm repeat batch", "share of the neurons behind attention that fire"),
    energy=var("arm repeat", "energy of a digit", "pJ"),
    additions=var("arm repeat", "additions of a digit"),
    products=var("arm repeat", "products of a digit"),
)
BATCH, LOOKS = 32, 5  # digits a training step; parts of the training
SHOWN, COUNTED = 300, 40  # new digits that are read; those whose operations are counted


@experiment(quick=dict(batches=10, width=16, steps=1), frame=LEARN)
@one_thread
def learn(
    power: Annotated[
        int, number(-8, 2, "The scale of coincidences is 2 to this power", "network", label="scale 2^", main=True)
    ] = -1,
    steps: Annotated[int, number(1, 4, "Time steps", "network", label="time steps T", main=True)] = 2,
    batches: Annotated[int, number(10, 300, "Of 32 digits", "training", label="training steps", main=True)] = 150,
    width: Annotated[int, number(16, 48, "D", "network", label="features D")] = 32,
    heads: Annotated[int, number(1, 8, "Heads; the largest that divides D is taken", "network", label="heads")] = 2,
    rate: Annotated[float, number(1e-4, 2e-2, "Of AdamW", "training", scale="log", label="learning rate")] = 5e-3,
    n_seeds: Annotated[int, number(1, 8, "Splits and starts", "data", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Four networks from the same weights: coincidences, a softmax with a threshold of its own, no attention, and an
    ordinary one whose units have 2^T - 1 levels above 0, with a softmax. A frame every fifth of the training.
    """
    seeds = [[seed, r] for r in range(n_seeds)]
    data = digit_batches(seeds, batches, BATCH)
    while width % heads:
        heads -= 1
    nets = [Former(seeds, arm, width, heads, steps, 2.0**power) for arm in ARMS]
    for net in nets:
        net.fit_threshold(data.x[:, :200])
    optimizers = [adamw(net, rate) for net in nets]
    seen = sorted({round(batches * k / LOOKS) for k in range(LOOKS + 1)})
    rows: list[tuple[np.ndarray, np.ndarray, list[list[Work]]]] = []
    for i in range(batches + 1):
        if i in seen:
            rows.append(_look(nets, data.x_test[:, :SHOWN], data.y_test[:, :SHOWN]))
            yield _learned(rows, seen[: len(rows)], i / batches)
        if i < batches:
            for net, optimizer in zip(nets, optimizers, strict=True):
                cosine_rate(optimizer, rate, i, batches)
                train_step(net.train(), optimizer, *data.batch(i))


@torch.no_grad()
def _look(nets: list[Former], x: torch.Tensor, y: torch.Tensor) -> tuple[np.ndarray, np.ndarray, list[list[Work]]]:
    right, rate, work = [], [], []
    for net in nets:
        logits = net.eval()(x)
        right.append((logits.argmax(-1) == y).double().mean(1).numpy())
        rate.append(net.rate.double().numpy() if net.arm != "none" else np.zeros(len(x)))
        net.work = [Work()] * len(x)
        net(x[:, :COUNTED])
        work.append([w.each(COUNTED) for w in net.work])
        net.work = []
    return np.array(right), np.array(rate), work


def _learned(rows: list, at: list[int], progress: float) -> xr.Dataset:
    right, rate, work = rows[-1]
    told = ", ".join(f"{name} {r:.1%}" for name, r in zip(NAMES, right.mean(1), strict=True))
    return LEARN(
        dict(
            batch=np.array(at, float),
            accuracy=np.array([r[0] for r in rows]).transpose(1, 2, 0),
            rate=np.array([r[1] for r in rows]).transpose(1, 2, 0),
            energy=np.array([[w.energy() for w in each] for each in work]),
            additions=np.array([[w.additions for w in each] for each in work]),
            products=np.array([[w.products for w in each] for each in work]),
        ),
        f"After {at[-1]} training steps, read of new digits: {told}. Of the neurons behind the coincidences "
        f"{rate[0].mean():.1%} fire.",
        progress,
    )
