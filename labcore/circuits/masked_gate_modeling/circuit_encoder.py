"""Graph networks over circuits, several models side by side: encoder layers, decoder of latent rows, text decoder.

Every tensor has the model as its first axis. One layer is LayerNorm, ReLU, softmax aggregation of the neighbours'
rows plus the node's own (learned temperature t), a two-layer MLP, and the layer's input added on top. Signals run one
way, messages both ways: a learned vector marks which way a message goes.
Source: Wu et al. (2025), arXiv:2502.12732; the layer is that of DeeperGCN (Li et al. 2020, arXiv:2006.07739).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from labcore.primitives.graphs.message_passing import softmax_rows

Weights = dict[str, Tensor]
TEXT_SIZE = 64
STD = 0.02  # of every random start


class Batch(NamedTuple):
    """B circuits for each of M models, as one graph of M N nodes; models with fewer nodes are filled up with kind 0."""

    kind: Int[Tensor, "M N"]
    graph: Int[Tensor, "M N"]  # the place in the batch of the circuit of a node; B for padding
    degree: Float[Tensor, "M N 2"]  # in and out
    text: Float[Tensor, "M B TEXT_SIZE"]
    row: Int[Tensor, " E"]  # the message that an edge carries, (2 model + way) N + node; way 1 is against the signal
    dst: Int[Tensor, " E"]  # model N + node


def init(rngs: list[np.random.Generator], copies: int, kinds: int, layers: int, d: int) -> Weights:
    """Weights of copies * len(rngs) models; model c * len(rngs) + s starts from rngs[s], the same in every copy."""
    models, w = copies * len(rngs), {}

    def random(*shape: int) -> Tensor:
        drawn = np.stack([g.normal(0, STD, size=shape) for g in rngs] * copies)
        return torch.tensor(drawn, dtype=torch.float32).requires_grad_()

    def fixed(value: float, *shape: int) -> Tensor:
        return torch.full((models, *shape), value).requires_grad_()

    def dense(name: str, i: int, o: int) -> None:
        w[f"{name}.w"], w[f"{name}.b"] = random(i, o), fixed(0.0, 1, o)

    def norm(name: str, size: int) -> None:
        w[f"{name}.g"], w[f"{name}.s"] = fixed(1.0, 1, size), fixed(0.0, 1, size)

    w["embed"], w["mask latent"], w["mask input"] = random(kinds + 1, d), random(1, d), random(1, d)
    for name in [*(f"encoder {i}" for i in range(layers)), "decoder"]:
        norm(f"{name}.norm", d)
        w[f"{name}.way"], w[f"{name}.t"] = random(2, 1, d), fixed(1.0, 1, 1, 1)
        dense(f"{name}.1", d, 2 * d)
        norm(f"{name}.hidden", 2 * d)
        dense(f"{name}.2", 2 * d, d)
    for i in range(2):
        dense(f"cross {i}.value", TEXT_SIZE, d)
        dense(f"cross {i}.out", d, d)
        norm(f"cross {i}.mlp norm", d)
        dense(f"cross {i}.1", d, d)
        dense(f"cross {i}.2", d, d)
    dense("type", d, kinds)
    dense("aligned type", d, kinds)
    for name in ("in", "out"):
        dense(f"{name}.1", d, d)
        dense(f"{name}.2", d, 1)
    return w


def linear(w: Weights, name: str, x: Float[Tensor, "M N i"]) -> Float[Tensor, "M N o"]:
    return torch.baddbmm(w[f"{name}.b"], x, w[f"{name}.w"])


def layer_norm(w: Weights, name: str, x: Float[Tensor, "M N d"]) -> Float[Tensor, "M N d"]:
    return F.layer_norm(x, x.shape[-1:]) * w[f"{name}.g"] + w[f"{name}.s"]


def rows(table: Float[Tensor, "M R d"], index: Int[Tensor, "M N"]) -> Float[Tensor, "M N d"]:
    """Each model's own rows."""
    flat = index + table.shape[1] * torch.arange(len(table))[:, None]
    return table.flatten(0, 1).index_select(0, flat.flatten()).view(*index.shape, -1)


def layer(w: Weights, name: str, h: Float[Tensor, "M N d"], at: Batch) -> Float[Tensor, "M N d"]:
    """One residual layer of message passing."""
    x = layer_norm(w, f"{name}.norm", h).relu()
    message = (x[:, None] + w[f"{name}.way"]).relu()  # (M, 2, N, d): with the signal, and against it
    score = w[f"{name}.t"] * message
    heard = softmax_rows(message.flatten(0, 2), score.flatten(0, 2), at.row, at.dst, x.shape[0] * x.shape[1])
    hidden = layer_norm(w, f"{name}.hidden", linear(w, f"{name}.1", x + heard.view_as(x))).relu()
    return h + linear(w, f"{name}.2", hidden)


def embed(w: Weights, kind: Int[Tensor, "M N"]) -> Float[Tensor, "M N d"]:
    """Rows of the embedding table. Kind 0, padding, is zero."""
    return rows(w["embed"], kind) * (kind > 0)[:, :, None]


def encode(w: Weights, x: Float[Tensor, "M N d"], at: Batch) -> Float[Tensor, "M N d"]:
    """The encoder E: from rows to latent rows."""
    layers = sum(name.startswith("encoder") and name.endswith(".t") for name in w)
    for i in range(layers):
        x = layer(w, f"encoder {i}", x, at)
    return x


def cover(
    h: Float[Tensor, "M N d"], mask: Bool[Tensor, "M N"], vector: Float[Tensor, "M 1 d"]
) -> Float[Tensor, "M N d"]:
    """A copy of h with each model's `vector` in the masked rows."""
    return torch.where(mask[:, :, None], vector, h)


def cross_attention(
    w: Weights, name: str, text: Float[Tensor, "M B size"], graph: Int[Tensor, "M N"]
) -> Float[Tensor, "M N d"]:
    """What nodes get that ask the one text vector of their circuit.

    Attention from nodes (queries) to one key is W_out W_value text, whatever the node asks and the key answers, as a
    softmax over one number is 1. So queries and keys are left out; the tests compare with attention that has them.
    """
    return rows(linear(w, f"{name}.out", linear(w, f"{name}.value", text)), graph.clamp(max=text.shape[1] - 1))


def align(
    w: Weights, h: Float[Tensor, "M N d"], text: Float[Tensor, "M B size"], graph: Int[Tensor, "M N"]
) -> Float[Tensor, "M N d"]:
    """The text decoder: two blocks of cross-attention and MLP on latent rows."""
    for i in range(2):
        h = h + cross_attention(w, f"cross {i}", text, graph)
        x = layer_norm(w, f"cross {i}.mlp norm", h)
        h = h + linear(w, f"cross {i}.2", linear(w, f"cross {i}.1", x).relu())
    return h
