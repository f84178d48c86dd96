"""Digits as images and as events for both kinds of network, their training, and the work that it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from labcore.primitives.digits.stacked import stacked_digits
from labcore.primitives.runs.layers import streams
from labcore.primitives.runs.training import cross_entropy
from labcore.primitives.spiking.events import FRAME, digit_events
from labcore.primitives.spiking.operations import Work, conv, dense

from .network import RELU, Neuron, Pass, Twin

Input = Literal["pixels", "rate", "moving"]
PLANES: dict[str, tuple[int, int]] = {"pixels": (1, 8), "rate": (1, 8), "moving": (2, FRAME)}
N_TEST, BATCH = 500, 64


class Data(NamedTuple):
    """One split of the digits a run, time first. One step of `x` stays for all steps; `still` is what ReLUs get."""

    x: Float[Tensor, "T n SC size size"]
    still: Float[Tensor, "1 n SC size size"]
    y: Int[Tensor, "n S"]
    x_test: Float[Tensor, "T n_test SC size size"]
    still_test: Float[Tensor, "1 n_test SC size size"]
    y_test: Int[Tensor, "n_test S"]


def digits(kind: Input, steps: int, n_train: int, seeds: Sequence[list[int]]) -> Data:
    """Images that stay, or `steps` frames of events. A still frame of events is their mean over time, no more."""
    split = stacked_digits(n_train, N_TEST, [[*s, 3] for s in seeds])
    rngs, out = streams(seeds, 5), []
    for x, y in ((split.x, split.labels), (split.x_test, split.labels_test)):
        if kind == "pixels":
            shown = x.transpose(0, 1).reshape(1, -1, len(seeds), 8, 8)
        else:
            each = [digit_events(one.double().numpy(), kind, steps, g) for one, g in zip(x, rngs, strict=True)]
            planes, size = PLANES[kind]
            shown = torch.from_numpy(np.stack(each, 2).reshape(steps, -1, len(seeds) * planes, size, size))
        out += [shown, shown.mean(0, keepdim=True), y.T]
    return Data(*out)


def optimizer_of(net: Twin, rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(net.parameters(), rate)


def epoch(
    net: Twin, data: Data, neuron: Neuron, steps: int, optimizer: torch.optim.Optimizer, rng: np.random.Generator
) -> None:
    """One pass over the training digits, in batches of 64; the rest of less than a batch is left for the next."""
    net.train()
    x = data.x if neuron.spikes else data.still
    order = torch.from_numpy(rng.permutation(x.shape[1]))
    for at in order[: len(order) // BATCH * BATCH].split(BATCH):
        logits = net(x[:, at], neuron, steps if neuron.spikes else 1).logits.mean(0)
        loss = cross_entropy(logits.transpose(0, 1), data.y[at].T).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()


@torch.no_grad()
def right(net: Twin, data: Data, neuron: Neuron, steps: int) -> Float[np.ndarray, " S"]:
    """Share of new digits that each run reads."""
    x = data.x_test if neuron.spikes else data.still_test
    logits = net(x, neuron, steps if neuron.spikes else 1).logits.mean(0)
    return (logits.argmax(-1) == data.y_test).double().mean(0).numpy()
