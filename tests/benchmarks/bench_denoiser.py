"""A spiking denoiser: all time steps of a layer at once, beside one time step after another and beside spikingjelly.

Both rivals are given the weights and statistics of one network; the noise told is compared.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labcore.spiking.spiking_diffusion import Denoiser
from labcore.spiking.spiking_diffusion.diffusion import TIMES
from labcore.spiking.spiking_diffusion.networks import BLOCKS, KEEP, waves
from tests.benchmarks.bench_steps import installed
from tests.benchmarks.timing import Duel, Growth, Work


def network(width: int, steps: int) -> Denoiser:
    """As after training: gains and statistics that matter. float64, so that no spike hangs on rounding."""
    rng, net = np.random.default_rng(0), Denoiser("spikes", width, steps, np.random.default_rng(0))
    for norm in net.norms:
        norm.running_mean.copy_(torch.as_tensor(rng.normal(size=width)))
        norm.running_var.copy_(torch.as_tensor(rng.uniform(0.5, 2, width)))
    net.weights[-1].data.copy_(torch.as_tensor(rng.normal(size=(width, 64)) / width**0.5))
    net.p.data.copy_(torch.as_tensor(rng.uniform(0.8, 1.2, net.p.shape)))
    return net.double().eval()


def problem(pictures: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(1)
    return torch.as_tensor(rng.normal(size=(pictures, 64))), torch.as_tensor(rng.integers(0, TIMES, pictures))


def ours(net: Denoiser, x: Tensor, time: Tensor) -> Work:
    def run() -> np.ndarray:
        with torch.no_grad():
            return net(x, time).numpy()

    return run


def linear(net: Denoiser, layer: int) -> nn.Linear:
    w = net.weights[layer]
    made = nn.Linear(*w.shape).double()
    made.weight.data.copy_(w.T)
    made.bias.data.copy_(net.biases[layer])
    return made


class Cell(nn.Module):
    """Neurons without a leak that keep their potentials from one call to the next."""

    def forward(self, current: Tensor) -> Tensor:
        h = self.v + current
        s = (h >= 1).to(h.dtype)
        self.v = h * (1 - s)
        return s

    def reset(self) -> None:
        self.v = torch.tensor(0.0)


def step_by_step(net: Denoiser, x: Tensor, time: Tensor) -> Work:
    """The network as an ordinary one that is called T times."""
    linears, cells = [linear(net, k) for k in range(len(net.weights))], [Cell() for _ in range(2 * BLOCKS)]

    def run() -> np.ndarray:
        with torch.no_grad():
            clock = (F.silu(waves(time).double() @ net.clock[0]) @ net.clock[1]).chunk(BLOCKS, -1)
            v = torch.zeros_like(x)
            for cell in cells:
                cell.reset()
            for t in range(net.steps):
                stream = net.norms[0](net.p[0, t] * linears[0](x))
                for k, now in enumerate(clock):
                    a, b = 2 * k + 1, 2 * k + 2
                    h = net.norms[a](net.p[a, t] * linears[a](cells[a - 1](stream))) + now
                    stream = stream + net.norms[b](net.p[b, t] * linears[b](cells[b - 1](h)))
                v = KEEP * v + net.p[-1, t] * linears[-1](stream)
            return v.numpy()

    return run


def in_spikingjelly(net: Denoiser, x: Tensor, time: Tensor) -> Work:
    """Its neurons over all time steps, and its containers for layers that know no time."""
    from spikingjelly.activation_based import layer, neuron

    linears = [layer.SeqToANNContainer(linear(net, k)) for k in range(len(net.weights))]
    norms = [layer.SeqToANNContainer(n) for n in net.norms]
    cells = [neuron.IFNode(v_threshold=1.0, v_reset=0.0, detach_reset=True, step_mode="m") for _ in range(2 * BLOCKS)]
    kept = KEEP ** torch.arange(net.steps - 1, -1, -1).double()

    def run() -> np.ndarray:
        with torch.no_grad():
            clock = (F.silu(waves(time).double() @ net.clock[0]) @ net.clock[1]).chunk(BLOCKS, -1)
            for cell in cells:
                cell.reset()
            gains = net.p[:, :, None, None]
            stream = norms[0](gains[0] * linears[0](x.expand(net.steps, -1, -1)))
            for k, now in enumerate(clock):
                a, b = 2 * k + 1, 2 * k + 2
                h = norms[a](gains[a] * linears[a](cells[a - 1](stream))) + now
                stream = stream + norms[b](gains[b] * linears[b](cells[b - 1](h)))
            return (kept[:, None, None] * gains[-1] * linears[-1](stream)).sum(0).numpy()

    return run


def telling(quick: bool) -> list[Duel]:
    duels = []
    for pictures, width, steps in ((8, 12, 3),) if quick else ((25, 128, 4), (500, 128, 4)):
        net, given = network(width, steps), problem(pictures)
        what, mine = f"noise of {pictures} pictures, {steps} time steps of {width} spiking units", ours(net, *given)
        rivals = {"torch, one time step after another": step_by_step}
        if installed("spikingjelly"):
            rivals["spikingjelly"] = in_spikingjelly
        for name, rival in rivals.items():
            duels.append(Duel(what, mine, name, rival(net, *given), 1e-9, table=pictures == 25))
    return duels


def growth(quick: bool) -> list[Growth]:
    sizes, width, pictures = ((1, 4), 12, 8) if quick else ((1, 2, 4, 8), 128, 500)
    works = {t: (ours(network(width, t), *problem(pictures)), 1) for t in sizes}
    return [Growth("spiking denoiser, noise told once", "time steps", works, 1, "ms")]


PEERS, GROWTH, MEMORY = (telling,), (growth,), ()
