"""What meets the weights of each layer; a convolution of five parts beside the one it is folded into; training."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from copy import deepcopy
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.batches import DigitBatches, digit_batches
from labcore.primitives.runs.layers import streams
from labcore.primitives.runs.one_thread import one_thread
from labcore.primitives.runs.training import adamw, cosine_rate, cross_entropy
from labcore.primitives.spiking.operations import Work

from .counter import Met, work
from .layers import RepConv
from .network import LAYERS, SIDE, Attention, Meta, Shortcut

SHOWN, RATE = 300, 1e-2  # new digits looked at; first learning rate of AdamW
Steps = Annotated[int, number(1, 4, "Of each neuron, for one image", "network", label="time steps T", main=True)]
Way = Annotated[
    Shortcut,
    choice(
        "What a block's result is added to",
        "network",
        label="shortcut",
        main=True,
        words={"membrane": "potential + potential", "spikes": "spike + spike", "vanilla": "spike + potential"},
    ),
]
Scale = Annotated[float, number(0.05, 1, "Of attention, before its neuron", "network", label="attention scale")]
Kind = Annotated[
    Attention,
    choice("How places are mixed", "network", label="attention", words={"none": "none, a wider MLP"}),
]


@functools.lru_cache(maxsize=4)
def _untrained(shortcut: Shortcut, seed: int) -> tuple[Meta, torch.Tensor]:
    data, net = digit_batches([[seed, 0]], 0), Meta([[seed, 0]], shortcut=shortcut)
    with torch.no_grad():
        for _ in range(30):  # for the moments of the batch norms, nothing is learned
            net(data.x[:, :64], 2)
    return net.eval(), data.x_test[:, :64]


PIPE = Frame(
    layer=axis("layer", values=LAYERS),
    analog=var("layer", "share of inputs that are neither 0 nor 1"),
    largest=var("layer", "largest input"),
    rate=var("layer", "mean input"),
    products=var("layer", "products for a digit"),
    additions=var("layer", "additions for a digit"),
    energy=var("layer", "energy for a digit", "nJ"),
    total=var("", "energy for a digit", "nJ"),
)


@experiment(frame=PIPE)
@one_thread
def pipe(
    shortcut: Way = "membrane",
    form: Annotated[
        Literal["folded", "parts"],
        choice(
            "Whether each convolution of five parts is one",
            "network",
            label="convolutions",
            main=True,
            words={"folded": "folded into one", "parts": "as trained, in parts"},
        ),
    ] = "folded",
    threshold: Annotated[
        float, number(0.25, 4, "Of all neurons", "network", scale="log", label="thresholds times", main=True)
    ] = 1.0,
    steps: Annotated[int, number(1, 4, "Of each neuron, for one image", "network", label="time steps T")] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """What meets the weights of each layer when 64 digits are shown, and what it costs; weights as drawn. One frame.

    Energy in 45 nm with float32, with what memory costs for weights, without that of potentials.
    """
    kept, x = _untrained(shortcut, seed)
    net = kept.fold() if form == "folded" else deepcopy(kept)
    net.factor, met = threshold, []
    with torch.no_grad():
        net(x, steps, met)
    table = np.zeros((5, len(LAYERS)))
    for m in met:
        i, sides = LAYERS.index(m.layer), (m.into,) if m.how == "weights" else (m.into, m.weight)
        done = work(m, 0, 1).each(x.shape[1])
        odd = max(float(((s != 0) & (s != 1)).double().mean()) for s in sides)
        table[0, i] = max(table[0, i], odd)
        table[1, i] = max(table[1, i], *(float(s.max()) for s in sides))
        table[2:, i] += (done.products, done.additions, done.energy() / 1000)
    rate = np.array([float(next(m for m in met if m.layer == name).into.double().mean()) for name in LAYERS])
    red = int((table[0, 1:] > 0).sum())
    share = table[2, 1:].sum() / max(table[2:4, 1:].sum(), 1)
    told = f"{red} of {len(LAYERS) - 1} layers behind the first meet numbers that are no spikes" if red else (
        f"all {len(LAYERS) - 1} layers behind the first meet spikes only"
    )  # fmt: skip
    yield PIPE(
        dict(
            analog=table[0],
            largest=table[1],
            rate=rate,
            products=table[2],
            additions=table[3],
            energy=table[4],
            total=table[4].sum(),
        ),
        f"A digit takes {table[4].sum():.0f} nJ; {told}, {share:.0%} of their operations are products.",
    )


FOLD = Frame(
    form=axis("form", values=("five parts", "folded")),
    row=axis("row"),
    column=axis("column"),
    output=var("form row column", "output of one channel"),
    apart=var("row column", "largest difference of any output"),
    inside=var("", "largest difference inside"),
    border=var("", "largest difference on the border"),
)


@experiment(frame=FOLD)
@one_thread
def fold(
    beyond: Annotated[
        Literal["norm", "zeros"],
        choice(
            "What the 3x3 part sees beyond the border",
            "convolution",
            label="beyond the border",
            main=True,
            words={"norm": "the batch norm of nothing", "zeros": "zeros"},
        ),
    ] = "norm",
    bias: Annotated[
        float, number(-2, 2, "Of the first batch norm", "convolution", label="bias of the norm", main=True)
    ] = 0.5,
    firing: Annotated[float, number(0.02, 0.98, "Of inputs", "input", label="share of spikes", main=True)] = 0.2,
    side: Annotated[int, number(3, 12, "Of the picture, in places", "input", label="side of the picture")] = 8,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A re-parameterised convolution of 8 channels on random spikes, in its parts and folded, in float64. One frame."""
    rng = np.random.default_rng([seed, 1])
    conv = RepConv(streams([[seed, 0]], 1), 8, 8, beyond == "zeros").double()
    with torch.no_grad():
        conv.inner.mean.copy_(torch.as_tensor(rng.normal(0, 0.3, 8)))
        conv.inner.var.copy_(torch.as_tensor(rng.uniform(0.2, 1.5, 8)))
        conv.inner.bias.fill_(bias)
        x = torch.as_tensor((rng.random((20, 8, side, side)) < firing).astype(float))
        conv.norm.mean.copy_(torch.as_tensor(rng.normal(0, 0.3, 8)))
        conv.eval()
        both = [conv(x), conv.fold()(x)]
    apart = (both[0] - both[1]).abs().amax((0, 1)).numpy()
    ring = np.ones((side, side), bool)
    ring[1:-1, 1:-1] = False
    inside, border = float(apart[~ring].max()), float(apart[ring].max())
    yield FOLD(
        dict(output=torch.stack([b[0, 0] for b in both]).numpy(), apart=apart, inside=inside, border=border),
        f"Folded into one, the convolution gives other numbers by {inside:.1e} at most inside "
        f"and by {border:.1e} on the border.",
    )


