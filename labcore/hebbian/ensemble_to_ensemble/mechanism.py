"""Five wirings from one start: how they are laid down, how edges move under two rules, how all of them learn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from labcore.primitives.digits.stacked import stacked_digits
from labcore.primitives.runs.descend import adam, descend

from .masked_linear import (
    Array,
    MaskedStack,
    activities,
    correlations,
    group_mask,
    groups_of,
    masked_stack,
    rewire,
    scattered_mask,
)

WIRINGS = ("dense", "random", "groups", "groups + SET", "groups + Hebb")
SET, HEBB = 3, 4
MASKED = 2  # masked layers, those between hidden layers
N_TEST, BATCH, RATE, EVERY, UNTIL = 500, 20, 1e-3, 2, 0.7


def wire(groups: int, p_inter: float, hidden: int, rngs: list[np.random.Generator]) -> list[Float[Tensor, "5 S H H"]]:
    """Masks of the two masked layers; the random wiring has exactly as many edges as the groups."""
    layers = []
    for _ in range(MASKED):
        own = [group_mask(hidden, hidden, groups, p_inter, g) for g in rngs]
        other = [scattered_mask(hidden, hidden, int(m.sum()), g) for m, g in zip(own, rngs, strict=True)]
        rows = [[np.ones_like(m) for m in own], other, own, own, own]
        layers.append(torch.tensor(np.array(rows), dtype=torch.float32))
    return layers


def move_edges(
    net: MaskedStack,
    moments: dict[Tensor, dict],
    x: Float[Tensor, "S B 64"],
    share: float,
    rngs: list[np.random.Generator],
) -> tuple[Float[Array, "rule S layer"], Float[Array, "rule S layer"]]:
    """Rewire SET and Hebb in place: this share of the live edges moves; scores are random, or |correlation| on x.

    Returns the mean |correlation| of the edges that were born and of all that could have been.
    """
    with torch.no_grad():
        seen = activities(net, x)
    count, hidden = x.shape[0], net.w[1].shape[-1]
    grown, chance = (np.zeros((2, count, MASKED)) for _ in range(2))
    for i, wiring in enumerate((SET, HEBB)):
        for s in range(count):
            for k in range(1, MASKED + 1):
                mask, w = net.mask[k][wiring, s], net.w[k].detach()[wiring, s]
                agree = correlations(seen[k - 1][wiring, s], seen[k][wiring, s]).abs()  # the idea
                score = agree if wiring == HEBB else torch.tensor(rngs[s].random((hidden, hidden)))  # the idea
                new, gone, come = rewire(mask, w, score, round(share * float(mask.sum())))  # the idea
                dead = mask == 0
                grown[i, s, k - 1] = agree[come].mean() if come.any() else 0.0
                chance[i, s, k - 1] = agree[dead].mean() if dead.any() else 0.0
                mask.copy_(new)
                # an edge that went takes its weight and its moments along, and one that comes starts from nothing
                for kept in (w, *(moments[net.w[k]][m][wiring, s] for m in ("exp_avg", "exp_avg_sq"))):
                    kept[gone | come] = 0
    return grown, chance


def learn(
    groups: int, p_inter: float, zeta: float, n_train: int, noise: float, epochs: int, hidden: int, seeds: list[list]
) -> Iterator[tuple[int, MaskedStack, Float[Array, "5 S"], tuple[Array, Array] | None]]:
    """All five wirings from the same start on the same batches, Adam 1e-3.

    After every epoch: its number, the networks, their accuracy on test digits, and what a rewiring returned.
    """
    rngs = [np.random.default_rng([*s, 1]) for s in seeds]
    orders, growth = ([np.random.default_rng([*s, k]) for s in seeds] for k in (2, 3))
    x, labels, x_test, labels_test = stacked_digits(n_train, N_TEST, seeds, noise)
    same = np.mean(groups_of(hidden, groups)[:, None] == groups_of(hidden, groups))
    density = [1.0, *[same + p_inter * (1 - same)] * (len(WIRINGS) - 1)]
    net = masked_stack((64, hidden, hidden, hidden, 10), wire(groups, p_inter, hidden, rngs), density, rngs)
    optimiser = adam([*net.w, *net.b], RATE)
    rows, last = torch.arange(len(seeds))[:, None], UNTIL * epochs
    for epoch in range(1, epochs + 1):
        order = torch.tensor(np.stack([g.permutation(n_train) for g in orders]))
        for pick in order.split(BATCH, 1):
            scores = activities(net, x[rows, pick])[-1]
            target = labels[rows, pick].expand(len(WIRINGS), -1, -1)
            loss = F.cross_entropy(scores.flatten(0, 2), target.flatten(), reduction="sum") / pick.shape[1]
            descend(optimiser, loss)
        moved = None
        if zeta and epoch % EVERY == 0 and epoch < last:
            moved = move_edges(net, optimiser.state, x, zeta / 2 * (1 + np.cos(np.pi * epoch / last)), growth)
        with torch.no_grad():
            right = activities(net, x_test)[-1].argmax(-1) == labels_test
        yield epoch, net, right.double().mean(-1).numpy(), moved
