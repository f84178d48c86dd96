"""A network of spiking neurons that tells the noise in a picture, and its twins without spikes.

The picture comes in T times, as numbers. A real-valued stream runs through the network; each branch begins with neurons
that fire (no leak, hard reset), so that what is added to the stream is never a spike:
    current at step t = p[t] (W s_t + b),    h = BN(current) + time,    stream = stream + BN(next current).
The answer is the potential of neurons that leak and never fire, sum_t 0.8^(T - 1 - t) y_t, with y the stream through a
last matrix. p is 1 until it is trained.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from labcore.primitives.spiking.staircase import staircase
from labcore.primitives.spiking.steps import lif, lif_compiled

Kind = Literal["spikes", "staircase", "ReLU"]
PIXELS, WAVES, BLOCKS, KEEP = 64, 32, 2, 0.8  # numbers that tell the time; of the readout's potential, each step


class Denoiser(nn.Module):
    """Two residual blocks of `width` units; `bits` time steps T, or a staircase of 2^bits - 1 steps, or a ReLU.

    Without spikes there is one time step. Weights are drawn from `rng` alone. Raises ValueError for a kind that is not
    known.
    """

    def __init__(self, kind: Kind, width: int, bits: int, rng: np.random.Generator):
        super().__init__()
        if kind not in get_args(Kind):
            raise ValueError(f"kind = {kind!r} is not allowed; it must be one of {', '.join(get_args(Kind))}")
        self.kind, self.steps, self.levels = kind, bits if kind == "spikes" else 1, 2**bits - 1
        sizes = [PIXELS, *[width] * (1 + 2 * BLOCKS), PIXELS]
        self.weights = nn.ParameterList([_drawn(rng, a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)])
        nn.init.zeros_(self.weights[-1])  # at first no noise is told, whatever the number of time steps
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(b)) for b in sizes[1:]])
        self.p = nn.Parameter(torch.ones(len(self.weights), self.steps))
        self.norms = nn.ModuleList([nn.BatchNorm1d(width) for _ in self.weights[:-1]])
        self.clock = nn.ParameterList([_drawn(rng, WAVES, width), _drawn(rng, width, BLOCKS * width)])
        # of a staircase: the log of a step's height; currents are about normal, so few lie beyond the highest step, 3
        self.heights = nn.Parameter(torch.full((2 * BLOCKS,), log(3 / self.levels)))

    def fire(self, current: Float[Tensor, "T B n"], layer: int, theta: float) -> Float[Tensor, "T B n"]:
        """What the neurons of a layer send: spikes at this threshold, or numbers."""
        if self.kind == "ReLU":
            return torch.relu(current)
        if self.kind == "staircase":
            return staircase(current, self.heights[layer].exp(), 0, self.levels)
        if torch.is_grad_enabled():
            return lif(current, 1.0, theta, "hard").spikes
        return torch.from_numpy(lif_compiled(current.numpy(), 1.0, theta, "hard").spikes)  # the same bits, sooner

    def weigh(self, sent: Float[Tensor, "T B n"], layer: int) -> Float[Tensor, "T B m"]:
        """The currents that they cause: the same weights at all steps, times the gain of the step."""
        return self.p[layer, :, None, None] * (sent @ self.weights[layer] + self.biases[layer])

    def forward(
        self,
        x: Float[Tensor, "B 64"],
        time: Int[Tensor, " B"],
        theta: float = 1.0,
        sent: list[Float[Tensor, "T B n"]] | None = None,
    ) -> Float[Tensor, "B 64"]:
        """The noise in x at these diffusion times, all thresholds at theta. No potential outlives the call.

        What each layer of neurons sends is appended to `sent`.
        """
        stream = self._norm(self.weigh(x.expand(self.steps, -1, -1), 0), 0)
        clock = F.silu(waves(time).to(x.dtype) @ self.clock[0]) @ self.clock[1]
        for k, now in enumerate(clock.chunk(BLOCKS, -1)):
            first = self.fire(stream, 2 * k, theta)  # the idea
            h = self._norm(self.weigh(first, 2 * k + 1), 2 * k + 1) + now
            second = self.fire(h, 2 * k + 1, theta)
            branch = self._norm(self.weigh(second, 2 * k + 2), 2 * k + 2)
            # the idea
            stream = stream + branch
            if sent is not None:
                sent += [first, second]
        return readout(self.weigh(stream, 2 * BLOCKS + 1))

    def _norm(self, current: Float[Tensor, "T B n"], layer: int) -> Float[Tensor, "T B n"]:
        return self.norms[layer](current.flatten(0, 1)).view_as(current)


def readout(y: Float[Tensor, "T B n"]) -> Float[Tensor, "B n"]:
    """The potential, after T steps, of neurons that keep 0.8 of it each step and never fire."""
    ages = torch.arange(len(y) - 1, -1, -1, dtype=y.dtype)
    return ((KEEP**ages)[:, None, None] * y).sum(0)


def waves(time: Int[Tensor, " B"]) -> Float[Tensor, "B 32"]:
    """Sines and cosines of a diffusion time, from fast to slow."""
    angle = time[:, None] * torch.exp(-log(1000) * torch.arange(WAVES // 2) / (WAVES // 2))
    return torch.cat([angle.sin(), angle.cos()], -1)


def _drawn(rng: np.random.Generator, a: int, b: int) -> nn.Parameter:
    return nn.Parameter(torch.as_tensor(rng.normal(size=(a, b)) / sqrt(a), dtype=torch.float32))
