"""Relaxed reflect and reflect on networks of signs, beside whole-array NumPy; circuits simulated 64 patterns a word."""

from __future__ import annotations

import numpy as np

from labcore.circuits.boolean_threshold import Wiring, advance, layered, make_task, random_state
from labcore.primitives.logic import boolean
from labcore.primitives.logic.simulation import simulate
from tests.benchmarks.timing import Duel, Growth, Work

SIGMA, BETA, GAMMA = 3.0, 0.5, 0.01

Array = np.ndarray


def root(p: Array, q: Array, c: Array) -> Array:
    """The multipliers u of many neurons at once, by bracketed Newton: [p (1 + u^2) + q u] / (1 - u^2)^2 = c."""
    sign = np.where(c < p, -1.0, 1.0)
    p, c = sign * p, sign * c
    low, high, u = np.zeros_like(p), np.ones_like(p), np.zeros_like(p)
    for _ in range(100):
        s = 1 - u * u
        h = c * s * s - p * (1 + u * u) - q * u
        low, high = np.where(h > 0, u, low), np.where(h > 0, high, u)
        new = u + h / (4 * c * u * s + 2 * p * u + q)
        new = np.where((low < new) & (new < high), new, 0.5 * (low + high))
        done, u = np.abs(new - u).max() < 1e-14, new
        if done:
            break
    return sign * u


def numpy_steps(net: Wiring, start: tuple, Y: Array, steps: int) -> tuple[Array, ...]:
    """The same iterations on whole arrays; returns w, x, y and the gaps."""
    w, x, y, g = (a.copy() for a in start[:4])
    first, receiver, edges = net.start[:-1], net.inputs + net.neuron, net.fan_in
    delta, inputs = np.sqrt(edges / SIGMA), y[:, : net.inputs].copy()
    sends = np.zeros((len(net.source), net.nodes))  # which node each edge copies
    sends[np.arange(len(net.source)), net.source] = 1
    gaps = np.empty(steps)

    def cost(p: Array, q: Array, u: Array) -> Array:
        return u * u * (q * (1 + u * u) + 4 * p * u) / (1 - u * u) ** 2

    for t in range(steps):
        p, q = np.add.reduceat(w * x, first, axis=1), np.add.reduceat(w * w + x * x, first, axis=1)
        at, limit = y[:, net.inputs :], np.broadcast_to(delta, p.shape)
        above = np.where(p < limit, root(p, q, limit), 0)
        below = np.where(p > -limit, root(p, q, -limit), 0)
        nearer = (1 - at) ** 2 + cost(p, q, above) < (1 + at) ** 2 + cost(p, q, below)
        up = np.where(at * p > 0, at > 0, nearer)
        u = np.where(up, above, below)[:, net.neuron]
        wA, xA = (w + u * x) / (1 - u * u), (x + u * w) / (1 - u * u)
        yA = np.concatenate([inputs, np.where(up, 1.0, -1.0)], 1)
        wR, xR, yR, metric = 2 * wA - w, 2 * xA - x, 2 * yA - y, g[:, receiver]
        wB = (metric * wR).sum(0) / metric.sum(0)
        wB *= np.sqrt(edges / np.add.reduceat(wB**2, first))[net.neuron]
        yB = (g * yR + (metric * xR) @ sends) / (g + metric @ sends)
        yB[:, net.nodes - net.outputs :] = Y
        dw, dx, dy = wB - wA, yB[:, net.source] - xA, yB - yA
        w, x, y = w + BETA * dw, x + BETA * dx, y + BETA * dy
        gap2 = np.add.reduceat(dw**2 + dx**2, first, axis=1) + dy[:, net.inputs :] ** 2
        gaps[t] = np.sqrt(gap2.mean())
        g[:, net.inputs :] += GAMMA * (gap2 / gap2.mean() - g[:, net.inputs :])
    return w, x, y, gaps


