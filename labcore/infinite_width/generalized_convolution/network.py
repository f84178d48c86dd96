"""Two layers of one operator on the digits, and their training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.digits.batches import DigitBatches

from .layers import Convolution, Operator, patches


class Network(nn.Module):
    """k x k filters, batch norm, ReLU, pooling by 2, twice as many 2 x 2 filters, batch norm, a linear readout."""

    def __init__(self, operator: Operator, filters: int, k: int, x: Float[Tensor, "n 64"], rng: np.random.Generator):
        super().__init__()
        side = (8 - k + 1) // 2 - 1
        starts = patches(x[:200].view(-1, 1, 8, 8), k).flatten(0, 1).numpy()
        self.first = Convolution(operator, filters, k, starts, rng)
        self.first_norm = nn.BatchNorm2d(filters)
        with torch.no_grad():
            middle = F.max_pool2d(torch.relu(self.first_norm(self.first(x[:200].view(-1, 1, 8, 8)))), 2)
        self.second = Convolution(operator, 2 * filters, 2, patches(middle, 2).flatten(0, 1).numpy(), rng)
        self.second_norm = nn.BatchNorm2d(2 * filters)
        features = 2 * filters * side**2
        self.w = nn.Parameter(torch.tensor(rng.normal(size=(features, 10)) / features**0.5, dtype=torch.float32))
        self.b = nn.Parameter(torch.zeros(10))

    def forward(self, x: Float[Tensor, "B 64"]) -> Float[Tensor, "B 10"]:
        middle = F.max_pool2d(torch.relu(self.first_norm(self.first(x.view(-1, 1, 8, 8)))), 2)
        return self.second_norm(self.second(middle)).flatten(1) @ self.w + self.b


def train(
    operator: Operator,
    data: DigitBatches,
    rng: np.random.Generator,
    *,
    filters: int,
    k: int,
    rate: float,
    steps: int,
    every: int,
    frozen: bool = False,
) -> Iterator[tuple[int, Network, float]]:
    """Adam on the first run of `data`; yields the step, the network and its accuracy, at the start and every so often.

    `frozen` keeps the templates, or the weights, of both layers where they began.
    """
    x, x_test, y_test = data.x[0], data.x_test[0], data.y_test[0]
    net = Network(operator, filters, k, x, rng)
    if frozen:
        net.first.w.requires_grad_(False)
        net.second.w.requires_grad_(False)
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=rate)
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            net.eval()
            with torch.no_grad():
                right = float((net(x_test).argmax(1) == y_test).double().mean())
            net.train()
            yield step, net, right
        if step < steps:
            images, labels = data.batch(step)
            optimizer.zero_grad()
            F.cross_entropy(net(images[0]), labels[0]).backward()
            optimizer.step()
