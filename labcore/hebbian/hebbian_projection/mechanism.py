"""Lateral units that learn the subspace of old activity, and updates kept out of it; the peer that does it by SVD."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


class Lateral(NamedTuple):
    """Lateral connections of a layer; the first `fixed` of the k rows belong to old tasks. Leading dims: networks."""

    h: Float[Tensor, "... k d"]
    momentum: Float[Tensor, "... k-fixed d"]
    fixed: int


def add_units(h: Float[Tensor, "... k d"], count: int, rng: np.random.Generator) -> Lateral:
    """Fix the rows of h and append `count` new ones, orthonormal among themselves, at most d in all."""
    *nets, k, d = h.shape
    count = min(count, d - k)
    new = torch.linalg.qr(torch.tensor(rng.normal(size=(*nets, d, count))))[0].mT.to(h.dtype)
    return Lateral(torch.cat([h, new], -2), torch.zeros_like(new), k)


def learn_lateral(lateral: Lateral, x: Float[Tensor, "... batch d"], lr: float, repeats: int = 5) -> Lateral:
    """Hebb minus anti-Hebb on a batch of activity x: the rows that are not fixed learn what xhat misses of x."""
    h, momentum, fixed = lateral
    for _ in range(repeats):
        y = x @ h.mT
        xhat = y @ h
        hebbian = y[..., fixed:].mT @ (x - xhat) / x.shape[-2]
        momentum = 0.9 * momentum + 0.1 * hebbian.clamp(-10, 10)
        h = torch.cat([h[..., :fixed, :], h[..., fixed:, :] + lr * momentum], -2)
    return Lateral(h, momentum, fixed)


def project(change: Float[Tensor, "... n d"], h: Float[Tensor, "... k d"]) -> Float[Tensor, "... n d"]:
    """A change of activity, or of weights, without its part in the span of the rows of h."""
    return change - (change @ h.mT) @ h


def gpm_basis(h: Float[Tensor, "... k d"], x: Float[Tensor, "... n d"], count: int) -> Float[Tensor, "... k+count d"]:
    """The peer: append to h the top right singular vectors of stored activity x outside h's span, at most d in all."""
    rest = project(x, h).double()  # in single precision eigh fails where many neurons always fire together
    axes = torch.linalg.eigh(rest.mT @ rest)[1].flip(-1)[..., : min(count, h.shape[-1] - h.shape[-2])]
    return torch.cat([h, axes.mT.to(h.dtype)], -2)
