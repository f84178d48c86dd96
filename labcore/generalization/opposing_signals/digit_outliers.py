"""Digits of which some threes and some eights wear the same bright frame, and a network that learns them all at once.

A frame is one large feature, and the two groups ask opposite things of it: the outliers of the linear model, in a
network whose own gradients must find them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from labcore.data import digits_split

Array = np.ndarray
PAIR = (3, 8)
MOVERS = 6  # digits to show whose own loss rises most, and as many whose loss falls most
FIRST, AGAIN = 20, 8  # steps of Lanczos; the vector of the last look is nearly right already
BORDER = np.array([r in (0, 7) or c in (0, 7) for r in range(8) for c in range(8)])


class FramedDigits(NamedTuple):
    """n digits, their classes, and who wears a frame: 0 a three, 1 an eight, 2 nobody."""

    x: Float[Tensor, "n 64"]
    labels: Int[Tensor, " n"]
    group: Int[Array, " n"]


def framed_digits(n: int, share: float, brightness: float, seed: int) -> FramedDigits:
    """n digits; this share of the threes and of the eights has border pixels of `brightness`, the ink being 1."""
    split = digits_split(n, 1, seed)
    x, labels = split.x_train.copy(), split.y_train.argmax(1)
    group = np.full(n, 2)
    for g, digit in enumerate(PAIR):
        mine = np.flatnonzero(labels == digit)
        group[mine[: round(share * len(mine))]] = g
    x[np.ix_(group < 2, BORDER)] = brightness
    return FramedDigits(torch.tensor(x), torch.tensor(labels), group)


class Look(NamedTuple):
    """The network after a number of steps, and what its next step does to each digit."""

    step: int
    losses: Float[Array, " n"]  # of each digit, before the next step
    moves: Float[Array, " n"]  # by how much the next step changes them
    sharpness: float
    cosine: float  # between the mean gradients of the digits that lose most and of those that win most
    rising: Int[Array, " MOVERS"]
    falling: Int[Array, " MOVERS"]


def train(data: FramedDigits, width: int, eta: float, steps: int, looks: list[int], seed: int) -> Iterator[Look]:
    """Full-batch gradient descent on a 64-width-10 tanh network, cross-entropy; a look after each of these steps.

    Weights start from N(0, 1/inputs), biases from 0. It ends early where a loss is no finite number.
    """
    g = torch.Generator().manual_seed(seed)
    shapes = ((64, width), (width,), (width, 10), (10,))
    tensors = [
        torch.randn(s, generator=g, dtype=torch.float64) / s[0] ** 0.5
        if len(s) == 2
        else torch.zeros(s, dtype=torch.float64)
        for s in shapes
    ]
    tensors = [t.requires_grad_() for t in tensors]
    top, iterations = [torch.randn(t.shape, generator=g, dtype=torch.float64) for t in tensors], FIRST

    def each(at: Tensor | slice = slice(None)) -> Float[Tensor, " n"]:
        w, b, v, c = tensors
        out = torch.tanh(data.x[at] @ w + b) @ v + c
        return torch.nn.functional.cross_entropy(out, data.labels[at], reduction="none")

    for step in range(steps + 1):
        seen = step in looks
        before = each()
        slope = torch.autograd.grad(before.mean(), tensors, create_graph=seen)
        if not torch.isfinite(before).all():
            return
        if seen:
            steep, top = _steepest(slope, tensors, top, iterations)
            iterations = AGAIN
        with torch.no_grad():
            for t, s in zip(tensors, slope, strict=True):
                t -= eta * s
        if seen:
            with torch.no_grad():
                moves = (each() - before).numpy()
            order = np.argsort(moves)
            rising, falling = order[::-1][:MOVERS].copy(), order[:MOVERS].copy()
            sides = [_flat(torch.autograd.grad(each(torch.tensor(at)).mean(), tensors)) for at in (rising, falling)]
            cosine = float(sides[0] @ sides[1] / (sides[0].norm() * sides[1].norm()))
            yield Look(step, before.detach().numpy(), moves, steep, cosine, rising, falling)


def _flat(tensors: tuple[Tensor, ...]) -> Float[Tensor, " P"]:
    return torch.cat([t.reshape(-1) for t in tensors])


def _steepest(slope: tuple[Tensor, ...], at: list[Tensor], v: list[Tensor], steps: int) -> tuple[float, list[Tensor]]:
    """The largest eigenvalue of the Hessian and its direction, by Lanczos from v."""
    q = _flat(tuple(v))
    basis, bent = [q / q.norm()], []
    for step in range(steps):
        parts = basis[-1].split([t.numel() for t in at])
        pushed = [part.reshape(t.shape) for part, t in zip(parts, at, strict=True)]
        bent.append(_flat(torch.autograd.grad(slope, at, pushed, retain_graph=True)))
        rest = bent[-1]
        for _ in range(2):  # once is not enough for what is left of it
            for known in basis:
                rest = rest - (known @ rest) * known
        if step == steps - 1 or rest.norm() < 1e-10:
            break
        basis.append(rest / rest.norm())
    q = torch.stack(basis)
    values, vectors = torch.linalg.eigh(q @ torch.stack(bent).T)
    top = (vectors[:, -1] @ q).split([t.numel() for t in at])
    return float(values[-1]), [part.reshape(t.shape) for part, t in zip(top, at, strict=True)]
