"""Adam for many small models side by side, each with its own learning rate, and their random starts.

Source: Kingma, Ba (2014), arXiv 1412.6980.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


class Adam:
    """Adam in place for tensors whose first axis are models, each with its own rate, decayed as a half cosine."""

    def __init__(self, tensors: list[Float[Tensor, "M ..."]], rate: Float[Tensor, " M"], steps: int):
        self.tensors, self.rate, self.steps, self.count = tensors, rate, steps, 0
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in tensors]

    def step(self, loss: Float[Tensor, " M"]) -> None:
        """One update by the gradient of each model's loss."""
        gradients = torch.autograd.grad(loss.sum(), self.tensors)
        self.count += 1
        rate = self.rate * 0.5 * (1 + np.cos(np.pi * self.count / self.steps)) / (1 - 0.9**self.count)
        with torch.no_grad():
            for p, (m, v), g in zip(self.tensors, self.moments, gradients):
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).addcmul_(g, g, value=0.001)
                p -= rate.view(-1, *[1] * (p.ndim - 1)) * m / ((v / (1 - 0.999**self.count)).sqrt() + 1e-8)


def normal(
    rngs: list[np.random.Generator], copies: int, *shape: int, mean: float = 0.0, std: float = 1.0
) -> Float[Tensor, " copies*S *shape"]:
    """Normal numbers, slice s from generator s, the same in every copy."""
    draws = np.stack([g.normal(mean, std, size=shape) for g in rngs] * copies)
    return torch.as_tensor(draws, dtype=torch.float32).requires_grad_()
