"""Networks of one hidden layer of four kinds of neuron, S of each kind side by side: their loss, and one step of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import Linear, streams
from labcore.primitives.spiking.steps import Course, lif

from .mechanism import sigmoid_lif, ultra_dlif, ultra_lif

Kind = Literal["surrogate", "smooth spike", "UltraLIF", "UltraDLIF"]
KINDS: tuple[str, ...] = get_args(Kind)
CLAMP = 0.1, 20.0  # of eps, as in the authors' program


class Network(nn.Module):
    """S networks of one kind: currents W s + b of a hidden layer, a linear readout of its mean spikes over time.

    eps is one learnable number a network, kept in `CLAMP`.
    """

    def __init__(
        self, kind: Kind, seeds: Sequence[list[int]], inputs: int, hidden: int, outputs: int, eps: float, **cell: float
    ):
        super().__init__()
        rngs = streams(seeds, 1)
        self.first, self.readout = Linear(rngs, inputs, hidden), Linear(rngs, hidden, outputs)
        self.log_eps = nn.Parameter(torch.full((len(seeds), 1, 1), eps).log())
        self.kind, self.cell = kind, cell

    @property
    def eps(self) -> Float[Tensor, "S 1 1"]:
        return self.log_eps.exp().clamp(*CLAMP)

    def spikes(self, x: Float[Tensor, "T S M d"]) -> Float[Tensor, "T S M hidden"]:
        """What the hidden neurons do; inputs that are the same in every step may have stride 0 over time."""
        same = x.stride(0) == 0
        current = torch.stack([self.first(now) for now in (x[:1] if same else x)])
        return fire(self.kind, current.expand(len(x), *current.shape[1:]), self.eps, **self.cell).spikes

    def forward(self, x: Float[Tensor, "T S M d"]) -> tuple[Float[Tensor, "S M outputs"], Float[Tensor, " S"]]:
        """The answers, and the mean of all spikes of each network."""
        mean = self.spikes(x).mean(0)
        return self.readout(mean), mean.mean((1, 2))


def fire(kind: Kind, current: Float[Tensor, "T ..."], eps: float | Tensor, leak: float, theta: float) -> Course:
    """A layer of this kind of neuron. The surrogate's neuron has the true spikes, and a slope without eps."""
    if kind == "surrogate":
        return lif(current, leak, theta)
    run = {"smooth spike": sigmoid_lif, "UltraLIF": ultra_lif, "UltraDLIF": ultra_dlif}[kind]
    return run(current, eps, leak, theta)
