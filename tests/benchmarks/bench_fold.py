"""A network of additions whose convolutions are folded into one each, beside itself as trained, in five parts."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from labcore.spiking.spike_driven import Meta
from tests.benchmarks.timing import Duel, Work


def network(runs: int, width: int, steps: int, x: Tensor) -> Meta:
    """With moments of batches, as after training. float64, so that no spike hangs on rounding."""
    net = Meta([[0, r] for r in range(runs)], width).double()
    with torch.no_grad():
        for _ in range(20):
            net(x[:, :64], steps)
    return net.eval()


def answers(net: Meta, x: Tensor, steps: int) -> Work:
    def run() -> np.ndarray:
        with torch.no_grad():
            return net(x, steps).numpy()

    return run


def folded(quick: bool) -> list[Duel]:
    duels = []
    for runs, width, steps, digits in ((2, 8, 2, 20),) if quick else ((1, 16, 2, 300), (4, 16, 2, 300)):
        x = torch.as_tensor(np.random.default_rng(0).random((runs, digits, 64)))
        net = network(runs, width, steps, x)
        what = f"{digits} digits, spiking transformers of {width} channels, {runs} side by side"
        duels.append(
            Duel(
                what,
                answers(net.fold(), x, steps),
                "as trained, five parts a convolution",
                answers(net, x, steps),
                1e-9,
                table=runs == 1,
            )
        )
    return duels


PEERS, GROWTH, MEMORY = (folded,), (), ()
