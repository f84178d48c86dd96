"""Tangent kernels of wide networks, their training beside the one solved on paper, and networks that learn features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread
from labcore.primitives.wide.duals import Activation
from labcore.primitives.wide.recursion import nngp_ntk

from .circle import circle, rates, waves
from .flow import solve
from .networks import Networks, draw, forward, gram, narrower, step

WEIGHT_VAR = 2.0  # w^2: signals keep their size through layers of relu, and nearly so of erf
AROUND = np.linspace(-180, 180, 97)  # degrees
EXAMPLES = 8
SHARE = 0.2  # of 1 over the largest eigenvalue, is a step of training; at 2 it would blow up

Width = Annotated[int, number(16, 1024, "Neurons of a layer", scale="log", label="width n", main=True)]
Depth = Annotated[int, number(1, 3, "Hidden layers", label="hidden layers L", main=True)]
Kind = Annotated[
    Literal["relu", "erf"],
    choice("What a neuron does", label="activation", main=True, words={"relu": "kink (relu)", "erf": "S-shape (erf)"}),
]
Bias = Annotated[float, number(0, 1, "Variance of biases", "network", label="biases b²")]

KERNEL = Frame(
    network=axis("random network", start=1),
    angle=axis("direction of the other input", "degrees", values=AROUND),
    size=axis("neurons of a layer"),
    slices=var("network angle", "tangent kernel with the input at 0 degrees"),
    limit=var("angle", "the same at infinite width"),
    distance=var("size network", "distance from the limit, over the limit's size"),
)


@experiment(quick=dict(networks=3), frame=KERNEL)
@one_thread
def kernel(
    width: Annotated[int, number(16, 2048, "Neurons of a layer", scale="log", label="width n", main=True)] = 64,
    depth: Depth = 2,
    activation: Kind = "relu",
    networks: Annotated[int, number(2, 12, "Random networks", "network", label="networks")] = 6,
    bias: Bias = 0.1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The tangent kernels of untrained networks, beside that of infinite width; one frame.

    A wider network of the same seed has the neurons of the narrower one and others. `distance` is the Frobenius norm
    of Theta_n - Theta_inf over that of Theta_inf, for 96 inputs around the circle.
    """
    x = circle(np.deg2rad(AROUND))
    limit = nngp_ntk(x, x, Activation(activation), depth, WEIGHT_VAR, bias).theta
    nets = draw(2, width, depth, Activation(activation), WEIGHT_VAR, bias, _seeds(seed, networks))
    sizes = [n for n in (16, 32, 64, 128, 256, 512, 1024) if n < width] + [width]
    distance = []
    for n in sizes:
        theta = gram(narrower(nets, n), torch.from_numpy(x)).numpy()
        off = np.linalg.norm((theta - limit)[:, 1:, 1:], axis=(1, 2))
        distance.append(off / np.linalg.norm(limit[1:, 1:]))
    middle = len(AROUND) // 2
    first = f"; with {sizes[0]} by {_of_it(np.mean(distance[0]))}" if len(sizes) > 1 else ""
    yield KERNEL(
        dict(slices=theta[:, middle], limit=limit[middle], size=np.array(sizes), distance=np.array(distance)),
        f"With {width} neurons a layer the kernels of {networks} random networks differ from the limit by "
        f"{_of_it(np.mean(distance[-1]))}{first}.",
    )


def _of_it(x: float) -> str:
    return f"{x:.1%} of its size" if x < 10 else f"{x:,.0f} times its size"


def _seeds(seed: int, n: int) -> list[int]:
    return [1000 * seed + k for k in range(n)]


TRAINING = Frame(
    network=axis("random network", start=1),
    angle=axis("direction of the input", "degrees", values=AROUND),
    time=axis("training time t"),
    wave=axis("wave", "periods around the circle"),
    start=var("network angle", "answer before training"),
    answer=var("network angle", "answer of the network"),
    paper=var("network angle", "answer by pencil and paper"),
    wrong=var("time network wave", "what is wrong: size of this wave"),
    predicted=var("time network wave", "the same by pencil and paper"),
    rate=var("wave", "eigenvalue λ of the limit, over N"),
    moved=var("network", "change of the kernel at the examples, over its size"),
)


