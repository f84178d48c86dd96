"""A bottleneck that tightens to a line, a race of four learners, and how many pieces the inner polynomial needs."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from math import comb
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread
from labcore.words import plain

from .bottleneck import predict
from .rivals import Kernel, kernel_error, kernel_fits, net_error
from .sampled import LEVELS, Setting, draw, find, learn
from .target import Link, Weights, ceiling, correlation, degree_two, floor, form, inner, link

SHOWN = 700  # points of the test set in the scatter
BENDS, TWISTS = (0.0, 1.5), (-0.6, 0.6)
KERNEL_MOST = 2400  # samples: a kernel's matrix costs their cube
RIVAL_TEST = 3000

Samples = Annotated[
    int, number(1, 32, "Samples in all, as a multiple of d²", scale="log", label="samples, times d²", main=True)
]
Bend = Annotated[
    float, number(*BENDS, "Weight of (z² - 1)/√2 in the outer link", "target", label="bend a of the link", main=True)
]
Twist = Annotated[
    float, number(*TWISTS, "Weight of (z³ - 3z)/√6 in the outer link", "target", label="twist b of the link")
]
Slope = Annotated[
    float, number(0.1, 1.5, "Weight of z in the outer link: its mean slope", "target", label="mean slope of the link")
]
Dimension = Annotated[int, number(8, 32, "Numbers in an input", "target", label="dimensions d")]
Share = Annotated[
    float,
    number(0.2, 0.8, "Share of the samples for stage 1; stage 2 gets the rest", "network", label="share of stage 1"),
]
Units = Annotated[
    float, number(0.5, 4, "Frozen units of the first layer, as a multiple of d²", "network", label="first units m₁/d²")
]
Outer = Annotated[int, number(16, 256, "Frozen units over the bottleneck", "network", label="second units m₂")]
Kind = Annotated[
    Weights,
    choice(
        "Weights of the squares in p", "target", label="weights in p", words={"equal": "+1 and −1", "random": "random"}
    ),
]


def pieces_of(d: int, share: float) -> int:
    """An even number of directions, about this share of d, from 2 to d."""
    return 2 * min(max(1, round(share * d / 2)), d // 2)


def _target(d: int, spread: float, weights: Weights, seed: int) -> np.ndarray:
    return inner(d, pieces_of(d, spread), weights, np.random.default_rng([seed, 0]))


def parts(b: np.ndarray, a: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Shares of the variance of x.Bx: along p = x.Ax, along the rest of the target's degree-2 part x.Cx, and other."""
    across = c - (c * a).sum() / (a * a).sum() * a
    whole = (b * b).sum()
    along = (b * a).sum() ** 2 / (a * a).sum() / whole
    size = (across * across).sum()
    other = (b * across).sum() ** 2 / size / whole if size > 1e-24 else 0.0
    return np.array([along, other, max(0.0, 1 - along - other)])


BOTTLENECK = Frame(
    point=axis("new sample"),
    z=axis("learned bottleneck, in standard deviations"),
    ratio=axis("samples, as a multiple of d²", values=LEVELS),
    part=axis("what the bottleneck is made of", values=("the inner polynomial", "contamination", "noise")),
    inner=var("point", "inner polynomial p(x), which nobody shows the network"),
    learned=var("point", "learned bottleneck, in standard deviations"),
    g=var("z", "outer link g"),
    fitted=var("z", "what stage 2 makes of the bottleneck"),
    parts=var("part ratio", "share of the bottleneck's variance"),
    now=var("part", "share of the bottleneck's variance at this number of samples"),
    correlation=var("", "correlation of the bottleneck with p"),
    ceiling=var("", "the same with endless samples"),
    error=var("", "error, as a share of the target's variance"),
    first_error=var("", "the same of stage 1 alone"),
    floor=var("", "the same of the best polynomial of degree 2"),
)


