"""Networks that are looked at again and again: trained once with ReLUs, and what training after the copy changes."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.primitives.runs.layers import streams

from .bridge import copied, remeasured, shuffled
from .network import LAYERS, RELU, Neuron, Twin
from .training import PLANES, Data, Input, Trainer, digits, right

FAST, SHOWN = 1e-2, 200  # Adam's rate with ReLUs; digits looked at


def start(kind: Input, channels: int, seeds: list[list[int]]) -> Twin:
    """S networks that have learned nothing; the second and third layer have twice as many channels as the first."""
    return Twin(seeds, *PLANES[kind], (channels, 2 * channels, 2 * channels)).eval()


@functools.lru_cache(maxsize=4)
def trained(channels: int, epochs: int, seed: int) -> tuple[Twin, Data]:
    """A network after these epochs with ReLUs, and its digits. It is kept: whoever changes it takes a copy."""
    seeds = [[seed, 0]]
    data = digits("pixels", 1, 1280, seeds)
    net = start("pixels", channels, seeds)
    trainer = Trainer(net, data, RELU, 1, FAST, streams(seeds, 6)[0])
    for _ in range(2 * epochs):
        trainer.half()
    return net, data


class History(NamedTuple):
    """Before training after the copy, and after each half epoch of it."""

    filters: Float[np.ndarray, "look filter 3 3"]  # of the first layer
    cosine: Float[np.ndarray, "look layer"]  # of a layer's weights now and in the network with ReLUs
    alike: Float[np.ndarray, "look 3"]  # CKA of what a layer sends: mean spikes beside ReLUs
    accuracy: Float[np.ndarray, " look"]


@functools.lru_cache(maxsize=8)
def history(
    channels: int, analog_epochs: int, shuffle: int, steps: int, rate: float, epochs: int, seed: int
) -> History:
    """Training after the copy of a network that is kept."""
    analog, data = trained(channels, analog_epochs, seed)
    seeds, fire = [[seed, 0]], Neuron(True)
    net = copied(analog, start("pixels", channels, seeds))
    net = remeasured(shuffled(net, shuffle, seeds), data.x[:, :SHOWN], fire, steps)
    trainer = Trainer(net, data, fire, steps, rate, np.random.default_rng([seed, 8]))
    x, rows = data.x_test[:, :SHOWN], []
    with torch.no_grad():
        model = [s.mean(0).flatten(1) for s in analog(x, RELU).sent]
    for i in range(2 * epochs + 1):
        with torch.no_grad():
            mine = [s.mean(0).flatten(1) for s in net(x, fire, steps).sent]
        pairs = [(getattr(net, n).detach().flatten(), getattr(analog, n).detach().flatten()) for n in LAYERS]
        cosine = [float(torch.cosine_similarity(a, b, 0)) for a, b in pairs]
        alike = [cka(a, b) for a, b in zip(mine, model, strict=True)]
        rows.append((net.conv0.detach()[:, 0].double().numpy().copy(), cosine, alike, right(net, data, fire, steps)[0]))
        if i < 2 * epochs:
            trainer.half()
    return History(*(np.array(v) for v in zip(*rows, strict=True)))


def cka(a: Float[Tensor, "B n"], b: Float[Tensor, "B m"]) -> float:
    """How alike two layers see B images: 1 for the same up to rotation and scale. Kornblith et al. (2019), linear.

    A layer that says the same of every image is like no other: 0.
    """
    grams = []
    for x in (a.double(), b.double()):
        x = x - x.mean(0)
        grams.append(x @ x.T)
    size = float(grams[0].norm() * grams[1].norm())
    return float((grams[0] * grams[1]).sum()) / size if size > 0 else 0.0


def reaches(operations: Float[np.ndarray, " look"], accuracy: Float[np.ndarray, " look"], goal: float) -> float | None:
    """Operations until the accuracy is first at the goal, in a straight line between looks; None if it never is."""
    at = np.flatnonzero(accuracy >= goal)
    if not len(at):
        return None
    k = int(at[0])
    if k == 0:
        return float(operations[0])
    part = (goal - accuracy[k - 1]) / (accuracy[k] - accuracy[k - 1])
    return float(operations[k - 1] + part * (operations[k] - operations[k - 1]))
