"""Training steps of S independent networks side by side, and the schedules that go with them."""

from __future__ import annotations

from math import cos, pi

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

NO_DECAY = {"bias", "gain", "frequency1", "frequency2", "phase1", "phase2"}  # weight decay would pull these to 0


def count(module: nn.Module, runs: int) -> int:
    """Learnable numbers of one of `runs` runs."""
    return sum(p.numel() for p in module.parameters()) // runs


def adamw(module: nn.Module, lr: float, decay: float = 0.01) -> torch.optim.AdamW:
    """AdamW that decays matrices only: not biases, gains, frequencies or phases."""
    free = [p for name, p in module.named_parameters() if name.rpartition(".")[2] in NO_DECAY]
    rest = [p for name, p in module.named_parameters() if name.rpartition(".")[2] not in NO_DECAY]
    groups = [{"params": rest, "weight_decay": decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, fused=True)


def cosine_rate(optimizer: torch.optim.Optimizer, lr: float, step: int, steps: int) -> None:
    """Set the learning rate of step 0, 1, ... steps - 1 on a half cosine from lr to 0."""
    for group in optimizer.param_groups:
        group["lr"] = lr * 0.5 * (1 + cos(pi * step / steps))


def cross_entropy(
    logits: Float[Tensor, "S *batch C"], y: Int[Tensor, " S *batch"], smoothing: float = 0.0
) -> Float[Tensor, " S"]:
    """Mean cross-entropy of each run."""
    losses = F.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none", label_smoothing=smoothing)
    return losses.view(len(y), -1).mean(1)


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Shaped[Tensor, "S ..."],
    y: Int[Tensor, " S *batch"],
    smoothing: float = 0.0,
) -> Float[Tensor, " S"]:
    """One step of each run on its own batch. Returns the cross-entropy before the step, without smoothing."""
    logits = model(x)
    plain = cross_entropy(logits, y)
    losses = cross_entropy(logits, y, smoothing) if smoothing else plain
    optimizer.zero_grad()
    losses.sum().backward()  # runs share no weight: the gradient of the sum is each run's own
    optimizer.step()
    return plain.detach()
