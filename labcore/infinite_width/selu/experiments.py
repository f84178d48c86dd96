"""Mean and variance on their way through layers, the theorem's rectangle, dropout, and training of deep networks."""

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
from labcore.words import compared, plain

from .activation import ALPHA, LAMBDA, alpha_dropout, drawn_units, random_layers, selu
from .deep import RIVALS, accuracy, deep, descend, standardised
from .moments import BOX, DOMAIN, around, attractor, contraction, layer_map, unit_map

PLANE = Frame(
    layer=axis("layer"),
    mean=var("layer", "mean"),
    variance=var("layer", "variance"),
    map_mean=var("layer", "mean, by the map"),
    map_variance=var("layer", "variance, by the map"),
    arrow=axis("arrow"),
    from_mean=var("arrow", "mean before a layer"),
    from_variance=var("arrow", "variance before a layer"),
    to_mean=var("arrow", "mean after it"),
    to_variance=var("arrow", "variance after it"),
    rest=var("end", "where all arrows end: mean, variance", optional=True),
    end=axis("mean and variance"),
)


@experiment(quick=dict(depth=24, width=128), frame=PLANE)
@one_thread
def plane(
    mu: Annotated[float, number(-1, 1, "Of the network's inputs", "start", label="mean μ", main=True)] = 0.5,
    nu: Annotated[float, number(0.05, 4, "Of the network's inputs", "start", label="variance ν", main=True)] = 2.0,
    depth: Annotated[int, number(1, 64, "Of the network", "network", label="layers", main=True)] = 32,
    lam: Annotated[float, number(0.5, 2, "Scale of the activation", "activation", label="scale λ")] = LAMBDA,
    alpha: Annotated[float, number(0, 3, "How far down it goes, over λ", "activation", label="drop α")] = ALPHA,
    width: Annotated[int, number(16, 512, "Units of a layer", "network", label="width")] = 256,
    inputs: Annotated[int, number(50, 2000, "That are sent through", "network", label="inputs")] = 200,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Mean and variance over all inputs and units, layer by layer, in a drawn network and by the map of wide layers.

    Inputs have independent normal coordinates, weights are N(0, 1/width), there is no bias. One frame. `rest` is the
    map's attractor, missing where there is none.
    """
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.standard_normal((inputs, width), dtype=np.float32)) * nu**0.5 + mu
    measured, by_map = [_moments(x)], [(mu, nu)]
    for w in random_layers(width, depth, rng):
        x = selu(x @ w, lam, alpha)
        measured.append(_moments(x))
        by_map.append(tuple(map(float, _next(*by_map[-1], lam, alpha))))
    start = np.stack(np.meshgrid(np.linspace(-1, 1, 9), np.linspace(0.25, 4, 9)))
    after = layer_map(*start, lam, alpha)
    mean, variance = np.array(measured).T
    values = dict(mean=mean, variance=variance)
    values |= dict(zip(("map_mean", "map_variance"), np.array(by_map).T, strict=True))
    values |= {f"from_{name}": v.ravel() for name, v in zip(("mean", "variance"), start, strict=True)}
    values |= {f"to_{name}": v.ravel() for name, v in zip(("mean", "variance"), after, strict=True)}
    rest = attractor(lam, alpha)
    if rest:
        values["rest"] = np.array(rest)
    layers = f"{depth} layer{'' if depth == 1 else 's'}"
    yield PLANE(
        values,
        f"After {layers} the mean is {_said(mean[-1])} and the variance {_said(variance[-1])}. {_pull(lam, alpha)}",
    )


def _pull(lam: float, alpha: float) -> str:
    """Where the map of very wide layers of these constants leads."""
    rest = attractor(lam, alpha)
    if rest:
        return f"Very wide layers of these constants would lead to mean {_said(rest[0])}, variance {_said(rest[1])}."
    if abs(lam**2 - 2) < 1e-3 and alpha < 0.03:
        return "Very wide layers of these constants would keep the mean square that they get."
    return f"Very wide layers of these constants would let it {'die out' if lam**2 < 2 else 'grow without end'}."


def _said(x: float) -> str:
    return plain(x, ".2f" if abs(x) < 100 else ".2g")


def _moments(x: torch.Tensor) -> tuple[float, float]:
    spread, centre = torch.var_mean(x.double(), correction=0)
    return float(centre), float(spread)


def _next(mu: float, nu: float, lam: float, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """One step of the map of wide layers; nothing is left to map where the variance has vanished."""
    if nu + mu**2 < 1e-12:
        return np.zeros(()), np.zeros(())
    return layer_map(np.asarray(mu), np.asarray(nu), lam, alpha)


RECTANGLE = Frame(
    unit=axis("unit"),
    omega_of=var("unit", "sum of its weights, ω"),
    tau_of=var("unit", "sum of their squares, τ"),
    place=axis("place on the rectangle's border"),
    border_mean=var("place", "mean before the unit"),
    border_variance=var("place", "variance before the unit"),
    image_mean=var("place", "mean after it"),
    image_variance=var("place", "variance after it"),
    step=axis("times that the map is applied"),
    path_mean=var("step", "mean"),
    path_variance=var("step", "variance"),
    inside=var("", "share of the layer's units whose weights are as the theorem asks"),
    shrinks=var("", "factor of the longest small step near (0, 1)"),
    off=var("", "distance of g(0, 1) from (0, 1)"),
)


@experiment(frame=RECTANGLE)
def rectangle(
    omega: Annotated[float, number(-2, 2, "Of one unit's weights", label="sum of weights ω", main=True)] = 0.1,
    tau: Annotated[float, number(0.5, 1.5, "Of one unit's weights", label="sum of squares τ", main=True)] = 1.1,
    width: Annotated[
        int, number(16, 4096, "Units of the drawn layer, and its inputs", scale="log", label="width", main=True)
    ] = 256,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The theorem's rectangle and what the map g of one unit makes of it, beside the units of a drawn layer; one frame.

    The path goes on applying g from the rectangle's middle. At most 1000 units are drawn.
    """
    omegas, taus = drawn_units(width, min(width, 1000), np.random.default_rng(seed))
    inside = (np.abs(omegas) <= BOX[1]) & (taus >= BOX[2]) & (taus <= BOX[3])
    border = around(DOMAIN)
    image = np.stack(unit_map(*border.T, omega, tau), 1)
    path = [np.array([0.0, 1.15])]
    while len(path) < 21 and path[-1][1] > 1e-9 and np.abs(path[-1]).max() < 1e3:
        path.append(np.array(unit_map(*path[-1], omega, tau)))
    path = np.array(path)
    fits = bool((image.min(0) >= [DOMAIN[0], DOMAIN[2]]).all() and (image.max(0) <= [DOMAIN[1], DOMAIN[3]]).all())
    yield RECTANGLE(
        dict(
            omega_of=omegas,
            tau_of=taus,
            border_mean=border[:, 0],
            border_variance=border[:, 1],
            image_mean=image[:, 0],
            image_variance=image[:, 1],
            path_mean=path[:, 0],
            path_variance=path[:, 1],
            inside=inside.mean(),
            shrinks=contraction(0.0, 1.0, omega, tau),
            off=float(np.hypot(*(np.array(unit_map(np.zeros(()), np.ones(()), omega, tau)) - [0, 1]))),
        ),
        f"With ω = {omega:g} and τ = {tau:g} the rectangle {'stays within itself' if fits else 'leaves itself'}: "
        f"variances from {image[:, 1].min():.2f} to {image[:, 1].max():.2f}. "
        f"Of the units of this layer {inside.mean():.1%} have weights as the theorem asks.",
    )


KINDS = ("no dropout", "alpha dropout", "ordinary dropout")
DROPPED = Frame(
    kind=axis("kind of dropout", values=KINDS),
    output=axis("output of a unit"),
    density=var("kind output", "share of outputs, over the width of a bar"),
    layer=axis("layer", start=1),
    mean=var("kind layer", "mean"),
    variance=var("kind layer", "variance"),
    becomes=var("", "what a dropped unit is after scale and shift"),
)


@experiment(quick=dict(width=128), frame=DROPPED)
@one_thread
def dropout(
    rate: Annotated[float, number(0, 0.6, "Chance of a unit to be dropped", label="share dropped", main=True)] = 0.2,
    value: Annotated[
        float, number(-4, 4, "What alpha dropout sets units to", label="value of dropped units", main=True)
    ] = -LAMBDA * ALPHA,
    depth: Annotated[int, number(1, 32, "Of the network", label="layers", main=True)] = 16,
    width: Annotated[int, number(16, 512, "Units of a layer", "network", label="width")] = 256,
    inputs: Annotated[int, number(50, 2000, "That are sent through", "network", label="inputs")] = 200,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Mean and variance after each layer of a SELU network without dropout, with alpha dropout, and with ordinary one.

    Ordinary dropout sets units to 0 and divides the others by the chance to stay. Inputs are N(0, 1); the three
    networks have the same weights and drop the same units. `density` is of the first layer's outputs. One frame.
    """
    rng = np.random.default_rng(seed)
    edges = np.linspace(-6, 6, 121)
    keep = 1 - rate
    states = [torch.from_numpy(rng.standard_normal((inputs, width), dtype=np.float32))] * len(KINDS)
    measured, density = [], np.zeros((len(KINDS), len(edges) - 1))
    for layer, w in enumerate(random_layers(width, depth, rng)):
        kept = torch.from_numpy(rng.random((inputs, width)) < keep)
        plain_one, alpha_one, ordinary = (selu(x @ w) for x in states)
        states = [plain_one, alpha_dropout(alpha_one, kept, keep, value), torch.where(kept, ordinary / keep, 0.0)]
        measured.append([_moments(x) for x in states])
        if layer == 0:
            for k, x in enumerate(states):
                density[k] = np.histogram(x.numpy(), edges)[0] / (x.numel() * (edges[1] - edges[0]))
    mean, variance = np.array(measured).transpose(2, 1, 0)
    gone = float(alpha_dropout(torch.zeros(1), torch.zeros(1, dtype=torch.bool), keep, value))
    last = variance[:, -1]
    yield DROPPED(
        dict(output=(edges[1:] + edges[:-1]) / 2, density=density, mean=mean, variance=variance, becomes=gone),
        f"After {depth} layer{'' if depth == 1 else 's'}, {rate:.0%} of the units dropped in each, the variance is "
        f"{last[1]:.2f} with alpha dropout, {last[2]:.2f} with ordinary dropout and {last[0]:.2f} without any.",
    )


TRAINED = Frame(
    rival=axis("activation", values=RIVALS),
    step=axis("training steps", "steps"),
    repeat=axis("repetition"),
    accuracy=var("rival step repeat", "share of test images named rightly"),
)


@experiment(quick=dict(n_seeds=1, steps=40, depth=8), frame=TRAINED)
@one_thread
def training(
    depth: Annotated[int, number(2, 32, "Hidden layers", label="hidden layers", main=True)] = 16,
    rate: Annotated[
        float, number(1e-3, 0.3, "Of plain gradient descent", scale="log", label="learning rate", main=True)
    ] = 0.01,
    steps: Annotated[int, number(20, 600, "Batches of 64 images", label="training steps", main=True)] = 300,
    width: Annotated[int, number(16, 128, "Units of a layer", "network", label="width")] = 64,
    n_seeds: Annotated[int, number(1, 10, "Networks of each kind", "network", label="repetitions")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Deep networks learn the digits by plain gradient descent, with three activations; a frame every twentieth.

    1297 images to learn from, 500 to test; pixels are standardised. The same images, batches and, but for their scale,
    weights in all three. A network whose numbers run away stays at the accuracy of a guess.
    """
    seeds = [[seed, r] for r in range(n_seeds)]
    data = standardised(digit_batches(seeds, steps))
    nets = [deep(kind, seeds, width, depth) for kind in RIVALS]
    at, right = [0], [[accuracy(net, data).numpy() for net in nets]]
    for step in range(steps):
        for net in nets:
            descend(net, *data.batch(step), rate)
        if (step + 1) % max(1, steps // 20) and step + 1 < steps:
            continue
        at.append(step + 1)
        right.append([accuracy(net, data).numpy() for net in nets])
        selu_one, relu, normed = right[-1]
        known = ["below", "not clearly different from", "above"]
        told = compared(selu_one, relu, known), compared(selu_one, normed, known)
        judged = f" SELU is {told[0]} ReLU and {told[1]} batch normalisation." if n_seeds > 2 else ""
        yield TRAINED(
            dict(step=np.array(at), accuracy=np.array(right).transpose(1, 0, 2)),
            f"After {step + 1} steps networks of {depth} layers name {selu_one.mean():.0%} of the images rightly with "
            f"SELU, {relu.mean():.0%} with ReLU and {normed.mean():.0%} with batch-normalised ReLU.{judged}",
            (step + 1) / steps,
        )
