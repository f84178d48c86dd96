"""S deep networks side by side: with ReLUs, and the same weights with neurons that fire.

A spiking layer has one threshold and one leak, both learned. In units of its threshold, U its potential:
    U_t = leak U_(t-1) + (W o_t) / threshold,   o = 1 where U_t - 1 >= 0, else 0,   U_t = U_t - o.
Backward, ds/du = gamma max(0, 1 - |u|) with u = U_t - 1. The output layer only adds up its currents over time. With one
time step there is nothing to leak from and nothing to reset: o = 1 where W o >= threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import normal, streams
from labcore.primitives.spiking.steps import lif

LEAST = 1e-3  # of a threshold


class Deep(nn.Module):
    """`depth` hidden layers of `width` units on 64 inputs, 10 outputs, no biases; S runs, run i from seeds[i] alone."""

    def __init__(self, seeds: Sequence[list[int]], depth: int, width: int, gamma: float):
        super().__init__()
        rngs, sizes = streams(seeds, 1), [64, *[width] * depth, 10]
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        self.weights = nn.ParameterList([normal(rngs, a, b, std=sqrt(2 / a)) for a, b in pairs])
        self.thresholds = nn.ParameterList([nn.Parameter(torch.ones(len(seeds), 1, 1)) for _ in range(depth)])
        self.leaks = nn.ParameterList([nn.Parameter(torch.ones(len(seeds), 1, 1)) for _ in range(depth)])
        self.gamma = gamma

    def analog(self, x: Float[Tensor, "S B 64"]) -> Float[Tensor, "S B 10"]:
        """Logits of the network with ReLUs."""
        for w in self.weights[:-1]:
            x = torch.relu(x @ w)
        return x @ self.weights[-1]

    def forward(
        self, x: Float[Tensor, "S B 64"], steps: int
    ) -> tuple[Float[Tensor, "S B 10"], list[Float[Tensor, "T S B width"]]]:
        """Logits and the spikes of each hidden layer; the image is the first layer's input at each step."""
        spikes, now = [], (x @ self.weights[0]).expand(steps, *x.shape[:2], -1)
        for w, threshold, leak in zip(self.weights[1:], self.thresholds, self.leaks, strict=True):
            spikes.append(self._fire(now, threshold, leak))
            now = spikes[-1] @ w
        return now.sum(0), spikes

    def _fire(
        self, current: Float[Tensor, "T S B n"], threshold: Float[Tensor, "S 1 1"], leak: Float[Tensor, "S 1 1"]
    ) -> Float[Tensor, "T S B n"]:
        # the idea
        scaled = current / threshold.clamp(min=LEAST)
        # the idea
        return lif(scaled, leak.clamp(0, 1), 1.0, "soft", surrogate="triangle", alpha=self.gamma).spikes

    @torch.no_grad()
    def calibrate(self, x: Float[Tensor, "S B 64"], steps: int, percentile: float) -> None:
        """Set each threshold, layer after layer, to this percentile of the currents that reach it; no leak.

        The layers before already fire when a layer is looked at.
        """
        now = (x @ self.weights[0]).expand(steps, *x.shape[:2], -1)
        for w, threshold, leak in zip(self.weights[1:], self.thresholds, self.leaks, strict=True):
            seen = now.transpose(0, 1).flatten(1)
            threshold.copy_(torch.quantile(seen, percentile / 100, 1).clamp(min=LEAST)[:, None, None])
            leak.fill_(1.0)
            now = self._fire(now, threshold, leak) @ w
