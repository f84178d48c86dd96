"""Kernels of ever steeper activations, a single learning step seen from both sides, and trained networks of steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from scipy.special import erf

from labcore.experiment import Seed, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread
from labcore.words import differ, plain

from .descent import descend, fastest, smooth_kernel, surrogate_kernel
from .nets import Nets, draw, learn, measured_kernel, outputs

Array = np.ndarray
LENGTH = np.sqrt(2)  # of inputs on the circle: their power a coordinate is 1
NETS = 20  # whose kernels are averaged in `steeper`
STEEP = 1000.0  # the erf that stands for a step where both slopes are true
AT_ONCE = 16  # networks in memory, in `sides`
EXAMPLES = ((20.0, 1.0), (85.0, -1.0), (235.0, -0.5), (310.0, 1.0))  # degrees and targets; a fifth one is the reader's

Sharp = Annotated[
    float,
    number(0.3, 5, "Sharpness of the smooth slope that is used in learning", label="surrogate sharpness a", main=True),
]
Bias = Annotated[float, number(0.01, 1, "Variance of the biases", "network", label="biases b²")]


def _circle(degrees: Float[Array, " n"]) -> Float[Array, "n 2"]:
    turned = np.deg2rad(degrees)
    return LENGTH * np.stack([np.cos(turned), np.sin(turned)], axis=1)


def _tensor(x: Array) -> torch.Tensor:
    return torch.tensor(x, dtype=torch.float32)


STEEPER = Frame(
    z=axis("field z of a neuron"),
    fired=var("z", "what it sends on"),
    slope=var("z", "its slope"),
    pretended=var("z", "surrogate slope"),
    angle=axis("angle between two inputs", "degrees"),
    ordinary=var("angle", "ordinary kernel"),
    surrogate=var("angle", "surrogate kernel"),
    tried=axis("angle between two inputs", "degrees"),
    ordinary_measured=var("tried", "ordinary kernel of random networks"),
    surrogate_measured=var("tried", "surrogate kernel of random networks"),
    steepness=axis("steepness m"),
    peak_ordinary=var("steepness", "ordinary kernel of an input with itself"),
    peak_surrogate=var("steepness", "surrogate kernel of an input with itself"),
    apart_ordinary=var("steepness", "ordinary kernel at 60 degrees"),
    here_ordinary=var("", "ordinary kernel of an input with itself, at this steepness"),
    here_surrogate=var("", "surrogate kernel of an input with itself, at this steepness"),
)


@experiment(quick=dict(width=200), frame=STEEPER)
@one_thread
def steeper(
    steep: Annotated[
        float, number(1, 1024, "Steepness of the activation", scale="log", label="steepness m", main=True)
    ] = 16.0,
    sharp: Sharp = 1.0,
    depth: Annotated[int, number(1, 3, "Hidden layers", "network", label="hidden layers", main=True)] = 1,
    bias: Bias = 0.1,
    width: Annotated[
        int, number(50, 1000, "Of the random networks that are measured", "network", label="neurons measured")
    ] = 400,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Two kernels of a wide network with s(z) = erf(m z), between inputs at an angle; one frame.

    Ordinary: both slopes are those of s. Surrogate: the one on the side of learning is that of erf(a z). The kernels
    measured are means over 20 random networks of so many neurons a layer. Lines are exact, for infinite width.
    """
    u = np.linspace(-1, 1, 181)
    angle, z = 180 * np.sign(u) * np.abs(u) ** 1.5, np.linspace(-2, 2, 241)
    tried = np.array([-150.0, -110, -70, -40, -20, 0, 20, 40, 70, 110, 150])
    steepness = 2.0 ** np.arange(13)
    one, x, far = _circle(np.zeros(1)), _circle(angle), _circle(np.array([60.0]))

    def both(inputs: Array, m: float) -> list[Array]:
        return [surrogate_kernel(one, inputs, depth, bias, m, a)[0] for a in (None, sharp)]

    ordinary, surrogate = both(x, steep)
    peaks = np.array([[k[0] for k in both(one, m)] for m in steepness])
    here = [float(k[0]) for k in both(one, steep)]
    nets = draw(NETS, 2, width, depth, bias, torch.Generator().manual_seed(seed))
    measured = [
        measured_kernel(nets, _tensor(one), _tensor(_circle(tried)), steep, a).mean(0)[0].numpy()
        for a in (steep, sharp)
    ]
    yield STEEPER(
        dict(
            z=z,
            fired=erf(steep * z),
            slope=_slope(z, steep),
            pretended=_slope(z, sharp),
            angle=angle,
            ordinary=ordinary,
            surrogate=surrogate,
            tried=tried,
            ordinary_measured=measured[0],
            surrogate_measured=measured[1],
            steepness=steepness,
            peak_ordinary=peaks[:, 0],
            peak_surrogate=peaks[:, 1],
            apart_ordinary=np.array([both(far, m)[0][0] for m in steepness]),
            here_ordinary=here[0],
            here_surrogate=here[1],
        ),
        f"At steepness {steep:.4g} the ordinary kernel of an input with itself is {plain(here[0], '.4g')}, the "
        f"surrogate one {plain(here[1], '.3g')}. At an angle of 60 degrees they are "
        f"{plain(both(far, steep)[0][0], '.3g')} and {plain(both(far, steep)[1][0], '.3g')}.",
    )


