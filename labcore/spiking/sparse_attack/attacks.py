"""The attack on images: steps along the sign of a guessed gradient, inside a small box around the image."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .neurons import Guess
from .victims import Victim


def pgd(
    net: Victim,
    x: Float[Tensor, "B d"],
    y: Int[Tensor, " B"],
    time: int,
    guess: Guess,
    eps: float,
    steps: int,
    generator: torch.Generator,
) -> Float[Tensor, "B d"]:
    """Images within eps of x, and in [0, 1], that make the victim wrong where it can be done.

    Begins anywhere in the box; each step is eps / 4 up the gradient of the cross-entropy. Madry et al. (2018).
    """
    low, high = (x - eps).clamp(min=0), (x + eps).clamp(max=1)
    near = x + eps * (2 * torch.rand(x.shape, generator=generator) - 1)
    near = near.clamp(low, high)
    for _ in range(steps):
        near.requires_grad_()
        loss = torch.nn.functional.cross_entropy(net(near.expand(time, *x.shape), guess), y, reduction="sum")
        (g,) = torch.autograd.grad(loss, near)
        near = (near.detach() + eps / 4 * g.sign()).clamp(low, high)
    return near


@torch.no_grad()
def right(net: Victim, x: Float[Tensor, "T B d"], y: Int[Tensor, " B"]) -> Float[Tensor, " B"]:
    """Which are read right."""
    return net(x, Guess("atan")).argmax(-1) == y
