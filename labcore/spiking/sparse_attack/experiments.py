"""Attacks on images by guessed slopes, on victims of any scale; and attacks on events, one of them and many."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from labcore.data import digits_split
from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread
from labcore.primitives.spiking.events import digit_events
from labcore.primitives.spiking.surrogate import slope

from .attacks import pgd, right
from .flips import Found, by_chance, flipped, leads, reduced, sparse
from .neurons import FITTED, THETA, Guess
from .victims import Victim, trained

TIME, EVENT_TIME, ATTACKED, GAIN = 4, 8, 150, 4.0
BINS = np.linspace(-3, 3, 121)  # of u, in spreads of the layer's potentials
Slope = Literal["rectangle", "triangle", "sigmoid", "atan", "gauss", "fitted"]


def _digits(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    d = digits_split(1297, 500, seed)
    x, x_test = (torch.tensor(a, dtype=torch.float32) for a in (d.x_train, d.x_test))
    return x, torch.tensor(d.y_train.argmax(1)), x_test, torch.tensor(d.y_test.argmax(1))


@functools.lru_cache(maxsize=8)
def _images(gain: float, layers: int, hidden: int, steps: int, seed: int) -> tuple[Victim, Tensor, Tensor, float]:
    x, y, x_test, y_test = _digits(seed)
    net = trained(x.expand(TIME, *x.shape), y, [hidden] * layers, gain, steps, [seed])
    ok = right(net, x_test.expand(TIME, *x_test.shape), y_test)
    _check(int(ok.sum()), training=steps)
    return net, x_test[ok][:ATTACKED], y_test[ok][:ATTACKED], float(ok.double().mean())


@functools.lru_cache(maxsize=8)
def _events(hidden: int, steps: int, seed: int) -> tuple[Victim, Tensor, Tensor]:
    x, y, x_test, y_test = _digits(seed)
    rng = np.random.default_rng([seed, 5])
    e, e_test = (torch.as_tensor(digit_events(a.double().numpy(), "rate", EVENT_TIME, rng)) for a in (x, x_test))
    net = trained(e, y, [hidden] * 2, GAIN, steps, [seed])
    ok = right(net, e_test, y_test)
    _check(int(ok.sum()), training=steps)
    return net, e_test[:, ok], y_test[ok]


def _check(found: int, training: int) -> None:
    if found <= 60:
        raise ValueError(
            f"training = {training} is not enough here: {found} of 500 digits are read right, 61 are needed"
        )


Hidden = Annotated[int, number(16, 128, "Neurons of a hidden layer", "victim", label="neurons of a layer")]
Steps = Annotated[int, number(50, 600, "Of 64 digits", "victim", label="training steps")]
MEMBRANE = Frame(
    u=axis("potential above the threshold u"),
    potentials=var("u", "density of the potentials"),
    slope=var("u", "slope the attacker takes"),
    attacker=axis("attacker", values=("this slope", "fitted slope", "random signs")),
    success=var("attacker", "digits made wrong"),
    spread=var("", "spread of the potentials"),
    reached=var("", "share of potentials with a slope of at least a tenth of its top"),
    clean=var("", "right on new digits, before the attack"),
)


@experiment(quick=dict(layers=2, hidden=32, training=80), frame=MEMBRANE)
@one_thread
def membrane(
    gain: Annotated[
        float, number(1, 16, "Of the victim's currents", "victim", scale="log", label="scale of currents", main=True)
    ] = 12.0,
    kind: Annotated[
        Slope,
        choice(
            "What the attacker takes for the slope of a spike",
            "attacker",
            label="attacker's slope",
            main=True,
            words={"atan": "arctangent", "gauss": "bell", "fitted": "fitted to the potentials"},
        ),
    ] = "fitted",
    width: Annotated[
        float,
        number(
            0.1,
            30,
            "Of the slope, where it is not fitted",
            "attacker",
            scale="log",
            label="width",
            main=True,
            kind=["rectangle", "triangle", "sigmoid", "atan", "gauss"],
        ),
    ] = 1.0,
    centre: Annotated[
        float, number(-20, 20, "Of the bell, above the threshold", "attacker", label="centre", kind=["gauss"])
    ] = 0.0,
    eps: Annotated[float, number(0, 0.3, "Most that a pixel changes", "attacker", label="change of a pixel ε")] = 0.12,
    steps: Annotated[int, number(1, 20, "Up the gradient", "attacker", label="steps of the attack")] = 10,
    layers: Annotated[int, number(1, 4, "Hidden layers", "victim", label="hidden layers")] = 3,
    hidden: Hidden = 64,
    training: Steps = 250,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Potentials of the first hidden layer, the attacker's slope, and how many digits it makes wrong; one frame.

    The victim sees each digit for 4 time steps. 150 new digits that it reads right are attacked.
    """
    net, x, y, clean = _images(gain, layers, hidden, training, seed)
    guess = _guess(kind, width, centre)
    with torch.no_grad():
        _, potentials, widths = net.look(x.expand(TIME, *x.shape), FITTED)
    u = (potentials[0] - THETA).double()
    spread, width_fitted = float(u.std()), float(widths[0][-1].double().mean())
    at = torch.as_tensor(BINS * spread)
    seen = Guess("gauss", width_fitted, width_fitted / 2) if kind == "fitted" else guess
    bell = slope(at, seen.kind, seen.alpha, seen.mean).numpy()
    reached = float((slope(u, seen.kind, seen.alpha, seen.mean) >= 0.1 * _top(seen)).double().mean())
    step = at[1] - at[0]
    edges = np.append(at - step / 2, at[-1] + step / 2)
    density = np.histogram(u.numpy().ravel(), edges)[0] / (u.numel() * float(step))
    success = [_success(net, x, y, g, eps, steps, seed) for g in (guess, FITTED, None)]
    yield MEMBRANE(
        dict(u=at.numpy(), potentials=density, slope=bell, success=np.array(success), spread=spread, reached=reached,
             clean=clean),
        f"The slope reaches {reached:.0%} of the potentials; the attack makes {success[0]:.0%} of the digits wrong, "
        f"with a fitted slope {success[1]:.0%}, with random signs {success[2]:.0%}.",
        1.0,
    )  # fmt: skip


