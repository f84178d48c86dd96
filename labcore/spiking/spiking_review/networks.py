"""S networks of one hidden layer side by side: ReLUs, units of few bits, or neurons that fire.

All have 64 inputs, K hidden units with biases and 10 outputs, and learn from the same batches by the same optimizer.
They differ in what a hidden unit says to the outputs, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.digits.batches import DigitBatches
from labcore.primitives.runs.layers import Linear, streams
from labcore.primitives.runs.training import cross_entropy
from labcore.primitives.spiking.staircase import staircase
from labcore.primitives.spiking.steps import lif

RATE = 3e-3  # of Adam
Says = Callable[[Float[Tensor, "S B K"]], Float[Tensor, "..."]]


class OneHidden(nn.Module):
    """64 inputs, `width` hidden units, 10 outputs; run i from seeds[i] alone."""

    def __init__(self, seeds: Sequence[list[int]], width: int):
        super().__init__()
        rngs = streams(seeds, 1)
        self.hidden, self.out = Linear(rngs, 64, width), Linear(rngs, width, 10)
        self.height = nn.Parameter(torch.ones(len(seeds), 1, 1))  # of a step, for units of few bits

    def relu(self, current: Float[Tensor, "S B K"]) -> Float[Tensor, "S B K"]:
        """What an ordinary unit says."""
        return torch.relu(current)

    def few_bits(self, bits: int) -> Says:
        """A ReLU of 2^bits levels, from 0 up, whose height is learned: it begins with the highest level at 2."""
        high = 2**bits - 1
        return lambda current: staircase(current, 2 / high * self.height.clamp(min=1e-2), 0, high)

    def spikes(self, steps: int, decay: float) -> Callable[[Float[Tensor, "S B K"]], Float[Tensor, "T S B K"]]:
        """Spikes over time of leaky neurons with threshold 1, which the image drives in every step."""
        return lambda current: lif(current.expand(steps, *current.shape), decay, 1.0, "soft").spikes

    def forward(self, x: Float[Tensor, "S B 64"], says: Says) -> tuple[Float[Tensor, "S B 10"], Float[Tensor, ...]]:
        """Logits, and what the hidden units said; spikes count by their mean over time."""
        said = says(self.hidden(x))
        return self.out(said.mean(0) if said.ndim == 4 else said), said


def train(net: OneHidden, says: Says, data: DigitBatches, batches: int) -> OneHidden:
    """The same network after so many batches of cross-entropy, by Adam."""
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    for i in range(batches):
        x, y = data.batch(i)
        loss = cross_entropy(net(x, says)[0], y).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def rounded(x: Float[Tensor, "S n m"]) -> Float[Tensor, "S n m"]:
    """Weights as whole numbers from -127 to 127 times one number for each run: 8 bits."""
    unit = x.abs().amax((-2, -1), keepdim=True).clamp(min=1e-9) / 127
    return (x / unit).round() * unit
