"""Data in which a few points share one large feature, and two groups of them ask opposite things of it."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray
D = 5  # ordinary features
PULL = 0.7  # k: how much of the large feature's size is in the target
Signals = Literal["opposing", "agreeing", "removed"]
GROUPS = ("group +", "group -", "all others")


class Sample(NamedTuple):
    """n points: d ordinary features and, last, the large one x_o, which is 0 but for the outliers."""

    inputs: Float[Array, "n d+1"]
    target: Float[Array, " n"]
    group: Int[Array, " n"]  # 0: x_o = +s, 1: x_o = -s, 2: all others


def draw(
    n: int,
    size: float,
    share: float,
    imbalance: float,
    beta: float,
    signals: Signals,
    seed: int,
) -> Sample:
    """n points with x ~ N(0, I_5) and target beta.x + k |x_o|; |x_o| = size for a `share` of them.

    Of these (1 + imbalance)/2 have x_o > 0. Where the signals agree all of them have x_o > 0, with the same targets;
    removed, x_o = 0 everywhere. Raises ValueError for signals that are none of the three.
    """
    if signals not in get_args(Signals):
        raise ValueError(f"signals = {signals!r} is not allowed; it must be one of {', '.join(get_args(Signals))}")
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, D))
    direction = rng.standard_normal(D)
    direction *= beta / np.linalg.norm(direction)
    outliers = round(share * n)
    plus = round(outliers * (1 + imbalance) / 2)
    group = np.full(n, 2)
    group[:outliers], group[:plus] = 1, 0
    feature = size * np.array([1.0, -1.0, 0.0])[group]
    if signals == "agreeing":
        feature = np.abs(feature)
    elif signals == "removed":
        feature = np.zeros(n)
    return Sample(np.column_stack([x, feature]), target(x, direction, feature), group)


def target(x: Float[Array, "n d"], direction: Float[Array, " d"], feature: Float[Array, " n"]) -> Float[Array, " n"]:
    """What each point asks for: both signs of the large feature ask for more, so one weight cannot serve both."""
    return x @ direction + PULL * np.abs(feature)


class Moments(NamedTuple):
    """All that the square loss of a linear model knows of G groups of points."""

    share: Float[Array, " G"]  # of all points
    second: Float[Array, "G d+1 d+1"]  # mean of a a^T in the group
    cross: Float[Array, "G d+1"]  # mean of a y
    power: Float[Array, " G"]  # mean of y^2


def moments(sample: Sample) -> Moments:
    """The moments of the three groups; an empty one has zeros."""
    a, y, group = sample
    count = np.bincount(group, minlength=len(GROUPS))
    inside = (group == np.arange(len(GROUPS))[:, None]) / np.maximum(count, 1)[:, None]
    second = np.einsum("gn,ni,nj->gij", inside, a, a)
    return Moments(count / len(y), second, (inside * y) @ a, inside @ y**2)


def merged(m: Moments) -> Moments:
    """The moments of all groups together, as those of one."""
    second, cross, power = (np.tensordot(m.share, part, 1)[None] for part in m[1:])
    return Moments(np.ones(1), second, cross, power)