def _guess(kind: str, width: float, centre: float) -> Guess:
    """A slope of this width: of the arctangent and the logistic curve, alpha is a sharpness."""
    if kind == "fitted":
        return FITTED
    alpha = {"atan": 2 / width, "sigmoid": 4 / width, "triangle": 1.0}.get(kind, width)
    return Guess(kind, alpha, centre if kind == "gauss" else 0.0)


def _top(guess: Guess) -> float:
    return float(slope(torch.tensor(guess.mean), guess.kind, guess.alpha, guess.mean))


def _success(net: Victim, x: Tensor, y: Tensor, guess: Guess | None, eps: float, steps: int, seed: int) -> float:
    g = torch.Generator().manual_seed(seed)
    if guess is None:
        signs = 2.0 * torch.randint(0, 2, x.shape, generator=g) - 1
        near = (x + eps * signs).clamp(0, 1)
    else:
        near = pgd(net, x, y, TIME, guess, eps, steps, g)
    return 1 - float(right(net, near.expand(TIME, *near.shape), y).double().mean())


FLIPS = Frame(
    step=axis("time step", start=1),
    row=axis("row"),
    column=axis("column"),
    events=var("step row column", "events, 0 or 1"),
    marked=var("step row column", "flipped"),
    flip=axis("flips"),
    lead=var("flip", "lead of the right digit"),
    chance=var("flip", "lead of the right digit, flips by chance"),
    digit=axis("digit"),
    answer=var("digit", "answer of the network"),
    right=var("", "digit that was written"),
    needed=var("", "flips that are enough"),
    found=var("", "flips before any is taken back"),
)
Sample = Annotated[int, number(0, 60, "Which of the new digits", "data", label="digit number")]
First = Annotated[int, number(1, 30, "Flips tried in the first round", "attacker", label="flips of a round k")]


