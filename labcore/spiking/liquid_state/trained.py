"""The rival whose every weight is trained: the liquid's neurons, wires and reader, by backpropagation through time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from labcore.data import digits_split
from labcore.primitives.runs.layers import streams
from labcore.primitives.runs.training import cross_entropy
from labcore.primitives.spiking.surrogate import spike

from .liquid import wires
from .recordings import CHANNELS, STEPS, swept
from .zero_shot import N_TEST, N_TRAIN

Array = np.ndarray
RATE, BATCH = 3e-3, 64  # of Adam


class Recurrent(nn.Module):
    """S networks that begin as liquids, with a linear reader of how often each neuron has spiked."""

    def __init__(self, seeds: Sequence[list[int]], neurons: int, drive: float = 0.5, gain: float = 1.2):
        super().__init__()
        drawn = [wires(rng, CHANNELS, neurons, drive, gain) for rng in streams(seeds, 1)]
        tensor = lambda parts: nn.Parameter(torch.tensor(np.stack(parts), dtype=torch.float32))  # noqa: E731
        self.into, self.among = tensor([w.into for w in drawn]), tensor([w.among for w in drawn])
        self.out = nn.Parameter(torch.zeros(len(drawn), neurons, 10))
        self.bias = nn.Parameter(torch.zeros(len(drawn), 1, 10))

    def counts(self, events: Float[Tensor, "S B T C"], decay: float = 0.9) -> Float[Tensor, "S B N"]:
        """How often each neuron has spiked: the equation of a liquid, with a slope for the spike."""
        v = s = events.new_zeros(*events.shape[:2], self.among.shape[2])
        total = s
        for now in (events.flatten(1, 2) @ self.into).unflatten(1, events.shape[1:3]).unbind(2):
            v = decay * v * (1 - s.detach()) + now + s @ self.among
            s = spike(v - 1)
            total = total + s
        return total

    def forward(self, events: Float[Tensor, "S B T C"]) -> Float[Tensor, "S B 10"]:
        """Logits."""
        return self.counts(events) / STEPS @ self.out + self.bias

    @property
    def trained(self) -> int:
        """Weights of one network, all of them trained."""
        return sum(p.numel() for p in self.parameters()) // len(self.into)


def recordings(seeds: Sequence[list[int]]) -> tuple[Float[Array, "S n T C"], Int[Array, "S n"]]:
    """1297 swept digits to learn from and 500 new ones behind them, and what they are."""
    events, labels = [], []
    for seed in seeds:
        split = digits_split(N_TRAIN, N_TEST, [*seed, 3])
        events.append(swept(np.concatenate([split.x_train, split.x_test]), np.random.default_rng([*seed, 5])))
        labels.append(np.concatenate([split.y_train, split.y_test]).argmax(1))
    return np.stack(events), np.stack(labels)


def train(net: Recurrent, events: Array, labels: Array, seeds: Sequence[list[int]], batches: int) -> Float[Array, " S"]:
    """Train so many batches; the share of new recordings that each network then reads."""
    x, y = torch.tensor(events, dtype=torch.float32), torch.as_tensor(labels)
    order = torch.as_tensor(np.stack([rng.integers(0, N_TRAIN, (batches, BATCH)) for rng in streams(seeds, 2)]))
    runs, optimizer = torch.arange(len(x))[:, None], torch.optim.Adam(net.parameters(), RATE)
    for at in order.unbind(1):
        loss = cross_entropy(net(x[runs, at]), y[runs, at]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return (net(x[:, N_TRAIN:]).argmax(-1) == y[:, N_TRAIN:]).double().mean(1).numpy()
