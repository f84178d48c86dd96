"""A plastic spiking network in one compiled loop, beside Brian2 and a NumPy loop over time.

m Poisson inputs drive n leaky neurons through current synapses that learn by pair STDP. The final weights and the
spikes of each neuron are compared. Brian2 makes C++ of its equations where a compiler is at hand; making it is not in
the time, but its own preparation of a run is, as in any use of it.
"""

from __future__ import annotations

import importlib.metadata
import sys
from types import ModuleType

import numpy as np
from numba import njit

from labcore.primitives.spiking.lif import cell, current_gain, current_step, decay, deliver, fade, reset
from labcore.primitives.spiking.stdp import pair_stdp
from tests.benchmarks.timing import Duel, Growth, Work

DT, TAU, TAU_SYN, TAU_STDP, THRESHOLD, REST = 0.5, 15.0, 4.0, 20.0, -50.0, -65.0
CELL = cell(TAU, REST, REST, 0, DT)
KEEP, GAIN, KEEP_STDP = decay(TAU_SYN, DT), current_gain(TAU, TAU_SYN, DT), decay(TAU_STDP, DT)
AT_PRE, AT_POST, HIGH, RATE = -0.02, 0.02, 500.0, 20.0  # HIGH: the most that all inputs of a neuron may add up to

Array = np.ndarray


def network(m: int, n: int, steps: int) -> tuple[Array, Array]:
    """Input spikes (steps, m) at 20 Hz and first weights (m, n), in mV, that make the neurons fire."""
    rng = np.random.default_rng(0)
    return rng.random((steps, m)) < RATE * DT / 1000, rng.uniform(0, HIGH / m, (m, n))


@njit(cache=True, nogil=True)
def live(spikes, w, high):
    """Runs the network; w changes in place. Spikes of each neuron (n,)."""
    m, n = w.shape
    v, current, limit, wait = np.full(n, REST), np.zeros(n), np.full(n, THRESHOLD), np.zeros(n, np.int64)
    x, y, fired, count = np.zeros(m), np.zeros(n), np.zeros(n, np.bool_), np.zeros(n, np.int64)
    for t in range(len(spikes)):
        fade(x, KEEP_STDP)
        fade(y, KEEP_STDP)
        current_step(v, current, limit, wait, fired, CELL, KEEP, GAIN)
        deliver(current, w, spikes[t])
        pair_stdp(w, x, y, spikes[t], fired, AT_PRE, AT_POST, 0.0, high)
        reset(v, wait, fired, CELL)
        count += fired
    return count


def ours(m: int, n: int, steps: int) -> Work:
    spikes, start = network(m, n, steps)

    def run() -> tuple[Array, Array]:
        w = start.copy()
        return w, live(spikes, w, HIGH / m)

    weights, count = run()
    assert count.sum() > n / 2 and (weights != start).any(), (
        f"{count.sum()} spikes of {n} neurons are no activity to measure"
    )
    return run


def in_numpy(m: int, n: int, steps: int) -> Work:
    spikes, start = network(m, n, steps)
    high = HIGH / m

    def run() -> tuple[Array, Array]:
        w, v, current = start.copy(), np.full(n, REST), np.zeros(n)
        x, y, count = np.zeros(m), np.zeros(n), np.zeros(n, np.int64)
        for pre in spikes:
            x *= KEEP_STDP
            y *= KEEP_STDP
            v = REST + (v - REST) * CELL.keep + GAIN * current
            current *= KEEP
            post = v > THRESHOLD
            if pre.any():
                current += w[pre].sum(0)
                x[pre] += 1
                w[pre] = np.clip(w[pre] + AT_PRE * y, 0, high)
            if post.any():
                y[post] += 1
                w[:, post] = np.clip(w[:, post] + AT_POST * x[:, None], 0, high)
                v[post] = REST
            count += post
        return w, count

    return run


