"""Correlations on their way through layers, a map of a deep network's answers, and risks over depth and data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import numpy as np
import xarray as xr

from labcore.experiment import Seed, experiment, number
from labcore.frames import Frame, axis, var
from labcore.words import plain

from .deep_kernel import log_kernel, log_koenigs
from .dual import activation, alpha, dual, regime
from .votes import correlations, nearest, network_votes, singular_vote

MOST = 100_000  # layers
ENOUGH = 300  # layers after which a network without constant and linear part copies the nearest neighbour, to rounding
CELLS = 60  # pixels along a side of the map
RULES = ("deep network", "nearest neighbour", "weighted vote", "majority", "best possible")

Constant = Annotated[
    float, number(0, 0.5, "Square of the activation's mean", "activation", label="constant part a₀²", main=True)
]
Linear = Annotated[
    float, number(0, 0.95, "Of the rest, what goes on linearly", "activation", label="linear part a₁²", main=True)
]
Power = Annotated[int, number(2, 7, "Degree of the third part", "activation", label="highest degree p")]
Depth = Annotated[int, number(1, MOST, "Layers", scale="log", label="layers L", main=True)]
Steep = Annotated[float, number(0, 20, "How sharply labels change", "data", label="sharpness of labels")]

PROFILE = Frame(
    z=axis("input of a neuron"),
    output=var("z", "activation"),
    xi=axis("correlation of two inputs"),
    passed=var("xi", "correlation after a layer"),
    tried=axis("correlation of two inputs"),
    measured=var("tried", "correlation after a layer of random neurons"),
    layer=axis("layer"),
    path=var("layer", "correlation of two inputs"),
    distance=axis("distance of two inputs"),
    kernel=var("distance", "weight of an example, over that of one at 45°"),
    fixed=var("", "correlation to which all others go", optional=True),
    alpha=var("", "exponent α of the weighted vote", optional=True),
    limit=var("distance", "the same at infinite depth", optional=True),
    slope=var("", "exponent that is fitted to it at small distances", optional=True),
)


@experiment(frame=PROFILE)
def profile(
    constant: Constant = 0.0,
    linear: Linear = 0.5,
    depth: Depth = 40,
    power: Power = 3,
    start: Annotated[
        float, number(0.05, 0.99, "Correlation of two inputs", "layers", label="first correlation ξ")
    ] = 0.9,
    neurons: Annotated[
        int, number(100, 100_000, "Of a random layer that is measured", "layers", scale="log", label="neurons measured")
    ] = 3000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """An activation, the correlations that it passes on, and the kernel of so many layers over distance; one frame.

    `kernel` is K_L at this distance over K_L at 45 degrees, cut at 10^-12 and 10^12, `limit` its limit psi. `slope` is
    fitted to psi at distances from 0.0001 to 0.04, where the theory says alpha. A network of L layers is steeper at
    distances r with r^2 < 1/L: it has not yet seen that these inputs are not the same.
    """
    c = dual(constant, linear, power)
    q = np.polynomial.Polynomial(c)
    path = [start]
    for _ in range(min(depth, 30)):
        path.append(float(q(path[-1])))
    layers = depth if regime(c) != "nearest neighbour" else min(depth, ENOUGH)
    distance = np.geomspace(1e-3, np.sqrt(2) * 0.999, 160)
    log_k = log_kernel(np.append(1 - distance**2 / 2, np.sqrt(0.5)), c, np.array([layers]))[0]
    z, xi, tried = np.linspace(-3, 3, 121), np.linspace(0, 1, 101), np.linspace(0, 1, 11)
    u, w = np.random.default_rng(seed).normal(size=(2, neurons))
    measured = [float(np.mean(activation(c, u) * activation(c, x * u + np.sqrt(1 - x**2) * w))) for x in tried]
    kind = regime(c)
    values = dict(
        z=z,
        output=activation(c, z),
        xi=xi,
        passed=q(xi),
        tried=tried,
        measured=np.array(measured),
        layer=np.arange(len(path)),
        path=np.array(path),
        distance=distance,
        kernel=_cut(log_k[:-1] - log_k[-1]),
    )
    if kind == "weighted vote":
        log_psi = log_koenigs(np.append(1 - distance**2 / 2, np.sqrt(0.5)), c)
        near = np.geomspace(1e-4, 0.04, 100)
        slope = float(np.polyfit(np.log(near), log_koenigs(1 - near**2 / 2, c), 1)[0])
        values |= dict(alpha=alpha(c), limit=_cut(log_psi[:-1] - log_psi[-1]), slope=-slope)
    if kind == "majority":
        s = 0.0
        for _ in range(10_000):
            s = float(q(s))
        values["fixed"] = s
    near = (distance > 0.01) & (distance < 0.1)
    steep = -float(np.polyfit(np.log(distance[near]), log_k[:-1][near], 1)[0])
    said = {
        "majority": f"All go to {values.get('fixed', 0):.3g}: at great depth every example has one vote.",
        "nearest neighbour": "They vanish, the largest last: at great depth the nearest example decides.",
        "weighted vote": f"An example nearer than r = 0.1 counts about 1/r to the power {plain(steep, '.2f')} "
        f"with {depth} layer{'' if depth == 1 else 's'}, to the power {values.get('alpha', 0):.2f} in the limit.",
        "none": "The activation is linear: no depth changes anything.",
    }[kind]
    k = min(depth, 5)
    after = f"A correlation of {start:g} is {path[k]:.3f} after {k} layer{'' if k == 1 else 's'}."
    yield PROFILE(values, f"{after} {said}", 1.0)


def _cut(log_k: np.ndarray) -> np.ndarray:
    """Numbers from their logarithms, between 10^-12 and 10^12."""
    return np.exp(np.clip(log_k, -12 * np.log(10), 12 * np.log(10)))


class Task(NamedTuple):
    """Inputs on the part of a sphere with coordinates >= 0, and labels that are drawn with a known chance."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    chance: np.ndarray  # of label +1 at each row of z


