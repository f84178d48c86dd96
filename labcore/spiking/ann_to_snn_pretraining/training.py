"""Digits as images and as events for both kinds of network, their training, and the work that it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from labcore.primitives.digits.stacked import stacked_digits
from labcore.primitives.runs.layers import streams
from labcore.primitives.runs.training import cross_entropy
from labcore.primitives.spiking.events import FRAME, digit_events
from labcore.primitives.spiking.operations import Kind, Work, conv, dense

from .network import LAYERS, Neuron, Twin, merged

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


class Trainer:
    """Trains a network in batches of 64 with Adam, each epoch in an order of its own."""

    def __init__(self, net: Twin, data: Data, neuron: Neuron, steps: int, rate: float, rng: np.random.Generator):
        self.net, self.data, self.neuron, self.rng = net, data, neuron, rng
        self.x, self.steps = (data.x, steps) if neuron.spikes else (data.still, 1)
        self.optimizer = torch.optim.Adam(net.parameters(), rate)
        self.order: list[Tensor] = []

    def half(self) -> int:
        """Half an epoch, all layers; returns how many images a run has seen in it."""
        batches = max(1, self.x.shape[1] // BATCH // 2)
        self.net.train()
        for _ in range(batches):
            if not self.order:
                shuffled = torch.from_numpy(self.rng.permutation(self.x.shape[1]))
                self.order = list(shuffled.split(BATCH))[: 2 * batches]
            at = self.order.pop()
            logits = self.net(self.x[:, at], self.neuron, self.steps).logits.mean(0)
            loss = cross_entropy(logits.transpose(0, 1), self.data.y[at].T).sum()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        self.net.eval()
        return batches * BATCH


@torch.no_grad()
def right(net: Twin, data: Data, neuron: Neuron, steps: int) -> Float[np.ndarray, " S"]:
    """Share of new digits that each run reads."""
    x, steps = (data.x_test, steps) if neuron.spikes else (data.still_test, 1)
    logits = net(x, neuron, steps).logits.mean(0)
    return (logits.argmax(-1) == data.y_test).double().mean(0).numpy()


@torch.no_grad()
def training_work(net: Twin, data: Data, neuron: Neuron, steps: int, sparse: bool, backward: bool = True) -> Work:
    """The work of one training step on one image, a mean over 64 new digits and all runs.

    Forward, gradients of weights, and gradients of what goes into a layer, except into the first. `sparse`: a spike
    costs an addition for each place it reaches, in the first two of them, and what is silent costs nothing; without it
    everything is a product, as it is where zeros are multiplied too. Gradients that go back are numbers in any case.
    Without `backward` it is the work of looking at an image.
    """
    x, steps = (data.x_test, steps) if neuron.spikes else (data.still_test, 1)
    x = x[:, :BATCH]
    sent = net(x, neuron, steps).sent
    total = Work()
    for k, layer in enumerate(LAYERS):
        into = x if k == 0 else sent[k - 1]
        if k in (1, 2):  # the sum over 2 x 2; the quarter goes into the weights
            into = merged(lambda z: 4 * F.avg_pool2d(z, 2), into)
        into = into.reshape(*into.shape[:2], net.runs, -1, *into.shape[3:]).numpy()
        weight = getattr(net, layer)
        events = sparse and (neuron.spikes if k else len(x) > 1)

        def count(kind: Kind, into=into, weight=weight, k=k) -> Work:
            if k == 3:
                return dense(into, 10, kind)
            shape = (weight.shape[0] // net.runs, *weight.shape[1:])
            return conv(into, shape, padding=1, kind=kind)

        once = count("spikes" if events else "analog")
        total += once
        if backward:
            total += once + (count("analog") if k else Work())
    return total.each(x.shape[1] * net.runs)
