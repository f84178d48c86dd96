"""Build bumps from two opposed activations, then let attention merge them so that a plain weight matrix suffices.

Problem: a KAN layer has G + k coefficients on each of its I x O edges; ReLU-KAN makes its bumps cheap, not fewer.
For input x_i and j = 0 .. G+k-1, with bounds s_j = (j - k)/G and e_j = s_j + (k+1)/G, shared by inputs and trainable,
    a = act(x_i - s_j),    b = act(e_j - x_i).
ReLU-KAN: act = relu, R_ij = (a b)^2 16/(e_j - s_j)^4, a bump on [s_j, e_j] of height 1; y = W R, O I (G+k) weights.
AF-KAN: any act and any combination F_ij of a and b, scaled to [0, 1]; then the G+k features of an input become one,
    alpha = softmax over inputs of (u . F_i + c) / max(tau, 1),    h_i = alpha_i sum_j F_ij,    y = W act(LayerNorm h).
Numbers to learn in a layer: O I + 2(G+k) + (G+k+1) + 2I + 1. tau starts at sqrt(I). Other reductions: spatial
(a width-3 convolution over inputs gives a softmax over j), multistep (h_i = u . F_i + c), none (y = W F).
Laboratory scale: 8x8 digits, 64-h-10, AdamW. The authors' code scales F by the batch it is in, in prediction too, so
that an answer depends on its neighbours; here prediction uses running values, which is our correction.
Source: Ta, Tran (2025), AF-KAN: Activation Function-Based Kolmogorov-Arnold Networks, arXiv:2503.06112,
read with the authors' All-KAN repository.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import sqrt
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

from labcore.claims import Evidence, claim
from labcore.experiment import Budget, Seed, choice, experiment, number, variable
from labcore.primitives.tiny_transformer import (
    LayerNorm,
    Linear,
    Rngs,
    adamw,
    count,
    cross_entropy,
    digit_batches,
    diverged,
    normal,
    streams,
    train_step,
)  # fmt: skip

Act = Literal["relu", "silu", "gelu", "elu", "selu", "softplus", "tanh", "sigmoid", "leaky"]
Combination = Literal["quad1", "quad2", "sum", "prod", "sum_prod", "cubic1", "cubic2"]
Reduction = Literal["global attention", "spatial attention", "multistep", "none"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu, "silu": F.silu, "gelu": F.gelu, "elu": F.elu, "selu": F.selu, "softplus": F.softplus,
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "leaky": F.leaky_relu,
}  # fmt: skip
COMBINATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "quad1": lambda a, b: (a * b) ** 2,
    "quad2": lambda a, b: a * b + a**2 + b**2,
    "sum": lambda a, b: a + b,
    "prod": lambda a, b: a * b,
    "sum_prod": lambda a, b: a + b + a * b,
    "cubic1": lambda a, b: (a + b) * (a**2 + b**2),
    "cubic2": lambda a, b: (a * b) ** 3,
}


def bounds(grid: int, k: int) -> tuple[Tensor, Tensor]:
    """Where the G + k bumps start and end: s_j = (j - k)/G and e_j = s_j + (k + 1)/G."""
    start = (torch.arange(grid + k) - k) / grid
    return start, start + (k + 1) / grid


def bump_features(x: Tensor, start: Tensor, end: Tensor, act: Act, combination: Combination) -> Tensor:
    """F_ij: inputs (..., I) and bounds that broadcast with (..., I, G+k) -> (..., I, G+k)."""
    f = ACTIVATIONS[act]
    return COMBINATIONS[combination](f(x[..., None] - start), f(end - x[..., None]))


def relu_bumps(x: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """ReLU-KAN's bumps R_ij, 1 in the middle of [s_j, e_j] and 0 outside."""
    return bump_features(x, start, end, "relu", "quad1") * (16 / (end - start) ** 4)


