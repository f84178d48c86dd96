"""The fast gradient sign attack: every input moves by eps in the direction that raises the loss.

Source: Goodfellow, Shlens, Szegedy (2014), arXiv:1412.6572.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Scores = Callable[[Tensor], Tensor]


def input_gradient(scores: Scores, x: Tensor, labels: Tensor) -> Tensor:
    """dL/dx (S, B, d) of the cross-entropy of scores(x) (S, B, classes) with labels (S, B).

    Scores are taken before any softmax or sigmoid: where those saturate, their gradient is lost.
    """
    x = x.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(scores(x).flatten(0, 1), labels.flatten(), reduction="sum"), x)[0]


def fgsm(scores: Scores, x: Tensor, labels: Tensor, eps: float | Tensor) -> Tensor:
    """clip(x + eps sign(dL/dx), 0, 1) of x (S, B, d); a tensor eps (E, 1, 1, 1) gives (E, S, B, d)."""
    return (x + eps * input_gradient(scores, x, labels).sign()).clamp(0, 1)
