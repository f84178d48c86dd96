"""The activation, its dropout, and random layers without bias."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

LAMBDA = 1.0507009873554805
ALPHA = 1.6732632423543772


def selu(z: Float[Tensor, " *n"], lam: float = LAMBDA, alpha: float = ALPHA) -> Float[Tensor, " *n"]:
    """lam z above 0, lam alpha (e^z - 1) below. (1, 1) is the ELU, (sqrt 2, 0) the ReLU with He's scale."""
    return lam * F.elu(z, alpha)


def alpha_dropout(
    x: Float[Tensor, " *n"], kept: Bool[Tensor, " *n"], keep: float, value: float = -LAMBDA * ALPHA
) -> Float[Tensor, " *n"]:
    """Units that are not kept become `value`; then all are scaled and shifted so that mean 0 and variance 1 stay.

    keep: the chance with which `kept` was drawn, above 0 and at most 1. Raises ValueError for another one.
    """
    if not 0 < keep <= 1:
        raise ValueError(f"keep = {keep} is not allowed; it must be above 0 and at most 1")
    scale = (keep + value**2 * keep * (1 - keep)) ** -0.5
    shift = -scale * (1 - keep) * value
    return scale * torch.where(kept, x, value) + shift


def random_layers(n: int, depth: int, rng: np.random.Generator) -> Iterator[Float[Tensor, "n n"]]:
    """Weights N(0, 1/n) of `depth` layers, one after the other."""
    for _ in range(depth):
        yield torch.from_numpy(rng.standard_normal((n, n), dtype=np.float32)) / sqrt(n)


def drawn_units(
    n: int, units: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " U"], Float[np.ndarray, " U"]]:
    """Of units with n weights N(0, 1/n) each: the sums of their weights, omega, and of their squares, tau."""
    rows = (rng.standard_normal(n) / sqrt(n) for _ in range(units))  # one by one: a wide layer is 30 MB
    return tuple(np.array([(w.sum(), w @ w) for w in rows]).T)
