"""Networks 64-m-m-10 that learn the same digits from different first weights and batches, side by side."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from labcore.primitives.digits.stacked import stacked_digits
from labcore.primitives.runs.descend import adam, descend

Array = np.ndarray
N_TRAIN, HELD_OUT = 1000, 797
BATCH, RATE = 64, 1e-3


class Nets(NamedTuple):
    """Weights and biases of the three layers, of N networks in each of R repetitions."""

    w1: Float[Array, "R N 64 m"]
    b1: Float[Array, "R N 1 m"]
    w2: Float[Array, "R N m m"]
    b2: Float[Array, "R N 1 m"]
    w3: Float[Array, "R N m 10"]
    b3: Float[Array, "R N 1 10"]


class Trained(NamedTuple):
    """The networks before and after training, and digits that none of them trained on, one set a repetition."""

    before: Nets
    after: Nets
    held_out: Float[Array, "R n 64"]
    accuracy: Float[Array, "R N"]


@functools.lru_cache(maxsize=6)
def train(width: int, steps: int, seed: int, nets: int = 2, repeats: int = 1, first: int = 0) -> Trained:
    """ReLU networks by Adam on cross-entropy, batches of 64 of the same 1000 digits.

    The networks of a repetition share these digits and nothing else: first weights and batches are their own.
    Repetitions are numbered from `first`; each is the same whatever others are there, up to rounding.
    """
    keys = [(seed, r, i) for r in range(first, first + repeats) for i in range(nets)]
    data = stacked_digits(N_TRAIN, HELD_OUT, [key[:2] for key in keys])
    shapes = ((64, width), (1, width), (width, width), (1, width), (width, 10), (1, 10))
    starts, orders = [], []
    for key in keys:
        rng = np.random.default_rng([*key, 5])
        starts.append([rng.normal(size=s) * np.sqrt(1 / (3 * s[0])) if s[0] > 1 else np.zeros(s) for s in shapes])
        orders.append(rng.integers(0, N_TRAIN, (steps, BATCH)))
    tensors = [torch.tensor(np.stack(part), dtype=torch.float32) for part in zip(*starts, strict=True)]
    order = torch.tensor(np.stack(orders))
    before = [t.clone() for t in tensors]
    optimiser = adam(tensors, RATE)
    for step in range(steps):
        at = order[:, step]
        scores = _scores(tensors, data.x.gather(1, at[..., None].expand(-1, -1, 64)))
        labels = data.labels.gather(1, at)
        # the sum over networks: the gradient of each is that of its own mean loss
        loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="sum") / BATCH
        descend(optimiser, loss)
    with torch.no_grad():
        hit = (_scores(tensors, data.x_test).argmax(-1) == data.labels_test).double().mean(1)
    parts = ([t.detach().double().numpy().reshape(repeats, nets, *t.shape[1:]) for t in ts] for ts in (before, tensors))
    start, end = (Nets(*part) for part in parts)
    return Trained(start, end, data.x_test[::nets].double().numpy(), hit.numpy().reshape(repeats, nets))


def _scores(tensors: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    w1, b1, w2, b2, w3, b3 = tensors
    h = torch.baddbmm(b1, x, w1).relu()
    return torch.baddbmm(b3, torch.baddbmm(b2, h, w2).relu(), w3)


def activations(nets: Nets, x: Float[Array, "R n 64"], layer: int) -> Float[Array, "R N n m"]:
    """What the units of hidden layer 1 or 2 say to each digit. Raises ValueError for another layer."""
    if layer not in (1, 2):
        raise ValueError(f"layer = {layer} is not allowed; it must be 1 or 2")
    h = np.maximum(x[:, None] @ nets.w1 + nets.b1, 0)
    return h if layer == 1 else np.maximum(h @ nets.w2 + nets.b2, 0)


def pictures(nets: Nets, x: Float[Array, "R n 64"], layer: int) -> Float[Array, "R N m 8 8"]:
    """What each unit looks for: its input weights, in layer 2 through those of layer 1, each up to 1 in size.

    They are multiplied by how much the ink of their pixel varies: a pixel that is always white keeps the weight that
    it was given by chance, and means nothing.
    """
    w = nets.w1 if layer == 1 else nets.w1 @ nets.w2
    w = np.swapaxes(w * x.std(1)[:, None, :, None], -1, -2)
    return (w / np.maximum(np.abs(w).max(-1, keepdims=True), 1e-300)).reshape(*w.shape[:-1], 8, 8)