def rrr(net: Wiring, X: Array, Y: Array, steps: int) -> tuple[Work, Work]:
    """The same iterations from the same point, by the kernel and by NumPy."""
    start = random_state(net, X, Y, np.random.default_rng(0))

    def ours() -> tuple[Array, ...]:
        state, gaps = type(start)(*(a.copy() for a in start)), np.empty(steps)
        advance(net, state, X, Y, SIGMA, BETA, GAMMA, True, gaps)
        return (*state[:3], gaps)

    return ours, lambda: numpy_steps(net, start, Y, steps)


def projections(quick: bool) -> list[Duel]:
    steps, rows = 10, []
    for name, items in (("multiplier2", 16), *(() if quick else (("random_logic", 64),))):
        task = make_task(name, 0, items, 0)
        ours, theirs = rrr(task.net, task.X, task.Y, steps)
        what = f"RRR, {len(task.X)} items x {len(task.net.source)} edges"
        rival = "NumPy on whole arrays"
        rows.append(Duel(what, ours, rival, theirs, 1e-7, "us", "iteration", steps, table=True))
    return rows


def gate_by_gate(net: boolean.Netlist, X: Array) -> Array:
    """Every node for every pattern, one NumPy operation on all patterns a gate."""
    values = np.zeros((len(net.kind), len(X)), bool)
    values[net.inputs] = X.T
    for node in net.order:
        a, b, _ = (values[i] for i in net.fanin[node])
        kind = net.kind[node]
        if kind == boolean.AND:
            values[node] = a & b
        elif kind == boolean.OR:
            values[node] = a | b
        elif kind == boolean.NOT:
            values[node] = ~a
        elif kind == boolean.BUF:
            values[node] = a
    return values.T


def logic(width: int) -> boolean.Netlist:
    rng = np.random.default_rng(0)
    return boolean.random_logic([16, width, width, width, 8], 0.5, "and/or", rng)


def simulation(quick: bool) -> list[Duel]:
    net, rows = logic(40), []
    for patterns in (2**10,) if quick else (2**10, 2**16):
        X = np.random.default_rng(0).random((patterns, 16)) < 0.5
        what, rival = f"logic circuit of {len(net.kind)} nodes, {patterns} patterns", "NumPy gate by gate"
        ours, theirs = (lambda X=X: simulate(net, X)), (lambda X=X: gate_by_gate(net, X))
        rows.append(Duel(what, ours, rival, theirs, 0, table=True))
        # every node of many patterns is 16 MB of Booleans, which both sides wait for
        ours, theirs = (lambda X=X: simulate(net, X, net.outputs)), (lambda X=X: gate_by_gate(net, X)[:, net.outputs])
        rows.append(Duel(f"{what}, outputs", ours, rival, theirs, 0, table=True))
    return rows


def growth(quick: bool) -> list[Growth]:
    task, steps = make_task("random_logic", 0, 256, 0), 3
    counts, widths = ((16, 64), (4, 12)) if quick else ((16, 32, 64, 128, 256), (16, 32, 64, 128))
    rng = np.random.default_rng(0)
    items = {n: (rrr(task.net, task.X[:n], task.Y[:n], steps)[0], steps) for n in counts}
    edges = {}
    for width in widths:
        net = layered((width,) * 4)
        X, Y = (rng.choice((-1.0, 1.0), (8, width)) for _ in range(2))
        edges[len(net.source)] = rrr(net, X, Y, steps)[0], steps
    nets = [logic(width) for width in ((20, 80) if quick else (20, 40, 80, 160))]
    X = rng.random((2**10 if quick else 2**14, 16)) < 0.5
    gates = {len(net.kind): (lambda net=net: simulate(net, X), 1) for net in nets}
    many = {n: rng.random((n, 16)) < 0.5 for n in ((2**10, 2**14) if quick else (2**10, 2**12, 2**14, 2**16))}
    patterns = {n: (lambda x=x: simulate(nets[1], x), 1) for n, x in many.items()}
    return [
        Growth("RRR iteration", "items", items, 1, "us", "iteration"),
        Growth("RRR iteration", "edges", edges, 1, "us", "iteration"),
        Growth("simulation of a circuit", "nodes", gates, 1),
        Growth("simulation of a circuit", "patterns", patterns, 1),
    ]


PEERS = (projections, simulation)
GROWTH = (growth,)
MEMORY = ()
