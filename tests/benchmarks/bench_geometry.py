"""Networks with one hidden layer: gradients written out and networks side by side, beside torch's autograd and SGD."""

from __future__ import annotations

import numpy as np
import torch

from labcore.generalization.representational_geometry import Task, draw, train
from tests.benchmarks.timing import Duel

GAIN, ETA = 0.3, 0.3


def ours(tasks: list[Task], kind: str, width: int, steps: int) -> np.ndarray:
    starts = [np.random.default_rng(i) for i in range(len(tasks))]
    return next(train(tasks, kind, width, GAIN, ETA, [steps], starts)).w


def by_autograd(tasks: list[Task], kind: str, width: int, steps: int) -> np.ndarray:
    """One network after another, with torch's loss and optimizer."""
    out = []
    for i, task in enumerate(tasks):
        rng = np.random.default_rng(i)
        d, k = task.x.shape[1], task.y.shape[1]
        w = torch.tensor(GAIN * (rng.normal(size=(d, width)) / d**0.5), requires_grad=True)
        v = torch.tensor(GAIN * (rng.normal(size=(width, k)) / width**0.5), requires_grad=True)
        c = torch.zeros(k, dtype=torch.float64, requires_grad=True)
        x, target = torch.tensor(task.x), torch.tensor((task.y + 1) / 2)
        rule, phi = torch.optim.SGD((w, v, c), lr=ETA), {"tanh": torch.tanh, "relu": torch.relu}[kind]
        for _ in range(steps):
            rule.zero_grad()
            torch.nn.functional.binary_cross_entropy_with_logits(phi(x @ w) @ v + c, target).backward()
            rule.step()
        out.append(w.detach().numpy())
    return np.stack(out)


def training(quick: bool) -> list[Duel]:
    networks, width, steps = (2, 20, 10) if quick else (8, 100, 200)
    duels = []
    for kind in ("tanh", "relu"):
        tasks = [draw(8, 2, 1.0, 0.0, np.random.default_rng([i, 9])) for i in range(networks)]
        given = tasks, kind, width, steps
        duels.append(
            Duel(
                f"{networks} networks 40-{width}-2 with {kind}, {steps} steps",
                lambda g=given: ours(*g),
                "torch autograd and SGD",
                lambda g=given: by_autograd(*g),
                1e-8,
                table=True,
            )
        )
    return duels


PEERS, GROWTH, MEMORY = (training,), (), ()
