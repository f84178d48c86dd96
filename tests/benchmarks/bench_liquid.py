"""A liquid of 256 random neurons, one recording: a loop that reads only what spiked, beside loops that read all.

Spikes and potentials are compared. Brian2 makes C++ of its equations where a compiler is at hand; its own preparation
of a run is in the time, as in any use of it, making the code is not.
"""

from __future__ import annotations

import importlib.metadata

import numpy as np
import torch

from labcore.spiking.liquid_state import course, wires
from labcore.spiking.liquid_state.liquid import Wires
from tests.benchmarks.bench_spiking import brian
from tests.benchmarks.timing import Duel, Growth, Work

Array = np.ndarray
DECAY = 0.9


def problem(neurons: int, steps: int) -> tuple[Array, Wires]:
    """Events (steps, 8) of a tenth of a channel's steps, and wires that ripple."""
    rng = np.random.default_rng(0)
    return (rng.random((steps, 8)) < 0.1).astype(float), wires(rng, 8, neurons, 0.5, 1.2)


def ours(x: Array, w: Wires) -> Work:
    rng = np.random.default_rng(0)

    def run() -> tuple[Array, Array]:
        made = course(x, w.into, w.among, DECAY, 0.0, rng)
        return made.spikes, made.potential

    assert run()[0].sum() > 10, "a liquid that is silent is nothing to measure"
    return run


def in_torch(x: Array, w: Wires) -> Work:
    events, into, among = (torch.as_tensor(a) for a in (x, *w))

    def run() -> tuple[Array, Array]:
        v, s, spikes, potential = torch.zeros(len(among)).double(), torch.zeros(len(among)).double(), [], []
        for now in events:
            v = DECAY * v * (1 - s) + now @ into + s @ among
            s = (v >= 1).double()
            spikes.append(s)
            potential.append(v)
        return torch.stack(spikes).numpy(), torch.stack(potential).numpy()

    return run


def in_brian(x: Array, w: Wires, decay: float = DECAY, target: str = "numpy") -> Work:
    b = brian(target)
    n, steps, tau = len(w.among), len(x), -1 / np.log(decay)
    b.start_scope()
    b.defaultclock.dt = 1 * b.ms
    when, who = np.nonzero(x)
    source = b.SpikeGeneratorGroup(x.shape[1], who, when * b.ms, when="start")
    cells = b.NeuronGroup(
        n, "dv/dt = -v / tau : 1", threshold="v >= 1", reset="v = 0", method="exact", namespace={"tau": tau * b.ms}
    )
    outside = b.Synapses(source, cells, "w : 1", on_pre="v_post += w")
    inside = b.Synapses(cells, cells, "w : 1", on_pre="v_post += w")
    for synapses, weights in ((outside, w.into), (inside, w.among)):
        synapses.connect()
        synapses.w = weights[synapses.i, synapses.j]
    spikes, course = b.SpikeMonitor(cells), b.StateMonitor(cells, "v", record=True, when="before_thresholds")
    net = b.Network(source, cells, outside, inside, spikes, course)
    # synapses before thresholds: an event arrives in its own step, a neuron's spike in the next
    net.schedule = ["start", "groups", "synapses", "thresholds", "resets", "end"]
    net.store()

    def run() -> tuple[Array, Array]:
        net.restore()
        net.run(steps * b.ms)
        seen = np.zeros((steps, n))
        seen[np.round(np.array(spikes.t / b.ms)).astype(int), np.array(spikes.i)] = 1
        return seen, np.array(course.v).T

    return run


def liquid(quick: bool) -> list[Duel]:
    neurons, steps = (40, 40) if quick else (256, 400)
    x, w = problem(neurons, steps)
    what = f"liquid of {neurons} neurons, {steps} steps"
    rows = [Duel(what, ours(x, w), "torch, step by step", in_torch(x, w), 1e-9, "us", "step", steps, table=True)]
    try:
        importlib.metadata.version("brian2")
    except importlib.metadata.PackageNotFoundError:
        return rows
    rival = in_brian(x, w, DECAY, "numpy" if quick else "auto")
    from brian2.devices.device import get_device

    made = "NumPy" if quick else get_device().code_object_class().class_name
    return [*rows, Duel(what, ours(x, w), f"Brian2 ({made})", rival, 1e-9, "us", "step", steps, table=True)]


def growth(quick: bool) -> list[Growth]:
    sides = (64, 128) if quick else (128, 256, 512, 1024)
    sparse = {n: (ours(*problem(n, 200)), 200) for n in sides}
    return [Growth("liquid, a step", "neurons", sparse, 2, "us", "step")]


PEERS = (liquid,)
GROWTH = (growth,)
MEMORY = ()
