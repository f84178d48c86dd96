"""A small character model whose linear maps are put in from outside, and the text that it learns."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from labcore.primitives.attention.blocks import Block, Softmax
from labcore.primitives.runs.layers import LayerNorm, Linear, MakeLinear, Rngs, normal


class TinyLM(nn.Module):
    """Character language model of S runs: logits of the next character, each from the past only."""

    CONTEXT = 32

    def __init__(
        self, rngs: Rngs, vocabulary: int, linear: MakeLinear = Linear, d: int = 32, heads: int = 2, blocks: int = 2
    ):
        super().__init__()
        self.token = normal(rngs, vocabulary, d, std=0.3)
        self.position = normal(rngs, 1, self.CONTEXT, d, std=0.3)
        self.blocks = nn.ModuleList(Block(rngs, d, heads, Softmax(causal=True), linear) for _ in range(blocks))
        self.norm, self.head = LayerNorm(len(rngs), d), Linear(rngs, d, vocabulary)

    def forward(self, tokens: Int[Tensor, "S B T"]) -> Float[Tensor, "S B T V"]:
        s, b, t = tokens.shape
        vocabulary, d = self.token.shape[1:]
        rows = (tokens + vocabulary * torch.arange(s)[:, None, None]).flatten()
        x = F.embedding(rows, self.token.view(-1, d)).view(s, b, t, d) + self.position[:, :, :t]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x.view(s, b * t, d))).view(s, b, t, vocabulary)


@lru_cache(maxsize=1)
def bundled_text() -> tuple[Int[Tensor, " chars"], Int[Tensor, " train"], Int[Tensor, " held_out"], int]:
    """scikit-learn's data set descriptions as character numbers, starts of training and of held-out windows, V."""
    files = sorted(f for f in resources.files("sklearn.datasets.descr").iterdir() if f.name.endswith(".rst"))
    text = "".join(f.read_text(encoding="utf-8") for f in files)
    letters = {c: i for i, c in enumerate(sorted(set(text)))}
    # every tenth block of 512 characters is held out: a tail would be another document
    start = torch.arange(len(text) - TinyLM.CONTEXT)
    first, final = start // 512 % 10 == 9, (start + TinyLM.CONTEXT) // 512 % 10 == 9
    return torch.tensor([letters[c] for c in text]), start[~first & ~final], start[first & final], len(letters)
