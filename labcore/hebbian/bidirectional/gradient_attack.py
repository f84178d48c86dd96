"""The fast gradient sign attack: every input moves by eps in the direction that raises the loss.

Source: Goodfellow, Shlens, Szegedy (2014), arXiv:1412.6572.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

Scores = Callable[[Float[Tensor, "S B d"]], Float[Tensor, "S B classes"]]


def input_gradient(scores: Scores, x: Float[Tensor, "S B d"], labels: Int[Tensor, "S B"]) -> Float[Tensor, "S B d"]:
    """dL/dx of the cross-entropy of scores(x) with the labels.

    Scores are taken before any softmax or sigmoid: where those saturate, their gradient is lost.
    """
    x = x.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(scores(x).flatten(0, 1), labels.flatten(), reduction="sum"), x)[0]


def fgsm(
    scores: Scores,
    x: Float[Tensor, "S B d"],
    labels: Int[Tensor, "S B"],
    eps: float | Float[Tensor, "E 1 1 1"],
) -> Float[Tensor, "*E S B d"]:
    """clip(x + eps sign(dL/dx), 0, 1); for a tensor eps, all its sizes at once."""
    return (x + eps * input_gradient(scores, x, labels).sign()).clamp(0, 1)
