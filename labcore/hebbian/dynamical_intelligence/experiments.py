"""A list held by nested rhythms, its order learned and replayed, and modules of oscillators that lock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.experiment import Seed, experiment, number
from labcore.frames import Frame, axis, var

from .flow import advance
from .kuramoto import modular_graph, neighbours, order
from .mechanism import capacity, replay, stdp, theta_gamma

BLOCKS, EVERY, TOLERANCE = 6, 0.5, 1e-6  # modules, s between two samples, of a step


FROM, TO = axis("from item", start=1), axis("to item", start=1)
Theta = Annotated[float, number(4, 10, "The slow rhythm", "rhythms", "Hz", label="slow rhythm f_θ")]
Gamma = Annotated[float, number(25, 100, "The fast rhythm", "rhythms", "Hz", label="fast rhythm f_γ", main=True)]


BUFFER = Frame(
    spike=axis("spike"),
    held=axis("slow cycle"),
    place=axis("place in the cycle", start=1),
    pre=FROM,
    post=TO,
    item=var("spike", "item"),
    cycle=var("spike", "slow cycle"),
    phase=var("spike", "time in the slow cycle", "ms"),
    readiness=var("spike", "readiness with noise"),
    fired=var("held place", "item, 0 for none"),
    recall_ok=var("held", "all items in order"),
    W_stdp=var("pre post", "weight learned"),
)


@experiment(frame=BUFFER)
def buffer(
    n_items: Annotated[int, number(1, 24, "Items to hold, in order", "memory", label="items", main=True)] = 5,
    f_theta: Theta = 6.0,
    f_gamma: Gamma = 40.0,
    tau: Annotated[
        float,
        number(
            50, 600, "How long an item takes to be ready again", "memory", "ms", label="readiness time τ", main=True
        ),
    ] = 400.0,
    noise: Annotated[
        float, number(0, 0.1, "Noise on the readiness, standard deviation", "memory", label="readiness noise")
    ] = 0.002,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Items are presented one every second slow cycle, then held for ten cycles. One frame.

    fired: who fired when in the ten; recall_ok: all, in order; W_stdp: what STDP makes of the ten. readiness is 0
    where the world presents the item.
    """
    cycles, period = 2 * n_items + 10, 1000 / f_theta
    who, when, ready = theta_gamma(n_items, f_theta, f_gamma, tau, noise, cycles, 0.0, np.random.default_rng(seed))
    cycle = np.floor(when / period + 1e-9).astype(np.int64)
    slots, held, fired = capacity(f_theta, f_gamma), cycle >= 2 * n_items, np.zeros((10, n_items), int)
    for c in range(10):
        items = who[cycle == 2 * n_items + c]
        fired[c, : len(items)] = items + 1
    ok = (fired == np.arange(n_items) + 1).all(1)
    yield BUFFER(
        dict(
            item=who + 1,
            cycle=cycle + 1,
            phase=when - cycle * period,
            readiness=ready,
            fired=fired,
            recall_ok=ok.astype(int),
            W_stdp=stdp(who[held], when[held], n_items),
            held=np.arange(2 * n_items, cycles) + 1,
        ),
        f"A rhythm of {f_gamma:g} Hz inside one of {f_theta:g} Hz makes {slots} slots a cycle. The list "
        f"(length {n_items}) comes back complete and in order in {ok.sum()} of 10 cycles.",
        slots=slots,
        period=period,
        gap=1000 / f_gamma,
    )


LEARN_ORDER = Frame(
    way=axis("how the sequence reaches the synapses", values=("as it happens", "through the buffer")),
    pre=FROM,
    post=TO,
    step=axis("step of the replay", "fast periods", start=1),
    W=var("way pre post", "weight learned in one presentation"),
    overlap=var("way step post", "overlap with the pattern"),
)