ROUTES = ("spikes", "as many bits")
LEARN = Frame(
    route=axis("network", values=ROUTES),
    repeat=axis("repetition"),
    batch=axis("training steps"),
    accuracy=var("route repeat batch", "right on new digits"),
    energy=var("route repeat", "energy for a digit", "nJ"),
    arithmetic=var("route repeat", "energy for a digit without memory", "nJ"),
    binary=var("route", "share of layers behind the first that meet spikes only"),
)


@experiment(quick=dict(batches=6), frame=LEARN)
@one_thread
def learn(
    shortcut: Way = "membrane",
    attention: Kind = "SDSA-3",
    steps: Steps = 2,
    batches: Annotated[int, number(6, 400, "Of 64 digits", "training", label="training steps", main=True)] = 200,
    scale: Scale = 0.5,
    n_seeds: Annotated[int, number(1, 4, "Splits and starts", "data", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A network of spikes, and the same with neurons of 2^T - 1 levels that answer once; looked at folded.

    Five frames, fewer in short runs. Energy behind the first layer, as `pipe` counts it, and neurons that read and
    write their potential.
    """
    seeds = [[seed, r] for r in range(n_seeds)]
    data = digit_batches(seeds, batches)
    nets = [Meta(seeds, 16, shortcut, attention, neuron, scale) for neuron in ("spikes", "staircase")]
    optimizers = [adamw(net, RATE) for net in nets]
    seen = sorted(range(batches, 0, -max(batches // 5, 4)))[-5:]
    rows: list[list[np.ndarray]] = [[], []]
    for i in range(batches):
        x, y = data.batch(i)
        for net, optimizer in zip(nets, optimizers, strict=True):
            cosine_rate(optimizer, RATE, i, batches)
            optimizer.zero_grad()
            cross_entropy(net(x, steps), y).sum().backward()
            optimizer.step()
        if i + 1 in seen:
            looks = [_look(net, data, steps) for net in nets]
            for row, one in zip(rows, looks, strict=True):
                row.append(one[0])
            yield _learned(rows, looks, seen[: len(rows[0])], (i + 1) / batches)


def _look(net: Meta, data: DigitBatches, steps: int) -> tuple[np.ndarray, np.ndarray, float]:
    # accuracy (S,); nJ with and without memory (S, 2); share of layers that meet spikes only
    met: list[Met] = []
    with torch.no_grad():
        logits = net.fold()(data.x_test[:, :SHOWN], steps, met)
    behind, runs = met[1:], net.runs
    places, times = SIDE**2, steps if net.neuron == "spikes" else 1
    held = 2.0 * times * places * sum(m.into.shape[1] // runs for m in behind if m.how == "weights")
    nj = np.zeros((runs, 2))
    for r in range(runs):
        done = [work(m, r, runs) for m in behind]
        total = sum(done, start=Work()).each(SHOWN)
        total = total._replace(moved=total.moved + held)
        nj[r] = total.energy() / 1000, total.energy(memory=False) / 1000
    right = (logits.argmax(-1) == data.y_test[:, :SHOWN]).double().mean(1).numpy()
    return right, nj, sum(not w.products for w in done) / len(behind)  # spikes make no products


def _learned(rows: list[list[np.ndarray]], looks: list, at: list[int], progress: float) -> xr.Dataset:
    accuracy = np.array(rows).transpose(0, 2, 1)
    nj = np.array([one[1] for one in looks])
    right, cost = accuracy[:, :, -1].mean(1), nj[..., 0].mean(1)
    return LEARN(
        dict(
            batch=np.array(at, float),
            accuracy=accuracy,
            energy=nj[..., 0],
            arithmetic=nj[..., 1],
            binary=np.array([one[2] for one in looks]),
        ),
        f"After {at[-1]} training steps spikes read {right[0]:.1%} of new digits for {cost[0]:.0f} nJ, "
        f"numbers of as many bits {right[1]:.1%} for {cost[1]:.0f} nJ; {looks[0][2]:.0%} of the spiking network's "
        "layers behind the first meet spikes only.",
        progress,
    )
