"""Rhythms as a mechanism of computation: slots in time, and modules that lock before the whole does.

A perspective paper; two of its ideas are made to run here.
(A) Nested rhythms carry a sequence. A slow rhythm (theta) lasts T = 1000/f_theta ms; items may fire in its first 0.9 T.
An item that fired gets ready again slowly, a_i = (u/tau) exp(1 - u/tau), u ms after its last spike. One fast period
1000/f_gamma after the last spike of anybody, the readiest item with a_i + noise > 0.2 fires, once a cycle at most.
First out in one cycle is readiest in the next, so the order lives on: capacity = ceil(0.9 f_gamma / f_theta) items.
Spikes one fast period apart fit into the window of STDP, W_ij += exp(-(t_j - t_i)/20 ms); events seconds apart do not.
The links replay the sequence, s <- sign(sum_jk W_jk m_j xi^k + noise) with overlaps m, one step a fast period.
(B) Sparse modules synchronise first: dtheta_i = w_i + (K/deg_i) sum_j A_ij sin(theta_j - theta_i), r = |<exp i theta>|.
Laboratory scale: the buffer is the theta-gamma memory of Lisman and Idiart (1995), cut down to rules that can be
counted; the slow trough resets the fast rhythm. Constants and the graph are ours. Source: arXiv:2105.07284 (2021).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from labcore.claims import Evidence, claim
from labcore.experiment import Budget, Seed, experiment, number, variable
from labcore.primitives.kuramoto import advance, modular_graph, neighbours, order

Array = NDArray[np.float64]
EXCITABLE, THRESHOLD, LOAD_PHASE, WAIT, STDP_MS = 0.9, 0.2, 0.95, 1.0, 20.0
BLOCKS, DT, EVERY = 6, 0.05, 10  # modules, time step in s, steps between two samples


@njit(cache=True, nogil=True)
def readiness(u: float, tau: float) -> float:
    """After-depolarisation u ms after the last spike: 0 at once, 1 after tau, then fading."""
    return u / tau * np.exp(1 - u / tau)


@njit(cache=True, nogil=True)
def theta_gamma(
    n: int, f_theta: float, f_gamma: float, tau: float, noise: float, cycles: int, start: float, rng
) -> tuple[Array, Array, Array]:
    """Spikes of n items: which (S,), when (S,) in ms, and how ready (S,), 0 where the world presents the item.

    One item is presented every second cycle; the first cycle begins at `start`.
    """
    period, gap = 1000 / f_theta, 1000 / f_gamma
    last = np.full(n, -np.inf)
    most, spikes = cycles * (n + 1), 0
    who, when, ready = np.empty(most, np.int64), np.empty(most), np.zeros(most)
    for cycle in range(cycles):
        begin = start + cycle * period
        phase, fired = 0.0, np.zeros(n, np.bool_)
        while phase < EXCITABLE * period - 1e-9:  # a slot that begins as the phase ends does not exist
            best, level = -1, THRESHOLD
            for i in range(n):
                if last[i] > -np.inf and not fired[i]:
                    a = readiness(begin + phase - last[i], tau) + noise * rng.standard_normal()
                    if a > level:
                        best, level = i, a
            if best < 0:
                phase += WAIT  # nobody is ready yet
                continue
            fired[best], last[best] = True, begin + phase
            who[spikes], when[spikes], ready[spikes] = best, begin + phase, level
            spikes += 1
            phase += gap  # feedback inhibition: silence for one fast period
        if cycle % 2 == 0 and cycle // 2 < n:  # the world presents the next item, late in the cycle
            new, at = cycle // 2, begin + LOAD_PHASE * period
            last[new], who[spikes], when[spikes] = at, new, at
            spikes += 1
    return who[:spikes], when[:spikes], ready[:spikes]


def capacity(f_theta: float, f_gamma: float) -> int:
    """How many fast slots begin inside the excitable phase of a slow cycle."""
    return math.ceil(EXCITABLE * f_gamma / f_theta - 1e-9)


def stdp(who: NDArray[np.int64], when: Array, n: int) -> Array:
    """W (n, n): from i to j, exp(-(t_j - t_i)/20 ms) summed over all pairs of spikes with i before j."""
    late = when[None] - when[:, None]
    pairs = np.where((late > 0) & (who[:, None] != who[None]), np.exp(-np.maximum(late, 0) / STDP_MS), 0.0)
    w = np.zeros((n, n))
    np.add.at(w, (who[:, None].repeat(len(who), 1), who[None].repeat(len(who), 0)), pairs)
    return w


def replay(w: Array, patterns: Array, noise: float, rng: np.random.Generator) -> Array:
    """Overlaps (n, n) with n patterns (n, N), one row a fast period: s <- sign(sum_jk W_jk m_j xi^k + noise)."""
    n, size = patterns.shape
    s, course = patterns[0], np.empty((n, n))
    for t in range(n):
        m = course[t] = np.einsum("kn,n->k", patterns, s) / size
        field = np.einsum("j,jk,kn->n", m, w, patterns) + noise * rng.standard_normal(size)
        s = np.where(field < 0, -1.0, 1.0)
    return course


def _links(n: int) -> dict[str, tuple]:
    return {d: variable(d, np.arange(n) + 1, f"{word} item") for d, word in (("pre", "from"), ("post", "to"))}


Theta = Annotated[float, number(4, 10, "The slow rhythm", "rhythms", "Hz")]
Gamma = Annotated[float, number(25, 100, "The fast rhythm", "rhythms", "Hz")]


@experiment("dynamical_intelligence")
def buffer(
    n_items: Annotated[int, number(1, 24, "Items to hold, in order", "memory")] = 5,
    f_theta: Theta = 6.0,
    f_gamma: Gamma = 40.0,
    tau: Annotated[float, number(50, 600, "How long an item takes to be ready again", "memory", "ms")] = 400.0,
    noise: Annotated[float, number(0, 0.1, "Noise on the readiness, standard deviation", "memory")] = 0.002,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Items are presented one every second slow cycle, then held for ten cycles. One frame.

    fired (held, place): who fired when in the ten; recall_ok (held): all, in order; W_stdp (pre, post): what STDP makes
    of the ten. readiness (spike) is 0 where the world presents the item.
    """
    cycles, period = 2 * n_items + 10, 1000 / f_theta
    who, when, ready = theta_gamma(n_items, f_theta, f_gamma, tau, noise, cycles, 0.0, np.random.default_rng(seed))
    cycle = np.floor(when / period + 1e-9).astype(np.int64)
    slots, held, fired = capacity(f_theta, f_gamma), cycle >= 2 * n_items, np.zeros((10, n_items), int)
    for c in range(10):
        items = who[cycle == 2 * n_items + c]
        fired[c, : len(items)] = items + 1
    ok = (fired == np.arange(n_items) + 1).all(1)
    yield xr.Dataset(
        {
            "item": variable("spike", who + 1, "item"),
            "cycle": variable("spike", cycle + 1, "slow cycle"),
            "phase": variable("spike", when - cycle * period, "time in the slow cycle", "ms"),
            "readiness": variable("spike", ready, "readiness with noise"),
            "fired": variable(("held", "place"), fired, "item, 0 for none"),
            "recall_ok": variable("held", ok.astype(int), "all items in order"),
            "W_stdp": variable(("pre", "post"), stdp(who[held], when[held], n_items), "weight learned"),
        },
        coords={
            "spike": variable("spike", np.arange(len(who)), "spike"),
            "held": variable("held", np.arange(2 * n_items, cycles) + 1, "slow cycle"),
            "place": variable("place", np.arange(n_items) + 1, "place in the cycle"),
            **_links(n_items),
        },
        attrs={
            "reading": f"A rhythm of {f_gamma:g} Hz inside one of {f_theta:g} Hz makes {slots} slots a cycle. The list "
            f"(length {n_items}) comes back complete and in order in {ok.sum()} of 10 cycles.",
            "progress": 1.0,
        }
        | dict(slots=slots, period=period, gap=1000 / f_gamma),
    )


