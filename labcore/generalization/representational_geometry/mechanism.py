"""Gradient descent on one hidden layer, where each unit grows only by the inputs that it hears."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .activations import Kind, activate, expected_slope
from .clusters import Task

Array = np.ndarray


class Look(NamedTuple):
    """S networks after a step: first weights w, readout v, hidden values h of all inputs, and the loss."""

    step: int
    w: Float[Array, "S d m"]
    v: Float[Array, "S m k"]
    h: Float[Array, "S n m"]
    loss: Float[Array, " S"]


def push(
    x: Float[Tensor, "*S n d"], slope: Float[Tensor, "*S n m"], wanted: Float[Tensor, "*S n m"]
) -> Float[Tensor, "*S d m"]:
    """Where the inputs push the first weights: the sum of x phi'(w.x) times what is wanted of the unit's value."""
    heard = slope
    return x.mT @ (heard * wanted)


def train(
    tasks: list[Task],
    kind: Kind,
    width: int,
    gain: float,
    eta: float,
    looks: Collection[int],
    rngs: list[np.random.Generator],
    bias: bool = False,
) -> Iterator[Look]:
    """Train one network a task, side by side, by full-batch gradient descent; it is seen after the steps in `looks`.

    The loss is log(1 + exp(-y f)), on average over points and bits. First weights have the variance gain^2/d, those of
    the readout gain^2/m, drawn from the network's own generator; biases start at 0, and hidden ones are trained only
    with `bias`. Network i is the same, whichever are trained beside it, up to rounding.
    """
    x, y = (torch.tensor(np.stack(part)) for part in zip(*((t.x, t.y) for t in tasks), strict=True))
    runs, n, k = y.shape
    d = x.shape[-1]
    draws = [(r.normal(size=(d, width)) / d**0.5, r.normal(size=(width, k)) / width**0.5) for r in rngs]
    w, v = (gain * torch.tensor(np.stack(part)) for part in zip(*draws, strict=True))
    b, c = torch.zeros(runs, 1, width, dtype=x.dtype), torch.zeros(runs, 1, k, dtype=x.dtype)
    for step in range(max(looks) + 1):
        h, slope = activate(kind, torch.baddbmm(b, x, w))
        margin = y * torch.baddbmm(c, h, v)
        if step in looks:
            loss = torch.nn.functional.softplus(-margin).mean((1, 2))
            yield Look(step, *(t.numpy().copy() for t in (w, v, h, loss)))
        wanted = y * torch.sigmoid(-margin) / (n * k)
        hidden = wanted @ v.mT
        grow = eta * push(x, slope, hidden)
        v += eta * h.mT @ wanted
        c += eta * wanted.sum(1, keepdim=True)
        w += grow
        if bias:
            b += eta * (slope * hidden).sum(1, keepdim=True)


def expected_push(
    w: Float[Array, "*p d"], centres: Float[Array, "c d"], wanted: Float[Array, " c"], noise: float, kind: Kind
) -> Float[Array, "*p d"]:
    """The push that weights w feel from points N(centre, noise^2 I), `wanted` of each cluster, on average over all.

    E[x phi'(w.x)] is mu E[phi'] + noise^2 w E[phi''], by Stein's lemma. Without a length, w has the second part 0.
    """
    length = np.linalg.norm(w, axis=-1, keepdims=True)
    slope, bend = expected_slope(kind, w @ centres.T, noise * np.broadcast_to(length, (*w.shape[:-1], len(centres))))
    unit = w / np.where(length > 0, length, 1)
    return ((slope * wanted) @ centres + noise * unit * (bend @ wanted)[..., None]) / len(centres)


def follow(
    start: Float[Array, "p d"],
    centres: Float[Array, "c d"],
    wanted: Float[Array, " c"],
    noise: float,
    kind: Kind,
    time: float,
    steps: int,
) -> Float[Array, "steps+1 p d"]:
    """Weights that follow the expected push for so long, by the midpoint rule."""
    path = np.empty((steps + 1, *start.shape))
    path[0], dt = start, time / steps
    for i in range(steps):
        middle = path[i] + dt / 2 * expected_push(path[i], centres, wanted, noise, kind)
        path[i + 1] = path[i] + dt * expected_push(middle, centres, wanted, noise, kind)
    return path
