"""Pictures that become noise, and the way back: DDIM, which draws no noise of its own.

    x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e,    a_t = prod_(s <= t) (1 - beta_s),  t = 0, ..., 99.
A step back from t to an earlier t': guess the picture from the noise that the network tells, hold it in [-1, 1], and
put the noise back that t' has. The same first noise gives the same picture; only the network is between them.
Source: Ho, Jain, Abbeel (2020), arXiv:2006.11239; Song, Meng, Ermon (2021), arXiv:2010.02502.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

TIMES = 100
KEPT = torch.cumprod(1 - torch.linspace(1e-3, 0.08, TIMES, dtype=torch.float64), 0)  # a_t
Predict = Callable[[Tensor, Tensor], Tensor]


def noised(x: Float[Tensor, "B d"], noise: Float[Tensor, "B d"], time: Int[Tensor, " B"]) -> Float[Tensor, "B d"]:
    """x_t of the pictures x."""
    kept = KEPT[time].to(x.dtype)[:, None]
    return kept.sqrt() * x + (1 - kept).sqrt() * noise


def schedule(steps: int) -> list[int]:
    """The diffusion times at which the noise is told, from 99 to 0. Raises ValueError outside 2 to 100 steps."""
    if not 2 <= steps <= TIMES:
        raise ValueError(f"steps = {steps} is not allowed; it must be from 2 to {TIMES}")
    return np.linspace(TIMES - 1, 0, steps).round().astype(int).tolist()


@torch.no_grad()
def ddim(
    predict: Predict, start: Float[Tensor, "B d"], steps: int, hold: float = 1.0
) -> Iterator[tuple[Float[Tensor, "B d"], Float[Tensor, "B d"]]]:
    """Before the first step and after each: what is there, and the picture that is guessed from it (at first zeros).

    predict(x, time) tells the noise. Guesses are held in [-hold, hold] at every step. steps + 1 pairs.
    """
    x, times = start, schedule(steps)
    yield x, torch.zeros_like(x)
    for now, then in zip(times, [*times[1:], -1], strict=True):
        a, b = (float(KEPT[t]) if t >= 0 else 1.0 for t in (now, then))
        noise = predict(x, torch.full((len(x),), now))
        guess = ((x - (1 - a) ** 0.5 * noise) / a**0.5).clamp(-hold, hold)
        # the noise that this guess leaves in x, not the one that was told: they differ where the guess was held
        rest = (x - a**0.5 * guess) / (1 - a) ** 0.5
        x = b**0.5 * guess + (1 - b) ** 0.5 * rest
        yield x, guess


def frechet(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """Frechet distance of two Gaussians with the means and covariances of these samples.

    |m - m'|^2 + tr C + tr C' - 2 tr (C C')^(1/2). Raises ValueError for fewer samples than d + 1.
    """
    if min(len(a), len(b)) <= a.shape[1]:
        raise ValueError(f"{len(a)} and {len(b)} samples are not enough for {a.shape[1]} numbers each")
    (m, c), (n, e) = ((x.mean(0), np.cov(x.T)) for x in (a, b))
    values, vectors = np.linalg.eigh(c)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    both = np.linalg.eigvalsh(root @ e @ root).clip(0)
    return float(((m - n) ** 2).sum() + np.trace(c) + np.trace(e) - 2 * np.sqrt(both).sum())
