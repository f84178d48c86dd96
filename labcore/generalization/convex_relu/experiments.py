"""Points with the best network through them, a race to its floor, frozen units, digits, and squares to stay out of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import xarray as xr

from labcore.experiment import Seed, experiment, number
from labcore.frames import Frame, axis, var

from . import robust as attacks
from .certificate import certify, saving
from .descent import starts, train
from .exchange import optimum
from .lasso import sampled as frozen
from .network import Network, loss, outputs
from .patterns import all_patterns, directions, drawn_patterns, turns
from .program import advance, network, program, solve
from .samples import groups, threes_and_eights, wave, with_constant

RATE = 0.03  # of Adam; of 0.01, 0.03 and 0.1 it ends lowest
NEAR = 0.01  # a run has found the optimum if it ends within this share of it
WIDTHS = (3, 5, 10, 50)
STEPS_SHOWN = 40

Beta = Annotated[
    float,
    number(1e-3, 1, "What a unit costs for its strength: the weight decay", label="price of a unit β", main=True),
]


def percent(share: float, least: float = 1e-4) -> str:
    """A share that may be tiny: 12 %, 0.3 %, less than 0.01 %."""
    if share < least:
        return f"less than {100 * least:.2g} %"
    return f"{100 * share:.2g} %" if share < 0.0995 else f"{100 * share:.0f} %"


def _place(k: int, way: str) -> Any:
    """The type of a coordinate of point k, which is a parameter: a point can be dragged along and up."""
    low, words = (1.0, "Where it stands") if way == "across" else (1.5, "How high it stands")
    return Annotated[float, number(-low, low, words, "points", label=f"point {k} {way}")]


FIT = Frame(
    point=axis("point", start=1),
    x=var("point", "input x"),
    y=var("point", "output y"),
    at=axis("input"),
    best=var("at", "the program's network"),
    run=axis("run of gradient descent", start=1),
    runs=var("run at", "network of gradient descent"),
    run_loss=var("run", "loss at the end of the run"),
    angle=axis("direction of a unit", "degrees"),
    saves=var("angle", "what a unit would save, as a share of its price"),
    turn=axis("direction in which a unit begins or ceases to hear a point", "degrees"),
    heard=var("turn", "points that are heard from there to the next"),
    unit=axis("unit of the program's network", start=1),
    facing=var("unit", "direction of the unit", "degrees", optional=True),
    strength=var("unit", "strength of the unit, with its sign", optional=True),
    loss=var("", "loss of the program's network"),
    floor=var("", "no network has a lower loss"),
    ratio=var("", "the most that a unit would save, as a share of its price"),
)


@experiment(quick=dict(steps=2000, training=500), frame=FIT)
def fit(
    beta: Beta = 0.02,
    steps: Annotated[
        int, number(1, 20_000, "Steps of the convex program", scale="log", label="steps of the program", main=True)
    ] = 8000,
    width: Annotated[
        int,
        number(1, 50, "Units of each network that is trained by gradient descent", label="width of rivals", main=True),
    ] = 5,
    training: Annotated[
        int, number(1, 5000, "Adam's steps for each of the 12 rivals", scale="log", label="steps of rivals")
    ] = 3000,
    x_1: _place(1, "across") = -0.9,
    y_1: _place(1, "up") = -0.3,
    x_2: _place(2, "across") = -0.6,
    y_2: _place(2, "up") = 0.55,
    x_3: _place(3, "across") = -0.3,
    y_3: _place(3, "up") = 0.8,
    x_4: _place(4, "across") = 0.0,
    y_4: _place(4, "up") = -0.1,
    x_5: _place(5, "across") = 0.3,
    y_5: _place(5, "up") = -0.85,
    x_6: _place(6, "across") = 0.6,
    y_6: _place(6, "up") = 0.15,
    x_7: _place(7, "across") = 0.9,
    y_7: _place(7, "up") = 0.4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The convex program for seven points, its certificate in all directions, and 12 runs of Adam. One frame.

    The program looks at its certificate every 250 steps, keeps the best network and the highest floor, and ends early
    where they meet. `facing` and `strength` (|w| a) are there where the network has units.
    """
    places = np.array([x_1, x_2, x_3, x_4, x_5, x_6, x_7])
    x, y = with_constant(places), np.array([y_1, y_2, y_3, y_4, y_5, y_6, y_7])
    net, proof = solve(x, y, all_patterns(x), beta, steps=steps)
    w, a = starts(12, width, 2, np.random.default_rng(seed))
    w, a, ends = train(x, y, w, a, beta, RATE, np.array([training]))
    at = np.linspace(-1.1, 1.1, 221)
    grid = with_constant(at)
    edge, facing = turns(x), np.degrees(np.arctan2(net.w[:, 1], net.w[:, 0])) % 360
    # cusps stand at turns, and units on them: a grid alone would cut them off
    angle = np.unique(np.concatenate([np.arange(0, 360.5, 1.0), np.degrees(edge), facing]))
    middle = edge + np.diff(np.append(edge, edge[0] + 2 * np.pi)) / 2
    values = dict(
        x=places,
        y=y,
        at=at,
        best=outputs(net, grid),
        runs=np.stack([outputs(Network(*run), grid) for run in zip(w, a, strict=True)]),
        run_loss=ends[:, 0],
        angle=angle,
        saves=saving(x, y - outputs(net, x), _units(np.radians(angle))) / beta,
        turn=np.degrees(edge),
        heard=(_units(middle) @ x.T >= 0).sum(1),
        loss=proof.loss,
        floor=proof.floor,
        ratio=proof.ratio,
    )
    if len(net.a):
        values |= dict(facing=facing, strength=np.linalg.norm(net.w, axis=1) * net.a)
    reached = int((ends[:, 0] <= (1 + NEAR) * proof.floor).sum())
    yield FIT(
        values,
        f"The program's network has a loss of {proof.loss:.4f}, and no network of any width can have one below "
        f"{max(proof.floor, 0):.4f}: the two differ by "
        f"{percent(1 - proof.floor / proof.loss if proof.loss else 0)}. Of 12 trainings with {width} "
        f"unit{'s' * (width != 1)} {reached} came within 1 % of that floor.",
    )


