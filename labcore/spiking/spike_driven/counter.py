"""Proof that nothing is multiplied: whatever meets weights is looked at, and counted as what it is.

A layer whose inputs are all 0 or 1 makes additions. One that meets any other number is a layer of products, also where
that number is a 2: hardware that only adds has no place for it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor

from labcore.primitives.spiking.operations import Work, conv


class Met(NamedTuple):
    """What met the weights of a layer. A product of attention has two such sides, and each has to be spikes."""

    layer: str
    into: Tensor  # (N, S c, h, w), or (N, heads of all runs, d, places) of a product
    weight: Tensor  # (S, out, c, k, k), or the other side
    stride: int = 1
    padding: int = 0
    groups: int = 1
    how: str = "weights"  # "product": each pair of channels; "mask": place by place


def binary(met: Met) -> bool:
    """Whether all that met the weights was 0 or 1, on both sides of a product."""
    sides = (met.into,) if met.how == "weights" else (met.into, met.weight)
    return all(bool(((side == 0) | (side == 1)).all()) for side in sides)


def work(met: Met, run: int, runs: int) -> Work:
    """What the layer did in one of the runs, for all that it was shown."""
    spikes = binary(met)
    into = _of_run(met.into, run, runs)
    if met.how == "weights":
        _, out, c, *size = met.weight.shape
        return conv(into, (out, c, *size), met.stride, met.padding, met.groups, "spikes" if spikes else "analog")
    other = _of_run(met.weight, run, runs)
    if met.how == "mask":
        n = float((into * other).sum()) if spikes else float(into.size)
    elif met.layer == "KᵀV":  # a coincidence of a key and a value is one addition
        d = into.shape[2]
        n = float((into.sum(2) * other.sum(2)).sum()) if spikes else float(into.size * d)
    else:  # a query's spike adds one row
        n = float(into.sum()) * into.shape[2] if spikes else float(into.size * into.shape[2])
    return Work(additions=n, moved=n) if spikes else Work(products=n, moved=n)


def _of_run(x: Tensor, run: int, runs: int) -> np.ndarray:
    each = x.shape[1] // runs
    return x[:, run * each : (run + 1) * each].detach().double().numpy()