class FunctionNorm(nn.Module):
    """Scale a feature tensor (S, B, I, J) to [0, 1] over the batch; in prediction by running values.

    L2 normalisation of the whole tensor comes first, as published. The min-max step undoes any scale, so it changes
    only rounding.
    """

    MOMENTUM = 0.1

    def __init__(self, runs: int):
        super().__init__()
        self.register_buffer("low", torch.zeros(runs, 1, 1, 1))
        self.register_buffer("high", torch.ones(runs, 1, 1, 1))
        self.seen = False

    def forward(self, f: Tensor) -> Tensor:
        if not self.training and self.seen:
            return (f - self.low) / (self.high - self.low).clamp(min=1e-12)
        inner = (1, 2, 3)
        size = f.square().sum(inner, keepdim=True).sqrt().clamp(min=1e-12)
        unit = f / size
        low, high = unit.amin(inner, keepdim=True), unit.amax(inner, keepdim=True)
        if self.training:
            with torch.no_grad():
                share = self.MOMENTUM if self.seen else 1.0
                self.low.lerp_(low * size, share)
                self.high.lerp_(high * size, share)
                self.seen = True
        # a tensor of equal features becomes 0, not 0/0
        return (unit - low) / (high - low).clamp(min=1e-12)


class AFLayer(nn.Module):
    """S AF-KAN layers side by side, x (S, B, I) -> (S, B, O)."""

    def __init__(
        self, rngs: Rngs, d_in: int, d_out: int, grid: int, k: int, act: Act, combination: Combination,
        reduction: Reduction,
    ):  # fmt: skip
        super().__init__()
        runs, size = len(rngs), grid + k
        self.act, self.combination, self.reduction = act, combination, reduction
        start, end = bounds(grid, k)
        self.start = nn.Parameter(start.repeat(runs, 1, 1, 1))
        self.end = nn.Parameter(end.repeat(runs, 1, 1, 1))
        self.function_norm = FunctionNorm(runs)
        inputs = d_in * size if reduction == "none" else d_in
        self.weight = normal(rngs, inputs, d_out, std=1 / sqrt(inputs))
        if reduction == "none":
            return
        self.norm = LayerNorm(runs, d_in)
        if reduction == "spatial attention":
            self.kernel, self.bias = normal(rngs, size, 3, std=1 / sqrt(3)), nn.Parameter(torch.zeros(runs, 1, size))
        else:
            self.u, self.bias = normal(rngs, size, 1, std=1 / sqrt(size)), nn.Parameter(torch.zeros(runs, 1, 1))
        if reduction != "multistep":
            self.tau = nn.Parameter(torch.full((runs, 1, 1), sqrt(d_in)))

    def features(self, x: Tensor) -> Tensor:
        return self.function_norm(bump_features(x, self.start, self.end, self.act, self.combination))

    def attention(self, f: Tensor) -> Tensor:
        """Global attention of features (S, B, I, J): weights (S, B, I) that sum to 1 over the inputs."""
        scores = (f @ self.u[:, None])[..., 0] + self.bias
        return (scores / self.tau.clamp(min=1)).softmax(-1)

    def reduce(self, f: Tensor) -> Tensor:
        """One number an input: (S, B, I, J) -> (S, B, I)."""
        if self.reduction == "global attention":
            return self.attention(f) * f.sum(-1)
        if self.reduction == "multistep":
            return (f @ self.u[:, None])[..., 0] + self.bias
        near = F.pad(f, (0, 0, 1, 1))  # along the inputs
        n, w = f.shape[2], self.kernel.transpose(1, 2)[:, None, :, None]
        scores = sum(near[:, :, d : d + n] * w[:, :, d] for d in range(3)) + self.bias[:, None]
        return (f * (scores / self.tau[..., None].clamp(min=1)).softmax(-1)).sum(-1)

    def forward(self, x: Tensor) -> Tensor:
        f = self.features(x)
        if self.reduction == "none":
            return f.flatten(2) @ self.weight
        return ACTIVATIONS[self.act](self.norm(self.reduce(f))) @ self.weight


class ReLUKANLayer(nn.Module):
    """S ReLU-KAN layers, x (S, B, I) -> (S, B, O): a weight for each of the I (G + k) bumps."""

    def __init__(self, rngs: Rngs, d_in: int, d_out: int, grid: int, k: int):
        super().__init__()
        start, end = bounds(grid, k)
        self.start = nn.Parameter(start.repeat(len(rngs), 1, 1, 1))
        self.end = nn.Parameter(end.repeat(len(rngs), 1, 1, 1))
        self.weight = normal(rngs, d_in * (grid + k), d_out, std=1 / sqrt(d_in * (grid + k)))

    def forward(self, x: Tensor) -> Tensor:
        return relu_bumps(x, self.start, self.end).flatten(2) @ self.weight


Kind = Literal["AF-KAN", "ReLU-KAN", "MLP"]


