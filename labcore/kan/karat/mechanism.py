"""The learned map of a row of scores, its curves and its projection, and a ViT that has it in place of softmax."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.attention.blocks import Softmax
from labcore.primitives.runs.layers import Rngs, normal, streams

from .vit import TinyViT

N, HEADS = TinyViT.TOKENS, 2
Basis = Literal["fourier", "spline"]
Projection = Literal["none", "l1", "l1 nearest"]


def fourier(t: Float[Tensor, "*rows N"], waves: int) -> Float[Tensor, "*rows 2*waves*N"]:
    """cos(g t) and sin(g t), g = 1..G, by the angle-addition recursion: all cosines first."""
    c1, s1 = t.cos(), t.sin()
    cosines, sines = [c1], [s1]
    for _ in range(waves - 1):
        c, s = cosines[-1], sines[-1]
        cosines.append(c * c1 - s * s1)
        sines.append(s * c1 + c * s1)
    return torch.cat(cosines + sines, -1)


def spline(t: Float[Tensor, "*rows N"], waves: int) -> Float[Tensor, "*rows 2*waves*N"]:
    """2 G cubic B-splines centred on even points of [-3, 3], zero far outside."""
    centres = torch.linspace(-3, 3, 2 * waves, dtype=t.dtype).tolist()
    step = centres[1] - centres[0]
    parts = []
    for centre in centres:
        u = ((t - centre) / step).abs()
        parts.append(((2 - u).clamp(min=0) ** 3 - 4 * (1 - u).clamp(min=0) ** 3) / 6)
    return torch.cat(parts, -1)


def scale_l1(rows: Float[Tensor, "*rows N"]) -> Float[Tensor, "*rows N"]:
    """The point of the l1 unit ball on the way to zero: rows with sum |row| > 1 are divided by it, others stay.

    Rows keep their direction, so a matrix of rank r keeps rank r.
    """
    return rows / rows.abs().sum(-1, keepdim=True).clamp(min=1)


def project_l1(rows: Float[Tensor, "*rows N"]) -> Float[Tensor, "*rows N"]:
    """The nearest point of the l1 unit ball: rows with sum |row| <= 1 stay, others lose the same from each entry.

    What is smaller than that becomes zero: rows bend, and a matrix of rank r may get any rank.
    """
    size = rows.abs()

    def threshold(kept: Tensor) -> Tensor:
        return ((size * kept).sum(-1, keepdim=True) - 1) / kept.sum(-1, keepdim=True)

    with torch.no_grad():  # Michelot: drop what falls below the threshold until nothing does
        kept, before = torch.ones_like(size, dtype=torch.bool), None
        while before is None or not torch.equal(kept, before):
            before, kept = kept, kept & (size > threshold(kept))
    return rows.sign() * (size - threshold(kept).clamp(min=0)).clamp(min=0)


PROJECTIONS = {"none": lambda rows: rows, "l1": scale_l1, "l1 nearest": project_l1}


class LearnedRows(nn.Module):
    """KArAt's row map for H heads of S runs: from scores to attention.

    rank r is the number of hidden units; rank None is the full operator with N^2 functions and no W.
    """

    def __init__(
        self, rngs: Rngs, rank: int | None, waves: int = 3, basis: Basis = "fourier", projection: Projection = "none",
        tokens: int = N, heads: int = HEADS,
    ):  # fmt: skip
        super().__init__()
        self.tokens, self.waves, self.projection = tokens, waves, projection
        self.basis = {"fourier": fourier, "spline": spline}[basis]
        units = tokens if rank is None else rank
        self.coefficients = normal(rngs, heads, 2 * waves * tokens, units, std=1 / sqrt(tokens * waves))
        self.mix = None if rank is None else normal(rngs, heads, rank, tokens, std=1 / sqrt(rank))

    def forward(self, scores: Float[Tensor, "S B H N N"]) -> Float[Tensor, "S B H N N"]:
        s, b, h, n, _ = scores.shape
        if n != self.tokens:
            raise ValueError(f"this map was made for rows of {self.tokens} scores, got {n}")
        rows = scores.transpose(1, 2).reshape(s, h, b * n, n)
        # the idea
        rows = self.basis(rows, self.waves) @ self.coefficients  # every unit sees the whole row
        if self.mix is not None:
            rows = rows @ self.mix  # the idea
        attention = rows.view(s, h, b, n, n).transpose(1, 2)
        return PROJECTIONS[self.projection](attention)

    def curves(self, t: Float[Tensor, " X"], token: int) -> Float[Tensor, "S H units X"]:
        """phi_qn(t) of every unit q for token n."""
        per_token = self.coefficients.unflatten(2, (-1, self.tokens))[:, :, :, token]
        return (self.basis(t[:, None], self.waves) @ per_token).transpose(2, 3)


def make_vit(learned: bool, seeds: list[list[int]], universal: bool = False, **rows: int | str) -> TinyViT:
    """One ViT a seed. The weights outside the row map are the same for softmax and KArAt."""
    rngs, own = streams(seeds, 1), streams(seeds, 2)
    if not learned:
        return TinyViT(rngs, Softmax)
    shared = LearnedRows(own, **rows) if universal else None
    return TinyViT(rngs, lambda: shared or LearnedRows(own, **rows))
