"""Training M networks side by side: one pass of the loop, M runs with their own data, weights and learning rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from .kan import KAN, sparsity

Targets = Float[Tensor, "N M o"] | Int[Tensor, "N M"]  # numbers, or the numbers of classes
GRID_UPDATES = (0.02, 0.1, 0.3)  # of the run; later ones would disturb what is already fine


class StackedAdam:
    """Adam for M models side by side, each with its own learning rate."""

    def __init__(self, parameters: Sequence[nn.Parameter], lr: Float[Tensor, " M"]):
        self.parameters, self.lr, self.steps = [p for p in parameters if p.requires_grad], lr, 0
        self.m = [torch.zeros_like(p) for p in self.parameters]
        self.v = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """One update from p.grad at rate factor * lr; clears the gradients."""
        self.steps += 1
        correct = np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        rate = self.lr * (factor * correct)
        for p, m, v in zip(self.parameters, self.m, self.v):
            m.lerp_(p.grad, 0.1)
            v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
            p -= rate.view(-1, *[1] * (p.ndim - 1)) * m / (v.sqrt() + 1e-8)
            p.grad = None


def losses(out: Float[Tensor, "N M o"], y: Targets) -> Float[Tensor, " M"]:
    """Mean square error, or cross-entropy where y holds class numbers."""
    if y.ndim == 2:
        return torch.stack([cross_entropy(out[:, m], y[:, m]) for m in range(out.shape[1])])
    return (out - y).square().mean((0, 2))


def train(
    model: nn.Module,
    x: Float[Tensor, "N M d"],
    y: Targets,
    lr: Float[Tensor, " M"],
    steps: int,
    rng: torch.Generator,
    batch: int = 0,
    lam: float = 0.0,
    eps: float = 0.02,
    extend_at: float = 0.0,
    updates: Sequence[float] = GRID_UPDATES,
) -> Iterator[tuple[int, Float[Tensor, " M"]]]:
    """Adam with a cosine schedule.

    Yields the step and the losses after it. A model with grids gets its updates, at the shares `updates` of the run, a
    KAN its extension, at `extend_at`, and the sparsity term `lam`; Adam forgets its averages when a grid moves, since
    the coefficients mean something else. What needs no gradient stays as it is.
    batch = 0 takes all samples. A run that stops being finite is the caller's to end.
    """
    moves = {max(1, round(share * steps)) for share in updates} if hasattr(model, "update_grids") else set()
    finer = round(extend_at * steps) if isinstance(model, KAN) and extend_at else -1
    optimizer = StackedAdam(list(model.parameters()), lr)
    for step in range(steps):
        if step in moves and step != finer:
            model.update_grids(x, eps)
        if step == finer:
            model.extend()
        if step in moves or step == finer:
            optimizer = StackedAdam(list(model.parameters()), lr)
        some = torch.randint(len(x), (batch,), generator=rng) if 0 < batch < len(x) else slice(None)
        if lam:
            out, edges = model.traced(x[some])
            loss = losses(out, y[some])
            (loss + lam * sparsity(edges)).sum().backward()
        else:
            loss = losses(model(x[some]), y[some])
            loss.sum().backward()
        optimizer.step(0.5 * (1 + np.cos(np.pi * step / steps)))
        yield step + 1, loss.detach()
