"""Digits learned by plain stochastic gradient descent, and one layer's weights after each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.data import Split

Array = np.ndarray
Layers = list[tuple[Float[Array, "i o"], Float[Array, " o"]]]  # weights and biases
HIGH = 1e6  # a weight above it has run away


class Trained(NamedTuple):
    """A network after an epoch."""

    layers: Layers
    epoch: int

    @property
    def middle(self) -> Float[Array, "H H"]:
        """The layer between the hidden ones: the largest, and away from pixels and classes."""
        return self.layers[1][0]


def start(width: int, rng: np.random.Generator) -> Layers:
    """A network 64-width-width-10, uniform in +-1/sqrt(inputs) as torch.nn.Linear begins."""
    sizes = (64, width, width, 10)
    return [
        ((rng.uniform(-1, 1, (i, o)) / np.sqrt(i)).astype("f4"), (rng.uniform(-1, 1, o) / np.sqrt(i)).astype("f4"))
        for i, o in zip(sizes[:-1], sizes[1:], strict=True)
    ]


def scores(layers: Layers, x: Float[Array, "n 64"]) -> Float[Array, "n 10"]:
    """What the network says of pictures x, with ReLU between layers."""
    for k, (w, b) in enumerate(layers):
        x = x @ w + b
        if k < len(layers) - 1:
            x = np.maximum(x, 0)
    return x


def accuracy(layers: Layers, x: Float[Array, "n 64"], y: Int[Array, " n"]) -> float:
    """Share of pictures x whose highest score is that of y."""
    return float((scores(layers, x).argmax(1) == y).mean())


def with_middle(layers: Layers, w: Float[Array, "H H"]) -> Layers:
    """The same network with other weights in its middle layer."""
    return [layers[0], (w, layers[1][1]), layers[2]]


def step(layers: Layers, x: Float[Array, "m 64"], y: Int[Array, " m"], lr: float) -> None:
    """One step against the gradient of the mean cross-entropy of a batch, in place."""
    inputs = [x]
    for k, (w, b) in enumerate(layers):
        x = x @ w + b
        if k < len(layers) - 1:
            x = np.maximum(x, 0)
            inputs.append(x)
    p = np.exp(x - x.max(1, keepdims=True))
    back = p / p.sum(1, keepdims=True)
    back[np.arange(len(y)), y] -= 1
    back /= len(y)
    for k in range(len(layers) - 1, -1, -1):
        w, b = layers[k]
        before = (back @ w.T) * (inputs[k] > 0) if k else back
        w -= np.float32(lr) * (inputs[k].T @ back)
        b -= np.float32(lr) * back.sum(0)
        back = before


def train(split: Split, width: int, lr: float, batch: int, epochs: int, rng: np.random.Generator) -> Iterator[Trained]:
    """The network at the start and after each epoch of shuffled batches; it ends early where weights ran away.

    The layers are the same arrays all along: read them before the next one is asked for. Raises ValueError for a batch
    larger than the data.
    """
    x, y = split.x_train.astype("f4"), split.y_train.argmax(1)
    if not 1 <= batch <= len(x):
        raise ValueError(f"batch = {batch} is not allowed; it must be from 1 to the {len(x)} training samples")
    layers = start(width, rng)
    yield Trained(layers, 0)
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(x))
        for first in range(0, len(x) - batch + 1, batch):
            chosen = order[first : first + batch]
            step(layers, x[chosen], y[chosen], lr)
        if not all(np.abs(w).max() < HIGH for w, _ in layers):  # also where one is no number
            return
        yield Trained(layers, epoch)
