"""From a trained network with ReLUs to one that fires: copy every tensor, then train on.

copied       weights, gains, biases and running statistics, one for one; nothing is scaled, no threshold is set
shuffled     the same, and in one layer the weights of each run are dealt out anew: the histogram stays, the
             structure is gone
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.primitives.runs.layers import streams

from .network import LAYERS, Neuron, Twin


def copied(analog: Twin, spiking: Twin) -> Twin:
    """`spiking` with every tensor of `analog`. Raises RuntimeError where the graphs differ."""
    # the idea
    spiking.load_state_dict(analog.state_dict())
    return spiking


@torch.no_grad()
def shuffled(net: Twin, layer: int, seeds: Sequence[list[int]]) -> Twin:
    """A copy whose weights of layer 1 to 4 are permuted, in each run for itself; 0: none, 5: all four.

    Raises ValueError for another layer.
    """
    every = len(LAYERS) + 1
    if not 0 <= layer <= every:
        raise ValueError(f"layer = {layer} is not allowed; it must be from 0 to {every}")
    made = deepcopy(net)
    for k, name in enumerate(LAYERS, 1):
        if layer not in (k, every):
            continue
        weight = getattr(made, name)
        rows = weight.reshape(net.runs, -1)
        order = torch.from_numpy(np.stack([g.permutation(rows.shape[1]) for g in streams(seeds, 6 + k)]))
        weight.copy_(rows.gather(1, order).reshape(weight.shape))
    return made


@torch.no_grad()
def remeasured(net: Twin, x: Float[Tensor, "T B SC size size"], neuron: Neuron, steps: int) -> Twin:
    """A copy whose running statistics are those of these images; all weights, gains and biases stay."""
    made = deepcopy(net).train()
    made.momentum = 1.0  # nothing is left of what was there
    made(x, neuron, steps)
    made.momentum = net.momentum
    return made.eval()
