"""Networks to be attacked. They are trained with batch norm, whose scale is turned up or down, and handed out folded.

A layer's currents are gain (normalised W s) while it learns, so potentials are spread by about `gain` around the
threshold 1. The surrogate of training, an arctangent as wide as the gain, is not part of what is handed out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from .neurons import Guess, neurons

BATCH, RATE = 64, 3e-3


class Victim(NamedTuple):
    """Weights (inputs, outputs) and offsets (outputs,) of each layer; all but the last have neurons."""

    weights: list[Float[Tensor, "n m"]]
    offsets: list[Float[Tensor, " m"]]

    def __call__(self, x: Float[Tensor, "T B d"], guess: Guess) -> Float[Tensor, "B classes"]:
        """Answers, means over time. The guess changes their gradient, never themselves."""
        return self.look(x, guess)[0]

    def look(
        self, x: Float[Tensor, "T B d"], guess: Guess
    ) -> tuple[Float[Tensor, "B classes"], list[Float[Tensor, "T B n"]], list[Float[Tensor, "T B"]]]:
        """Answers, and each hidden layer's potentials and widths of the guess."""
        potentials, widths = [], []
        for w, b in zip(self.weights[:-1], self.offsets[:-1], strict=True):
            x, h, width = neurons(x @ w + b, guess)
            potentials.append(h)
            widths.append(width)
        return x.mean(0) @ self.weights[-1] + self.offsets[-1], potentials, widths


def trained(
    x: Float[Tensor, "T n d"], y: Int[Tensor, " n"], hidden: list[int], gain: float, steps: int, seed: list[int]
) -> Victim:
    """A victim after `steps` batches of Adam. Inputs that are the same in every step may have stride 0 over time."""
    rng = np.random.default_rng([*seed, 11])
    sizes = [x.shape[2], *hidden, int(y.max()) + 1]
    weights = [
        nn.Parameter(torch.tensor(rng.normal(0, a**-0.5, (a, b)), dtype=torch.float32))
        for a, b in zip(sizes[:-1], sizes[1:], strict=True)
    ]
    norms = [nn.BatchNorm1d(n) for n in hidden]
    end = nn.Parameter(torch.zeros(sizes[-1]))
    optimizer = torch.optim.Adam([*weights, end, *(p for n in norms for p in n.parameters())], RATE)
    slope = Guess("atan", 2 / gain)
    for _ in range(steps):
        at = torch.as_tensor(rng.integers(0, len(y), BATCH))
        s = x[:, at]
        for w, norm in zip(weights[:-1], norms, strict=True):
            now = s @ w
            s, *_ = neurons(gain * norm(now.flatten(0, 1)).view_as(now), slope)
        loss = nn.functional.cross_entropy(s.mean(0) @ weights[-1] + end, y[at])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return _folded(weights, norms, end, gain)


@torch.no_grad()
def _folded(weights: list[nn.Parameter], norms: list[nn.BatchNorm1d], end: nn.Parameter, gain: float) -> Victim:
    scales = [gain * n.weight / (n.running_var + n.eps).sqrt() for n in norms]
    offsets = [gain * n.bias - s * n.running_mean for n, s in zip(norms, scales, strict=True)]
    made = [(w * s).clone() for w, s in zip(weights[:-1], scales, strict=True)]
    return Victim([*made, weights[-1].detach().clone()], [*offsets, end.detach().clone()])
