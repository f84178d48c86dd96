"""Token strings translated into token strings by small causal decoders on `source START target END`."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from labcore.primitives.attention.blocks import Block, Softmax
from labcore.primitives.runs.layers import LayerNorm, Linear, Rngs, normal

PAD, START, END = range(3)  # token numbers that every vocabulary begins with


class Translator(nn.Module):
    """S decoders. The source has `width` slots with positions of their own, the target `longest` more.

    PAD fills the slots after the end of a source, so that token i of a source, or of a target, is always at its place.
    """

    def __init__(self, rngs: Rngs, vocabulary: int, width: int, longest: int, d: int, heads: int, layers: int):
        super().__init__()
        self.width, self.longest = width, longest
        self.token = normal(rngs, vocabulary, d, std=0.3)
        self.position = normal(rngs, 1, width + longest, d, std=0.3)
        self.blocks = nn.ModuleList(Block(rngs, d, heads, Softmax(causal=True)) for _ in range(layers))
        self.norm, self.head = LayerNorm(len(rngs), d), Linear(rngs, d, vocabulary)

    def forward(
        self, source: Int[Tensor, "S B width"], target: Int[Tensor, "S B T"], seen: list | None = None
    ) -> Float[Tensor, "S B T V"]:
        """Logits of the token after each of `target`, which begins with START.

        Appends each block's (scores, attention), both (S, B, H, width + T, width + T), to `seen`.
        """
        text = torch.cat([source, target], 2)
        s, b, n = text.shape
        vocabulary, d = self.token.shape[1:]
        rows = (text + vocabulary * torch.arange(s)[:, None, None]).flatten()
        x = F.embedding(rows, self.token.view(-1, d)).view(s, b, n, d) + self.position[:, :, :n]
        for block in self.blocks:
            x = block(x, seen)
        after = x[:, :, self.width :].reshape(s, -1, d)
        return self.head(self.norm(after)).view(s, b, -1, vocabulary)

    def run(self, i: int) -> Translator:
        """A copy of decoder i alone."""
        alone = copy.deepcopy(self)
        for p in alone.parameters():
            maps = len(p) // len(self.token)  # queries, keys and values are three maps of a run
            p.data = p.data[i * maps : (i + 1) * maps].clone()
        return alone


def target_loss(logits: Float[Tensor, "S B T V"], target: Int[Tensor, "S B T"]) -> Float[Tensor, " S"]:
    """Mean cross-entropy of the target tokens, END included, of each run."""
    losses = F.cross_entropy(logits.flatten(0, 2), target.flatten(), ignore_index=PAD, reduction="none")
    return losses.view(len(target), -1).sum(1) / (target != PAD).sum((1, 2))


@torch.no_grad()
def decode(
    model: Translator, source: Int[Tensor, "S B width"]
) -> tuple[Int[Tensor, "S B longest"], Float[Tensor, "S B longest"]]:
    """Greedy decoding: each token is the likeliest after those already written. The answers, PAD after END, and the
    probability of each of their tokens.
    """
    text = torch.full((*source.shape[:2], 1), START)
    sure, unfinished = torch.ones(*source.shape[:2], 0), torch.ones(source.shape[:2], dtype=torch.bool)
    while unfinished.any() and text.shape[2] <= model.longest:
        p, best = model(source, text)[:, :, -1].softmax(-1).max(-1)
        text = torch.cat([text, torch.where(unfinished, best, PAD)[..., None]], 2)
        sure = torch.cat([sure, torch.where(unfinished, p, 1.0)[..., None]], 2)
        unfinished &= best != END
    missing = model.longest + 1 - text.shape[2]
    return F.pad(text, (0, missing), value=PAD)[:, :, 1:], F.pad(sure, (0, missing), value=1.0)