def make_network(
    kind: Kind, seeds: Sequence[Sequence[int]], hidden: int, grid: int = 5, k: int = 3, act: Act = "silu",
    combination: Combination = "quad1", reduction: Reduction = "global attention",
) -> nn.Sequential:  # fmt: skip
    """One network 64-hidden-10 a seed, x (S, B, 64) -> logits (S, B, 10)."""
    rngs = streams(seeds, 1)
    if kind == "MLP":
        return nn.Sequential(Linear(rngs, 64, hidden), nn.SiLU(), Linear(rngs, hidden, 10))
    sizes = ((64, hidden), (hidden, 10))
    if kind == "ReLU-KAN":
        return nn.Sequential(*(ReLUKANLayer(rngs, a, b, grid, k) for a, b in sizes))
    return nn.Sequential(*(AFLayer(rngs, a, b, grid, k, act, combination, reduction) for a, b in sizes))


@experiment("af_kan")
def bumps(
    x: Annotated[float, number(-0.5, 1.5, "The input; pixels lie in [0, 1]", "input")] = 0.5,
    act: Annotated[Act, choice("The activation that makes both sides of a bump", "features")] = "relu",
    combination: Annotated[Combination, choice("How the two sides are put together", "features")] = "quad1",
    j: Annotated[int, number(0, 14, "The bump to look at and to move, at most the last one", "one bump")] = 4,
    start_by: Annotated[float, number(-0.5, 0.5, "Moves the start s of that bump", "one bump")] = 0.0,
    end_by: Annotated[float, number(-0.5, 0.5, "Moves the end e of that bump", "one bump")] = 0.0,
    grid: Annotated[int, number(1, 10, "Intervals G of [0, 1]", "features")] = 5,
    k: Annotated[int, number(1, 5, "Overlap k: a bump is (k + 1)/G wide", "features")] = 3,
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
    yield xr.Dataset(
        {
            "feature": variable(("bump", "x"), f[:-1].T, "feature, scaled to [0, 1]"),
            "value": variable("bump", f[-1], "feature at the cursor"),
            "active": variable("bump", active.astype(int), "responds at the cursor"),
            "inside": variable("bump", inside.astype(int), "the cursor is between its bounds"),
            "start": variable("bump", start.numpy(), "start s"),
            "end": variable("bump", end.numpy(), "end e"),
            "sides": variable(("side", "x"), np.stack([a, b]), "activation of one side"),
            "full": variable("x", f[:-1] @ coefficients, "random edge function"),
            "merged": variable("x", f[:-1].sum(1), "sum of the features"),
        },
        coords={
            "bump": variable("bump", np.arange(grid + k), "feature j"),
            "x": variable("x", at.numpy(), "input x"),
            "side": variable("side", ["act(x - s)", "act(e - x)"], "side"),
        },
        attrs={
            "reading": f"At x = {x:.2f}, {active.sum()} of the {grid + k} features respond and {inside.sum()} have x "
            f"between their bounds. Outside their bounds (x in [0, 1]) "
            f"features are up to {leak:.0%} of their whole range away from 0.",
            "progress": 1.0,
            "at": x,
            "looked_at": j,
            "zero": zero,
        },
    )


MODELS = ("AF-KAN", "ReLU-KAN, equal size", "ReLU-KAN, equal width", "MLP")


@experiment("af_kan", quick=dict(n_seeds=2, steps=200))
def digits(
    act: Annotated[Act, choice("The activation of the AF-KAN", "AF-KAN")] = "silu",
    combination: Annotated[Combination, choice("How the two sides of a bump are put together", "AF-KAN")] = "quad1",
    reduction: Annotated[Reduction, choice("How features become one number an input", "AF-KAN")] = "global attention",
    hidden: Annotated[int, number(4, 64, "Hidden units", "network")] = 32,
    grid: Annotated[int, number(1, 10, "Intervals G", "network")] = 5,
    k: Annotated[int, number(1, 5, "Overlap k", "network")] = 3,
    steps: Annotated[int, number(50, 1000, "Training steps on batches of 64", "training", unit="steps")] = 400,
    lr: Annotated[float, number(1e-4, 5e-2, "Learning rate of AdamW", "training", scale="log")] = 5e-3,
    n_seeds: Annotated[int, number(1, 5, "Runs to average over", "runs")] = 3,
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
    every, log, edges, frame = max(1, 24 // n_seeds), ([], [], []), [], None
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
                yield diverged(frame, step)
                return
            for column, value in zip(
                log, (step, losses, np.stack([r.float().mean(1).numpy() for r in right])), strict=True
            ):
                column.append(value)
            frame = _digits_frame(log, weights, edges, params, small, steps)
            yield frame
        if step < steps:
            for net, optimizer in zip(nets, optimizers, strict=True):
                train_step(net, optimizer, x, y)


def _digits_frame(log, weights: np.ndarray, edges: list, params: list[int], small: int, total: int) -> xr.Dataset:
    steps, loss, accuracy = log
    last = accuracy[-1].mean(1)
    each = ("model", "run", "time")
    return xr.Dataset(
        {
            "accuracy": variable(each, np.stack(accuracy, -1), "share of test digits that are right"),
            "loss": variable(each, np.stack(loss, -1), "training loss of a batch", "nats"),
            "params": variable("model", params, "learnable numbers"),
            "attention": variable("pixel", weights, "mean attention weight of a pixel"),
            "bounds": variable(("time", "bump", "side"), np.stack(edges), "bounds of the first layer's bumps"),
        },
        coords={
            "model": variable("model", list(MODELS), "network"),
            "run": variable("run", np.arange(accuracy[-1].shape[1]), "run"),
            "time": variable("time", steps, "training time", "steps"),
            "pixel": variable("pixel", np.arange(64), "pixel, row by row"),
            "bump": variable("bump", np.arange(edges[0].shape[0]), "bump j"),
            "side": variable("side", ["s", "e"], "start or end"),
        },
        attrs={
            "reading": f"After {steps[-1]} steps AF-KAN gets {last[0]:.1%} of the test digits right with {params[0]:,} "
            f"parameters, ReLU-KAN {last[1]:.1%} with {params[1]:,} ({small} hidden units) and {last[2]:.1%} with "
            f"{params[2]:,}, the MLP {last[3]:.1%} with {params[3]:,}.",
            "progress": steps[-1] / total,
        },
    )


def step_seconds(kind: Kind, hidden: int = 32, repeats: int = 40) -> float:
    """Seconds that one training step of one network takes on this machine, the fastest of several."""
    net, data = make_network(kind, [[0, 0]], hidden), digit_batches([[0, 0]], 1)
    optimizer, (x, y) = adamw(net, 5e-3), data.batch(0)
    best = np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        train_step(net, optimizer, x, y)
        best = min(best, time.perf_counter() - began)
    return best


@lru_cache(maxsize=2)
def _accuracy(budget: Budget, act: Act) -> tuple[np.ndarray, np.ndarray]:
    """Mean accuracy and size of the four models; two claims read one run."""
    frame = digits.run(budget, act=act, n_seeds=3, steps=400)
    return frame.accuracy[:, :, -1].mean("run").values, frame.params.values


@claim("af_kan", "With equally many parameters AF-KAN beats ReLU-KAN")
def wins_at_equal_size(budget: Budget) -> Evidence:
    accuracy, params = _accuracy(budget, "silu")
    return Evidence(
        {"AF-KAN": accuracy[0], "ReLU-KAN": accuracy[1], "parameters": params[0], "of ReLU-KAN": params[1]},
        "mean accuracy of AF-KAN (silu, global attention) >= that of ReLU-KAN + 0.02, 400 steps",
        accuracy[0] >= accuracy[1] + 0.02,
        n_seeds=3,
    )


@claim("af_kan", "With equally many hidden units AF-KAN comes close to ReLU-KAN with a seventh of its parameters")
def close_at_equal_width(budget: Budget) -> Evidence:
    accuracy, params = _accuracy(budget, "silu")
    return Evidence(
        {"AF-KAN": accuracy[0], "ReLU-KAN": accuracy[2], "parameters of ReLU-KAN / AF-KAN": params[2] / params[0]},
        "mean accuracy within 0.05 of ReLU-KAN and >= 7 times fewer parameters, 400 steps",
        accuracy[0] >= accuracy[2] - 0.05 and params[2] / params[0] >= 7,
        n_seeds=3,
    )


@claim("af_kan", "The bumps cost time: a training step takes at least twice as long as an MLP's")
def slower_than_the_mlp(budget: Budget) -> Evidence:
    ratio = step_seconds("AF-KAN") / step_seconds("MLP")
    return Evidence({"time of AF-KAN / MLP": ratio}, "fastest of 40 steps each, ratio >= 2", ratio >= 2, n_seeds=1)
