"""Neurons that fire along a sequence: the sequence's own axis is their time, so that spikes need no axis of their own.

    H_t = V_(t-1) / 2 + I_t,   s_t = 1 where H_t >= 1, else 0,   V_t = H_t (1 - s_t);

backward, ds/dH = 1 / (1 + (pi (H - 1))^2), and nothing goes through the reset. It is `primitives.spiking.steps.lif`
with its defaults, forward and backward each one compiled loop, and it hands on its last potentials.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.kernels import kernel

Array = np.ndarray


def fire(current: Float[Tensor, "T n"], start: Float[Tensor, " n"]) -> tuple[Float[Tensor, "T n"], Float[Tensor, " n"]]:
    """Spikes, 0.0 or 1.0, and the potentials after the last step. Differentiable in the current, not in the start.

    Raises ValueError for shapes that do not fit and numbers that are not float32 or float64, or not of one kind.
    """
    if current.ndim != 2 or start.shape != current.shape[1:]:
        raise ValueError(f"current {tuple(current.shape)} and start {tuple(start.shape)} must be (T, n) and (n,)")
    if current.dtype not in (torch.float32, torch.float64) or start.dtype != current.dtype:
        raise ValueError(f"current and start are {current.dtype} and {start.dtype}; they must be floats of one kind")
    return _Fire.apply(current, start)


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, current: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        i = current.detach().contiguous().numpy()
        spikes, potential, v = np.empty_like(i), np.empty_like(i), start.detach().numpy().copy()
        one = i.dtype.type(1)
        _forward(i, v, one, one / 2, spikes, potential)
        out = torch.from_numpy(spikes)
        ctx.save_for_backward(out, torch.from_numpy(potential))
        last = torch.from_numpy(v)
        ctx.mark_non_differentiable(last)
        return out, last

    @staticmethod
    def backward(ctx: Any, slope: Tensor, _: Tensor) -> tuple[Tensor, None]:
        spikes, potential = (x.numpy() for x in ctx.saved_tensors)
        given = slope.contiguous().numpy()
        out, one = np.empty_like(given), given.dtype.type(1)
        _backward(given, spikes, potential, one, one / 2, given.dtype.type(np.pi), out)
        return torch.from_numpy(out), None


@kernel
def _forward(current, v, one, half, spikes, potential):
    # `one` and `half` are of the arrays' kind: a literal would make float32 arithmetic float64
    for t in range(len(current)):
        for j in range(len(v)):
            h = half * v[j] + current[t, j]
            s = one if h >= one else one - one
            spikes[t, j], potential[t, j] = s, h
            v[j] = h * (one - s)


@kernel
def _backward(given, spikes, potential, one, half, pi, out):
    last = len(given) - 1
    for back in range(len(given)):
        t = last - back
        for j in range(given.shape[1]):
            z = pi * (potential[t, j] - one)
            g = given[t, j] / (one + z * z)
            if t < last:
                g += half * (one - spikes[t, j]) * out[t + 1, j]
            out[t, j] = g
