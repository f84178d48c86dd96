"""Transformer blocks for S runs, whose row map (the place of softmax) and linear class come from outside."""

from __future__ import annotations

from math import sqrt

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import LayerNorm, Linear, MakeLinear, Rngs


class Softmax(nn.Module):
    """The usual row map: softmax over the last axis, of the past only if `causal`."""

    def __init__(self, causal: bool = False):
        super().__init__()
        self.causal = causal

    def forward(self, scores: Float[Tensor, "... N N"]) -> Float[Tensor, "... N N"]:
        if self.causal:
            n = scores.shape[-1]
            scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), float("-inf"))
        return scores.softmax(-1)


class Attention(nn.Module):
    """Multi-head attention rows(Q K^T / sqrt(d_h)) V with any map of the score rows."""

    def __init__(self, rngs: Rngs, d: int, heads: int, rows: nn.Module, linear: MakeLinear = Linear):
        super().__init__()
        self.heads, self.rows = heads, rows
        # q, k and v are three maps of the same input: 3 S maps in one product
        self.qkv = linear([g for g in rngs for _ in range(3)], d, d)
        self.out = linear(rngs, d, d)

    def scores(self, x: Float[Tensor, "S B N d"]) -> tuple[Float[Tensor, "S B H N N"], Float[Tensor, "S B H N d_h"]]:
        """Q K^T / sqrt(d_h) and V."""
        s, b, n, d = x.shape
        qkv = self.qkv(x.reshape(s, b * n, d).repeat_interleave(3, 0))
        q, k, v = qkv.view(s, 3, b, n, self.heads, d // self.heads).permute(1, 0, 2, 4, 3, 5)
        return q @ k.transpose(-1, -2) / sqrt(d // self.heads), v

    def forward(self, x: Float[Tensor, "S B N d"], seen: list | None = None) -> Float[Tensor, "S B N d"]:
        s, b, n, d = x.shape
        scores, v = self.scores(x)
        attention = self.rows(scores)
        if seen is not None:
            seen.append((scores, attention))
        return self.out((attention @ v).transpose(2, 3).reshape(s, b * n, d)).view(s, b, n, d)


class Block(nn.Module):
    """Pre-norm transformer block: x + attention(norm x), then x + MLP(norm x) with GELU."""

    def __init__(self, rngs: Rngs, d: int, heads: int, rows: nn.Module, linear: MakeLinear = Linear, ratio: int = 2):
        super().__init__()
        self.norm1, self.norm2 = LayerNorm(len(rngs), d), LayerNorm(len(rngs), d)
        self.attention = Attention(rngs, d, heads, rows, linear)
        self.up, self.down = linear(rngs, d, ratio * d), linear(rngs, ratio * d, d)

    def forward(self, x: Float[Tensor, "S B N d"], seen: list | None = None) -> Float[Tensor, "S B N d"]:
        s, b, n, d = x.shape
        flat = (s, b * n, d)
        x = x + self.attention(self.norm1(x.view(flat)).view(x.shape), seen)
        return x + self.down(F.gelu(self.up(self.norm2(x.view(flat))))).view(x.shape)
