"""Convolutions of S runs side by side that end in a batch norm, and what they are folded into after training.

Runs stand side by side in the channels: x is (N, S c, h, w), the channels of run i follow those of run i - 1.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import Rngs, normal

GAIN, EPS, MOMENTUM = 2.0, 1e-5, 0.1  # the gain lets a neuron with threshold 1 and halved currents fire
Tell = Callable[[Tensor, Tensor, int, int, int], None]  # what meets weights: into, weight, stride, padding, groups


def convolve(
    x: Float[Tensor, "N Sc h w"],
    weight: Float[Tensor, "S out c k k"],
    bias: Float[Tensor, " So"] | None = None,
    stride: int = 1,
    padding: int | None = None,
    depthwise: bool = False,
    tell: Tell | None = None,
) -> Float[Tensor, "N So h2 w2"]:
    """Each run's own convolution, zeros around the borders (half a kernel of them unless `padding` says otherwise)."""
    padding = weight.shape[-1] // 2 if padding is None else padding
    groups = weight.shape[1] if depthwise else 1
    if tell:
        tell(x, weight, stride, padding, groups)
    return F.conv2d(x, weight.flatten(0, 1), bias, stride, padding, groups=len(weight) * groups)


class Norm(nn.Module):
    """Batch norm as what it is, y = scale x + shift for each channel."""

    def __init__(self, runs: int, channels: int):
        super().__init__()
        self.gain = nn.Parameter(torch.full((runs * channels,), GAIN))
        self.bias = nn.Parameter(torch.zeros(runs * channels))
        self.register_buffer("mean", torch.zeros(runs * channels))
        self.register_buffer("var", torch.ones(runs * channels))

    def line(self) -> tuple[Float[Tensor, " c"], Float[Tensor, " c"]]:
        """Scale and shift of the kept moments."""
        scale = self.gain / (self.var + EPS).sqrt()
        return scale, self.bias - self.mean * scale

    def forward(self, x: Float[Tensor, "N c h w"]) -> Float[Tensor, "N c h w"]:
        """In training with the moments of this batch, of which a little is kept; else with the kept ones."""
        if not self.training:
            return F.batch_norm(x, self.mean, self.var, self.gain, self.bias, False, eps=EPS)
        # mean and 1 / sqrt(var + eps) come along; taken by themselves they are a quarter of a training step
        y, mean, inverse = torch.native_batch_norm(x, self.gain, self.bias, None, None, True, 0, EPS)
        with torch.no_grad():
            self.mean.lerp_(mean, MOMENTUM)
            self.var.lerp_(inverse**-2 - EPS, MOMENTUM)
        return y


class Conv(nn.Module):
    """A convolution and its batch norm."""

    def __init__(self, rngs: Rngs, c_in: int, c_out: int, size: int, stride: int = 1):
        super().__init__()
        self.weight = normal(rngs, c_out, c_in, size, size, std=sqrt(2 / (c_in * size**2)))
        self.norm = Norm(len(rngs), c_out)
        self.stride = stride

    def forward(self, x: Float[Tensor, "N Si h w"], tell: Tell | None = None) -> Float[Tensor, "N So h2 w2"]:
        return self.norm(convolve(x, self.weight, stride=self.stride, tell=tell))

    @torch.no_grad()
    def fold(self) -> Folded:
        """The same in one: scale in the weights, shift as the bias."""
        scale, shift = self.norm.line()
        runs, out = self.weight.shape[:2]
        return Folded(self.weight * scale.view(runs, out, 1, 1, 1), shift, self.stride)


class RepConv(nn.Module):
    """1x1, batch norm, depthwise 3x3, 1x1, batch norm: nothing in it is bent, so all of it is one 3x3 convolution.

    What the depthwise part sees beyond the border is what the first batch norm makes of nothing, its shift. It is that
    which a folded convolution with zeros beyond its border does as well. `zeros` breaks it.
    """

    def __init__(self, rngs: Rngs, c_in: int, c_out: int, zeros: bool = False):
        super().__init__()
        self.into = normal(rngs, c_in, c_in, 1, 1, std=1 / sqrt(c_in))
        self.inner = Norm(len(rngs), c_in)
        self.depthwise = normal(rngs, c_in, 1, 3, 3, std=1 / 3)
        self.out = normal(rngs, c_out, c_in, 1, 1, std=1 / sqrt(c_in))
        self.norm = Norm(len(rngs), c_out)
        self.zeros = zeros

    def forward(self, x: Float[Tensor, "N Si h w"], tell: Tell | None = None) -> Float[Tensor, "N So h w"]:
        y = self.inner(convolve(x, self.into, tell=tell))
        if self.zeros:
            y = F.pad(y, (1, 1, 1, 1))
        else:
            beyond = self.inner.line()[1].view(1, -1, 1, 1)
            y = F.pad(y - beyond, (1, 1, 1, 1)) + beyond
        y = convolve(y, self.depthwise, padding=0, depthwise=True, tell=tell)
        return self.norm(convolve(y, self.out, tell=tell))

    @torch.no_grad()
    def fold(self) -> Folded:
        """One 3x3 convolution that gives the same numbers."""
        runs, out, c = self.out.shape[:3]
        scale, shift = (v.view(runs, c) for v in self.inner.line())
        last, end = (v.view(runs, out) for v in self.norm.line())
        mix, spread, into = self.out.flatten(2), self.depthwise[:, :, 0], self.into.flatten(2)
        # the idea
        weight = torch.einsum("rom,rmuv,rm,rmi->roiuv", mix, spread, scale, into)
        bias = torch.einsum("rom,rmuv,rm->ro", mix, spread, shift)
        return Folded(weight * last[..., None, None, None], (bias * last + end).flatten())


class Folded(nn.Module):
    """A convolution with a bias and nothing else."""

    def __init__(self, weight: Float[Tensor, "S out c k k"], bias: Float[Tensor, " So"], stride: int = 1):
        super().__init__()
        self.weight, self.bias, self.stride = nn.Parameter(weight), nn.Parameter(bias), stride

    def forward(self, x: Float[Tensor, "N Si h w"], tell: Tell | None = None) -> Float[Tensor, "N So h2 w2"]:
        return convolve(x, self.weight, self.bias, self.stride, tell=tell)

    def fold(self) -> Folded:
        """Itself: it is one convolution already."""
        return self
