"""A recurrent layer that fires +1 and -1, beside the same small steps on whole arrays in NumPy and in torch."""

from __future__ import annotations

import numpy as np
import torch

from labcore.spiking.crnn_conversion import Range, Weights, count_range, spiking
from tests.benchmarks.timing import Duel

Array = np.ndarray


def by_arrays(drive, u, theta: float, levels: Range, steps: int, zeros, where, sign, clone):
    """Counts after each element, all sequences and units at once; states are handed on as counts."""
    s_before, out = zeros(drive[:, 0]), []
    for n in range(drive.shape[1]):
        v, s = zeros(drive[:, 0]) + theta / 2, zeros(drive[:, 0])
        for t in range(steps):
            handed = where(abs(s_before) > t, sign(s_before), zeros(s_before))
            h = v + (drive[:, n] if t == 0 else 0) + (theta * handed) @ u
            o = where((h >= theta) & (s < levels.high), 1.0, where((h < 0) & (s > levels.low), -1.0, 0.0))
            v, s = h - theta * o, s + o
        s_before = s
        out.append(clone(s))
    return out


def _of(units: int, length: int) -> list[Duel]:
    rng, b, steps, theta = np.random.default_rng(0), 8, 22, 0.25
    levels = count_range(4, signed=True)
    u = np.round(0.9 * rng.normal(size=(units, units)) / units**0.5 * 1024) / 1024
    drive = np.round(rng.normal(size=(b, length, units)) * 1024) / 1024
    none, weights = np.zeros((b, length, 0)), Weights(np.zeros((0, units)), u, 1.0, theta)
    drive_torch, u_torch = torch.tensor(drive), torch.tensor(u)

    def ours() -> Array:
        return spiking(none, drive, weights, Range(0, 1), levels, steps).state.astype(float)

    def in_numpy() -> Array:
        return np.stack(by_arrays(drive, u, theta, levels, steps, np.zeros_like, np.where, np.sign, np.copy), 1)

    def in_torch() -> Array:
        made = by_arrays(drive_torch, u_torch, theta, levels, steps, torch.zeros_like, torch.where, torch.sign,
                         torch.clone)  # fmt: skip
        return torch.stack(made, 1).numpy()

    name = f"recurrent spiking layer of {units}, {b} sequences of {length}, {steps} small steps"
    rivals = {"NumPy on whole arrays": in_numpy, "torch on whole arrays": in_torch}
    return [Duel(name, ours, rival, theirs, 0, table=units == 64) for rival, theirs in rivals.items()]


def sequences(quick: bool) -> list[Duel]:
    return _of(32, 10) if quick else _of(64, 50) + _of(256, 50)


PEERS, GROWTH, MEMORY = (sequences,), (), ()
