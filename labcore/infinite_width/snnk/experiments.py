"""A neuron beside its estimate, what an error costs in features, and digits read by one matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, get_args

import numpy as np
import xarray as xr

from labcore.data import digits_split
from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread
from labcore.words import compared

from .bundle import readout
from .digits import cosine_features, train
from .embeddings import best_tilt, draw, embed_inputs, embed_neurons
from .spread import spread
from .targets import SPEED, Kind, exact

CELLS = 25  # pixels along a side of the plane of inputs
WORDS = {"sine": "sin 2z", "cosine": "cos 2z", "bump": "bump exp(-z²/2)", "arc-cosine": "arc-cosine (ReLU features)"}
What = Annotated[Kind, choice("What the neuron computes", "neuron", label="neuron computes", words=WORDS, main=True)]

NEURON = Frame(
    row=axis("second input"),
    column=axis("first input"),
    neuron_x=var("", "first weight"),
    neuron_y=var("", "second weight"),
    exact=var("row column", "output of the neuron"),
    estimate=var("row column", "dot product of the embeddings"),
)


@experiment(frame=NEURON)
def neuron(
    kind: What = "sine",
    features: Annotated[
        int, number(1, 5000, "Length of both embeddings", "embedding", scale="log", label="features m", main=True)
    ] = 500,
    w_x: Annotated[float, number(-1.5, 1.5, "Of the neuron", "neuron", label="first weight")] = 1.0,
    w_y: Annotated[float, number(-1.5, 1.5, "Of the neuron", "neuron", label="second weight")] = 0.4,
    bias: Annotated[
        float, number(-2, 2, "Of the neuron", "neuron", label="bias b", kind=["sine", "cosine", "bump"])
    ] = 0.0,
    side: Annotated[float, number(0.2, 1.5, "Inputs go from minus this to it", "data", label="inputs up to")] = 0.8,
    tilt: Annotated[float, number(0, 1, "Shrinks long draws", "embedding", label="tilt of the draws M")] = 0.3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One neuron with two inputs, exact and by embeddings that share their draws; one frame.

    The embeddings of all inputs stay when the weights move: only the neuron's own one is new.
    """
    rng = np.random.default_rng(seed)
    place = np.linspace(-side, side, CELLS)
    x = np.stack(np.meshgrid(place, place), -1).reshape(-1, 2)
    w, b = np.array([[w_x, w_y]]), np.array([bias])
    shared = draw(kind, features, 2, rng)
    phi = embed_inputs(x, shared, tilt)
    psi = embed_neurons(w, b, shared, tilt)
    true, estimate = exact(kind, x, w, b), (phi @ psi[0]).real
    off = np.abs(estimate - true)
    yield NEURON(
        dict(
            row=place,
            column=place,
            neuron_x=w_x,
            neuron_y=w_y,
            exact=true.reshape(CELLS, CELLS),
            estimate=estimate.reshape(CELLS, CELLS),
        ),
        f"With {features} feature{'' if features == 1 else 's'} the dot product is off by "
        f"{np.sqrt((off**2).mean()):.2g} (root mean square), at worst by {off.max():.2g}; the neuron's output goes "
        f"from {true.min():.2g} to {true.max():.2g}.",
        1.0,
    )


TILTS = ("plain", "tilted")
COST = Frame(
    tilting=axis("draws", values=TILTS),
    radius=axis("length of inputs and weights"),
    needed=var("tilting radius", "features needed"),
    m=axis("features"),
    error=var("tilting m", "root mean square error, measured"),
    predicted=var("tilting m", "root mean square error, predicted"),
    here=var("tilting", "features needed at this length"),
)
LENGTHS = np.linspace(0.2, 1.5, 27)
MOST = 1e12  # features that are drawn at most


