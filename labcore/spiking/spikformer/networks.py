"""S small transformers side by side that read digits: of spikes, of few levels, and with other attentions.

    X = LIF(BN(tokens W + place)),   X <- X + attention(X),   X <- X + LIF(BN(LIF(BN(X W1)) W2)),
    attention(X) = LIF(BN(LIF_1/2(scale (Q K^T) V) Wp)),   Q, K, V = LIF(BN(X W)),   logits = mean of X over time W.

A neuron: H_t = V_(t-1) / 2 + I_t / 2, fires at 1, then V = 0. What the residual adds up are spikes: X is whole numbers.
Layout: (S, T, B, N, D), runs, steps, images, tokens, features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import normal, streams
from labcore.primitives.spiking.operations import Work, dense, neurons
from labcore.primitives.spiking.staircase import staircase
from labcore.primitives.spiking.steps import lif

from .attention import order_work, softmax_attention, softmax_work, spiking_attention

Array = np.ndarray
Arm = Literal["spikes", "softmax", "none", "levels"]
ARMS: tuple[str, ...] = get_args(Arm)
TOKENS, PIXELS, EXPANSION, SHARE = 16, 4, 2, 0.15  # SHARE: of its neurons that a softmax's threshold lets fire at first


class Norm(nn.Module):
    """Batch norm over steps, images and tokens, S runs; the gain begins at 2, so that neurons fire."""

    def __init__(self, runs: int, d: int):
        super().__init__()
        self.gain = nn.Parameter(torch.full((runs, 1, 1, 1, d), 2.0))
        self.bias = nn.Parameter(torch.zeros(runs, 1, 1, 1, d))
        self.register_buffer("mean", torch.zeros(runs, 1, 1, 1, d))
        self.register_buffer("var", torch.ones(runs, 1, 1, 1, d))

    def forward(self, x: Float[Tensor, "S T B N d"]) -> Float[Tensor, "S T B N d"]:
        mean, var = self.mean, self.var
        if self.training:
            var, mean = torch.var_mean(x, (1, 2, 3), correction=0, keepdim=True)
            self.mean.lerp_(mean.detach(), 0.1)
            self.var.lerp_(var.detach(), 0.1)
        return (x - mean) * (self.gain * torch.rsqrt(var + 1e-5)) + self.bias


class Former(nn.Module):
    """One block of `width` features in `heads` heads. Run i draws its weights from seeds[i] alone."""

    def __init__(self, seeds: Sequence[list[int]], arm: Arm, width: int, heads: int, steps: int, scale: float):
        super().__init__()
        if width % heads:
            raise ValueError(f"heads = {heads} is not allowed; it must divide the width {width}")
        rngs, runs = streams(seeds, 1), len(seeds)
        self.arm, self.heads, self.steps = arm, heads, 1 if arm == "levels" else steps
        self.levels = 2**steps - 1
        sizes = dict(embed=(PIXELS, width), q=(width, width), k=(width, width), v=(width, width), out=(width, width))
        sizes |= dict(up=(width, EXPANSION * width), down=(EXPANSION * width, width))
        self.weights = nn.ParameterDict({n: normal(rngs, *s, std=1 / sqrt(s[0])) for n, s in sizes.items()})
        self.norms = nn.ModuleDict({n: Norm(runs, s[1]) for n, s in sizes.items()})
        self.place = normal(rngs, TOKENS, width, std=0.5)
        self.head = normal(rngs, width, 10, std=1 / sqrt(width))
        # `scale` is that of the counts: moving it must not make a rival worse. For few levels 1/2 is better than 1
        scale = float(scale) if arm == "spikes" else 0.5
        self.register_buffer("scale", torch.full((runs, 1, 1, 1, 1), scale))
        self.work: list[Work] = []  # of each run, counted while it is not empty
        self.rate = torch.zeros(runs)  # of the neurons behind attention, in the last pass

    def forward(self, x: Float[Tensor, "S B 64"]) -> Float[Tensor, "S B 10"]:
        tokens = patches(x)[:, None].expand(-1, self.steps, -1, -1, -1)
        x = self._layer("embed", tokens, self.place[:, None, None])
        if self.arm != "none":
            x = x + self._attention(x)
        x = x + self._layer("down", self._layer("up", x))
        return x.mean((1, 3)) @ self.head

    def _attention(self, x: Float[Tensor, "S T B N D"]) -> Float[Tensor, "S T B N D"]:
        q, k, v = (self._split(self._layer(name, x)) for name in "qkv")
        mixed = spiking_attention(q, k, v) if self.arm == "spikes" else softmax_attention(q, k, v)
        mixed = mixed.transpose(-3, -2).flatten(-2)
        self._count(lambda i: self._attention_work(*(a[i].double().numpy() for a in (q, k, v))))
        fired = self._fire(self.scale * mixed, 0.5)
        self.rate = (fired > 0).float().mean((1, 2, 3, 4)).detach()
        return self._layer("out", fired)

    def _split(self, x: Float[Tensor, "S T B N D"]) -> Float[Tensor, "S T B h N d"]:
        return x.unflatten(-1, (self.heads, -1)).transpose(-3, -2)

    def _layer(
        self, name: str, x: Float[Tensor, "S T B N a"], more: Tensor | float = 0.0
    ) -> Float[Tensor, "S T B N b"]:
        w = self.weights[name]
        kind = "analog" if self.arm == "levels" or name == "embed" else "spikes"
        # the image is the same in each step: its layer is worked out once
        into = x if name != "embed" else x[:, :1]
        self._count(lambda i: dense(into[i].double().numpy(), w.shape[2], kind))
        current = torch.bmm(x.flatten(1, 3), w).view(*x.shape[:4], -1)
        return self._fire(self.norms[name](current + more), 1.0)

    def _fire(self, current: Float[Tensor, "S T B N d"], theta: float) -> Float[Tensor, "S T B N d"]:
        self._count(lambda i: neurons(current[i, 0].numel(), self.steps))
        if self.arm == "levels":
            return staircase(current, torch.tensor(1 / self.levels), 0, self.levels)
        return fire(current.transpose(0, 1), theta).transpose(0, 1)

    def _count(self, work: Callable[[int], Work]) -> None:
        self.work = [done + work(i) for i, done in enumerate(self.work)]

    def _attention_work(self, q: Array, k: Array, v: Array) -> Work:
        tokens, features = q.shape[-2:]
        if self.arm == "spikes":
            return order_work(q, k, v, "tokens" if tokens < features else "features")
        if self.arm == "softmax":
            return softmax_work(q, k, v)
        products = 2.0 * q.size * tokens + 2.0 * tokens * q.size / features
        return Work(products=products, moved=products)

    @torch.no_grad()
    def fit_threshold(self, x: Float[Tensor, "S B 64"]) -> None:
        """Scale what a softmax hands on, run by run, so that on these images a share of 15 % of it is above 1/2.

        Without it the threshold that suits counts would silence a mean of spikes. Other arms stay as they are.
        """
        if self.arm != "softmax":
            return
        self.train()
        tokens = patches(x)[:, None].expand(-1, self.steps, -1, -1, -1)
        x = self._layer("embed", tokens, self.place[:, None, None])
        mixed = softmax_attention(*(self._split(self._layer(name, x)) for name in "qkv"))
        high = torch.stack([torch.quantile(m.flatten()[::7], 1 - SHARE) for m in mixed])
        # from rest, half of a current is the potential after one step
        self.scale.copy_((1 / high.clamp(min=1e-3))[:, None, None, None, None])


def fire(current: Float[Tensor, "T ..."], theta: float) -> Float[Tensor, "T ..."]:
    """Spikes of neurons that begin at rest. In the first step one fires where its current is twice theta or more."""
    return lif(current, 0.5, theta, "hard", decay_input=True).spikes


def patches(x: Float[Tensor, "S B 64"]) -> Float[Tensor, "S B 16 4"]:
    """Tokens of 2 x 2 pixels, row after row."""
    cut = x.view(*x.shape[:2], 4, 2, 4, 2)
    return cut.transpose(-3, -2).flatten(-2).flatten(-3, -2).flatten(2).view(*x.shape[:2], TOKENS, PIXELS)