def brian(target: str) -> ModuleType:
    """Brian2 with this code generation."""
    # Brian2 2.9 names ndarray.ptp while it is imported, which newer NumPys lack; its tests here know how to help
    from tests.hebbian.test_spiking import _PtpFinder

    if not hasattr(np.ndarray, "ptp"):
        sys.meta_path.insert(0, _PtpFinder)
    try:
        import brian2
    finally:
        sys.meta_path = [finder for finder in sys.meta_path if finder is not _PtpFinder]
    brian2.prefs.codegen.target = target
    return brian2


def in_brian(m: int, n: int, steps: int, target: str) -> Work:
    b = brian(target)
    spikes, start = network(m, n, steps)
    b.start_scope()
    b.defaultclock.dt = DT * b.ms
    when, who = np.nonzero(spikes)
    source = b.SpikeGeneratorGroup(m, who, when * DT * b.ms)
    cells = b.NeuronGroup(
        n,
        f"""dv/dt = ({REST} - v + current) / ({TAU}*ms) : 1
        dcurrent/dt = -current / ({TAU_SYN}*ms) : 1""",
        threshold=f"v > {THRESHOLD}",
        reset=f"v = {REST}",
        method="exact",
    )
    synapses = b.Synapses(
        source,
        cells,
        f"""w : 1
        dx/dt = -x / ({TAU_STDP}*ms) : 1 (event-driven)
        dy/dt = -y / ({TAU_STDP}*ms) : 1 (event-driven)""",
        on_pre=f"current_post += w; x += 1; w = clip(w + {AT_PRE} * y, 0, {HIGH / m})",
        on_post=f"y += 1; w = clip(w + {AT_POST} * x, 0, {HIGH / m})",
    )
    synapses.connect()
    monitor = b.SpikeMonitor(cells, record=False)
    net = b.Network(source, cells, synapses, monitor)
    cells.v = REST
    synapses.w = start[synapses.i, synapses.j]
    net.store()

    def run() -> tuple[Array, Array]:
        net.restore()
        net.run(steps * DT * b.ms)
        w = np.zeros_like(start)
        w[synapses.i, synapses.j] = synapses.w
        return w, np.array(monitor.count, np.int64)

    return run


def plastic_network(quick: bool) -> list[Duel]:
    m, n, steps = (20, 10, 100) if quick else (200, 100, 10_000)
    target = "numpy" if quick else "auto"
    what = f"spiking network, {m} inputs x {n} neurons, STDP, {steps} steps"
    rows = [
        Duel(
            what,
            ours(m, n, steps),
            "NumPy loop over time",
            in_numpy(m, n, steps),
            1e-9,
            "us",
            "step",
            steps,
            table=True,
        )
    ]
    try:
        importlib.metadata.version("brian2")
    except importlib.metadata.PackageNotFoundError:
        return rows
    rival = in_brian(m, n, steps, target)
    from brian2.devices.device import get_device

    made = "NumPy" if target == "numpy" else get_device().code_object_class().class_name
    return [*rows, Duel(what, ours(m, n, steps), f"Brian2 ({made})", rival, 1e-9, "us", "step", steps, table=True)]


def growth(quick: bool) -> list[Growth]:
    steps = 200
    sides = (20, 80) if quick else (100, 200, 400, 800, 1600)
    square = {n * n: (ours(n, n, steps), steps) for n in sides}
    fan, spikes = {}, {k: np.zeros(k, np.bool_) for k in sides}
    for n in sides:  # a presynaptic spike touches the n weights of its row
        w, x, y, pre = np.full((4, n), 0.5), np.zeros(4), np.zeros(n), np.array([True, False, False, False])
        fan[n] = (lambda w=w, x=x, y=y, pre=pre, n=n: burst(w, x, y, pre, spikes[n])), BURST
    return [
        Growth("spiking network, step with STDP", "synapses", square, 1, "us", "step"),
        Growth("STDP, one input spike", "fan-out", fan, 1, "ns", "spike"),
    ]


BURST = 1000


@njit(cache=True, nogil=True)
def burst(w, x, y, pre, post):
    for _ in range(BURST):
        pair_stdp(w, x, y, pre, post, 0.0, 0.0, 0.0, 1.0)


PEERS = (plastic_network,)
GROWTH = (growth,)
MEMORY = ()
