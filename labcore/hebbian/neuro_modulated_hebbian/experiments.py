"""Six ways to meet a stream of corrupted digits, and soft competition among clusters in the plane."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from labcore.data import digits_split
from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.corrupted import Kind, corrupt
from labcore.primitives.local_rules.hebb_rules import hebb_stream

from .mechanism import HEBB, TUNED, Net, entropy, entropy_step, forward, hebb_filters, patches, source_net

Array = np.ndarray
METHODS = ("source", "batch statistics", "Hebb only", "gains only", "NHL", "Tent")


ADAPTING = Frame(
    batch=axis("batch", start=1),
    learner=axis("method", values=METHODS),
    repeat=axis("network"),
    digit=axis("digit"),
    filter=axis("filter", start=1),
    weight=axis("weight of the 3x3 patch"),
    example=axis("image of the batch", start=1),
    row=axis("pixel row"),
    column=axis("pixel column"),
    accuracy=var("batch learner repeat", "accuracy so far"),
    entropy=var("batch learner", "prediction entropy", "nats"),
    guesses=var("learner digit", "share of answers"),
    before=var("filter weight", "filter before"),
    filters=var("filter weight", "filter now"),
    gain=var("filter", "gain of the channel"),
    shift=var("filter", "shift of the channel"),
    pictures=var("example row column", "pixel"),
)


@experiment(quick=dict(images=200), frame=ADAPTING)
def adapt(
    severity: Annotated[
        float, number(0, 5, "How strongly the test images are corrupted", "data", label="severity", main=True)
    ] = 4.0,
    kind: Annotated[Kind, choice("The corruption", "data", label="corruption", main=True)] = "contrast",
    tau: Annotated[
        float,
        number(
            0.02,
            2,
            "Softness of the competition between filters",
            "Hebbian loop",
            scale="log",
            label="softness of competition τ",
        ),
    ] = 0.3,
    eta: Annotated[
        float,
        number(0, 0.05, "Size of the Hebbian step; 0 leaves the filters alone", "Hebbian loop", label="Hebbian step η"),
    ] = 0.01,
    lr_mod: Annotated[
        float,
        number(
            0,
            0.05,
            "Rate of the entropy step; 0 leaves the gains alone",
            "entropy loop",
            label="entropy step",
            main=True,
        ),
    ] = 0.02,
    batch: Annotated[
        int, number(10, 200, "Images that arrive together", "data", unit="images", label="images at once")
    ] = 50,
    images: Annotated[int, number(200, 897, "Test images in the stream", "data", label="images in all")] = 897,
    n_seeds: Annotated[int, number(1, 5, "Networks to average over", "runs", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Six ways to meet the same stream of corrupted digits, once, in batches, without labels; a frame a batch.

    source: as trained. batch statistics: only those of the two normalisations. Hebb only, gains only: one loop alone.
    NHL: both. Tent: the entropy step on both normalisations. All answer a batch after they adapted to it. `accuracy` is
    the share of right answers so far. `before`, `filters` and `gain` are those of NHL in the first network.
    """
    seeds = tuple((seed, i) for i in range(n_seeds))
    trained, known = source_net(seeds)
    clean, seen, labels = [], [], []
    for s in seeds:
        split = digits_split(900, 897, s)
        clean.append(split.x_test[:images].reshape(-1, 8, 8))
        seen.append(corrupt(clean[-1], kind, severity, np.random.default_rng([*s, 2])))
        labels.append(split.y_test[:images].argmax(1))
    stream = patches(torch.tensor(np.stack(seen), dtype=torch.float32)[:, :, None])
    right = torch.tensor(np.stack(labels))
    net = Net(*(p.repeat(len(METHODS), *[1] * p.ndim) for p in trained))
    fixed = (torch.arange(len(METHODS)) == 0).view(-1, 1, 1, 1, 1)
    moments = [(torch.zeros_like(p[: len(TUNED)]), torch.zeros_like(p[: len(TUNED)])) for p in net[4:]]
    hits, shown, log = torch.zeros(len(METHODS), n_seeds), 0, []
    guesses = np.zeros((len(METHODS), 10))
    parts = np.array_split(np.arange(images), max(1, images // batch))
    for step, part in enumerate(parts, 1):
        x = stream[:, part].expand(len(METHODS), -1, -1, -1, -1)
        if eta:
            w1 = net.w1.clone()
            rows = list(HEBB)
            w1[rows] = hebb_filters(w1[rows], x[rows].flatten(2, 3), tau, eta)
            net = net._replace(w1=w1)
        if lr_mod:
            net, _ = entropy_step(net, x[list(TUNED)], moments, step, lr_mod)
        with torch.no_grad():
            scores = forward(net, x, known, fixed)[0]
        answer = scores.argmax(-1)
        hits += (answer == right[:, part]).sum(-1)
        shown += len(part)
        guesses += torch.stack([torch.bincount(a.flatten(), minlength=10) for a in answer]).numpy()
        log.append(((hits / shown).double().numpy(), entropy(scores).mean(1).double().numpy()))
        accuracy = np.stack([a for a, _ in log])
        means = ", ".join(f"{m} {a:.1%}" for m, a in zip(METHODS, accuracy[-1].mean(1), strict=True))
        yield ADAPTING(
            dict(
                accuracy=accuracy,
                entropy=np.stack([e for _, e in log]),
                guesses=guesses / guesses.sum(1)[:, None],
                before=trained.w1[0].numpy().copy(),
                filters=net.w1[4, 0].numpy().copy(),
                gain=net.gain[4, 0].flatten().numpy().copy(),
                shift=net.bias[4, 0].flatten().numpy().copy(),
                pictures=seen[0][part[:6]],
            ),
            f"After {shown} images with {kind} of severity {severity:g}, right answers: {means}.",
            step / len(parts),
            batches=len(parts),
        )


CLUSTERS = Frame(
    seen=axis("samples seen"),
    unit=axis("unit", start=1),
    cluster=axis("cluster", start=1),
    xy=axis("coordinate", values=("x", "y")),
    grid_x=axis("input 1"),
    grid_y=axis("input 2"),
    point=axis("sample"),
    w=var("seen unit xy", "weight"),
    length=var("seen unit", "length of the weight vector"),
    share=var("cluster unit", "share of the cluster that the unit takes"),
    winner=var("grid_y grid_x", "strongest unit"),
    certainty=var("grid_y grid_x", "response of the strongest unit"),
    cloud=var("point xy", "input"),
)


@experiment(quick=dict(samples=1000), frame=CLUSTERS)
def clusters(
    tau: Annotated[
        float,
        number(
            0.02,
            2,
            "Softness of the competition between units",
            "units",
            scale="log",
            label="softness of competition τ",
        ),
    ] = 0.2,
    k: Annotated[int, number(1, 8, "Units, each with one weight vector", "units", label="units k")] = 4,
    n_clusters: Annotated[int, number(2, 6, "Clusters of inputs, on a circle", "data", label="clusters")] = 4,
    width: Annotated[
        float,
        number(
            0.02, 0.5, "Standard deviation of a cluster; the circle has radius 1", "data", label="width of a cluster"
        ),
    ] = 0.12,
    eta: Annotated[float, number(0.001, 0.5, "Learning rate", "units", scale="log", label="learning rate η")] = 0.05,
    samples: Annotated[int, number(200, 5000, "Samples shown, one at a time", "data", label="samples shown")] = 2000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The first layer's rule in the plane: units compete for samples, softly; who ends up where? 25 frames.

    `share` is a unit's mean response to the samples of a cluster. A cluster has a unit of its own when that unit
    gets more than half of it and less than half of every other cluster. `winner` is the strongest unit at each point.
    """
    rng = np.random.default_rng(seed)
    centre = 2 * np.pi * (np.arange(n_clusters) + rng.uniform()) / n_clusters
    member = rng.integers(0, n_clusters, samples)
    x = np.stack([np.cos(centre), np.sin(centre)], 1)[member] + width * rng.normal(size=(samples, 2))
    run = hebb_stream(x, 0.3 * rng.normal(size=(k, 2)), "soft", eta, tau, every=max(1, samples // 250))
    side = np.linspace(-1.6, 1.6, 65)
    grid = np.stack(np.meshgrid(side, side), -1)
    length = np.linalg.norm(run.w, axis=2)
    for end in np.unique(np.linspace(1, len(run.seen), 25).astype(int)):
        w, at = run.w[end - 1], run.seen[end - 1]
        y = _soft(np.einsum("nd,kd->nk", x[:400], w) / tau)
        share = np.stack([y[member[:400] == c].sum(0) / max((member[:400] == c).sum(), 1) for c in range(n_clusters)])
        own = sum(bool(((share[c] > 0.5) & ((share > 0.5).sum(0) == 1)).any()) for c in range(n_clusters))
        field = _soft(np.einsum("abd,kd->abk", grid, w) / tau)
        yield CLUSTERS(
            dict(
                seen=run.seen[:end],
                grid_x=side,
                grid_y=side,
                w=run.w[:end],
                length=length[:end],
                share=share,
                winner=field.argmax(2) + 1,
                certainty=field.max(2),
                cloud=x[:400],
            ),
            f"After {at} samples {own} of {n_clusters} clusters have a unit of their own; on average the strongest "
            f"unit takes {y.max(1).mean():.0%} of a sample, and the weights are {length[end - 1].mean():.2f} long.",
            end / len(run.seen),
            samples=samples,
            own=own,
        )
    if run.diverged:
        raise Diverged(run.diverged)


def _soft(u: Float[Array, "*n k"]) -> Float[Array, "*n k"]:
    e = np.exp(u - u.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
