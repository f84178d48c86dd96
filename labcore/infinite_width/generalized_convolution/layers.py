"""One layer: patches of a picture, and what its filters say of each."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .distances import weighted_l1, weighted_l2

Operator = Literal["dot", "polynomial", "sine", "L1", "L2", "gauss"]
OPERATORS: tuple[Operator, ...] = get_args(Operator)
DISTANCES = ("L1", "L2", "gauss")


def patches(x: Float[Tensor, "B C H W"], k: int, stride: int = 1) -> Float[Tensor, "B L D"]:
    """All k x k patches, row by row, each as C k k numbers. Raises ValueError for k or stride < 1 or k too large."""
    if not 1 <= k <= min(x.shape[2:]) or stride < 1:
        raise ValueError(f"k = {k}, stride = {stride} is not allowed; they must be at least 1, k at most "
                         f"{min(x.shape[2:])}")  # fmt: skip
    return F.unfold(x, k, stride=stride).transpose(1, 2)


def score(
    operator: Operator,
    p: Float[Tensor, "N D"],
    w: Float[Tensor, "F D"],
    b: Float[Tensor, " F"],
    a: Float[Tensor, "F D"],
) -> Float[Tensor, "N F"]:
    """What filters say of patches; `w` are weights, or for a distance the templates with the scales `a`.

    Raises ValueError for an unknown operator, and as the distances do.
    """
    if operator not in OPERATORS:
        raise ValueError(f"operator = {operator!r} is not allowed; it must be one of {', '.join(OPERATORS)}")
    if operator == "L1":
        return b - weighted_l1(p, w, a)  # the idea
    if operator == "L2":
        return b - weighted_l2(p, w, a)  # the idea
    if operator == "gauss":
        return torch.exp(-weighted_l2(p, w, a))  # the idea
    z = p @ w.T + b
    return {"dot": lambda: z, "polynomial": lambda: z**2, "sine": lambda: torch.sin(z)}[operator]()


class Convolution(nn.Module):
    """Filters of one operator over all patches; templates start as patches of pictures, scales at 1 / D."""

    def __init__(
        self, operator: Operator, filters: int, k: int, starts: Float[np.ndarray, "N D"], rng: np.random.Generator
    ):
        super().__init__()
        self.operator, self.k = operator, k
        d = starts.shape[1]
        if operator in DISTANCES:
            w = starts[rng.choice(len(starts), filters, replace=len(starts) < filters)]
        else:
            w = rng.normal(size=(filters, d)) / np.sqrt(d)
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.float32))
        self.theta = nn.Parameter(torch.full((filters, d), -float(np.log(d))))
        self.b = nn.Parameter(torch.zeros(filters))

    @property
    def scales(self) -> Float[Tensor, "F D"]:
        """a = e^theta, never below 0, or it would be no distance."""
        return self.theta.exp()

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B F h w"]:
        batch, _, height, width = x.shape
        p = patches(x, self.k)
        out = score(self.operator, p.flatten(0, 1), self.w, self.b, self.scales)
        return out.view(batch, height - self.k + 1, width - self.k + 1, -1).permute(0, 3, 1, 2)
