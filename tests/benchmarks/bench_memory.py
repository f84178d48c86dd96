"""The sliding memory: all times at once beside a loop over them in torch, and streamed beside NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import torch
from scipy.signal import dlsim

from labcore.spiking.lmu_former import parallel, step, streamed
from tests.benchmarks.timing import Duel, Growth, Work

Array = np.ndarray
D = 32


def signals(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=shape)


def learned(u: Array, theta: float, at_once: bool) -> Work:
    """Memories of signals u (N, B), and the slope of the sum of their squares by each sample, as a network needs it."""
    keep, take = (torch.tensor(part) for part in step(D, theta))

    def loop(x: torch.Tensor) -> torch.Tensor:
        m, out = x.new_zeros(x.shape[1], D), []
        for now in x.unbind(0):
            m = m @ keep.T + now[:, None] * take
            out.append(m)
        return torch.stack(out)

    def run() -> tuple[Array, Array]:
        x = torch.tensor(u, requires_grad=True)
        m = parallel(x, D, theta) if at_once else loop(x)
        (slope,) = torch.autograd.grad(m.square().sum(), x)
        return m.detach().numpy(), slope.numpy()

    return run


def training(quick: bool) -> list[Duel]:
    # on one core the loop over a batch is as many operations; over one long signal it is mostly overhead
    rows = []
    for n, b in [(20, 3)] if quick else [(256, 32), (2048, 1)]:
        u, what = signals(n, b), f"Legendre memory with gradients, {n} samples x {b}"
        ours, theirs = (learned(u, n, at_once) for at_once in (True, False))
        rows.append(Duel(what, ours, "torch, step by step", theirs, 1e-9, table=True))
    return rows


def one_by_one(u: Array, theta: float) -> Work:
    start = np.zeros((u.shape[1], D))
    return lambda: streamed(u, start, *step(D, theta))


def streaming(quick: bool) -> list[Duel]:
    n = 50 if quick else 4096
    u, theta = signals(n, 1), 64.0
    keep, take = step(D, theta)

    def in_numpy() -> Array:
        m, out = np.zeros(D), np.empty((n, 1, D))
        for t, now in enumerate(u[:, 0]):
            m = keep @ m + take * now
            out[t, 0] = m
        return out

    def in_scipy() -> Array:
        # its states are those before a sample; one sample more brings the last
        system = (keep, take[:, None], np.eye(D), np.zeros((D, 1)), 1.0)
        return dlsim(system, np.vstack([u, np.zeros((1, 1))]))[2][1:, None]

    ours, what = one_by_one(u, theta), f"Legendre memory streamed, {D} numbers"
    return [
        Duel(what, ours, "NumPy, step by step", in_numpy, 1e-9, "us", "sample", n, table=True),
        Duel(what, ours, "SciPy's dlsim", in_scipy, 1e-9, "us", "sample", n),
    ]


def growth(quick: bool) -> list[Growth]:
    sizes = (64, 128) if quick else (1024, 2048, 4096, 8192)
    works = {n: (learned(signals(n, 8), 64.0, True), 1) for n in sizes}
    return [Growth("Legendre memory, all times at once", "samples", works, 1, "ms", "call")]


PEERS = (training, streaming)
GROWTH = (growth,)
MEMORY = ()
