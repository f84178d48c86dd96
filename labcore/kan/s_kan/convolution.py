"""S-ConvKAN: a convolution whose kernel entries are functions that choose their family.

    y_o(r) = sum_{e} phi_oe(x(r + e)) + b_o,    e runs over the entries of the kernel, channel by channel,

the layer of `mechanism.py` on every patch, with the same functions at every place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import Linear

from .basis_bank import Family, bank
from .mechanism import SelectableLayer


class SelectableConv(nn.Module):
    """S convolutions of C channels to O, kernel `side` x `side`, no padding. Its nodes are the C side^2 kernel entries.

    `layer` goes to the `SelectableLayer` of the entries, in the order of torch's `unfold`: channels, rows, columns.
    """

    def __init__(
        self, rngs: Sequence[np.random.Generator], pool: tuple[Family, ...], channels: int, d_out: int, side: int = 3,
        stride: int = 1, size: int = 8, **layer,
    ):  # fmt: skip
        super().__init__()
        self.channels, self.side, self.stride = channels, side, stride
        self.entries = SelectableLayer(rngs, pool, channels * side**2, d_out, size, **layer)

    def features(self, x: Float[Tensor, "S N C H W"]) -> Float[Tensor, "N S*P*C*M H W"]:
        """What each family makes of each pixel: once a pixel, not once a patch."""
        phi = torch.stack([bank(p, self.entries.size).phi(x) for p in self.entries.pool], 2)
        return phi.permute(1, 0, 2, 3, 6, 4, 5).flatten(1, 4)

    def forward(self, features: Float[Tensor, "N S*P*C*M H W"], tau: float = 1.0) -> Float[Tensor, "S N O h w"]:
        """The sums, from what `features` made of x."""
        w = self.entries.weights(tau)  # (S, I, P, M, O)
        runs, out = len(w), w.shape[-1]
        w = w.unflatten(1, (self.channels, self.side, self.side))  # (S, C, rows, columns, P, M, O)
        kernel = w.permute(0, 6, 4, 1, 5, 2, 3).reshape(runs * out, -1, self.side, self.side)
        y = F.conv2d(features, kernel, self.entries.bias.flatten(), self.stride, groups=runs)
        return y.unflatten(1, (runs, out)).transpose(0, 1)

    def prune(self, tau: float) -> None:
        """Keep each kernel entry's favourite family."""
        self.entries = self.entries.prune(tau)


class ConvNet(nn.Module):
    """S networks for 8x8 pictures: a convolution to O maps of 6x6, tanh, means over 2x2, a linear map to 10 classes."""

    def __init__(
        self, rngs: Sequence[np.random.Generator], pool: tuple[Family, ...], maps: int, size: int, start: float
    ):
        super().__init__()
        self.conv = SelectableConv(rngs, pool, 1, maps, size=size, start=start, dtype=torch.float32)
        self.head = Linear(rngs, 9 * maps, 10)

    def forward(self, features: Float[Tensor, "N S*P*M 8 8"], tau: float = 1.0) -> Float[Tensor, "S N 10"]:
        return self.head(pooled(self.conv(features, tau).tanh()))


class PlainNet(nn.Module):
    """The same network with an ordinary convolution, one number a kernel entry."""

    def __init__(self, rngs: Sequence[np.random.Generator], maps: int):
        super().__init__()
        self.conv, self.head = Linear(rngs, 9, maps), Linear(rngs, 9 * maps, 10)

    def forward(self, x: Float[Tensor, "S N 8 8"]) -> Float[Tensor, "S N 10"]:
        runs, n = x.shape[:2]
        patches = F.unfold(x.flatten(0, 1)[:, None], 3).transpose(1, 2).reshape(runs, n * 36, 9)
        maps = self.conv(patches).view(runs, n, 36, -1).transpose(2, 3).unflatten(3, (6, 6))
        return self.head(pooled(maps.tanh()))


def pooled(maps: Float[Tensor, "S N O 6 6"]) -> Float[Tensor, "S N O*9"]:
    """Means over 2x2."""
    return F.avg_pool2d(maps.flatten(0, 1), 2).unflatten(0, maps.shape[:2]).flatten(2)