def _inputs(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    x = np.abs(rng.normal(size=(n, d + 1)))
    return x / np.sqrt((x**2).sum(1, keepdims=True))


def _chance(x: np.ndarray, steep: float) -> np.ndarray:
    return 1 / (1 + np.exp(-steep * (x[:, 0] - x[:, 1]) - 0.6))


def _task(n: int, d: int, steep: float, z: np.ndarray, seed: int) -> Task:
    rng = np.random.default_rng([seed, 1])
    x = _inputs(n, d, rng)
    y = np.where(rng.random(n) < _chance(x, steep), 1.0, -1.0)
    return Task(x, y, z, _chance(z, steep))


def _risk(answer: np.ndarray, chance: np.ndarray) -> float:
    """Chance of a wrong answer, over all drawings of the labels."""
    return float(np.where(answer > 0, 1 - chance, chance).mean())


def _majority(y: np.ndarray) -> float:
    return 1.0 if y.sum() >= 0 else -1.0


MAP = Frame(
    pixel=axis("pixel of the map"),
    across=var("pixel", "place along the lower side"),
    up=var("pixel", "height"),
    vote=var("pixel", "answer"),
    example=axis("example"),
    x_across=var("example", "place along the lower side"),
    x_up=var("example", "height"),
    label=var("example", "label"),
    layer=axis("layers"),
    rule=axis("rule", values=RULES),
    agree=var("layer rule", "share of the map in which the network answers as the rule does"),
    risk=var("layer", "share of wrong answers"),
    best=var("", "lowest possible share of wrong answers"),
)


def _flat(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the sphere's octant in a triangle: the squares of their coordinates are shares of its corners."""
    share = x**2
    return share[:, 1] + share[:, 2] / 2, share[:, 2] * np.sqrt(0.75)


def _pixels(cells: int) -> np.ndarray:
    """Points whose places in the triangle lie on a grid, away from its sides."""
    i, j = (v.ravel() for v in np.meshgrid(np.arange(cells), np.arange(cells)))
    across, up = (i + 0.5) / cells, (j + 0.5) / cells * np.sqrt(0.75)
    third = up / np.sqrt(0.75)
    second = across - third / 2
    inside = (second > 0) & (second + third < 1)
    share = np.stack([1 - second - third, second, third], 1)[inside]
    return np.sqrt(share / share.sum(1, keepdims=True))


@experiment(quick=dict(n=61), frame=MAP)
def answers(
    constant: Constant = 0.0,
    linear: Linear = 0.5,
    depth: Depth = 20_000,
    power: Power = 3,
    n: Annotated[int, number(11, 401, "Examples", "data", label="examples n")] = 151,
    steep: Steep = 10.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """What a fully trained network of infinite width says everywhere on the octant of a sphere, as layers are added.

    The octant is drawn as a triangle. A frame a depth. The weighted vote is that of the same activation without its
    constant part; where it has no linear part either, it counts as if it had a hundredth.
    """
    network = dual(constant, linear, power)
    task = _task(n, 2, steep, _pixels(CELLS), seed)
    within, across = correlations(task.x, task.x), correlations(task.x, task.z)
    weighted = singular_vote(across, task.y, dual(0.0, max(linear, 0.01), power))
    rivals = [None, nearest(across, task.y), weighted, np.full(len(task.z), _majority(task.y)), task.chance - 0.5]
    place, example = _flat(task.z), _flat(task.x)
    best = float(np.minimum(task.chance, 1 - task.chance).mean())
    deepest = depth if regime(network) != "nearest neighbour" else min(depth, ENOUGH)
    depths = sorted({*range(1, min(deepest, 12) + 1), *np.geomspace(1, deepest, 24).round().astype(int)})
    agree, risk = [], []
    said = network_votes(within, across, task.y, network, np.array(depths))
    for k, (layers, vote) in enumerate(zip(depths, said, strict=True)):
        sign = np.where(vote > 0, 1.0, -1.0)
        agree.append([1.0 if r is None else float((sign == np.where(r > 0, 1, -1)).mean()) for r in rivals])
        risk.append(_risk(sign, task.chance))
        near = dict(zip(RULES[1:4], agree[-1][1:4], strict=True))
        most = max(near, key=near.get)
        yield MAP(
            dict(
                across=place[0],
                up=place[1],
                vote=sign,
                x_across=example[0],
                x_up=example[1],
                label=task.y,
                layer=np.array(depths[: k + 1]),
                agree=np.array(agree),
                risk=np.array(risk),
                best=best,
            ),
            f"With {layers} layer{'' if layers == 1 else 's'} the network answers like the {most} in "
            f"{near[most]:.1%} of the map. It is wrong in {risk[-1]:.1%}; {best:.1%} cannot be avoided.",
            (k + 1) / len(depths),
        )


RISKS = Frame(
    n=axis("examples"),
    rule=axis("rule", values=RULES),
    repeat=axis("repetition"),
    risk=var("n rule repeat", "share of wrong answers"),
    alpha=var("", "exponent α of the weighted vote"),
)
SIZES = (25, 50, 100, 200, 400, 800, 1600)


@experiment(quick=dict(n_max=200, n_seeds=1, n_test=200), frame=RISKS)
def risks(
    linear: Annotated[
        float,
        number(0.05, 0.95, "What goes on linearly; the rest is of degree p", "activation", label="linear part a₁²"),
    ] = 0.5,
    power: Power = 3,
    d: Annotated[int, number(1, 3, "Dimension of the inputs' sphere", "data", label="dimension d", main=True)] = 2,
    depth: Annotated[int, number(1, MOST, "Layers of the network", scale="log", label="layers L", main=True)] = 40,
    steep: Steep = 10.0,
    n_max: Annotated[int, number(50, 1600, "Most examples", "data", scale="log", label="examples at most")] = 400,
    n_test: Annotated[int, number(100, 2000, "Inputs at which the risk is taken", "data", label="test inputs")] = 1000,
    n_seeds: Annotated[int, number(1, 20, "Sets of examples", "data", label="repetitions")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """How often each rule is wrong, over the number of examples; the risk is exact given the labels' chances.

    A frame for each number of examples, doubled from 25. The same inputs are asked by all rules of a repetition.
    """
    c = dual(0.0, linear, power)
    sizes = [n for n in SIZES if n <= n_max]
    rows = []
    for k, n in enumerate(sizes):
        row = np.empty((len(RULES), n_seeds))
        for r in range(n_seeds):
            z = _inputs(n_test, d, np.random.default_rng([seed, r, 2]))
            task = _task(n, d, steep, z, 1000 * seed + r)
            across = correlations(task.x, z)
            said = (
                next(network_votes(correlations(task.x, task.x), across, task.y, c, np.array([depth]))),
                nearest(across, task.y),
                singular_vote(across, task.y, c),
                np.full(n_test, _majority(task.y)),
                task.chance - 0.5,
            )
            row[:, r] = [_risk(answer, task.chance) for answer in said]
        rows.append(row)
        mean = row.mean(1)
        yield RISKS(
            dict(n=np.array(sizes[: k + 1]), risk=np.array(rows), alpha=alpha(c)),
            f"With {n} examples in {d} dimension{'' if d == 1 else 's'} the deep network is wrong in {mean[0]:.1%}, "
            f"the nearest neighbour in {mean[1]:.1%}, the vote with α = {alpha(c):.2f} in {mean[2]:.1%}; "
            f"{mean[4]:.1%} cannot be avoided.",
            (k + 1) / len(sizes),
        )
