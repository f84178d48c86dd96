"""The attack on events, 0 or 1: the gradient proposes flips, a forward pass checks each one, and most are taken back.

What is to fall is the lead of the right answer, its logit less the largest other one. Round n takes the k n inputs
of the largest gradient whose flip goes down it, tries each one alone, and keeps those that do not raise the lead. It
also lets go of kept ones without which the lead would be smaller. It ends when the victim is wrong.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from .neurons import FITTED, Guess
from .victims import Victim

Array = np.ndarray


class Found(NamedTuple):
    """Flipped inputs as indices into the flat events, those that matter most first; whether they do, and its cost."""

    flips: Int[Array, " k"]
    wrong: bool
    passes: int


def lead(logits: Float[Tensor, "B classes"], y: int) -> Float[Tensor, " B"]:
    """Logit of the right answer less the largest other one; where it is below 0 the victim is wrong."""
    others = logits.clone()
    others[:, y] = -torch.inf
    return logits[:, y] - others.amax(1)


@torch.no_grad()
def leads(net: Victim, x: Float[Tensor, "T d"], y: int, sets: list[Array]) -> Float[Array, " n"]:
    """The lead after each of these sets of flips, in one pass."""
    if not sets:
        return np.zeros(0)
    many = x.flatten().repeat(len(sets), 1)
    for row, flips in zip(many, sets, strict=True):
        row[flips] = 1 - row[flips]
    return lead(net(many.view(len(sets), *x.shape).transpose(0, 1), FITTED), y).double().numpy()


def proposals(
    net: Victim, x: Float[Tensor, "T d"], y: int, guess: Guess, rng: np.random.Generator
) -> tuple[Int[Array, " n"], Float[Array, " n"]]:
    """Inputs whose flip goes down the guessed gradient of the lead, steepest first, and that gradient."""
    x = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(lead(net(x[:, None], guess), y).sum(), x)
    g, bits = g.double().numpy().ravel(), x.detach().numpy().ravel()
    # where there is no gradient at all, chance decides
    g = np.where(g == 0, 1e-30 * rng.standard_normal(g.size), g)
    down = np.flatnonzero((bits - np.sign(g) >= 0) & (bits - np.sign(g) <= 1))
    return down[np.argsort(-np.abs(g[down]), kind="stable")], g


def flipped(x: Float[Tensor, "T d"], flips: Int[Array, " k"]) -> Float[Tensor, "T d"]:
    """The events with these inputs turned: 0 to 1, 1 to 0."""
    out = x.flatten().clone()
    out[flips] = 1 - out[flips]
    return out.view_as(x)


def sparse(
    net: Victim,
    x: Float[Tensor, "T d"],
    y: int,
    rng: np.random.Generator,
    guess: Guess = FITTED,
    first: int = 10,
    rounds: int = 30,
    check: bool = True,
) -> Found:
    """Flips that make the victim wrong, before any is taken back; up to `first` n of them in round n.

    check False keeps whatever the gradient proposes. Raises ValueError for events that are not 0 or 1.
    """
    if not bool(((x == 0) | (x == 1)).all()):
        raise ValueError("x holds values that are not events; they must be 0 or 1")
    here, kept, worth, passes = x, np.zeros(0, int), np.zeros(0), 1
    base = leads(net, x, y, [kept])[0]
    for n in range(1, rounds + 1):
        if base < 0:
            break
        order, g = proposals(net, here, y, guess, rng)
        tried = order[~np.isin(order, kept)][: n * first]
        pool = np.concatenate([tried, kept])
        if check:
            # the idea
            change = leads(net, here, y, [np.array([i]) for i in pool]) - base
            # the idea
            worth = np.where(np.arange(len(pool)) < len(tried), change, -change)
            passes += len(pool)
        else:
            worth = np.concatenate([-np.abs(g[tried]), worth])
        # the idea
        stays = worth <= 0
        kept, worth = pool[stays], worth[stays]
        here = flipped(x, kept)
        base, passes = leads(net, here, y, [kept[:0]])[0], passes + 2
    return Found(kept[np.argsort(worth, kind="stable")], bool(base < 0), passes)


def reduced(net: Victim, x: Float[Tensor, "T d"], y: int, found: Found) -> Found:
    """Of flips that make the victim wrong, few enough: those that matter least are taken back, as many as a search by
    halves finds. It supposes that fewer flips do less, which need not be; what it returns was tried."""
    if not found.wrong:
        return found
    low, high, passes = 0, len(found.flips), found.passes  # `high` flips are enough, `low` are not
    while high - low > 1:
        middle = (low + high) // 2
        enough = leads(net, x, y, [found.flips[:middle]])[0] < 0
        low, high, passes = (low, middle, passes + 1) if enough else (middle, high, passes + 1)
    return Found(found.flips[:high], True, passes)


def by_chance(net: Victim, x: Float[Tensor, "T d"], y: int, rng: np.random.Generator, most: int) -> Int[Array, " k"]:
    """Flips in an order drawn at random, up to the first after which the victim is wrong; `most` where none is."""
    order = rng.permutation(x.numel())[:most]
    wrong = leads(net, x, y, [order[: k + 1] for k in range(len(order))]) < 0
    return order[: int(wrong.argmax()) + 1] if wrong.any() else order
