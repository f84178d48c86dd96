"""Adapting to corrupted inputs at test time, without labels: a local rule below, one global signal above.

Problem: a trained network meets noise, blur or fog. Its test data arrive once, in batches, and carry no labels.
Idea: two loops of different kinds. The first layer's filters w_k follow soft competitive Hebbian learning on patches p,
    u_k = w_k.p,   y = softmax(u / tau),   dw_k = mean_p y_k (p - u_k w_k),   w_k += eta dw_k / max|dw|.
Then a neuro-modulator, a gain g and a shift b for each channel after batch normalisation, takes one Adam step on the
mean entropy of the predictions; nothing else sees that signal. The batch is then answered with the new parameters.
The soft rule in a free-energy view: competition is a posterior over hidden causes, Hebb the M-step. Its units end at
length 1 along the mean of what they win; a single unit (y = 1) at the mean of all, where Oja's finds the first axis.
Laboratory scale: 8x8 digits and conv 16 - conv 32 - linear, trained on 900 clean images; 897 others are corrupted.
The placing of the modulator, the size of the Hebbian step and all constants are a reconstruction: no code was found.
Source: Tang et al. (2023), arXiv:2303.00914; baselines: batch statistics and Tent (Wang et al. 2021, arXiv:2006.10726).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from labcore.claims import Evidence, claim
from labcore.data import digits_split
from labcore.experiment import Budget, Seed, choice, experiment, number, variable
from labcore.primitives.corrupted_digits import KINDS, Kind, corrupt
from labcore.primitives.hebb_rules import hebb_change, hebb_stream

Array = NDArray[np.float64]
METHODS = ("source", "batch statistics", "Hebb only", "gains only", "NHL", "Tent")
HEBB, GAINS, TENT = (2, 4), (3, 4), (5,)  # which methods change what; all but the first use batch statistics
TUNED = (3, 4, 5)  # the methods that take an entropy step


class Net(NamedTuple):
    """Networks side by side: every array has the same leading dimensions."""

    w1: Tensor  # (..., 16, 9)
    w2: Tensor  # (..., 32, 144)
    w3: Tensor  # (..., 10, 128)
    b3: Tensor  # (..., 1, 10)
    scale1: Tensor  # (..., 1, 1, 16), batch normalisation
    shift1: Tensor
    scale2: Tensor  # (..., 1, 1, 32)
    shift2: Tensor
    gain: Tensor  # (..., 1, 1, 16), the neuro-modulator
    bias: Tensor


def patches(images: Tensor) -> Tensor:
    """All 3x3 patches (..., h w, 9 c) of images (..., c, h, w), zeros around them."""
    *lead, c, h, w = images.shape
    return F.unfold(images.reshape(-1, c, h, w), 3, padding=1).mT.reshape(*lead, h * w, 9 * c)


def _normalise(h: Tensor, known: tuple[Tensor, Tensor] | None, fixed: Tensor | None) -> tuple[Tensor, tuple]:
    """Batch normalisation of h (..., B, positions, C); where `fixed` is true, with the known mean and variance."""
    mean = h.mean((-3, -2), keepdim=True)
    var = (h - mean).square().mean((-3, -2), keepdim=True)
    if known is not None:
        mean, var = torch.where(fixed, known[0], mean), torch.where(fixed, known[1], var)
    return (h - mean) / (var + 1e-5).sqrt(), (mean, var)


def _filtered(x: Tensor, w: Tensor) -> Tensor:
    """Responses (..., B, positions, K) of filters w (..., K, d) to patches x (..., B, positions, d)."""
    # one product a network, and not one an image
    return (x.flatten(-3, -2) @ w.mT).unflatten(-2, x.shape[-3:-1])


def _pool(h: Tensor) -> Tensor:
    """The largest of each 2x2 block: h (..., side^2, C) to images (..., C, side/2, side/2)."""
    side = round(h.shape[-2] ** 0.5)
    images = h.mT.unflatten(-1, (side, side))
    return F.max_pool2d(images.flatten(0, -4), 2).unflatten(0, images.shape[:-3])


def forward(net: Net, x: Tensor, known: tuple | None = None, fixed: Tensor | None = None) -> tuple[Tensor, tuple]:
    """Scores (..., B, 10) of first-layer patches x (..., B, 64, 9), and the statistics of both normalisations.

    `known` are statistics to use in place of the batch's own for the networks where `fixed` (..., 1, 1, 1) is true.
    """
    h, first = _normalise(_filtered(x, net.w1), known and known[0], fixed)
    h = torch.relu(net.gain * (net.scale1 * h + net.shift1) + net.bias)
    h, second = _normalise(_filtered(patches(_pool(h)), net.w2), known and known[1], fixed)
    h = _pool(torch.relu(net.scale2 * h + net.shift2))
    return h.flatten(-3) @ net.w3.mT + net.b3, (first, second)


def hebb_filters(w: Tensor, x: Tensor, tau: float, eta: float) -> Tensor:
    """One normalised step of soft Hebbian competition: filters w (..., K, 9), patches x (..., P, 9)."""
    change = hebb_change(x, w, "soft", tau)[0]
    return w + eta * change / change.abs().amax((-2, -1), keepdim=True).clamp(min=1e-12)


def entropy(scores: Tensor) -> Tensor:
    """Mean entropy (...) of the predictions of scores (..., B, 10), in nats."""
    log = torch.log_softmax(scores, -1)
    return -(log.exp() * log).sum(-1).mean(-1)


@lru_cache(maxsize=8)
def source_net(seeds: tuple[tuple[int, ...], ...], epochs: int = 25) -> tuple[Net, tuple]:
    """Networks (S) trained on 900 clean digits each, Adam 3e-3, batches of 50; and their statistics on those digits."""
    rngs = [np.random.default_rng([*s, 1]) for s in seeds]
    split = [digits_split(900, 897, s) for s in seeds]
    images = torch.tensor(np.stack([s.x_train for s in split]), dtype=torch.float32).unflatten(-1, (1, 8, 8))
    labels = torch.tensor(np.stack([s.y_train for s in split])).argmax(-1)
    x, count = patches(images), len(seeds)

    def drawn(out: int, fan_in: int) -> Tensor:
        # torch's own start for such layers; the filters' lengths, about 0.6, matter to a rule whose filters end at 1
        start = np.stack([g.uniform(-1, 1, (out, fan_in)) / np.sqrt(fan_in) for g in rngs])
        return torch.tensor(start, dtype=torch.float32)

    ones, zeros = (lambda c: torch.ones(count, 1, 1, c)), (lambda c: torch.zeros(count, 1, 1, c))
    head = torch.zeros(count, 1, 10)
    norms = (ones(16), zeros(16), ones(32), zeros(32), ones(16), zeros(16))
    net = Net(drawn(16, 9), drawn(32, 144), drawn(10, 128), head, *norms)
    trained = net[:8]  # the modulator stays at gain 1, shift 0
    for p in trained:
        p.requires_grad_()
    adam = torch.optim.Adam(trained, lr=3e-3)
    for _ in range(epochs):
        order = torch.tensor(np.stack([g.permutation(900) for g in rngs])).reshape(count, 18, 50)
        for batch in order.unbind(1):
            rows = torch.arange(count)[:, None], batch
            scores = forward(net, x[rows])[0]
            loss = F.cross_entropy(scores.flatten(0, 1), labels[rows].flatten(), reduction="sum") / 50
            adam.zero_grad()
            loss.backward()
            adam.step()
    net = Net(*(p.detach() for p in net))
    with torch.no_grad():
        return net, forward(net, x)[1]


def _entropy_step(
    net: Net, x: Tensor, moments: list[tuple[Tensor, Tensor]], step: int, lr: float
) -> tuple[Net, Tensor]:
    """One Adam step on the prediction entropy: gain and bias of NHL and gains-only, both normalisations of Tent."""
    some = Net(*(p[list(TUNED)].clone() for p in net))
    moved = [p.requires_grad_() for p in some[4:]]
    loss = entropy(forward(some, x)[0])
    gradients = torch.autograd.grad(loss.sum(), moved)
    fields = list(net)
    for i, (gradient, (m, v)) in enumerate(zip(gradients, moments, strict=True)):
        m.mul_(0.9).add_(0.1 * gradient)
        v.mul_(0.999).add_(0.001 * gradient**2)
        change = lr * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
        fields[4 + i] = net[4 + i].clone()
        for method in GAINS if i >= 4 else TENT:
            fields[4 + i][method] -= change[TUNED.index(method)]
    return Net(*fields), loss.detach()


@experiment("neuro_modulated_hebbian", quick=dict(images=400))
def adapt(
    severity: Annotated[float, number(0, 5, "How strongly the test images are corrupted", "data")] = 4.0,
    kind: Annotated[Kind, choice("The corruption", "data")] = "contrast",
    tau: Annotated[
        float, number(0.02, 2, "Softness of the competition between filters", "Hebbian loop", scale="log")
    ] = 0.3,
    eta: Annotated[
        float, number(0, 0.05, "Size of the Hebbian step; 0 leaves the filters alone", "Hebbian loop")
    ] = 0.01,
    lr_mod: Annotated[
        float, number(0, 0.05, "Rate of the entropy step; 0 leaves the gains alone", "entropy loop")
    ] = 0.02,
    batch: Annotated[int, number(10, 200, "Images that arrive together", "data", unit="images")] = 50,
    images: Annotated[int, number(200, 897, "Test images in the stream", "data")] = 897,
    n_seeds: Annotated[int, number(1, 5, "Networks to average over", "runs")] = 1,
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
            net, _ = _entropy_step(net, x[list(TUNED)], moments, step, lr_mod)
        with torch.no_grad():
            scores = forward(net, x, known, fixed)[0]
        answer = scores.argmax(-1)
        hits += (answer == right[:, part]).sum(-1)
        shown += len(part)
        guesses += torch.stack([torch.bincount(a.flatten(), minlength=10) for a in answer]).numpy()
        log.append(((hits / shown).double().numpy(), entropy(scores).mean(1).double().numpy()))
        accuracy = np.stack([a for a, _ in log])
        means = ", ".join(f"{m} {a:.1%}" for m, a in zip(METHODS, accuracy[-1].mean(1), strict=True))
        yield xr.Dataset(
            {
                "accuracy": variable(("batch", "learner", "repeat"), accuracy, "accuracy so far"),
                "entropy": variable(("batch", "learner"), np.stack([e for _, e in log]), "prediction entropy", "nats"),
                "guesses": variable(("learner", "digit"), guesses / guesses.sum(1)[:, None], "share of answers"),
                "before": variable(("filter", "weight"), trained.w1[0].numpy().copy(), "filter before"),
                "filters": variable(("filter", "weight"), net.w1[4, 0].numpy().copy(), "filter now"),
                "gain": variable("filter", net.gain[4, 0].flatten().numpy().copy(), "gain of the channel"),
                "shift": variable("filter", net.bias[4, 0].flatten().numpy().copy(), "shift of the channel"),
                "pictures": variable(("example", "row", "column"), seen[0][part[:6]], "pixel"),
            },
            coords={
                "batch": variable("batch", np.arange(1, step + 1), "batch"),
                "learner": variable("learner", list(METHODS), "method"),
                "repeat": variable("repeat", np.arange(n_seeds), "network"),
                "digit": variable("digit", np.arange(10), "digit"),
                "filter": variable("filter", np.arange(1, 17), "filter"),
                "weight": variable("weight", np.arange(9), "weight of the 3x3 patch"),
                "example": variable("example", np.arange(1, len(part[:6]) + 1), "image of the batch"),
                "row": variable("row", np.arange(8), "pixel row"),
                "column": variable("column", np.arange(8), "pixel column"),
            },
            attrs={
                "reading": f"After {shown} images with {kind} of severity {severity:g}, right answers: {means}.",
                "progress": step / len(parts),
                "batches": len(parts),
            },
        )


@experiment("neuro_modulated_hebbian", quick=dict(samples=1000))
def clusters(
    tau: Annotated[float, number(0.02, 2, "Softness of the competition between units", "units", scale="log")] = 0.2,
    k: Annotated[int, number(1, 8, "Units, each with one weight vector", "units")] = 4,
    n_clusters: Annotated[int, number(2, 6, "Clusters of inputs, on a circle", "data")] = 4,
    width: Annotated[
        float, number(0.02, 0.5, "Standard deviation of a cluster; the circle has radius 1", "data")
    ] = 0.12,
    eta: Annotated[float, number(0.001, 0.5, "Learning rate", "units", scale="log")] = 0.05,
    samples: Annotated[int, number(200, 5000, "Samples shown, one at a time", "data")] = 2000,
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
        text = f"After {at} samples {own} of {n_clusters} clusters have a unit of their own; on average the strongest "
        text += f"unit takes {y.max(1).mean():.0%} of a sample, and the weights are {length[end - 1].mean():.2f} long."
        if run.diverged and end == len(run.seen):
            text += f" Then the run diverged, at sample {run.diverged}."
        yield xr.Dataset(
            {
                "w": variable(("seen", "unit", "xy"), run.w[:end], "weight"),
                "length": variable(("seen", "unit"), length[:end], "length of the weight vector"),
                "share": variable(("cluster", "unit"), share, "share of the cluster that the unit takes"),
                "winner": variable(("grid_y", "grid_x"), field.argmax(2) + 1, "strongest unit"),
                "certainty": variable(("grid_y", "grid_x"), field.max(2), "response of the strongest unit"),
                "cloud": variable(("point", "xy"), x[:400], "input"),
            },
            coords={
                "seen": variable("seen", run.seen[:end], "samples seen"),
                "unit": variable("unit", np.arange(1, k + 1), "unit"),
                "cluster": variable("cluster", np.arange(1, n_clusters + 1), "cluster"),
                "xy": variable("xy", ["x", "y"], "coordinate"),
                "grid_x": variable("grid_x", side, "input 1"),
                "grid_y": variable("grid_y", side, "input 2"),
                "point": variable("point", np.arange(len(x[:400])), "sample"),
            },
            attrs={"reading": text, "progress": end / len(run.seen), "samples": samples, "own": own},
        )


def _soft(u: Array) -> Array:
    e = np.exp(u - u.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _accuracies(budget: Budget, kind: str, **values: float) -> dict[str, float]:
    # five networks: from one trained network to the next, what the gains add varies as much as it is large
    frame = adapt.run(budget, kind=kind, images=897, n_seeds=5, **values)
    return dict(zip(METHODS, frame.accuracy[-1].mean("repeat").values, strict=True))


@lru_cache(maxsize=2)
def _all_kinds(budget: Budget) -> dict[str, dict[str, float]]:
    """One stream of each corruption, severity 4, for the claims that read them."""
    return {kind: _accuracies(budget, kind) for kind in KINDS}


@claim("neuro_modulated_hebbian", "Adapting without labels recovers much of what corruption costs")
def adaptation_helps(budget: Budget) -> Evidence:
    runs = _all_kinds(budget)
    mean = {m: np.mean([r[m] for r in runs.values()]) for m in METHODS}
    return Evidence(
        mean,
        "five corruptions, severity 4: NHL - source >= 0.15 (most of it comes from the batch statistics)",
        mean["NHL"] - mean["source"] >= 0.15,
        n_seeds=5,
    )


@claim("neuro_modulated_hebbian", "The local rule needs the global signal: entropy-driven gains make it useful")
def gains_matter(budget: Budget) -> Evidence:
    more = {kind: r["NHL"] - r["Hebb only"] for kind, r in _all_kinds(budget).items()}
    mean = np.mean(list(more.values()))
    return Evidence(
        {"mean": mean, **more},
        "NHL - Hebb only >= 0.01 on average, >= 0.02 on contrast and on fog",
        mean >= 0.01 and min(more["contrast"], more["fog"]) >= 0.02,
        n_seeds=5,
    )


@claim("neuro_modulated_hebbian", "The softness of the competition matters: too soft and the filters are spoiled")
def softness_matters(budget: Budget) -> Evidence:
    sharp, soft = _all_kinds(budget)["blur"]["NHL"], _accuracies(budget, "blur", tau=1.0)["NHL"]
    return Evidence(
        {"tau = 0.3": sharp, "tau = 1": soft},
        "blur: accuracy of NHL at tau 0.3 - at tau 1 >= 0.03",
        sharp - soft >= 0.03,
        n_seeds=5,
    )
