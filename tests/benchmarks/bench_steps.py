"""Leaky neurons over time: the compiled loop and the differentiable one beside NumPy, spikingjelly and snntorch."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from labcore.primitives.spiking.steps import lif, lif_compiled
from tests.benchmarks.timing import Duel, Growth, Work

Array = np.ndarray


def currents(*shape: int) -> Array:
    return np.random.default_rng(0).normal(0.4, 0.7, shape).astype(np.float32)


def in_numpy(current: Array, decay: float, theta: float) -> Array:
    """The same neuron, one array operation after another."""
    decay, theta, one = (np.float32(x) for x in (decay, theta, 1))
    v, out = np.zeros_like(current[0]), np.empty_like(current)
    for t, now in enumerate(current):
        h = decay * v + now
        out[t] = h - theta >= 0
        v = h * (one - out[t])
    return out


def installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def jelly(soft: bool, decay: float) -> Callable[[Tensor], Tensor]:
    """spikingjelly's neuron over all steps at once, in PyTorch, with the same slope."""
    from spikingjelly.activation_based import neuron, surrogate

    node = neuron.LIFNode(
        tau=1 / (1 - decay),
        decay_input=False,
        v_threshold=1.0,
        v_reset=None if soft else 0.0,
        surrogate_function=surrogate.ATan(alpha=2.0),
        detach_reset=True,
        step_mode="m",
    )

    def run(current: Tensor) -> Tensor:
        node.reset()
        return node(current)

    return run


def snn(current: Tensor) -> Tensor:
    """snntorch's neuron step by step; without a leak and with subtraction it is the same one."""
    import snntorch

    cell = snntorch.Leaky(beta=1.0, threshold=1.0, reset_mechanism="subtract")
    memory, out = cell.init_leaky(), []
    for now in current:
        spike, memory = cell(now, memory)
        out.append(spike)
    return torch.stack(out)


def watching(quick: bool) -> list[Duel]:
    """Spikes only. The results are equal to the last bit."""
    t, n = (5, 20) if quick else (100, 4096)
    given, what = currents(t, n), f"leaky neurons without gradients, {t} steps x {n}"
    ours: Work = lambda: lif_compiled(given, 0.5).spikes  # noqa: E731
    duels = [Duel(what, ours, "NumPy loop over time", lambda: in_numpy(given, 0.5, 1.0), 0, "us", table=True)]
    if installed("spikingjelly"):
        run, tensor = jelly(False, 0.5), torch.from_numpy(given)
        duels.append(Duel(what, ours, "spikingjelly", no_grad(run, tensor), 0, "us", table=True))
    if installed("snntorch"):
        tensor = torch.from_numpy(given)
        whole: Work = lambda: lif_compiled(given, 1.0, reset="soft").spikes  # noqa: E731
        duels.append(Duel(f"{what}, no leak", whole, "snntorch", no_grad(snn, tensor), 0, "us", table=True))
    return duels


def no_grad(run: Callable[[Tensor], Tensor], given: Tensor) -> Work:
    def work() -> Array:
        with torch.no_grad():
            return run(given).numpy()

    return work


def gradient(run: Callable[[Tensor], Tensor], given: Array) -> Work:
    """Of a weighted sum of all spikes in the currents."""
    weights = torch.from_numpy(np.random.default_rng(1).normal(size=given.shape).astype(np.float32))

    def work() -> Array:
        current = torch.from_numpy(given).requires_grad_()
        return torch.autograd.grad((run(current) * weights).sum(), current)[0].numpy()

    return work


def learning(quick: bool) -> list[Duel]:
    shape = (4, 3, 5) if quick else (16, 64, 256)
    given, what = currents(*shape), "leaky neurons and their surrogate gradient, {} steps x {} x {}".format(*shape)
    duels = []
    if installed("spikingjelly"):
        ours = gradient(lambda x: lif(x, 0.5).spikes, given)
        duels.append(Duel(what, ours, "spikingjelly", gradient(jelly(False, 0.5), given), 1e-5, table=True))
    return duels


def growth(quick: bool) -> list[Growth]:
    steps = 50
    sizes = (64, 256) if quick else (256, 1024, 4096, 16384)
    works = {n: (functools.partial(lif_compiled, currents(steps, n), 0.5), steps) for n in sizes}
    return [Growth("leaky neurons over time", "neurons", works, 1, "us", "step")]


PEERS, GROWTH, MEMORY = (watching, learning), (growth,), ()
