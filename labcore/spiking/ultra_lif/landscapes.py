"""How a loss looks from above, and which way gradients say that it falls."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from labcore.primitives.spiking.steps import lif, lif_compiled
from labcore.primitives.spiking.surrogate import Surrogate

from .networks import Kind, fire

Array = np.ndarray


def sharpness(surrogate: Surrogate, width: float) -> float:
    """The alpha with which a surrogate is half as high as at its top at a distance of width / 2 from it."""
    return {
        "atan": 4 / np.pi / width,
        "sigmoid": 2 * np.log(3 + 8**0.5) / width,
        "rectangle": width,
        "gauss": width / (8 * np.log(2)) ** 0.5,
    }[surrogate]


class Neuron(NamedTuple):
    """One leaky neuron with two inputs, and how many spikes it is to have."""

    inputs: Float[Array, "T 2"]
    decay: float
    target: int


def counts(neuron: Neuron, weights: Float[Array, "n 2"]) -> Int[Array, " n"]:
    """How often it spikes with each pair of weights: no surrogate has a say in it."""
    return lif_compiled(neuron.inputs @ weights.T, neuron.decay).spikes.sum(0).astype(int)


def pushes(neuron: Neuron, weights: Float[Array, "n 2"], surrogate: Surrogate, alpha: float) -> Float[Array, "n 2"]:
    """Minus the gradient of ((count - target) / T)^2 / 2 for each pair of weights, as the surrogate says it."""
    w = torch.from_numpy(weights).requires_grad_()
    spikes = lif(torch.from_numpy(neuron.inputs) @ w.T, neuron.decay, surrogate=surrogate, alpha=alpha).spikes
    loss = ((spikes.mean(0) - neuron.target / len(spikes)) ** 2).sum() / 2
    return -torch.autograd.grad(loss, w)[0].numpy()


def walk(neuron: Neuron, start: tuple[float, float], surrogate: Surrogate, alpha: float, rate: float, steps: int):
    """Gradient descent with the surrogate: weights (steps + 1, 2)."""
    path = [np.array([start])]
    for _ in range(steps):
        path.append(path[-1] + rate * pushes(neuron, path[-1], surrogate, alpha))
    return np.concatenate(path)


class Task(NamedTuple):
    """Digits for a network of one hidden layer: its weights, and a direction in which those of the first layer turn."""

    x: Float[Tensor, "M d"]
    labels: Int[Tensor, " M"]
    first: Float[Tensor, "d hidden"]
    readout: Float[Tensor, "hidden 10"]
    direction: Float[Tensor, "d hidden"]


def losses(
    task: Task, kind: Kind, along: Float[Tensor, " n"], steps: int, eps: float, leak: float, theta: float
) -> Float[Tensor, " n"]:
    """Cross-entropy with the first weights moved by each distance along the direction; differentiable in it."""
    weights = task.first + along[:, None, None] * task.direction
    current = (task.x @ weights).expand(steps, -1, -1, -1)
    logits = fire(kind, current, eps, leak, theta).spikes.mean(0) @ task.readout
    picked = logits.log_softmax(-1).gather(-1, task.labels.expand(len(along), -1)[..., None])
    return -picked.mean((1, 2))


def slopes(
    task: Task, kind: Kind, along: Float[Tensor, " n"], step: float, *cell: float
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """The slope of the loss at each distance: what backpropagation says, and a central difference over two steps."""
    there = along.clone().requires_grad_()
    (said,) = torch.autograd.grad(losses(task, kind, there, *cell).sum(), there)
    with torch.no_grad():
        both = losses(task, kind, torch.cat([along + step, along - step]), *cell)
    ahead, behind = both.chunk(2)
    return said, (ahead - behind) / (2 * step)
