"""Steps of torch's fused Adam on tensors that stand side by side, each loss with an optimiser state of its own."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def adam(tensors: list[Tensor], rate: float) -> torch.optim.Adam:
    """Adam on these tensors, which from now on ask for gradients."""
    return torch.optim.Adam([t.requires_grad_() for t in tensors], lr=rate, fused=True)


def descend(optimiser: torch.optim.Adam, loss: Float[Tensor, ""]) -> None:
    """One step on the optimiser's tensors by the gradient of the loss; those that it does not reach stay."""
    tensors = optimiser.param_groups[0]["params"]
    for p, g in zip(tensors, torch.autograd.grad(loss, tensors, allow_unused=True), strict=True):
        # the fused kernel reads memory in order, whatever the strides, and gradients through W^T come transposed
        p.grad = None if g is None else g.contiguous()
    optimiser.step()