def _slope(z: Array, sharpness: float) -> Array:
    return 2 * sharpness / np.sqrt(np.pi) * np.exp(-((sharpness * z) ** 2))


WAYS = ("A taught, B asked", "B taught, A asked")
KERNELS = ("surrogate kernel", "smooth slopes on both sides", "smooth network")
SIDES = Frame(
    repeat=axis("network"),
    way=axis("which is taught", values=WAYS),
    kernel=axis("kernel", values=KERNELS),
    moved=var("way repeat", "how far the other answer moved"),
    expected=var("kernel way", "how far the kernel says it moves"),
)


@experiment(quick=dict(width=200, n_seeds=16), frame=SIDES)
@one_thread
def sides(
    a_length: Annotated[float, number(0.2, 4, "Length of input A", "inputs", label="length of A")] = 0.5,
    b_across: Annotated[float, number(-4, 4, "Input B, along A", "inputs", label="B across")] = 2.0,
    b_up: Annotated[float, number(-4, 4, "Input B, at a right angle to A", "inputs", label="B up")] = 1.4,
    sharp: Sharp = 0.5,
    width: Annotated[int, number(50, 1600, "Neurons in a layer", "network", label="neurons a layer", main=True)] = 1000,
    depth: Annotated[int, number(1, 2, "Hidden layers", "network", label="hidden layers", main=True)] = 1,
    rate: Annotated[float, number(0.1, 1, "Size of the learning step", "network", label="step size η")] = 1.0,
    bias: Bias = 0.1,
    n_seeds: Annotated[int, number(4, 400, "Networks", "network", label="networks")] = 64,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One learning step at input A, and how far the answer at B moves; then the other way round, from the same start.

    The networks fire or do not, and the step is taken with the surrogate slope, for an error of 1. The move is divided
    by the size of the step. Frames as networks are added, 16 at a time. For comparison the kernels of smooth slopes on
    both sides, and of a network that is smooth itself, erf(a z); both are the same both ways.
    """
    x = np.array([[a_length, 0.0], [b_across, b_up]])
    kernels = (
        surrogate_kernel(x, x, depth, bias, sharp=sharp),
        smooth_kernel(x, x, depth, bias, sharp),
        surrogate_kernel(x, x, depth, bias, sharp),
    )
    expected = np.array([[k[1, 0], k[0, 1]] for k in kernels])
    moved = np.empty((2, 0))
    for first in range(0, n_seeds, AT_ONCE):
        generator = torch.Generator().manual_seed(2**20 * first + seed)
        nets = draw(min(AT_ONCE, n_seeds - first), 2, width, depth, bias, generator)
        before = outputs(nets, _tensor(x))
        new = []
        for taught in (0, 1):
            copy = Nets(tuple(w.clone() for w in nets.weights), tuple(b.clone() for b in nets.offsets), nets.bias)
            learn(copy, _tensor(x[taught : taught + 1]), before[:, taught : taught + 1] + 1, rate, sharp)
            new.append(((outputs(copy, _tensor(x)) - before)[:, 1 - taught] / rate).numpy())
        moved = np.hstack([moved, new])
        said = "are not clearly different" if not differ(moved[0], moved[1]) else "differ"
        yield SIDES(
            dict(moved=moved, expected=expected),
            f"In {moved.shape[1]} networks B moves by {plain(moved[0].mean(), '.3f')} when A is taught, and A by "
            f"{plain(moved[1].mean(), '.3f')} when B is taught; the surrogate kernel says "
            f"{plain(expected[0, 0], '.3f')} and {plain(expected[0, 1], '.3f')}. The two {said}.",
            moved.shape[1] / n_seeds,
        )


CLOUD = Frame(
    repeat=axis("network"),
    angle=axis("angle of the input", "degrees"),
    example=axis("example"),
    step=axis("learning step", "steps"),
    place=var("example", "angle of an example", "degrees"),
    target=var("example", "what it should be answered"),
    f=var("repeat angle", "answer, from where it began"),
    predicted=var("angle", "answer of the surrogate kernel"),
    smooth=var("angle", "answer of a smooth network"),
    ordinary=var("angle", "answer of the ordinary kernel"),
    error=var("repeat step", "squared error of the examples"),
    expected=var("step", "the same by the surrogate kernel"),
    away=var("repeat", "distance of a network from the surrogate kernel's answer"),
    together=var("", "distance of the networks' mean from it"),
)


@experiment(quick=dict(width=100, n_seeds=4, steps=120), frame=CLOUD)
@one_thread
def cloud(
    width: Annotated[int, number(50, 1600, "Neurons in a layer", "network", label="neurons a layer", main=True)] = 400,
    sharp: Sharp = 1.0,
    depth: Annotated[int, number(1, 2, "Hidden layers", "network", label="hidden layers", main=True)] = 1,
    place: Annotated[
        float, number(0, 360, "Where your example lies on the circle", "examples", "degrees", label="your example at")
    ] = 160.0,
    target: Annotated[
        float, number(-1.5, 1.5, "What your example should be answered", "examples", label="target")
    ] = 0.5,
    pace: Annotated[
        float, number(0.05, 0.9, "Learning rate, over the largest that does not run away", label="learning rate η")
    ] = 0.25,
    steps: Annotated[int, number(20, 500, "Learning steps", unit="steps", label="learning steps")] = 300,
    bias: Bias = 0.1,
    n_seeds: Annotated[int, number(2, 16, "Networks", "network", label="networks")] = 8,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Networks of steps learn five examples on a circle with surrogate slopes; frames while they do.

    Each answer is counted from where the network began, f - f_0. The surrogate kernel's is after as many steps, those
    of the smooth network and of the ordinary kernel of erf(1000 z) after all of them. `error` is the mean over the
    examples; distances are root mean squares over the circle, over that of the kernel's answer.
    """
    example = np.array([*EXAMPLES, (place, target)])
    angle = np.unique(np.append(np.arange(0.0, 361, 3), example[:, 0]))
    x, asked, y = _circle(example[:, 0]), _circle(angle), example[:, 1]
    inside, across = (surrogate_kernel(p, x, depth, bias, sharp=sharp) for p in (x, asked))
    rate = pace * fastest(inside)
    smooth, ordinary = (
        surrogate_kernel(asked, x, depth, bias, m) @ np.linalg.lstsq(surrogate_kernel(x, x, depth, bias, m), y)[0]
        for m in (sharp, STEEP)
    )
    nets = draw(n_seeds, 2, width, depth, bias, torch.Generator().manual_seed(seed))
    taught, shown = _tensor(x), _tensor(asked)
    start, everywhere = outputs(nets, taught), outputs(nets, shown)
    targets, done, error = start + _tensor(y), 0, []
    for stop in np.unique(np.linspace(0, steps, 21).astype(int)):
        for _ in range(stop - done):
            error.append(_wrong(learn(nets, taught, targets, rate, sharp), targets))
        done = int(stop)
        f = (outputs(nets, shown) - everywhere).double().numpy()
        kernel = descend(inside, across, y, rate, done)
        size = np.sqrt((kernel.f**2).mean()) if done else 1.0
        away = np.sqrt(((f - kernel.f) ** 2).mean(1)) / size
        together = float(np.sqrt(((f.mean(0) - kernel.f) ** 2).mean()) / size)
        seen = np.stack([*error, _wrong(outputs(nets, taught), targets)], axis=1)
        left = float(seen[:, -1].mean() / seen[:, 0].mean())
        said = plain(left, ".1%") if left > 0.001 else "less than 0.1%"
        yield CLOUD(
            dict(
                angle=angle,
                place=example[:, 0],
                target=y,
                f=f,
                predicted=kernel.f,
                smooth=smooth,
                ordinary=ordinary,
                error=seen,
                expected=(kernel.wrong**2).mean(1),
                away=away,
                together=together,
            ),
            f"After {done} steps the error of {n_seeds} networks is {said} of its start. One is "
            f"{plain(away.mean(), '.0%')} from the surrogate kernel's answer, their mean {plain(together, '.0%')}.",
            done / steps,
        )


def _wrong(f: torch.Tensor, targets: torch.Tensor) -> Float[Array, " S"]:
    return ((f - targets) ** 2).mean(1).double().numpy()
