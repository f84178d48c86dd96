"""Flips of events, tried: all of them in one pass beside a pass for each, on one network and one recording."""

from __future__ import annotations

import numpy as np
import torch

from labcore.spiking.sparse_attack import FITTED, Victim
from labcore.spiking.sparse_attack.flips import lead, leads
from tests.benchmarks.timing import Duel

Array = np.ndarray


def problem(steps: int, hidden: int) -> tuple[Victim, torch.Tensor]:
    """A network of 64 events and two hidden layers, and events (steps, 64)."""
    rng = np.random.default_rng(0)
    sizes = 64, hidden, hidden, 10
    w = [torch.tensor(rng.normal(0, 4 / a**0.5, (a, b))) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
    return Victim(w, [torch.full((b,), 0.3).double() for b in sizes[1:]]), torch.tensor(
        rng.random((steps, 64)) < 0.3
    ).double()


def one_by_one(net: Victim, x: torch.Tensor, y: int, tried: Array) -> Array:
    out = []
    with torch.no_grad():
        for i in tried:
            now = x.clone().view(-1)
            now[i] = 1 - now[i]
            out.append(float(lead(net(now.view_as(x)[:, None], FITTED), y)))
    return np.array(out)


def duels(quick: bool) -> list[Duel]:
    steps, hidden, n = (3, 16, 20) if quick else (8, 64, 100)
    net, x = problem(steps, hidden)
    y, tried = int(net(x[:, None], FITTED).argmax()), np.random.default_rng(1).permutation(x.numel())[:n]
    sets = [np.array([i]) for i in tried]
    name = f"{n} flips of {x.numel()} events, each tried"
    ours, theirs = (lambda: leads(net, x, y, sets)), (lambda: one_by_one(net, x, y, tried))
    return [Duel(name, ours, "a pass for each flip", theirs, 1e-9, table=True)]


PEERS, GROWTH, MEMORY = (duels,), (), ()