@experiment("dynamical_intelligence")
def learn_order(
    spacing: Annotated[float, number(10, 2000, "Time between two events", "world", "ms", "log")] = 1000.0,
    n_items: Annotated[int, number(2, 24, "Events in the sequence", "world")] = 5,
    f_theta: Theta = 6.0,
    f_gamma: Gamma = 40.0,
    noise: Annotated[float, number(0, 0.5, "Noise on the field of each neuron in the replay", "replay")] = 0.05,
    neurons: Annotated[int, number(50, 2000, "Neurons that carry the patterns", "replay")] = 500,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One sequence learned by STDP as it happens and as the buffer repeats it, then replayed from pattern 1. One frame.

    W (way, pre, post): weights a presentation, mean of ten. overlap (way, step, post): with each pattern.
    """
    rng = np.random.default_rng(seed)
    who, when, _ = theta_gamma(n_items, f_theta, f_gamma, 400.0, 0.002, 2 * n_items + 10, 0.0, rng)
    held = when >= 2 * n_items * 1000 / f_theta - 1e-9
    # ten presentations in the world, a minute apart
    world = (60_000 * np.arange(10)[:, None] + spacing * np.arange(n_items)).ravel()
    spikes = ((np.tile(np.arange(n_items), 10), world), (who[held], when[held]))
    w = np.stack([stdp(*pair, n_items) / 10 for pair in spikes])
    patterns = np.where(rng.random((n_items, neurons)) < 0.5, -1.0, 1.0)
    overlap = np.stack([replay(x, patterns, noise, rng) for x in w])
    link, end = [np.diagonal(x, 1).mean() for x in w], overlap[:, -1, -1]
    yield xr.Dataset(
        {
            "W": variable(("way", "pre", "post"), w, "weight learned in one presentation"),
            "overlap": variable(("way", "step", "post"), overlap, "overlap with the pattern"),
        },
        coords={
            "way": variable("way", ["as it happens", "through the buffer"], "how the sequence reaches the synapses"),
            **_links(n_items),
            "step": variable("step", np.arange(n_items) + 1, "step of the replay", "fast periods"),
        },
        attrs={
            "reading": f"The mean link from an item to the next is {link[0]:.2g} with events {spacing:g} ms apart and "
            f"{link[1]:.2g} through the buffer. The last step of the replay has overlap {end[0]:.2f} and {end[1]:.2f} "
            "with its pattern.",
            "progress": 1.0,
        },
    )


@experiment("dynamical_intelligence", quick=dict(N=120, duration=40))
def modules(
    K: Annotated[float, number(0, 6, "Coupling, for the picture of phases", "coupling")] = 3.0,
    k_out: Annotated[float, number(0, 8, "Neighbours in other modules", "graph")] = 1.0,
    k_in: Annotated[float, number(1, 19, "Neighbours in one's own module", "graph")] = 12.0,
    spread: Annotated[float, number(0.1, 3, "Spread of the frequencies", "oscillators", "rad/s")] = 1.0,
    N: Annotated[int, number(120, 480, "Oscillators, in six modules", "graph")] = 240,
    duration: Annotated[int, number(20, 200, "How long to run", "run", "s")] = 80,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same oscillators, frequencies normal and centred, at 13 couplings from 0 to 6 and at K. Forty frames.

    Of K: phase, r_global, r_local (time, block), connectivity (node, other): mean cosine of the difference. Of all:
    sweep (scale, coupling): order of all, of halves, of modules. Means are over the later half of the time so far.
    """
    rng = np.random.default_rng(seed)
    graph = neighbours(modular_graph(N, BLOCKS, k_in, k_out, rng))
    w, ks = rng.normal(size=N), np.append(np.linspace(0, 6, 13), K)
    w, theta = spread * (w - w.mean()), np.tile(rng.uniform(0, 2 * np.pi, N), (len(ks), 1))
    block = np.arange(N) * BLOCKS // N
    scales = [[np.flatnonzero(parts * block // BLOCKS == b) for b in range(parts)] for parts in (1, 2, BLOCKS)]
    samples = round(duration / DT) // EVERY
    log, local, past = np.empty((samples, 3, len(ks))), np.empty((samples, BLOCKS)), np.empty((samples, N))
    for t in range(samples):
        advance(theta, w, ks, *graph, DT, EVERY)
        r = [[order(theta[:, part]) for part in scale] for scale in scales]
        log[t] = [np.mean(x, 0) for x in r]
        local[t], past[t] = np.array(r[2])[:, -1], theta[-1]
        if (t + 1) % max(1, samples // 40) and t != samples - 1:
            continue
        late = slice((t + 1) // 2, t + 1)
        mean, z = log[late].mean(0), past[late]
        together = sum(np.einsum("ti,tj->ij", f(z), f(z)) for f in (np.cos, np.sin)) / len(z)
        best = (mean[2, :-1] - mean[0, :-1]).argmax()
        yield xr.Dataset(
            {
                "phase": variable("node", theta[-1] % (2 * np.pi), "phase", "rad"),
                "r_global": variable("time", log[: t + 1, 0, -1], "order r of all"),
                "r_local": variable(("time", "block"), local[: t + 1], "order r of each module"),
                "sweep": variable(("scale", "coupling"), mean[:, :-1], "order r, mean over time"),
                "connectivity": variable(("node", "other"), together, "mean cosine of the phase difference"),
            },
            coords={
                "node": variable("node", np.arange(N), "oscillator"),
                "other": variable("other", np.arange(N), "oscillator"),
                "time": variable("time", DT * EVERY * np.arange(1, t + 2), "time", "s"),
                "block": variable("block", np.arange(BLOCKS) + 1, "module"),
                "scale": variable("scale", ["all", "halves", "modules"], "how much of the graph"),
                "coupling": variable("coupling", ks[:-1], "coupling K"),
            },
            attrs={
                "reading": f"At K = {K:g} the order is {mean[2, -1]:.2f} in a module and {mean[0, -1]:.2f} over all. "
                f"The two differ most at K = {ks[best]:g}: {mean[2, best]:.2f} and {mean[0, best]:.2f}.",
                "progress": (t + 1) / samples,
                "K": K,
            },
        )


@claim("dynamical_intelligence", "A slow cycle holds as many items in order as it has fast slots, and not one more")
def slots_are_the_capacity(budget: Budget) -> Evidence:
    within, beyond = [], []
    for slow, fast in ((6.0, 40.0), (6.0, 60.0), (8.0, 40.0), (5.0, 60.0)):
        slots = capacity(slow, fast)
        for n in range(1, slots + 2):
            runs = [buffer.run(budget, n_items=n, f_theta=slow, f_gamma=fast, seed=s) for s in range(10)]
            (within if n <= slots else beyond).append(np.mean([run.recall_ok.values.all() for run in runs]))
    return Evidence(
        {"worst share of perfect runs, within": min(within), "best share, one more": max(beyond)},
        "ten cycles in perfect order in 10 of 10 runs for every n up to the capacity, in 0 of 10 for one more, "
        "at (f_theta, f_gamma) = (6, 40), (6, 60), (8, 40), (5, 60)",
        min(within) == 1 and max(beyond) == 0,
        n_seeds=10,
    )


@claim("dynamical_intelligence", "The buffer brings distant events close enough for STDP to learn their order")
def compression_teaches_the_order(budget: Budget) -> Evidence:
    ways = [learn_order.run(budget, spacing=1000.0, seed=s).W.values for s in range(3)]
    forward = min(np.diagonal(w[1], 1).min() for w in ways)
    backward = max(np.diagonal(w[1], -1).max() for w in ways)
    apart = max(np.diagonal(w[0], 1).max() for w in ways)
    return Evidence(
        {"forward / backward": forward / backward, "apart / compressed": apart / forward},
        "neighbours: weakest forward weight > 3 x strongest backward one; events 1 s apart learn < 0.01 of it",
        forward > 3 * backward and apart < 0.01 * forward,
        n_seeds=3,
    )


@claim("dynamical_intelligence", "Sparse modules synchronise inside before the whole network does")
def modules_lock_first(budget: Budget) -> Evidence:
    sweeps = np.mean([modules.run(budget, seed=s).sweep.values for s in range(3)], 0)
    best = int((sweeps[2] - sweeps[0]).argmax())
    return Evidence(
        {"K": 0.5 * best, "within modules": sweeps[2, best], "all": sweeps[0, best]},
        "at the K where they differ most, mean order within modules >= order of all + 0.2",
        sweeps[2, best] >= sweeps[0, best] + 0.2,
        n_seeds=3,
    )