@experiment(frame=LEARN_ORDER)
def learn_order(
    spacing: Annotated[
        float, number(10, 2000, "Time between two events", "world", "ms", "log", label="time between events", main=True)
    ] = 1000.0,
    n_items: Annotated[int, number(2, 24, "Events in the sequence", "world", label="events")] = 5,
    f_theta: Theta = 6.0,
    f_gamma: Gamma = 40.0,
    noise: Annotated[
        float,
        number(0, 0.5, "Noise on the field of each neuron in the replay", "replay", label="replay noise", main=True),
    ] = 0.05,
    neurons: Annotated[int, number(50, 2000, "Neurons that carry the patterns", "replay", label="neurons N")] = 500,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One sequence learned by STDP as it happens and as the buffer repeats it, then replayed from pattern 1. One frame.

    W: mean of ten presentations.
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
    yield LEARN_ORDER(
        dict(W=w, overlap=overlap),
        f"The mean link from an item to the next is {link[0]:.2g} with events {spacing:g} ms apart and "
        f"{link[1]:.2g} through the buffer. The last step of the replay has overlap {end[0]:z.2f} and {end[1]:z.2f} "
        "with its pattern.",
    )


COUPLINGS = np.linspace(0, 6, 13)
MODULES = Frame(
    node=axis("oscillator"),
    other=axis("oscillator"),
    time=axis("time", "s"),
    block=axis("module", start=1),
    scale=axis("how much of the graph", values=("all", "halves", "modules")),
    coupling=axis("coupling K", values=COUPLINGS),
    phase=var("node", "phase", "rad"),
    r_global=var("time", "order r of all"),
    r_local=var("time block", "order r of each module"),
    sweep=var("scale coupling", "order r, mean over time"),
    connectivity=var("node other", "mean cosine of the phase difference"),
)


@experiment(quick=dict(N=120, duration=40), frame=MODULES)
def modules(
    K: Annotated[float, number(0, 6, "Coupling, for the picture of phases", "coupling", label="coupling K")] = 3.0,
    k_out: Annotated[float, number(0, 8, "Neighbours in other modules", "graph", label="links outside")] = 1.0,
    k_in: Annotated[float, number(1, 19, "Neighbours in one's own module", "graph", label="links inside")] = 12.0,
    spread: Annotated[
        float, number(0.1, 3, "Spread of the frequencies", "oscillators", "rad/s", label="frequency spread")
    ] = 1.0,
    N: Annotated[int, number(120, 480, "Oscillators, in six modules", "graph", label="oscillators")] = 240,
    duration: Annotated[int, number(20, 200, "How long to run", "run", "s", label="running time")] = 80,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same oscillators, frequencies normal and centred, at 13 couplings from 0 to 6 and at K. Forty frames.

    phase, r_global, r_local and connectivity are those of K, sweep of all couplings. Means are over the later half of
    the time so far.
    """
    rng = np.random.default_rng(seed)
    graph = neighbours(modular_graph(N, BLOCKS, k_in, k_out, rng))
    w, ks = rng.normal(size=N), np.append(COUPLINGS, K)
    w, theta = spread * (w - w.mean()), np.tile(rng.uniform(0, 2 * np.pi, N), (len(ks), 1))
    block = np.arange(N) * BLOCKS // N
    scales = [[np.flatnonzero(parts * block // BLOCKS == b) for b in range(parts)] for parts in (1, 2, BLOCKS)]
    samples, step = round(duration / EVERY), np.zeros(len(ks))
    log, local, past = np.empty((samples, 3, len(ks))), np.empty((samples, BLOCKS)), np.empty((samples, N))
    for t in range(samples):
        advance(theta, w, ks, *graph, EVERY, TOLERANCE, step)
        r = [[order(theta[:, part]) for part in scale] for scale in scales]
        log[t] = [np.mean(x, 0) for x in r]
        local[t], past[t] = np.array(r[2])[:, -1], theta[-1]
        if (t + 1) % max(1, samples // 40) and t != samples - 1:
            continue
        late = slice((t + 1) // 2, t + 1)
        mean, z = log[late].mean(0), past[late]
        together = sum(np.einsum("ti,tj->ij", f(z), f(z)) for f in (np.cos, np.sin)) / len(z)
        best = (mean[2, :-1] - mean[0, :-1]).argmax()
        yield MODULES(
            dict(
                phase=theta[-1] % (2 * np.pi),
                r_global=log[: t + 1, 0, -1],
                r_local=local[: t + 1],
                sweep=mean[:, :-1],
                connectivity=together,
                time=EVERY * np.arange(1, t + 2),
            ),
            f"At K = {K:g} the order is {mean[2, -1]:.2f} in a module and {mean[0, -1]:.2f} over all. "
            f"The two differ most at K = {ks[best]:g}: {mean[2, best]:.2f} and {mean[0, best]:.2f}.",
            (t + 1) / samples,
            K=K,
        )
