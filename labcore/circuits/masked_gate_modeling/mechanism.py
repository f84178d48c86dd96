"""Gates hidden in the latent space or in the circuit, what is guessed of them, and the loss of both."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .circuit_encoder import Batch, Weights, align, cover, embed, encode, layer, linear
from .circuit_study import Study, draw, texts_of


def see(
    w: Weights, at: Batch, mask: Bool[Tensor, "M N"], at_input: Bool[Tensor, " M"]
) -> tuple[Float[Tensor, "M N d"], Float[Tensor, "M N d"]]:
    """What the encoder reads and what it makes of it. Only models with `at_input` hide gates here."""
    x = cover(embed(w, at.kind), mask & at_input[:, None], w["mask input"])
    return x, encode(w, x, at)


def guess(
    w: Weights, h: Float[Tensor, "M N d"], at: Batch, mask: Bool[Tensor, "M N"], at_input: Bool[Tensor, " M"]
) -> tuple[Float[Tensor, "M N kinds"], Float[Tensor, "M N 2"]]:
    """Masked gate modeling: from H with hidden latent rows, the logits of the types, and the degrees."""
    z = layer(w, "decoder", cover(h, mask & ~at_input[:, None], w["mask latent"]), at)
    degree = [linear(w, f"{name}.2", linear(w, f"{name}.1", z).relu()) for name in ("in", "out")]
    return linear(w, "type", z), torch.cat(degree, -1)


def guess_with_text(
    w: Weights, at: Batch, mask: Bool[Tensor, "M N"], text: Float[Tensor, "M B size"]
) -> Float[Tensor, "M N kinds"]:
    """Verilog-AIG alignment: the logits of the types from the circuit with hidden gates and a text of it."""
    h = encode(w, cover(embed(w, at.kind), mask, w["mask input"]), at)
    return linear(w, "aligned type", align(w, h, text, at.graph))


def cross_entropy(
    logits: Float[Tensor, "M N kinds"], kind: Int[Tensor, "M N"], mask: Bool[Tensor, "M N"]
) -> Float[Tensor, " M"]:
    """The mean over hidden nodes."""
    wrong = F.cross_entropy(logits.transpose(1, 2), (kind - 1).clamp(min=0), reduction="none")
    return (wrong * mask).sum(1) / mask.sum(1)


def accuracy(
    logits: Float[Tensor, "M N kinds"], kind: Int[Tensor, "M N"], mask: Bool[Tensor, "M N"]
) -> Float[Tensor, " M"]:
    """The share of hidden nodes that are guessed right."""
    return ((logits.argmax(-1) + 1 == kind) & mask).sum(1) / mask.sum(1)


def losses(s: Study, mask_mgm: float, mask_vga: float) -> Float[Tensor, " M"]:
    """L = CE + CE' + 0.1 (Huber of both degrees), each task on a batch of its own."""
    at, mask = draw(s, mask_mgm)
    types, degree = guess(s.w, see(s.w, at, mask, s.at_input)[1], at, mask, s.at_input)
    real = (at.kind > 0).float()
    huber = (F.huber_loss(degree, at.degree, reduction="none").sum(-1) * real).sum(1) / real.sum(1)
    mgm = cross_entropy(types, at.kind, mask) + 0.1 * huber
    at, mask = draw(s, mask_vga)
    return mgm + cross_entropy(guess_with_text(s.w, at, mask, texts_of(at, s.texts, s.rngs)), at.kind, mask)