def _units(angle: np.ndarray) -> np.ndarray:
    return np.column_stack([np.cos(angle), np.sin(angle)])


RACE = Frame(
    step=axis("step"),
    width=axis("units", values=WIDTHS),
    run=axis("run", start=1),
    loss=var("width run step", "loss of a network in training"),
    convex=var("step", "loss of the program's network"),
    floor=var("step", "proved so far: no loss is lower"),
    best=var("", "lowest possible loss"),
    reached=var("width", "share of runs that end within 1 % of the lowest possible loss"),
    ends=var("width", "typical loss at the end / lowest possible one"),
)


@experiment(quick=dict(steps=400, runs=4), frame=RACE)
def race(
    n: Annotated[int, number(8, 60, "Points of a noisy wave", label="points n", main=True)] = 20,
    beta: Beta = 0.02,
    noise: Annotated[float, number(0, 0.5, "Standard deviation of the noise", label="noise")] = 0.1,
    rho: Annotated[
        float, number(1e-3, 1, "How hard the program holds its copies together", label="penalty ρ", main=True)
    ] = 0.03,
    steps: Annotated[int, number(50, 5000, "Steps of both", scale="log", label="steps")] = 3000,
    runs: Annotated[int, number(2, 32, "Random starts for each width", label="starts")] = 16,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Adam from random starts at four widths, and the convex program with the floor that it proves, step by step.

    Frames arrive with growing times. `reached` and `ends` (the median) are of the last step, in every frame.
    """
    rng = np.random.default_rng(seed)
    x, y = wave(n, noise, rng)
    marks = np.unique(np.append(0, np.geomspace(1, steps, STEPS_SHOWN).astype(int)))
    losses = np.stack([train(x, y, *starts(runs, m, 2, rng), beta, RATE, marks)[2] for m in WIDTHS])
    p, best, floor = program(x, y, all_patterns(x), beta, rho), [], []
    for before, now in zip(np.append(0, marks[:-1]), marks):
        advance(p, int(now - before))
        proof = certify(network(p), x, y, beta)
        best.append(min(proof.loss, *best[-1:]) if best else proof.loss)
        floor.append(max([proof.floor, *floor[-1:]]))
    lowest = optimum(x, y, beta)[1].floor
    last = losses[..., -1] / lowest
    for t in sorted({*range(4, len(marks), 3), len(marks)}):
        gap = 1 - floor[t - 1] / best[t - 1]
        said = ", ".join(f"{int((row <= 1 + NEAR).sum())} with {m}" for m, row in zip(WIDTHS, last))
        reading = (
            f"After {marks[t - 1]} steps the program's network has a loss of {best[t - 1]:.4f}, and the floor is "
            f"{percent(gap)} lower"
        )
        if t == len(marks):
            reading += f". Of {runs} trainings each come within 1 % of the lowest: {said} units"
        yield RACE(
            dict(
                step=marks[:t],
                loss=losses[..., :t],
                convex=np.array(best[:t]),
                floor=np.maximum(floor[:t], 1e-12),
                best=lowest,
                reached=(last <= 1 + NEAR).mean(1),
                ends=np.median(last, axis=1),
            ),
            reading + ".",
            t / len(marks),
        )


DRAWS = Frame(
    drawn=axis("units drawn"),
    repeat=axis("draw", start=1),
    frozen=var("repeat drawn", "loss above the lowest possible one, units frozen as they were drawn"),
    moving=var("repeat drawn", "the same, units free within their patterns"),
    patterns=var("repeat drawn", "patterns among those drawn"),
    every=var("", "patterns that there are"),
)


@experiment(quick=dict(most=100, repeats=2, n=12), frame=DRAWS)
def draws(
    n: Annotated[int, number(8, 40, "Points of a noisy wave", label="points n", main=True)] = 20,
    beta: Beta = 0.02,
    most: Annotated[
        int, number(20, 2000, "Units drawn at the end", scale="log", label="most units drawn", main=True)
    ] = 1000,
    noise: Annotated[float, number(0, 0.5, "Standard deviation of the noise", label="noise")] = 0.1,
    repeats: Annotated[int, number(1, 8, "Draws", label="draws")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same random units used in two ways: frozen, or only for their patterns. A frame for each draw.

    Each draw adds to the units that it has. Differences are shares of the lowest possible loss.
    """
    x, y = wave(n, noise, np.random.default_rng([seed, 1]))
    lowest, sizes = optimum(x, y, beta)[1].floor, np.unique(np.geomspace(10, most, 7).astype(int))
    rows = []
    for draw in range(repeats):
        u, found = directions(most, 2, int(np.random.default_rng([seed, 2, draw]).integers(2**31))), []
        for size in sizes:
            on = drawn_patterns(x, u[:size])
            p = program(x, y, on, beta)
            advance(p, 3000)
            found.append((frozen(x, y, u[:size], beta)[1], loss(network(p), x, y, beta), len(on)))
        rows.append(np.array(found).T)
        still, moving, patterns = np.stack(rows, axis=1)
        still, moving = np.maximum(still / lowest - 1, 0), np.maximum(moving / lowest - 1, 0)
        yield DRAWS(
            dict(drawn=sizes, frozen=still, moving=moving, patterns=patterns, every=len(all_patterns(x))),
            f"With {sizes[-1]} random units, frozen, the loss is {percent(float(still[:, -1].mean()), 1e-3)} above the "
            f"lowest possible one on average; free to move within their {patterns[:, -1].mean():.0f} patterns it is "
            f"{percent(float(moving[:, -1].mean()), 1e-3)} above.",
            (draw + 1) / repeats,
        )


DIGITS = Frame(
    drawn=axis("units drawn"),
    frozen=var("drawn", "loss, units frozen as they were drawn"),
    moving=var("drawn", "loss, units free within the patterns drawn"),
    patterns=var("drawn", "patterns among those drawn"),
    run=axis("trained network", start=1),
    trained=var("run", "loss of a trained network"),
    settled=var("run", "loss of the program with that network's patterns"),
    told=var("run", "share of new digits that the trained network tells rightly"),
    told_settled=var("run", "the same, of the program's network with its patterns"),
)
TIGHT = 1.0  # rho: at 17 inputs the program settles faster than with that of a line


@experiment(quick=dict(n=60, most=40, steps=200, training=300, runs=2), frame=DIGITS)
def digits(
    most: Annotated[
        int, number(10, 160, "Units drawn at the end", scale="log", label="most units drawn", main=True)
    ] = 80,
    width: Annotated[int, number(2, 40, "Units of each trained network", label="trained units", main=True)] = 20,
    beta: Annotated[
        float, number(0.05, 3, "What a unit costs for its strength", scale="log", label="price of a unit β", main=True)
    ] = 0.3,
    n: Annotated[int, number(40, 150, "Threes and eights to learn from", label="training digits n")] = 150,
    steps: Annotated[int, number(100, 2000, "Steps of the program", scale="log", label="steps of the program")] = 500,
    training: Annotated[int, number(100, 3000, "Adam's steps", scale="log", label="steps of training")] = 1000,
    runs: Annotated[int, number(1, 8, "Networks trained from random starts", label="starts")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Threes and eights by 16 inputs: patterns that are drawn, beside those that trained networks have found.

    A frame for each trained network. Its patterns go to the program, which starts from nothing and may use no others.
    """
    x, y, new, right = threes_and_eights(n, seed)
    rng = np.random.default_rng([seed, 3])
    u, sizes = directions(most, x.shape[1], int(rng.integers(2**31))), np.unique(np.geomspace(5, most, 5).astype(int))
    found = []
    for size in sizes:
        on = drawn_patterns(x, u[:size])
        found.append((frozen(x, y, u[:size], beta)[1], loss(_settle(x, y, on, beta, steps), x, y, beta), len(on)))
    still, moving, patterns = np.array(found).T
    rows = []
    for run in range(runs):
        w, a, ends = train(x, y, *starts(1, width, x.shape[1], rng), beta, RATE, np.array([training]))
        net = Network(w[0], a[0])
        after = _settle(x, y, drawn_patterns(x, net.w), beta, steps)
        rows.append((ends[0, 0], loss(after, x, y, beta), *(_told(of, new, right) for of in (net, after))))
        trained, settled, told, told_settled = np.array(rows).T
        yield DIGITS(
            dict(
                drawn=sizes,
                frozen=still,
                moving=moving,
                patterns=patterns,
                trained=trained,
                settled=settled,
                told=told,
                told_settled=told_settled,
            ),
            f"With the patterns of {most} drawn units the program comes down to a loss of {moving[-1]:.2f}. Training "
            f"ends at {np.median(trained):.2f} (median of {run + 1}), and the program with the patterns that it found "
            f"at {np.median(settled):.2f}. Of new digits they tell {told.mean():.0%} and {told_settled.mean():.0%}.",
            (run + 1) / runs,
        )


def _settle(x: np.ndarray, y: np.ndarray, on: np.ndarray, beta: float, steps: int) -> Network:
    if not len(on):  # every unit of the trained network has fallen silent
        return Network(np.empty((0, x.shape[1])), np.empty(0))
    p = program(x, y, on, beta, TIGHT)
    advance(p, steps)
    return network(p)


def _told(net: Network, x: np.ndarray, y: np.ndarray) -> float:
    return float((outputs(net, x) * y > 0).mean())


SIDE = 61
ATTACKS = np.linspace(0, 0.3, 7)
SQUARES = Frame(
    point=axis("point", start=1),
    x1=var("point", "first input"),
    x2=var("point", "second input"),
    sign=var("point", "label"),
    a1=axis("first input x₁"),
    a2=axis("second input x₂"),
    network=axis("network", values=("plain", "robust")),
    output=var("network a2 a1", "output"),
    attack=axis("size of the attack"),
    right=var("network attack", "share of new points told rightly"),
    unit=axis("unit of the robust network", start=1),
    w1=var("unit", "weight of the first input", optional=True),
    w2=var("unit", "weight of the second input", optional=True),
    w0=var("unit", "constant of the unit", optional=True),
)


@experiment(quick=dict(n=16, steps=300, patterns=20), frame=SQUARES)
def squares(
    e: Annotated[
        float, number(0, 0.3, "How far an attack may push each input", "training", label="half-width e", main=True)
    ] = 0.15,
    wrong: Annotated[
        float,
        number(0, 0.3, "Share of the training points with the wrong label", "data", label="wrong labels", main=True),
    ] = 0.1,
    beta: Annotated[
        float,
        number(1e-4, 0.03, "What a unit costs for its strength", "training", label="price of a unit β", main=True),
    ] = 1e-3,
    stray_x: Annotated[
        float, number(-1, 1, "A training point of label + that you place", "data", label="stray point, x₁")
    ] = 0.6,
    stray_y: Annotated[
        float, number(-1, 1, "A training point of label + that you place", "data", label="stray point, x₂")
    ] = 0.6,
    n: Annotated[int, number(8, 60, "Training points beside the stray one", "data", label="points n")] = 40,
    patterns: Annotated[int, number(2, 80, "Patterns drawn at most", "training", label="most patterns")] = 60,
    steps: Annotated[
        int, number(100, 5000, "Steps of the programs", "training", scale="log", label="steps of the program")
    ] = 2000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Two networks by hinge loss, plain and robust, with drawn patterns, and new points under attack. One frame.

    Units of the robust network hear all of a square or nothing of it. New points have no wrong labels. An attack of 20
    steps of gradient ascent moves each input by at most its size.
    """
    rng = np.random.default_rng(seed)
    places, sign = groups(n, wrong, rng)
    places, sign = np.vstack([places, [stray_x, stray_y]]), np.append(sign, 1.0)
    x, new = with_constant(places), groups(400, 0, rng)
    fresh, u = with_constant(new[0]), directions(4000, 3, int(rng.integers(2**31)))
    nets = [attacks.fit(x, sign, attacks.calm_patterns(x, r, u, patterns), beta, r, steps=steps) for r in (0.0, e)]
    at = np.linspace(-1.2, 1.2, SIDE)
    grid = with_constant(np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2))
    right = [
        [float((new[1] * outputs(net, attacks.attacked(net, fresh, new[1], size, rng)) > 0).mean()) for size in ATTACKS]
        for net in nets
    ]
    values = dict(
        x1=places[:, 0],
        x2=places[:, 1],
        sign=sign,
        a1=at,
        a2=at,
        output=np.stack([outputs(net, grid).reshape(SIDE, SIDE) for net in nets]),
        attack=ATTACKS,
        right=right,
    )
    if len(nets[1].a):
        values |= dict(zip(("w1", "w2", "w0"), nets[1].w.T, strict=True))
    middle = len(ATTACKS) // 2
    yield SQUARES(
        values,
        f"Of 400 new points the robust network tells {right[1][0]:.0%} rightly, and {right[1][middle]:.0%} when each "
        f"input is pushed by up to {ATTACKS[middle]:.2f}; the plain one {right[0][0]:.0%} and {right[0][middle]:.0%}.",
    )
