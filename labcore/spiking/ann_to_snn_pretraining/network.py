"""One graph of layers for both: S small convolutional networks side by side, with ReLUs or with neurons that fire.

    3 x (convolution 3 x 3, batch norm, activation), the first two followed by a mean over 2 x 2, then a linear layer.
    analog:    activation max(0, I), one step
    spiking:   V_t = decay V_(t-1) + I_t, a spike where V_t >= theta, which sets V back to 0; T steps.
               Backward ds/dV := 1 / width where |V - theta| < width / 2, else 0. Logits are means over time.

Every tensor of one has its partner in the other, running statistics included: that is what can be copied. Run s owns
its channels of each layer; nothing is mixed between runs. Source: the rectangular slope of width 1 is the one of the
authors' code; decay 1/2 and theta 1 are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import normal, streams
from labcore.primitives.spiking.steps import lif


class Neuron(NamedTuple):
    """What an activation is. With `spikes` False it is a ReLU, and the rest means nothing."""

    spikes: bool
    decay: float = 0.5
    theta: float = 1.0
    width: float = 1.0


RELU = Neuron(False)
LAYERS = ("conv0", "conv1", "conv2", "readout")  # names of their weights


class Pass(NamedTuple):
    """What a pass through a network leaves: logits, and what each activation sent."""

    logits: Float[Tensor, "T B S 10"]
    sent: list[Float[Tensor, "T B SC H W"]]


class Twin(nn.Module):
    """S networks on images of `channels` planes of size x size; run s draws its weights from seeds[s] alone."""

    def __init__(self, seeds: Sequence[list[int]], channels: int, size: int, widths: tuple[int, int, int]):
        super().__init__()
        rngs, self.runs, self.momentum = streams(seeds, 1), len(seeds), 0.1
        into = (channels, *widths[:-1])
        for k, (a, b) in enumerate(zip(into, widths, strict=True)):
            weight = normal(rngs, b, a, 3, 3, std=sqrt(2 / (9 * a))).flatten(0, 1)
            self.register_parameter(f"conv{k}", nn.Parameter(weight.detach()))
            self.register_parameter(f"gain{k}", nn.Parameter(torch.ones(self.runs * b)))
            self.register_parameter(f"bias{k}", nn.Parameter(torch.zeros(self.runs * b)))
            self.register_buffer(f"mean{k}", torch.zeros(self.runs * b))
            self.register_buffer(f"var{k}", torch.ones(self.runs * b))
        features = widths[-1] * (size // 4) ** 2
        self.readout = normal(rngs, features, 10, std=1 / sqrt(features))
        self.readout_bias = nn.Parameter(torch.zeros(self.runs, 1, 10))

    def forward(self, x: Float[Tensor, "T B SC size size"], neuron: Neuron, steps: int = 1) -> Pass:
        """x has `steps` steps, or one that stays: then the first layer's currents are calculated once."""
        return self._walk(x, neuron, steps)[0]

    @torch.no_grad()
    def spreads(self, x: Float[Tensor, "T B SC size size"], neuron: Neuron, steps: int = 1) -> list[float]:
        """Standard deviation of each layer's raw currents over that of the statistics it was given; 1: as expected."""
        raw = self._walk(x, neuron, steps)[1]
        return [float((z.var((0, 1, 3, 4)) / getattr(self, f"var{k}")).mean().sqrt()) for k, z in enumerate(raw)]

    def _walk(self, x: Tensor, neuron: Neuron, steps: int) -> tuple[Pass, list[Tensor]]:
        sent: list[Tensor] = []
        raw: list[Tensor] = []
        for k in range(3):
            raw.append(merged(lambda z, k=k: self._conv(k, z), x))
            current = self._norm(k, raw[-1])
            if k == 0 and len(current) < steps:
                current = current.expand(steps, *current.shape[1:])
            x = self._activation(current, neuron)
            sent.append(x)
            if k < 2:
                x = merged(lambda z: F.avg_pool2d(z, 2), x)
        t, b = x.shape[:2]
        rows = x.reshape(t * b, self.runs, -1).transpose(0, 1)
        logits = torch.baddbmm(self.readout_bias, rows, self.readout).transpose(0, 1)
        return Pass(logits.reshape(t, b, self.runs, 10), sent), raw

    def _conv(self, k: int, z: Float[Tensor, "N SC H W"]) -> Float[Tensor, "N SD H W"]:
        return F.conv2d(z, getattr(self, f"conv{k}"), padding=1, groups=self.runs)

    def _norm(self, k: int, z: Float[Tensor, "T B SC H W"]) -> Float[Tensor, "T B SC H W"]:
        # one mean and one variance over images and time
        mean, var, gain, bias = (getattr(self, f"{n}{k}") for n in ("mean", "var", "gain", "bias"))
        return merged(lambda q: F.batch_norm(q, mean, var, gain, bias, self.training, self.momentum), z)

    def _activation(self, current: Float[Tensor, "T ..."], neuron: Neuron) -> Float[Tensor, "T ..."]:
        if not neuron.spikes:
            return torch.relu(current)
        return lif(current, neuron.decay, neuron.theta, surrogate="rectangle", alpha=neuron.width).spikes


def merged(layer, x: Float[Tensor, "T B *shape"]) -> Float[Tensor, "T B *out"]:
    """A layer that knows nothing of time, on every step of every image."""
    y = layer(x.flatten(0, 1))
    return y.reshape(*x.shape[:2], *y.shape[1:])