@experiment(quick=dict(d=10, samples=8), frame=BOTTLENECK)
def bottleneck(
    samples: Samples = 16,
    bend: Bend = 0.7,
    twist: Twist = 0.0,
    slope: Slope = 1.0,
    d: Dimension = 24,
    spread: Annotated[
        float, number(0.05, 1, "Share of the directions that p uses", "target", label="share of directions")
    ] = 1.0,
    weights: Kind = "equal",
    m1: Units = 1.0,
    m2: Outer = 64,
    share: Share = 0.5,
    training: Annotated[
        Literal["closed form", "gradient descent"],
        choice("Where gradient descent with weight decay ends, or its steps", "network", label="training"),
    ] = "closed form",
    steps: Annotated[
        int, number(1, 5000, "Steps of each stage", "network", "steps", label="steps", training=["gradient descent"])
    ] = 1000,
    ridge: Annotated[
        Literal["validated", "fixed"], choice("Weight decay of stage 1", "network", label="weight decay by")
    ] = "validated",
    log_ridge: Annotated[
        float,
        number(-6, 2, "Decimal logarithm of the weight decay", "network", label="weight decay, log₁₀", ridge=["fixed"]),
    ] = -2.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Both stages on Gaussian inputs, and what the bottleneck is made of for several numbers of samples. One frame.

    Correlations, shares, floor and ceiling are over all x ~ N(0, I), exactly; errors are from 20,000 new samples.
    """
    setting, g = Setting(d, round(m1 * d * d), share, seed), Link(slope, bend, twist)
    a = _target(d, spread, weights, seed)
    c = degree_two(a, g)
    lam = 10**log_ridge if ridge == "fixed" else None
    count = steps if training == "gradient descent" else 0
    forms = {r: find(setting, a, g, r, lam, count) for r in sorted({*LEVELS, samples})}
    b = forms[samples]
    found = learn(setting, a, g, samples, m2, b, count)
    scale, r = np.sqrt(2 * (b * b).sum()), correlation(a, b)
    z = np.linspace(-3, 3, 61)
    values = dict(
        z=z,
        inner=found.p[:SHOWN],
        learned=found.z[:SHOWN] / scale,
        g=link(z, g),
        fitted=predict(found.network, z * scale),
        parts=np.stack([parts(forms[k], a, c) for k in LEVELS], 1),
        now=parts(b, a, c),
        correlation=r,
        ceiling=ceiling(a, g),
        error=found.error,
        first_error=found.first_error,
        floor=floor(a, g),
    )
    yield BOTTLENECK(
        values,
        f"With {samples * d * d} samples the bottleneck's correlation with p is {plain(r, '.3f')}, and endless ones "
        f"would bring {plain(values['ceiling'], '.3f')}. The network's error is {plain(found.error, '.3f')} of the "
        f"target's variance; a polynomial of degree 2 cannot come below {values['floor']:.3f}.",
    )


RACE = Frame(
    ratio=axis("samples, as a multiple of d²"),
    few=axis("samples, as a multiple of d², as far as a kernel's matrix goes"),
    repeat=axis("run"),
    three=var("repeat ratio", "error of three layers, both stages"),
    quadratic=var("repeat ratio", "error of the quadratic kernel"),
    net=var("repeat ratio", "error of two layers, trained by Adam"),
    kernel=var("repeat few", "error of the exp kernel"),
    floor=var("", "error of the best polynomial of degree 2"),
    endless=var("", "error of three layers after a stage 1 with endless samples"),
    products=var("", "number of products of four inputs, as a multiple of d²"),
)


@experiment(quick=dict(d=8, most=8, steps=60, width=32), frame=RACE)
@one_thread
def race(
    d: Annotated[int, number(8, 24, "Numbers in an input", label="dimensions d", main=True)] = 24,
    bend: Bend = 0.7,
    twist: Twist = 0.0,
    spread: Annotated[
        float, number(0.05, 1, "Share of the directions that p uses", "target", label="share of directions")
    ] = 1.0,
    weights: Kind = "equal",
    most: Annotated[
        int,
        number(2, 32, "Largest number of samples, as a multiple of d²", scale="log", label="most samples, times d²"),
    ] = 32,
    width: Annotated[
        int, number(16, 512, "Hidden units of the two-layer network", "two layers", label="hidden units")
    ] = 256,
    steps: Annotated[int, number(50, 5000, "Batches of 256", "two layers", "steps", scale="log", label="steps")] = 1000,
    n_seeds: Annotated[int, number(1, 3, "Runs with samples, target and networks of their own", label="runs")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Four learners on the same samples, from few to many; a frame for each number of samples.

    The kernels' ridge and the network's moment to stop are the best on the test set. The exp kernel goes up to 2400
    samples, so it has an axis of its own.
    """
    g, levels = Link(1.0, bend, twist), [r for r in LEVELS if r <= most]
    settings = [Setting(d, d * d, 0.5, seed + k) for k in range(n_seeds)]
    targets = [_target(d, spread, weights, seed + k) for k in range(n_seeds)]
    said: dict[str, list[list[float]]] = {name: [] for name in ("three", "quadratic", "net", "kernel")}
    low = floor(targets[0], g)
    endless = np.mean([learn(s, a, g, 32, 64, degree_two(a, g)).error for s, a in zip(settings, targets, strict=True)])
    for k, r in enumerate(levels):
        for rows in said.values():
            rows.append([])
        for setting, a in zip(settings, targets, strict=True):
            x, test = _rivals_data(setting, r)
            y_test = link(form(test, a), g)
            said["three"][-1].append(learn(setting, a, g, r, 64, find(setting, a, g, r)).error)
            said["net"][-1].append(net_error(x, link(form(x, a), g), test, y_test, width, steps, setting.seed))
            for name, kernel in (("quadratic", "quadratic"), ("kernel", "exp")):
                if kernel == "quadratic" or len(x) <= KERNEL_MOST:
                    fits = _parts_by_kernel(setting, spread, weights, r, kernel)
                    said[name][-1].append(kernel_error(fits, np.array(g), y_test))
        measured = {name: np.array([row for row in rows if row]).T for name, rows in said.items()}
        few = levels[: measured["kernel"].shape[1]]
        three, rival, two = (measured[name][:, -1].mean() for name in ("three", "quadratic", "net"))
        yield RACE(
            dict(
                ratio=levels[: k + 1],
                few=few,
                floor=low,
                endless=endless,
                products=comb(d + 3, 4) / d**2,
                **measured,
            ),
            f"With {r * d * d} samples the error is {three:.3f} for three layers, {two:.3f} for two and {rival:.3f} "
            f"for the quadratic kernel, whose floor is {low:.3f}.",
            (k + 1) / len(levels),
        )


def _rivals_data(setting: Setting, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """The samples of both stages, and the rivals' part of the test set."""
    drawn = draw(*setting)
    x = np.vstack([part[:n] for part, n in zip((drawn.first, drawn.fresh), drawn.size(samples), strict=True)])
    return x, drawn.test[:RIVAL_TEST]


@functools.lru_cache(maxsize=48)
def _parts_by_kernel(setting: Setting, spread: float, weights: Weights, samples: int, name: Kernel) -> np.ndarray:
    """What a kernel learns of the line, the bend and the twist of a link, each for itself: any link is their sum."""
    x, test = _rivals_data(setting, samples)
    p = form(x, _target(setting.d, spread, weights, setting.seed))
    line, bent, twisted = p, (p**2 - 1) / np.sqrt(2), (p**3 - 3 * p) / np.sqrt(6)
    return kernel_fits(x, np.stack([line, bent, twisted], 1), test, name)


PIECES = Frame(
    pieces=axis("orthogonal pieces of the inner polynomial"),
    correlation=var("pieces", "correlation of the bottleneck with p"),
    ceiling=var("pieces", "the same with endless samples"),
    error=var("pieces", "error of three layers"),
    floor=var("pieces", "error of the best polynomial of degree 2"),
)


@experiment(quick=dict(d=10, samples=8), frame=PIECES)
def pieces(
    bend: Bend = 0.7,
    samples: Samples = 32,
    d: Dimension = 24,
    weights: Kind = "equal",
    m1: Units = 1.0,
    share: Share = 0.5,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same network on inner polynomials of 2, 4, ... d pieces, on the same inputs. One frame."""
    setting, g = Setting(d, round(m1 * d * d), share, seed), Link(1.0, bend)
    counts = sorted({min(count, d - d % 2) for count in (2, 4, 6, 8, 12, 16, 24, 32)})
    targets = [inner(d, count, weights, np.random.default_rng([seed, 0])) for count in counts]
    forms = [find(setting, a, g, samples) for a in targets]
    r = np.array([correlation(a, b) for a, b in zip(targets, forms, strict=True)])
    high = np.array([ceiling(a, g) for a in targets])
    yield PIECES(
        dict(
            pieces=counts,
            correlation=r,
            ceiling=high,
            error=[learn(setting, a, g, samples, 64, b).error for a, b in zip(targets, forms, strict=True)],
            floor=[floor(a, g) for a in targets],
        ),
        f"With {samples * d * d} samples the bottleneck's correlation with p is {plain(r[0], '.3f')} for "
        f"{counts[0]} pieces and {plain(r[-1], '.3f')} for {counts[-1]}; endless samples would bring {high[0]:.3f} and "
        f"{high[-1]:.3f}.",
    )
