"""A layer of spiking neurons as its attacker sees it: the true spikes, and a guessed slope in place of their own.

    H_t = V_(t-1) / 2 + I_t / 2,    s_t = 1 where H_t >= 1, else 0,    V_t = H_t (1 - s_t)

The gradient passes the reset as well. A guess is one slope for all time steps and layers, or fitted: its width is the
spread of the layer's own potentials so far, for each input alone, and its centre lies half a width above the threshold.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from labcore.primitives.spiking.surrogate import Surrogate, spike

THETA, LEAK = 1.0, 0.5


class Guess(NamedTuple):
    """A slope ds/du of u = H - theta: its kind, its `alpha` of `surrogate.slope`, and, of a Gaussian, its mean."""

    kind: Surrogate | None
    alpha: float = 1.0
    mean: float = 0.0


FITTED = Guess(None)


def spread(potentials: list[Float[Tensor, "B n"]]) -> Float[Tensor, "B 1"]:
    """Standard deviation of a layer's potentials over its neurons and all steps so far; 1 where they are all equal."""
    # the idea
    sigma = torch.stack(potentials).detach().std((0, 2), correction=0)
    return torch.where(sigma > 0, sigma, 1.0)[:, None]


def neurons(
    current: Float[Tensor, "T B n"], guess: Guess
) -> tuple[Float[Tensor, "T B n"], Float[Tensor, "T B n"], Float[Tensor, "T B"]]:
    """Spikes, potentials before the reset, and widths of the slope, (T, B), of a guess that is fitted or is not."""
    v, spikes, potentials, widths = torch.zeros_like(current[0]), [], [], []
    for now in current:
        h = LEAK * v + (1 - LEAK) * now
        potentials.append(h)
        if guess.kind is None:
            sigma = spread(potentials)
            s = spike(h - THETA, "gauss", sigma, sigma / 2)
            widths.append(sigma[:, 0])
        else:
            s = spike(h - THETA, guess.kind, guess.alpha, guess.mean)
            widths.append(h.new_full(h.shape[:1], guess.alpha))
        v = h * (1 - s)
        spikes.append(s)
    return torch.stack(spikes), torch.stack(potentials), torch.stack(widths)
