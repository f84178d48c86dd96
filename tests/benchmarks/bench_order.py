"""Learning by who fires first, from a list of events, beside a scan over all time steps in NumPy and in torch."""

from __future__ import annotations

import numpy as np
import torch

from labcore.primitives.spiking.encoders import latency
from labcore.spiking.spiking_review.plasticity import events, first_weights, learn
from tests.benchmarks.timing import Duel, Growth

Array = np.ndarray
STEPS, STEP, FLOOR = 16, 0.1, 5.0


def _images(n: int) -> Array:
    # half of the pixels are black, as in the digits
    rng = np.random.default_rng(0)
    return rng.random((n, 64)) * (rng.random((n, 64)) < 0.5)


def by_scan(spikes, weights, thresholds, where, argmax, maximum):
    """Who won each image, and the weights after: all pixels and neurons at once, step after step."""
    winners = []
    for b in range(spikes.shape[1]):
        v, arrived, winner = 0 * thresholds, 0 * weights[:, 0], -1
        for now in spikes[:, b]:
            v, arrived = v + now @ weights, arrived + now
            over = v - thresholds
            if (over >= 0).any():
                winner = int(argmax(over))
                w = weights[:, winner] + 0
                weights[:, winner] = w + where(arrived > 0, 1.0, -1.0) * (STEP * w * (1 - w))
                break
        thresholds = thresholds - 1 / len(thresholds)
        if winner >= 0:
            thresholds[winner] += 1
        thresholds = maximum(thresholds, FLOOR)
        winners.append(winner)
    return weights, winners


def _of(neurons: int, n: int) -> list[Duel]:
    x, start = _images(n), first_weights(np.random.default_rng(1), 64, neurons)
    seen, spikes, theta = events(x, STEPS), latency(x, STEPS).astype(float), np.full(neurons, FLOOR)
    spikes_torch, theta_torch = torch.tensor(spikes), torch.tensor(theta)

    def ours() -> tuple[Array, Array]:
        w = start.copy()
        winner, _ = learn(w, theta.copy(), seen, STEP, STEP, FLOOR)
        return w, winner

    def in_numpy() -> tuple[Array, Array]:
        w, winners = by_scan(spikes, start.copy(), theta, np.where, np.argmax, np.maximum)
        return w, np.array(winners)

    def in_torch() -> tuple[Array, Array]:
        w, winners = by_scan(
            spikes_torch, torch.tensor(start), theta_torch, torch.where, torch.argmax, lambda a, low: a.clamp(min=low)
        )
        return w.numpy(), np.array(winners)

    name = f"STDP by who fires first, 64 pixels x {neurons} neurons, {n} images"
    rivals = {"NumPy, step after step": in_numpy, "torch, step after step": in_torch}
    table = neurons == 100
    return [Duel(name, ours, rival, it, 1e-9, "us", "image", n, table=table) for rival, it in rivals.items()]


def images(quick: bool) -> list[Duel]:
    return _of(20, 30) if quick else _of(100, 300) + _of(400, 300)


def growth(quick: bool) -> list[Growth]:
    x = _images(100)
    seen = events(x, STEPS)

    def work(neurons: int):
        start, theta = first_weights(np.random.default_rng(1), 64, neurons), np.full(neurons, FLOOR)
        return lambda: learn(start.copy(), theta.copy(), seen, STEP, STEP, FLOOR)

    sizes = (50, 100) if quick else (100, 200, 400, 800, 1600)
    return [Growth("STDP by who fires first", "neurons", {k: (work(k), 100) for k in sizes}, 1, "us", "image")]


PEERS, GROWTH, MEMORY = (images,), (growth,), ()
