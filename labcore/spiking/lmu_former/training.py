"""Readers of digits, pixel by pixel: how they learn, what they read after each pixel, and what a digit costs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int

from labcore.primitives.digits.batches import DigitBatches
from labcore.primitives.runs.training import cosine_rate, cross_entropy
from labcore.primitives.spiking.operations import Work, dense, neurons

from .networks import Guess, Reader

PIXELS = 64
Graded = Literal["last", "every"]


def sequence(
    x: Float[torch.Tensor, "S B 64"], order: Int[np.ndarray, " 64"], silence: int = 0
) -> Float[torch.Tensor, "S N B"]:
    """Pixels one after another in this order, then so many dark ones."""
    return torch.nn.functional.pad(x[..., torch.as_tensor(order)].transpose(1, 2), (0, 0, 0, silence))


def trained(
    net: Reader,
    data: DigitBatches,
    order: np.ndarray,
    silence: int,
    batches: int,
    rate: float,
    seen: list[int],
    graded: Graded = "last",
) -> Iterator[Reader]:
    """Adam with a falling rate; yields the net, at rest, before batches `seen`.

    Graded is the guess after the last sample, or the guesses after all of them, each as much.
    """
    optimizer = torch.optim.Adam(net.parameters(), rate)
    for i in range(batches + 1):
        if i in seen:
            yield net.eval()
            net.train()
        if i < batches:
            cosine_rate(optimizer, rate, i, batches)
            x, y = data.batch(i)
            logits = net(sequence(x, order, silence)).logits
            if graded == "last":
                loss = cross_entropy(logits[:, -1], y).sum()
            else:
                n = logits.shape[1]
                loss = cross_entropy(logits.flatten(1, 2), y.repeat(1, n)).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@torch.no_grad()
def read(net: Reader, data: DigitBatches, order: np.ndarray, silence: int, count: int) -> tuple[Guess, np.ndarray]:
    """Guesses on the first `count` new digits, and the share of right ones after each sample, (S, N)."""
    guess = net(sequence(data.x_test[:, :count], order, silence))
    right = guess.logits.argmax(-1) == data.y_test[:, None, :count]
    return guess, right.double().mean(2).numpy()


def work(net: Reader, guess: Guess) -> Work:
    """What a digit costs this network; the memory's own numbers, and those of attention, are no spikes."""
    total = Work()
    for name, (x, fan_out) in guess.into.items():
        total += dense(x.numpy(), fan_out, "analog" if net.neuron == "relu" or name == "first" else "spikes")
    s, n, b, _ = guess.into["head"][0].shape
    digits, d, width = s * b, net.d, net.width
    if net.neuron == "lif":
        # first, second, three times x, h, four times as many between; then what the block has for the past
        behind = {"memory": 1 + d, "none": d, "attention": 4 * d}[net.mixer]
        total += neurons((10 * width + behind) * digits, n)
    if net.mixer == "memory":
        products = (d * d + d) * n * digits
        total += Work(products=products, moved=products + 2 * d * n * digits)
    if net.mixer == "attention":
        products = d * n * (n + 1) * digits  # of queries with keys, and of their shares with values
        total += Work(products=products, moved=products)
    return total.each(digits)
