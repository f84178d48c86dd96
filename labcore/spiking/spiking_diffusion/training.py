"""Training a denoiser on the digits, fine-tuning it with or without its gains, and what its samples are worth."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.data import digits_split

from .diffusion import TIMES, ddim, frechet, noised
from .networks import PIXELS, Denoiser

BATCH, RATE, FINE_RATE, COMPONENTS = 128, 2e-3, 1e-3, 20


class Digits(NamedTuple):
    """Pictures in [-1, 1], and the principal axes of those for training."""

    train: Float[Tensor, "1297 64"]
    test: Float[Tensor, "500 64"]
    axes: Float[np.ndarray, "64 20"]

    def distance(self, samples: Float[np.ndarray, "n 64"]) -> float:
        """Frechet distance of samples from the digits for training, along their 20 principal axes."""
        return frechet(samples @ self.axes, self.train.numpy() @ self.axes)


def digits(seed: int) -> Digits:
    """1297 digits for training and 500 others."""
    split = digits_split(1297, 500, [seed, 1])
    train, test = (torch.as_tensor(2 * x - 1, dtype=torch.float32) for x in (split.x_train, split.x_test))
    centred = train.numpy() - train.numpy().mean(0)
    return Digits(train, test, np.linalg.svd(centred, full_matrices=False)[2][:COMPONENTS].T)


def gaussian(shape: tuple[int, ...], seed: list[int]) -> Float[Tensor, " *shape"]:
    """Noise from one seed."""
    return torch.as_tensor(np.random.default_rng(seed).standard_normal(shape), dtype=torch.float32)


def train(
    net: Denoiser, data: Digits, batches: int, seed: list[int], rate: float = RATE, gains: bool = False
) -> Iterator[float]:
    """Train in place on ||told noise - noise||^2 with Adam; yields the loss of each batch. p moves only with gains."""
    net.train()
    net.p.requires_grad_(gains)
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.Adam([w for w in net.parameters() if w.requires_grad], rate)
    for _ in range(batches):
        x = data.train[torch.as_tensor(rng.integers(0, len(data.train), BATCH))]
        time = torch.as_tensor(rng.integers(0, TIMES, BATCH))
        noise = torch.as_tensor(rng.standard_normal(x.shape), dtype=x.dtype)
        loss = ((net(noised(x, noise, time), time) - noise) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield float(loss.detach())


@torch.no_grad()
def error(net: Denoiser, data: Digits, seed: int, theta: float = 1.0) -> float:
    """Mean squared error of the told noise, on 500 new digits at four times each; the same noise for every net."""
    net.eval()
    x = data.test.repeat(4, 1)
    time = torch.as_tensor(np.random.default_rng([seed, 5]).integers(0, TIMES, len(x)))
    noise = gaussian(tuple(x.shape), [seed, 6])
    return float(((net(noised(x, noise, time), time, theta) - noise) ** 2).mean())


def samples(
    net: Denoiser, n: int, steps: int, seed: list[int], theta: float = 1.0
) -> Iterator[Float[np.ndarray, "n 64"]]:
    """The pictures before the first denoising step and after each, from the noise of this seed."""
    net.eval()
    for x, _ in ddim(partial(net, theta=theta), gaussian((n, PIXELS), seed), steps):
        yield x.double().numpy()
