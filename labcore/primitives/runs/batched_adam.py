"""Adam for many small models side by side, each with its own learning rate, and their random starts.

Source: Kingma, Ba (2014), arXiv 1412.6980.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sqrt

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.primitives.runs.flat_adam import BETA1, BETA2, EPS


def direction(m: Tensor, v: Tensor, g: Tensor, k: int) -> Tensor:
    """m^ / (sqrt(v^) + eps) of update number k >= 1, which goes against it; the gradient g moves m and v in place."""
    m.lerp_(g, 1 - BETA1)
    v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
    # eps is added to the corrected root: added before, it would be up to 30 times as large in the first updates
    return m / (1 - BETA1**k) / (v.sqrt() / sqrt(1 - BETA2**k) + EPS)


class Adam:
    """Adam in place for tensors whose first axis are models, each with its own rate: the numbers of torch.optim.Adam.

    One number is the rate of all. With `steps` the rates fall on a half cosine, to 0 at that update. Tensors that need
    no gradient stay as they are.
    """

    def __init__(self, tensors: Sequence[Float[Tensor, "M ..."]], rate: float | Float[Tensor, " M"], steps: int = 0):
        self.tensors, self.steps, self.count = [p for p in tensors if p.requires_grad], steps, 0
        self.rate = torch.as_tensor(rate, dtype=torch.float64)
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.tensors]

    def step(self, loss: Float[Tensor, " M"], factor: float = 1.0) -> None:
        """One update by the gradient of each model's loss, at `factor` times the rates."""
        gradients = torch.autograd.grad(loss.sum(), self.tensors)
        self.count += 1
        if self.steps:
            factor *= 0.5 * (1 + cos(pi * self.count / self.steps))
        with torch.no_grad():
            for p, (m, v), g in zip(self.tensors, self.moments, gradients):
                rate = (factor * self.rate).to(p.dtype).view(-1, *[1] * (p.ndim - 1))
                p -= rate * direction(m, v, g, self.count)


def normal(
    rngs: list[np.random.Generator], copies: int, *shape: int, mean: float = 0.0, std: float = 1.0
) -> Float[Tensor, " copies*S *shape"]:
    """Normal numbers, slice s from generator s, the same in every copy."""
    draws = np.stack([g.normal(mean, std, size=shape) for g in rngs] * copies)
    return torch.as_tensor(draws, dtype=torch.float32).requires_grad_()