@experiment(quick=dict(hidden=32, training=80), frame=FLIPS)
@one_thread
def flips(
    count: Annotated[
        int, number(0, 40, "Of the attacker's flips, best first", "attacker", label="flips made", main=True)
    ] = 0,
    sample: Sample = 0,
    first: First = 10,
    hidden: Hidden = 64,
    training: Steps = 250,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Events of one digit with some of the attacker's flips, best first, and the victim's answer; one frame.

    8 time steps of 64 pixels. The lead is the right digit's logit less the largest other one.
    """
    net, x, y = _events(hidden, training, seed)
    e, target = x[:, sample], int(y[sample])
    found, end = _attack(net, e, target, first, True, [seed, sample])
    order = np.concatenate([end.flips, found.flips[len(end.flips) :]])
    chance = np.random.default_rng([seed, sample, 1]).permutation(e.numel())
    made = order[:count]
    marked = np.zeros(e.numel())
    marked[made] = 1
    now = flipped(e, made)
    with torch.no_grad():
        answer = net(now[:, None], FITTED)[0].double().numpy()
    each = [[way[: min(k, len(way))] for k in range(41)] for way in (order, chance)]
    lead, random = (leads(net, e, target, sets) for sets in each)
    said = int(answer.argmax())
    yield FLIPS(
        dict(events=now.numpy().reshape(-1, 8, 8), marked=marked.reshape(-1, 8, 8), lead=lead, chance=random,
             answer=answer, right=float(target), needed=float(len(end.flips)), found=float(len(found.flips))),
        f"With {len(made)} of {e.numel()} events flipped the network reads the {target} as a {said}; "
        f"{len(end.flips)} of the {len(found.flips)} flips found are enough.",
        1.0,
    )  # fmt: skip


def _attack(net: Victim, e: Tensor, y: int, first: int, check: bool, seed: list[int]) -> tuple[Found, Found]:
    found = sparse(net, e, y, np.random.default_rng(seed), FITTED, first, check=check)
    return found, reduced(net, e, y, found)


MOST = 256
NEEDED = Frame(
    attacker=axis("attacker", values=("checked", "unchecked", "by chance")),
    sample=axis("digit attacked"),
    flips=var("attacker sample", "flips that make the network wrong"),
    found=var("attacker sample", "flips before any is taken back"),
    wrong=var("attacker sample", "whether the network is wrong"),
    passes=var("attacker sample", "forward passes"),
)


@experiment(quick=dict(samples=6, hidden=32, training=80), frame=NEEDED)
@one_thread
def needed(
    samples: Annotated[int, number(2, 60, "New digits attacked", "data", label="digits attacked", main=True)] = 24,
    first: First = 10,
    hidden: Hidden = 64,
    training: Steps = 250,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """How many flips of 512 events make the network wrong, for three attackers; a frame for every second digit.

    The first tries each flip by a forward pass, the second trusts the gradient; both take back what they can. The
    third flips by chance, up to 256 times.
    """
    net, x, y = _events(hidden, training, seed)
    rows: list[list[tuple[int, int, bool, int]]] = []
    for i in range(samples):
        e, target, row = x[:, i], int(y[i]), []
        for check in (True, False):
            found, end = _attack(net, e, target, first, check, [seed, i])
            row.append((len(end.flips), len(found.flips), end.wrong, end.passes))
        order = by_chance(net, e, target, np.random.default_rng([seed, i, 1]), MOST)
        wrong = bool(leads(net, e, target, [order])[0] < 0)
        row.append((len(order), len(order), wrong, len(order)))
        rows.append(row)
        if i % 2 or i == samples - 1:
            yield _counted(rows, (i + 1) / samples)


def _counted(rows: list[list[tuple[int, int, bool, int]]], progress: float) -> xr.Dataset:
    kept, found, wrong, passes = np.array(rows, float).transpose(2, 1, 0)
    a, b, c = np.median(kept, 1)
    return NEEDED(
        dict(flips=kept, found=found, wrong=wrong, passes=passes),
        f"Of {len(rows)} digits half need at most {a:.3g} flips that were checked, {b:.3g} that were not, "
        f"and {c:.3g} by chance.",
        progress,
    )
