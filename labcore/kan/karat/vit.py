"""A small vision transformer with any row map in the place of softmax, and what its attention matrices are like."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from labcore.primitives.attention.blocks import Block
from labcore.primitives.runs.layers import LayerNorm, Linear, Rngs, normal

Array = np.ndarray


class TinyViT(nn.Module):
    """Vision transformer for 8x8 pictures: 2x2 patches, 16 tokens and a class token, 10 classes.

    rows() is called once a block; returning the same module each time makes the blocks share it.
    """

    TOKENS = 17

    def __init__(self, rngs: Rngs, rows: Callable[[], nn.Module], d: int = 32, heads: int = 2, blocks: int = 2):
        super().__init__()
        self.embed, self.head = Linear(rngs, 4, d), Linear(rngs, d, 10)
        self.position = normal(rngs, 1, self.TOKENS, d, std=0.3)
        self.class_token = normal(rngs, 1, 1, d, std=0.3)
        self.blocks = nn.ModuleList(Block(rngs, d, heads, rows()) for _ in range(blocks))
        self.norm = LayerNorm(len(rngs), d)

    def forward(self, pixels: Float[Tensor, "S B 64"], seen: list | None = None) -> Float[Tensor, "S B 10"]:
        """Logits. Appends each block's (scores, attention), both (S, B, H, N, N), to `seen`."""
        s, b, _ = pixels.shape
        patches = pixels.view(s, b, 4, 2, 4, 2).permute(0, 1, 2, 4, 3, 5).reshape(s, b * 16, 4)
        x = torch.cat([self.class_token.expand(s, b, -1, -1), self.embed(patches).view(s, b, 16, -1)], 2)
        x = x + self.position
        for block in self.blocks:
            x = block(x, seen)
        return self.head(self.norm(x[:, :, 0]))


class Matrices(NamedTuple):
    """What the attention matrices of some pictures are like."""

    rank: Int[Array, "S matrices"]  # how many singular values are above 1e-6 of the largest
    singular: Float[Array, " N"]  # median of singular value / largest
    off_sum: Float[Array, " S"]  # share of rows whose sum is more than 0.1 away from 1
    size: Float[Array, " S"]  # largest sum |row|
    negative: Float[Array, " S"]  # share of negative entries
    example: Float[Array, "N N"]  # run 0, last block, head 0, first picture


def attention_matrices(vit: TinyViT, pixels: Float[Tensor, "S B 64"]) -> Matrices:
    """Ranks and row sums of the attention of all blocks and heads, in float64."""
    seen: list[tuple[Tensor, Tensor]] = []
    with torch.no_grad():
        copy.deepcopy(vit).double()(pixels.double(), seen)
    a = torch.stack([attention for _, attention in seen], 1).numpy()  # (S, block, B, H, N, N)
    singular = np.linalg.svd(a, compute_uv=False).reshape(len(a), -1, a.shape[-1])
    relative = singular / np.maximum(singular[..., :1], 1e-300)
    sums, sizes = a.sum(-1), np.abs(a).sum(-1)
    inner = (1, 2, 3, 4)
    off, negative = (np.abs(sums - 1) > 0.1).mean(inner), (a < 0).mean((*inner, 5))
    middle = np.median(relative, (0, 1))
    return Matrices((relative > 1e-6).sum(-1), middle, off, sizes.max(inner), negative, a[0, -1, 0, 0])