@experiment(quick=dict(width=64, networks=2, time=10), frame=TRAINING)
@one_thread
def training(
    width: Width = 128,
    depth: Depth = 2,
    activation: Kind = "relu",
    time: Annotated[float, number(0.5, 60, "How long they learn", "training", label="training time t")] = 20.0,
    networks: Annotated[int, number(2, 8, "Random networks", "network", label="networks")] = 3,
    bias: Bias = 0.1,
    y_1: Annotated[float, number(-2, 2, "What is to be answered there", "examples", label="answer at 0°")] = 1.5,
    y_2: Annotated[float, number(-2, 2, "What is to be answered there", "examples", label="answer at 45°")] = 0.9,
    y_3: Annotated[float, number(-2, 2, "What is to be answered there", "examples", label="answer at 90°")] = -0.6,
    y_4: Annotated[float, number(-2, 2, "What is to be answered there", "examples", label="answer at 135°")] = 0.6,
    y_5: Annotated[float, number(-2, 2, "What is to be answered there", "examples", label="answer at 180°")] = -1.2,
    y_6: Annotated[float, number(-2, 2, "What is to be answered there", "examples", label="answer at 225°")] = -0.3,
    y_7: Annotated[float, number(-2, 2, "What is to be answered there", "examples", label="answer at 270°")] = 0.3,
    y_8: Annotated[float, number(-2, 2, "What is to be answered there", "examples", label="answer at 315°")] = 0.2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Networks learn 8 examples around the circle, beside what the limiting kernel says of each of them; 13 frames.

    Full gradient descent on the mean squared error / 2. A step is a fifth of 1 / the largest eigenvalue; pencil and
    paper take the same steps. `moved` is the Frobenius norm of Theta_t - Theta_0 over that of Theta_0.
    """
    y = np.array([y_1, y_2, y_3, y_4, y_5, y_6, y_7, y_8])
    x, elsewhere = circle(2 * np.pi * np.arange(EXAMPLES) / EXAMPLES), circle(np.deg2rad(AROUND))
    within, across = (nngp_ntk(a, x, Activation(activation), depth, WEIGHT_VAR, bias).theta for a in (x, elsewhere))
    rate = rates(within[0])
    eta = SHARE / rate.max()
    stops = np.unique(np.round(np.linspace(0, time / eta, 49)).astype(int))
    nets = draw(2, width, depth, Activation(activation), WEIGHT_VAR, bias, _seeds(seed, networks))
    given, asked, target = (torch.from_numpy(a) for a in (x, elsewhere, y))
    start, before = gram(nets, given), forward(nets, asked).output.numpy()
    passed = forward(nets, given)
    solved = solve(within, across, y, passed.output.numpy(), before, stops * eta, eta)
    wrong, done = [], 0
    for k, stop in enumerate(stops):
        for _ in range(stop - done):
            step(nets, passed, (passed.output - target) / EXAMPLES, eta)
            passed = forward(nets, given)
        done = stop
        if not torch.isfinite(passed.output).all():
            raise Diverged(stop)
        wrong.append(waves(passed.output.numpy() - y))
        if k % 4 and k < len(stops) - 1:
            continue
        predicted = waves(solved.examples[: k + 1] - y)
        moved = _moved(start, gram(nets, given)).numpy()
        gap = float(np.sqrt(np.mean((passed.output.numpy() - solved.examples[k]) ** 2)))
        yield TRAINING(
            dict(
                time=stops[: k + 1] * eta,
                start=before,
                answer=forward(nets, asked).output.numpy(),
                paper=solved.elsewhere[k],
                wrong=np.array(wrong),
                predicted=predicted,
                rate=rate,
                moved=moved,
            ),
            f"After t = {stop * eta:.1f} networks of width {width} differ from pencil and paper by {gap:.2f} at the "
            f"examples; their kernels changed by {moved.mean():.1%}.",
            (k + 1) / len(stops),
        )


def _moved(start: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
    """(S,): how much kernels (S, n, n) changed, over their size at the start."""
    return (now - start).flatten(1).norm(dim=1) / start.flatten(1).norm(dim=1)


FEATURES = Frame(
    neuron=axis("neuron", start=1),
    side=axis("coordinate of the input", values=("across", "up")),
    angle=axis("direction of the input", "degrees", values=AROUND),
    scale=axis("output scale α"),
    before=var("neuron side", "weights of a neuron before training"),
    after=var("neuron side", "weights of a neuron after training"),
    target=var("angle", "what is to be learned"),
    answer=var("angle", "answer of the trained network"),
    moved=var("scale", "change of the kernel, over its size"),
    aligned=var("scale", "strength of neurons within 10 degrees of a feature, as a share"),
    at_start=var("", "the same before training"),
    error=var("scale", "mean squared error around the circle, over the target's"),
)
SIGNS = (1.0, -1.0, 1.0)
SCALES = tuple(np.geomspace(0.03, 10, 8).round(3))
Feature = Annotated[float, number(0, 360, "Direction of a feature", "features to learn", "degrees")]


@experiment(quick=dict(width=100, time=10), frame=FEATURES)
@one_thread
def features(
    alpha: Annotated[
        float, number(0.03, 10, "By what the output is multiplied", scale="log", label="output scale α", main=True)
    ] = 1.0,
    width: Annotated[int, number(100, 400, "Hidden neurons", label="width n", main=True)] = 200,
    time: Annotated[float, number(5, 100, "How long it learns", "training", label="training time t")] = 50.0,
    feature_1: Feature = 30.0,
    feature_2: Feature = 150.0,
    feature_3: Feature = 260.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same network of one hidden layer learns three relu neurons with its output multiplied by several alphas.

    What learns is alpha (f - f_0), on 24 inputs around the circle, by gradient descent on the mean squared error / 2
    over alpha^2, without biases. A frame for each tenth of the time.
    """
    x, elsewhere = circle(2 * np.pi * np.arange(24) / 24), circle(np.deg2rad(AROUND))
    directions = np.deg2rad([feature_1, feature_2, feature_3])
    ways = np.stack([np.cos(directions), np.sin(directions)])
    wanted, y = (np.maximum(a @ ways, 0) @ SIGNS for a in (elsewhere, x))
    size = np.sqrt(np.mean(wanted[1:] ** 2))
    wanted, y = wanted / max(size, 0.1), torch.from_numpy(y / max(size, 0.1))
    scales = np.array(sorted({alpha, *SCALES}))
    mine, factor = int(np.argmin(abs(scales - alpha))), torch.from_numpy(scales)[:, None]
    one = draw(2, width, 1, Activation("relu"), WEIGHT_VAR, 0.0, [seed])
    nets = Networks(*([v.repeat(len(scales), *(v.ndim - 1) * [1]) for v in each] for each in one[:2]), *one[2:])
    given, asked = torch.from_numpy(x), torch.from_numpy(elsewhere)
    start, passed = gram(nets, given), forward(nets, given)
    zero, zero_elsewhere, before = passed.output, forward(nets, asked).output, nets.weights[0][mine].numpy().copy()
    eta = SHARE / 2 / float(torch.linalg.eigvalsh(start[0] / len(x))[-1])  # the kernel will grow
    steps = int(np.ceil(time / eta / 10))
    for k in range(10):
        for _ in range(steps):
            step(nets, passed, (factor * (passed.output - zero) - y) / factor / len(x), eta)
            passed = forward(nets, given)
        if not torch.isfinite(passed.output).all():
            raise Diverged((k + 1) * steps)
        answer = (factor * (forward(nets, asked).output - zero_elsewhere)).numpy()
        moved = _moved(start, gram(nets, given)).numpy()
        aligned = _aligned(nets, ways)
        at_start = float(_aligned(one, ways)[0])
        error = np.mean((answer - wanted)[:, 1:] ** 2, axis=1) / max(np.mean(wanted[1:] ** 2), 1e-9)
        yield FEATURES(
            dict(
                before=before,
                after=nets.weights[0][mine].numpy().copy(),
                target=wanted,
                answer=answer[mine],
                scale=scales,
                moved=moved,
                aligned=aligned,
                at_start=at_start,
                error=error,
            ),
            f"With the output times {alpha:g} the kernel changed by {_percent(moved[mine])}. Of the neurons' strength "
            f"{aligned[mine]:.0%} lies near the features, {at_start:.0%} before training; of the target "
            f"{error[mine]:.2%} is missed.",
            (k + 1) / 10,
        )


def _percent(x: float) -> str:
    return f"{x:.0%}" if x > 1 else f"{x:.1%}"


def _aligned(nets: Networks, ways: np.ndarray) -> np.ndarray:
    """(S,): the share of |a| |w| of neurons whose line is within 10 degrees of the line of one of the ways (2, 3)."""
    w, a = nets.weights[0].numpy(), nets.weights[1].numpy()[:, 0]
    length = np.linalg.norm(w, axis=2)
    near = (np.abs(w @ ways) > np.cos(np.deg2rad(10)) * length[..., None]).any(2)
    strength = length * np.abs(a)
    return (strength * near).sum(1) / strength.sum(1)