@experiment(frame=COST, quick=dict(repeats=4))
def cost(
    kind: What = "sine",
    length: Annotated[
        float, number(0.2, 1.5, "Of inputs and weights", "data", label="length of vectors r", main=True)
    ] = 0.7,
    wanted: Annotated[
        float, number(0.01, 1, "Root mean square", "data", scale="log", label="error allowed", main=True)
    ] = 0.1,
    d: Annotated[int, number(2, 32, "Of the space", "data", label="inputs d")] = 16,
    orthogonal: Annotated[
        bool, choice("Directions at right angles in blocks of d", "embedding", label="directions at right angles")
    ] = False,
    repeats: Annotated[int, number(2, 40, "Draws of all features", "embedding", label="repetitions")] = 8,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """How many features an error costs, for 40 random pairs of input and weights of this length; one frame.

    Lines are the exact spread of independent features, rings are measured. `tilted` draws have the tilt that is best
    for two vectors at a right angle and the average frequency; for the arc-cosine kernel both are the same.
    """
    pairs = np.random.default_rng([seed, 0]).normal(size=(2, 40, d))
    pairs /= np.sqrt((pairs**2).sum(2, keepdims=True))
    speed = np.sqrt(2 / np.pi) if kind == "bump" else SPEED

    def tilts(r: float) -> list[float]:
        return [0.0, 0.0 if kind == "arc-cosine" else float(best_tilt(d, np.array(speed * 2 * r**2)))]

    def mean_spread(r: float) -> list[float]:
        return [float(spread(kind, *(r * pairs), t).mean()) for t in tilts(r)]

    needed = np.array([mean_spread(r) for r in LENGTHS]).T / wanted**2
    here = np.array(mean_spread(length))
    m = 4 ** np.arange(1, 6)
    x, w = length * pairs
    true = exact(kind, x, w)
    squares = np.zeros((2, len(m)))
    for k in range(repeats):
        shared = draw(kind, int(m[-1]), d, np.random.default_rng([seed, 1, k]), orthogonal)
        for j, t in enumerate(tilts(length)):
            parts = (embed_inputs(x, shared, t) * embed_neurons(w, np.zeros(len(w)), shared, t)).real * m[-1]
            mean = np.cumsum(parts, 1)[:, m - 1] / m
            squares[j] += ((mean - true[:, None]) ** 2).mean(0) / repeats
    count = np.clip(here / wanted**2, 1, MOST)
    grown = min(mean_spread(2 * length)[0] / here[0], MOST) if length <= 0.75 else 0
    times = f"{grown:,.0f}" if grown < 1e6 else "more than a million"
    more = f" At twice the length it takes {times} times as many." if grown else ""
    better = f", {_many(count[1])} if the draws are tilted" if kind != "arc-cosine" else ""
    yield COST(
        dict(
            radius=LENGTHS,
            needed=np.clip(needed, 1, MOST),
            m=m,
            error=np.sqrt(squares),
            predicted=np.sqrt(here[:, None] / m),
            here=count,
        ),
        f"An error of {wanted:.2g} takes {_many(count[0])} features{better}.{more}",
        1.0,
    )


def _many(count: float) -> str:
    return f"{count:,.0f}" if count < 1e6 else "more than a million"


RIVALS = ("one matrix, solved", "trained network", "cosine features, solved")
DIGITS = Frame(
    size=axis("size"),
    rival=axis("network", values=RIVALS),
    stored=var("rival size", "stored numbers"),
    repeat=axis("repetition"),
    accuracy=var("rival size repeat", "right on new digits"),
)


@experiment(frame=DIGITS, quick=dict(sizes=3, steps=150, n_seeds=1))
@one_thread
def digits(
    sizes: Annotated[int, number(1, 7, "Each has twice as many numbers", "networks", label="sizes", main=True)] = 7,
    ridge: Annotated[
        float,
        number(1e-7, 1, "Pulls the matrix to 0", "networks", scale="log", label="ridge of the solution", main=True),
    ] = 1e-4,
    steps: Annotated[int, number(20, 3000, "Of the trained network", "networks", label="training steps")] = 500,
    n_seeds: Annotated[int, number(1, 10, "Splits, draws and starts", "data", label="repetitions")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Digits by W Phi(x), solved at once, and by a trained network of a hidden layer with about as many numbers.

    Phi has 16, 32, ... ReLU features; W, ten rows, is all that is stored, since Phi is drawn again from its seed. The
    trained one has 2, 4, ... hidden units. A frame a size. As a third rival scikit-learn's cosine features.
    """
    seeds = [[seed, k] for k in range(n_seeds)]
    splits = [digits_split(1297, 500, [*s, 3]) for s in seeds]
    stored, accuracy = [], []
    for size in range(sizes):
        m, hidden = 16 * 2**size, 2 * 2**size
        solved, waves = [], []
        for s, split in zip(seeds, splits, strict=True):
            shared = draw("arc-cosine", m, 64, np.random.default_rng([*s, 5]))
            middle = split.x_train.mean(0)
            phi, phi_test = (embed_inputs(x - middle, shared) for x in (split.x_train, split.x_test))
            matrix = readout(phi, split.y_train, ridge)
            solved.append(_right(phi_test @ matrix.T, split.y_test))
            phi, phi_test = cosine_features(split.x_train, split.x_test, m, [*s, 6])
            waves.append(_right(phi_test @ readout(phi, split.y_train, ridge).T, split.y_test))
        accuracy.append([solved, train(hidden, steps, seeds), waves])
        stored.append([10 * m, 75 * hidden + 10, 10 * m])
        mean = np.mean(accuracy[-1], 1)
        word = compared(solved, accuracy[-1][1], ("worse than", "not clearly different from", "better than"))
        yield DIGITS(
            dict(size=np.arange(size + 1), stored=np.array(stored).T, accuracy=np.moveaxis(np.array(accuracy), 0, 1)),
            f"With {10 * m:,} stored numbers and no gradient step one matrix reads {mean[0]:.1%} of new digits; that "
            f"is {word} the trained network's {mean[1]:.1%} with {75 * hidden + 10:,} numbers.",
            (size + 1) / sizes,
        )


def _right(scores: np.ndarray, y: np.ndarray) -> float:
    return float((scores.argmax(1) == y.argmax(1)).mean())


assert set(WORDS) == set(get_args(Kind))
