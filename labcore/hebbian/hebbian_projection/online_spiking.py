"""A spiking network that learns while it runs: online training through time, for many networks at once.

Leaky integrate-and-fire without biases: v <- v/2 + W s, spike at v > 1, then v - 1. A synapse keeps a trace of what
came in, a <- a/2 + s, and its update is dW = sum_t error_t^T a_t. The error of each moment comes back through the
slope 4 q (1 - q), q = sigmoid(4 (v - 1)), of the spikes: nothing is unrolled in time. Leading dimensions are networks.
Source: Xiao, Meng, Zhang, He, Lin (2022), arXiv:2210.04195.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

DECAY, STEEP = 0.5, 4.0


def lif(current: Float[Tensor, "... T B d"]) -> tuple[Float[Tensor, "... T B d"], Float[Tensor, "... T B d"]]:
    """Spikes and potentials of leaky integrate-and-fire neurons under a current."""
    v, spikes, potentials = torch.zeros_like(current[..., 0, :, :]), [], []
    for t in range(current.shape[-3]):
        v = DECAY * v + current[..., t, :, :]
        spikes.append((v > 1).to(v.dtype))
        potentials.append(v)
        v = v - spikes[-1]
    return torch.stack(spikes, -3), torch.stack(potentials, -3)


def trace(spikes: Float[Tensor, "... T B d"]) -> Float[Tensor, "... T B d"]:
    """The decaying sum a_t = a_{t-1}/2 + s_t."""
    kept = [spikes[..., 0, :, :]]
    for t in range(1, spikes.shape[-3]):
        kept.append(DECAY * kept[-1] + spikes[..., t, :, :])
    return torch.stack(kept, -3)


def _through(x: Float[Tensor, "... T B d"], w: Float[Tensor, "... k d"]) -> Float[Tensor, "... T B k"]:
    """W x, as one product a network and not one a time step."""
    return (x.flatten(-3, -2) @ w.mT).unflatten(-2, x.shape[-3:-1])


def forward(
    weights: list[Float[Tensor, "... out d"]], x: Float[Tensor, "... B pixel"], steps: int
) -> tuple[list[Float[Tensor, "... T B d"]], list[Float[Tensor, "... T B d"]]]:
    """What goes into each of the three layers, pixels or spikes, and the hidden layers' potentials.

    The pixels x drive the first layer at every step.
    """
    inputs, potentials = [x.unsqueeze(-3).expand(*x.shape[:-2], steps, *x.shape[-2:])], []
    for layer, w in enumerate(weights[:-1]):
        # the pixels stay the same, so what they drive needs computing only once
        current = _through(inputs[-1], w) if layer else (x @ w.mT).unsqueeze(-3)
        s, v = lif(current.expand(*inputs[-1].shape[:-1], w.shape[-2]))
        inputs.append(s)
        potentials.append(v)
    return inputs, potentials


def online_gradients(
    weights: list[Float[Tensor, "... out d"]],
    x: Float[Tensor, "... B pixel"],
    y: Float[Tensor, "... B label"],
    steps: int,
) -> tuple[list[Float[Tensor, "... out d"]], list[Float[Tensor, "... T B d"]]]:
    """(Post error)^T (pre trace), summed over time, for each layer; and the traces. y is one-hot.

    The last layer does not spike: it is a leaky sum, so its score at a step is W a.
    """
    inputs, potentials = forward(weights, x, steps)
    traces = [trace(s) for s in inputs]
    error = (torch.softmax(_through(traces[-1], weights[-1]), -1) - y.unsqueeze(-3)) / x.shape[-2]
    gradients: list[Tensor] = []
    for layer in reversed(range(len(weights))):
        gradients.insert(0, error.flatten(-3, -2).mT @ traces[layer].flatten(-3, -2))
        if layer:
            q = torch.sigmoid(STEEP * (potentials[layer - 1] - 1))
            error = _through(error, weights[layer].mT) * (STEEP * q * (1 - q))
    return gradients, traces


def answers(
    weights: list[Float[Tensor, "... out d"]], x: Float[Tensor, "... B pixel"], steps: int
) -> Int[Tensor, "... B"]:
    """The digit with the largest score summed over the steps."""
    return (trace(forward(weights, x, steps)[0][-1]).sum(-3) @ weights[-1].mT).argmax(-1)
