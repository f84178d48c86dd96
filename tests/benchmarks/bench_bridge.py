"""A training step of convolutional spiking networks on still images: side by side, beside one after another.

Gradients of the first layer's weights are compared. The first layer's currents are the same in every time step; ours
calculates them once, spikingjelly and the loop in torch once a step.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labcore.primitives.spiking.surrogate import spike
from labcore.spiking.ann_to_snn_pretraining import Neuron, Twin
from tests.benchmarks.bench_steps import installed
from tests.benchmarks.timing import Duel, Work

Array = np.ndarray


def problem(runs: int, widths: tuple[int, int, int], batch: int) -> tuple[Twin, Tensor, Tensor]:
    """A network, images (1, B, S, 8, 8), and weights of its logits (B, S, 10)."""
    g = torch.Generator().manual_seed(0)
    net = Twin([[0, r] for r in range(runs)], 1, 8, widths).train()
    return net, torch.rand(1, batch, runs, 8, 8, generator=g), torch.randn(batch, runs, 10, generator=g)


def ours(net: Twin, x: Tensor, weights: Tensor, steps: int) -> Work:
    def run() -> Array:
        loss = (net(x, Neuron(True), steps).logits.mean(0) * weights).sum()
        return torch.autograd.grad(loss, net.conv0)[0].numpy()

    return run


def own(net: Twin, run: int) -> list[Tensor]:
    """The weights of one run's three convolutions."""
    made = []
    for k in range(3):
        weight = getattr(net, f"conv{k}").detach()
        made.append(weight.unflatten(0, (net.runs, -1))[run].clone().requires_grad_())
    return made


def in_torch(net: Twin, x: Tensor, weights: Tensor, steps: int) -> Work:
    """One run after another, one step after another."""

    def one(r: int) -> Array:
        layers = own(net, r)
        out, seen = torch.zeros(()), [x[0, :, r : r + 1]] * steps
        for k, weight in enumerate(layers):
            currents = [F.conv2d(z, weight, padding=1) for z in seen]
            # one mean and one variance over images and time, as in the network
            currents = list(F.batch_norm(torch.cat(currents), None, None, training=True).split(x.shape[1]))
            v, seen = torch.zeros(()), []
            for current in currents:
                h = 0.5 * v + current
                s = spike(h - 1, "rectangle", 1.0)
                v = h * (1 - s.detach())
                seen.append(F.avg_pool2d(s, 2) if k < 2 else s)
        for s in seen:
            out = out + s.flatten(1) @ net.readout[r].detach() / steps
        return torch.autograd.grad((out * weights[:, r]).sum(), layers[0])[0].numpy()

    return lambda: np.concatenate([one(r) for r in range(net.runs)])


def in_jelly(net: Twin, x: Tensor, weights: Tensor, steps: int) -> Work:
    """spikingjelly's layers with all steps at once; one run."""
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    parts: list[nn.Module] = []
    for k, weight in enumerate(own(net, 0)):
        conv = layer.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, bias=False)
        conv.weight.data.copy_(weight.detach())
        fire = neuron.LIFNode(
            tau=2.0, decay_input=False, v_reset=0.0, surrogate_function=surrogate.Rect(alpha=1.0), detach_reset=True
        )
        parts += [conv, layer.BatchNorm2d(weight.shape[0]), fire, *([layer.AvgPool2d(2)] if k < 2 else [])]
    read = layer.Linear(net.readout.shape[1], 10)
    read.weight.data.copy_(net.readout[0].detach().T)
    read.bias.data.zero_()
    made = nn.Sequential(*parts, layer.Flatten(), read).train()
    functional.set_step_mode(made, "m")

    def run() -> Array:
        functional.reset_net(made)
        loss = (made(x.expand(steps, *x.shape[1:])).mean(0) * weights[:, 0]).sum()
        return torch.autograd.grad(loss, made[0].weight)[0].numpy()

    return run


def training(quick: bool) -> list[Duel]:
    widths, batch, steps = ((2, 3, 3), 4, 3) if quick else ((16, 32, 32), 64, 4)
    rows = []
    for runs in (1, 4):
        net, x, weights = problem(runs, widths, batch)
        what = f"training step of {runs} spiking network{'s' * (runs > 1)}, {steps} time steps, {batch} digits"
        mine = ours(net, x, weights, steps)
        rows.append(Duel(what, mine, "torch, step by step", in_torch(net, x, weights, steps), 1e-3, table=True))
        if runs == 1 and installed("spikingjelly"):
            rows.append(Duel(what, mine, "spikingjelly", in_jelly(net, x, weights, steps), 1e-3, table=True))
    return rows


PEERS, GROWTH, MEMORY = (training,), (), ()
