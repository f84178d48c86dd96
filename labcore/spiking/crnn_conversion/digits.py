"""A quantised convolutional and recurrent network that reads a digit row by row, trained, and its spiking twin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from labcore.primitives.digits.batches import DigitBatches
from labcore.primitives.spiking.staircase import staircase

from .neuron import Kind, Range, count_range
from .recurrent import HandOver, Read, Weights, quantised, spiking

Array = np.ndarray
FILTERS, GRID = 4, 1024.0


class Quantised(nn.Module):
    """Four filters of three pixels along each row, quantised ReLU; recurrent units; a linear readout of the last state.

    Filters count from 0 to 2^bits - 1, units too; with a sign units have 2 bits at least, one of them the sign.
    """

    def __init__(self, units: int, bits: int, signed: bool, rng: np.random.Generator):
        super().__init__()
        self.front_range = count_range(bits)
        self.state_range = count_range(max(bits, 2), True) if signed else count_range(bits)

        def drawn(rows: int, *shape: int) -> nn.Parameter:
            return nn.Parameter(torch.tensor(rng.normal(size=(rows, *shape)) / rows**0.5, dtype=torch.float32))

        self.filters = drawn(3, FILTERS)
        self.filters_b = nn.Parameter(torch.zeros(FILTERS))
        self.w, self.u = drawn(8 * FILTERS, units), drawn(units, units)
        self.b = nn.Parameter(torch.zeros(units))
        self.out, self.out_b = drawn(units, 10), nn.Parameter(torch.zeros(10))
        # log thresholds, so that they stay above 0; the ranges begin as 0 to 2, or -2 to 2
        self.log_front = nn.Parameter(torch.tensor(np.log(2 / self.front_range.high), dtype=torch.float32))
        self.log_state = nn.Parameter(torch.tensor(np.log(2 / self.state_range.high), dtype=torch.float32))

    def forward(self, x: Float[Tensor, "B 64"]) -> Float[Tensor, "B 10"]:
        rows = F.conv1d(x.view(-1, 1, 8), self.filters.T[:, None], self.filters_b, padding=1)
        q = staircase(rows.flatten(1), self.log_front.exp(), *self.front_range).view(len(x), 8, -1)
        h, theta = x.new_zeros(len(x), len(self.u)), self.log_state.exp()
        for into in (q @ self.w + self.b).unbind(1):
            h = staircase(into + h @ self.u, theta, *self.state_range)
        return h @ self.out + self.out_b


def train(
    data: DigitBatches, rng: np.random.Generator, *, units: int, bits: int, signed: bool, rate: float, every: int
) -> Iterator[tuple[int, Quantised]]:
    """Adam on the first run of `data`; yields the number of steps done and the network, every so often."""
    net = Quantised(units, bits, signed, rng)
    adam = torch.optim.Adam(net.parameters(), rate, fused=True)
    steps = data.order.shape[1]
    for step in range(steps):
        x, y = data.batch(step)
        loss = F.cross_entropy(net(x[0]), y[0])
        adam.zero_grad()
        loss.backward()
        adam.step()
        if (step + 1) % every == 0 or step + 1 == steps:
            yield step + 1, net


class Twins(NamedTuple):
    """The trained numbers as multiples of 1/1024: every sum of them is exact, in whatever order."""

    filters: Float[Array, "8 F"]  # the convolution along a row of 8 pixels as a matrix
    filters_b: Float[Array, " F"]
    b: Float[Array, " H"]
    out: Float[Array, "H 10"]
    out_b: Float[Array, " 10"]
    weights: Weights
    front_range: Range
    state_range: Range

    def currents(self, x: Float[Array, "B 64"]) -> tuple[Float[Array, "B 8 F"], Float[Array, "B 8 H"]]:
        """The analog currents of each row, for the front layer and for the recurrent one."""
        front = x.reshape(-1, 8, 8) @ self.filters + self.filters_b
        return front, np.broadcast_to(self.b, (len(x), 8, len(self.b))).copy()

    def quantised(self, x: Float[Array, "B 64"]) -> tuple[Float[Array, "B 8 H"], Int[Array, " B"]]:
        """The states of the quantised network, and the digits that it reads."""
        _, states = quantised(*self.currents(x), self.weights, self.front_range, self.state_range)
        return states, self._read(states)

    def spiking(
        self, x: Float[Array, "B 64"], steps: int, kind: Kind, hand_over: HandOver, spread: int = 1
    ) -> tuple[Float[Array, "B 8 H"], Int[Array, " B"], Read]:
        """The same of the spiking network with so many small steps a row, and its spikes."""
        got = spiking(*self.currents(x), self.weights, self.front_range, self.state_range, steps, spread=spread,
                      hand_over=hand_over, kind=kind)  # fmt: skip
        states = self.weights.theta * got.state
        return states, self._read(states), got

    def _read(self, states: Float[Array, "B 8 H"]) -> Int[Array, " B"]:
        return (states[:, -1] @ self.out + self.out_b).argmax(1)

    def products(self, x: Float[Array, "B 64"]) -> float:
        """Multiplications of the quantised network for one digit behind its filters, those by 0 left out."""
        q, states = quantised(*self.currents(x), self.weights, self.front_range, self.state_range)
        rows = np.count_nonzero(q) + np.count_nonzero(states[:, :-1])
        return float(rows * len(self.b) + 10 * np.count_nonzero(states[:, -1])) / len(x)

    def additions(self, read: Read, digits: int) -> float:
        """Additions of the spiking network for one digit behind its filters: each spike adds a row of weights."""
        last = np.abs(read.state[:, -1]).sum()
        return float((read.front_spikes + read.state_spikes) * len(self.b) + 10 * last) / digits


def twins(net: Quantised) -> Twins:
    """Both networks of a trained one."""

    def on_grid(p: Tensor) -> Array:
        return np.round(p.detach().double().numpy() * GRID) / GRID

    filters = on_grid(net.filters)
    rows = np.zeros((8, FILTERS, 8))
    for place in range(8):
        for k in range(3):
            if 0 <= place + k - 1 < 8:
                rows[place + k - 1, :, place] = filters[k]
    front, state = (max(float(on_grid(p.exp())), 1 / GRID) for p in (net.log_front, net.log_state))
    return Twins(
        rows.reshape(8, -1),
        np.repeat(on_grid(net.filters_b), 8),
        on_grid(net.b),
        on_grid(net.out),
        on_grid(net.out_b),
        Weights(on_grid(net.w), on_grid(net.u), front, state),
        net.front_range,
        net.state_range,
    )
