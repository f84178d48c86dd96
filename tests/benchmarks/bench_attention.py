"""Attention between spikes with the features first, beside the tokens first and torch's attention with a softmax."""

from __future__ import annotations

import numpy as np
import torch

from labcore.spiking.spikformer import spiking_attention
from tests.benchmarks.timing import Duel, Growth


def _spikes(tokens: int, features: int) -> list[torch.Tensor]:
    rng = np.random.default_rng(0)
    return [torch.as_tensor((rng.random((tokens, features)) < 0.2).astype(np.float32)) for _ in range(3)]


def orders(quick: bool) -> list[Duel]:
    tokens, features = (128, 16) if quick else (1024, 32)
    q, k, v = _spikes(tokens, features)

    def ours() -> np.ndarray:
        return spiking_attention(q, k, v, "features").numpy()

    def first() -> np.ndarray:
        return spiking_attention(q, k, v, "tokens").numpy()

    def softmax() -> np.ndarray:
        return torch.nn.functional.scaled_dot_product_attention(q[None], k[None], v[None])[0].numpy()

    name = f"attention between spikes, {tokens} tokens x {features} features"
    return [
        Duel(name, ours, "the other order of the product, in torch", first, 0.0, "us", table=True),
        Duel(name, ours, "torch's attention with a softmax", softmax, None, "us"),
    ]


def growth(quick: bool) -> list[Growth]:
    def work(tokens: int):
        q, k, v = _spikes(tokens, 32)
        return lambda: spiking_attention(q, k, v, "features")

    sizes = (256, 512) if quick else (1024, 2048, 4096, 8192)
    return [Growth("attention between spikes, features first", "tokens", {n: (work(n), 1) for n in sizes}, 1, "us")]


PEERS, GROWTH, MEMORY = (orders,), (growth,), ()
