"""The Legendre memory: d numbers from which the last theta samples of a signal can be drawn.

    theta m' = A m + B u,   A_ij = (2 i + 1) (-1 if i < j else (-1)^(i - j + 1)),   B_i = (2 i + 1) (-1)^i,
    u(t - r theta) = sum_i P_i(2 r - 1) m_i,   r from 0 (now) to 1 (theta samples ago),   P_i Legendre polynomials.

A step of one sample, the signal held in between, is exact: m_t = Abar m_(t-1) + Bbar u_t. A held signal is a smooth
one half a sample late, so that r stands for r theta - 1/2 samples ago. The step is linear, so all times at once are a
convolution with the answer to one pulse: `parallel`. Sources: Voelker, Kajic and Eliasmith (2019), Legendre Memory
Units, NeurIPS; Chilkuri and Eliasmith (2021), Parallelizing Legendre Memory Unit Training, arXiv:2102.11417.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import expm
from scipy.special import eval_sh_legendre
from torch import Tensor

from labcore.checked import checked
from labcore.kernels import kernel

Array = np.ndarray


class Step(NamedTuple):
    """One sample: m becomes keep m + take u."""

    keep: Float[Array, "d d"]
    take: Float[Array, " d"]


def legendre(d: int) -> tuple[Float[Array, "d d"], Float[Array, " d"]]:
    """A and B of theta m' = A m + B u. Raises ValueError for d below 1."""
    if d < 1:
        raise ValueError(f"d = {d} is not allowed; it must be at least 1")
    i, j = np.arange(d)[:, None], np.arange(d)[None, :]
    # the idea
    a = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1))
    return a, ((2 * i + 1) * (-1.0) ** i)[:, 0]


@functools.lru_cache(maxsize=64)
def step(d: int, theta: float) -> Step:
    """Abar and Bbar for a window of theta samples. Raises ValueError for d below 1 and theta not above 0."""
    if not theta > 0:
        raise ValueError(f"theta = {theta} is not allowed; it must be above 0 samples")
    a, b = legendre(d)
    # the exponential of one block matrix holds both: what is kept, and what a signal held for one sample adds
    block = np.zeros((d + 1, d + 1))
    block[:d, :d], block[:d, d] = a / theta, b / theta
    whole = expm(block)
    made = Step(np.ascontiguousarray(whole[:d, :d]), np.ascontiguousarray(whole[:d, d]))
    for part in made:
        part.setflags(write=False)  # many callers share it
    return made


@checked
@kernel
def streamed(
    u: Float[Array, "N B"], start: Float[Array, "B d"], keep: Float[Array, "d d"], take: Float[Array, " d"]
) -> Float[Array, "N B d"]:
    """The memory after each sample of B signals, one sample after another, from the memories `start`."""
    n, b, d = len(u), len(start), len(take)
    out = np.empty((n, b, d), u.dtype)
    now = start.copy()
    for t in range(n):
        # column by column, so that the innermost loop adds to numbers that lie side by side
        for s in range(b):
            new = out[t, s]
            for i in range(d):
                new[i] = take[i] * u[t, s]
            for j in range(d):
                m = now[s, j]
                for i in range(d):
                    new[i] += keep[i, j] * m
        now = out[t]
    return out


@functools.lru_cache(maxsize=64)
def pulse(d: int, theta: float, n: int) -> Float[Array, "n d"]:
    """The memory after each of n samples of which only the first is 1."""
    u = np.zeros((n, 1))
    u[0] = 1
    out = streamed(u, np.zeros((1, d)), *step(d, theta))[:, 0]
    out.setflags(write=False)
    return out


def parallel(u: Float[Tensor, "*S N B"], d: int, theta: float) -> Float[Tensor, "*S N B d"]:
    """The memory after each sample, all times at once, from an empty one. Differentiable in u.

    Raises ValueError for a signal without a sample, and as `step` does.
    """
    n = u.shape[-2]
    if n < 1:
        raise ValueError(f"u has shape {tuple(u.shape)}; it must be (N, B) with at least one sample")
    # 2 n places, so that nothing wraps around from the end to the beginning
    h = torch.fft.rfft(torch.tensor(pulse(d, float(theta), n), dtype=u.dtype), 2 * n, dim=0)
    return torch.fft.irfft(torch.fft.rfft(u, 2 * n, dim=-2)[..., None] * h[:, None], 2 * n, dim=-3)[..., :n, :, :]


def curve(m: Float[Array, "*shape d"], r: Float[Array, " R"]) -> Float[Array, "*shape R"]:
    """What the memory holds of the past: at r = 0 now, at r = 1 theta samples ago. Raises ValueError outside [0, 1]."""
    r = np.asarray(r, float)
    if r.size and not (r.min() >= 0 and r.max() <= 1):
        raise ValueError(f"r goes from {r.min()} to {r.max()}; it must be from 0 to 1")
    return m @ eval_sh_legendre(np.arange(m.shape[-1])[:, None], r)
