"""Finite networks in the tangent kernel's parametrisation, many of one shape side by side, and their own kernels.

The backward pass is written out: the kernel needs what it leaves at each neuron, and not the gradient of each weight.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.primitives.wide.duals import Activation

_FUNCTIONS = {
    "linear": (lambda z: z, torch.ones_like),
    "relu": (torch.relu, lambda z: (z > 0).to(z.dtype)),
    "erf": (torch.erf, lambda z: 2 / math.sqrt(math.pi) * torch.exp(-z * z)),
    "tanh": (torch.tanh, lambda z: 1 - torch.tanh(z) ** 2),
}
FIRST = 32  # neurons that are drawn at once; wider layers are drawn in blocks that double


class Networks(NamedTuple):
    """S networks with scalar outputs: z_1 = w W_1 x / sqrt(n_0) + b beta_1, z_(l+1) = w W s(z_l) / sqrt(n_l) + b beta.

    The last weights are those of the output. Every number of W and beta is N(0, 1) at the start.
    """

    weights: tuple[Float[Tensor, "S out in"], ...]
    biases: tuple[Float[Tensor, "S out"], ...]
    activation: Activation
    weight_var: float  # w^2
    bias_var: float  # b^2

    def copy(self) -> Networks:
        """Networks with the same numbers that are trained on their own."""
        weights, biases = (tuple(v.clone() for v in each) for each in (self.weights, self.biases))
        return self._replace(weights=weights, biases=biases)


class Passed(NamedTuple):
    """What inputs leave behind on their way through, layer by layer."""

    entered: list[Float[Tensor, "S n in"]]  # the layer's input
    slopes: list[Float[Tensor, "S n out"]]  # s'(z) of the layer's neurons
    output: Float[Tensor, "S n"]


def draw(
    n_in: int,
    width: int,
    depth: int,
    activation: Activation,
    weight_var: float,
    bias_var: float,
    seeds: list[int],
) -> Networks:
    """Fresh networks of `depth` hidden layers, one a seed. A wider network of the same seed holds the narrower one.

    Raises ValueError for an activation that is not here, and for a width or depth below 1.
    """
    if activation.kind not in _FUNCTIONS or activation.sharpness != 1:
        raise ValueError(f"activation = {activation} is not allowed; it must be one of {', '.join(_FUNCTIONS)}")
    for name, value in (("n_in", n_in), ("width", width), ("depth", depth)):
        if value < 1:
            raise ValueError(f"{name} = {value} is not allowed; it must be at least 1")
    sizes = [n_in] + depth * [width] + [1]
    weights, biases = [], []
    for layer, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False)):
        wide = layer < depth, layer > 0  # whether its rows and columns are hidden neurons
        weights.append(_drawn((after, before), wide, [(seed, layer, 0) for seed in seeds]))
        biases.append(_drawn((after,), wide[:1], [(seed, layer, 1) for seed in seeds]))
    return Networks(tuple(weights), tuple(biases), activation, weight_var, bias_var)


def _drawn(shape: tuple[int, ...], grows: tuple[bool, ...], keys: list[tuple[int, ...]]) -> Float[Tensor, "S ..."]:
    """Normal numbers, an array a key. One that is longer where it grows has the same numbers at its upper left."""
    out = np.empty((len(keys), *shape))
    for filled, key in zip(out, keys, strict=True):
        size, made = FIRST, None
        while made is None or any(m < n for m, n in zip(made.shape, shape, strict=True)):
            lengths = [size if g else n for g, n in zip(grows, shape, strict=True)]
            block = np.random.default_rng([*key, size]).normal(size=lengths)
            if made is not None:
                block[tuple(map(slice, made.shape))] = made
            made, size = block, 2 * size
        filled[:] = made[tuple(map(slice, shape))]
    return torch.from_numpy(out)


def scale(variance: float, n: int) -> float:
    """What a sum over n neurons is multiplied by, inside the network: its size does not depend on the width."""
    return math.sqrt(variance / n)


def forward(nets: Networks, x: Float[Tensor, "n in"]) -> Passed:
    """The outputs of all networks, and what their backward pass needs."""
    s, s_prime = _FUNCTIONS[nets.activation.kind]
    h = x.expand(len(nets.weights[0]), *x.shape)
    entered, slopes = [], []
    for layer, (w, beta) in enumerate(zip(nets.weights, nets.biases, strict=True)):
        entered.append(h)
        z = scale(nets.weight_var, h.shape[2]) * (h @ w.mT) + math.sqrt(nets.bias_var) * beta[:, None]
        if layer < len(nets.weights) - 1:
            slopes.append(s_prime(z))
            h = s(z)
    return Passed(entered, slopes, z[..., 0])


def backward(nets: Networks, passed: Passed) -> list[Float[Tensor, "S n out"]]:
    """df / dz_l of each input at each neuron, from the first layer to the output, where it is 1."""
    deltas = [torch.ones_like(passed.output)[..., None]]
    for w, slope in zip(nets.weights[:0:-1], passed.slopes[::-1], strict=True):
        deltas.append(scale(nets.weight_var, w.shape[2]) * (deltas[-1] @ w) * slope)
    return deltas[::-1]


def gram(nets: Networks, x: Float[Tensor, "n in"]) -> Float[Tensor, "S n n"]:
    """The tangent kernel of each network: the inner products of df/dp over all its parameters p, for all inputs.

    A weight's gradient is a product of what enters and what comes back, so the sum over a layer's weights is a product
    of two sums over its neurons. No gradient of a weight is ever stored.
    """
    passed = forward(nets, x)
    theta = torch.zeros((), dtype=x.dtype)
    for h, delta in zip(passed.entered, backward(nets, passed), strict=True):
        paths = scale(nets.weight_var, h.shape[2]) ** 2 * (h @ h.mT) + nets.bias_var
        theta = theta + paths * (delta @ delta.mT)  # the idea
    return theta


def step(nets: Networks, passed: Passed, pull: Float[Tensor, "S n"], rate: float) -> None:
    """Moves all networks, in place, by -rate sum_i pull_i df(x_i)/dp, where `passed` is of the inputs x_i."""
    for layer, delta in enumerate(backward(nets, passed)):
        h, back = passed.entered[layer], delta * pull[..., None]
        w, beta = nets.weights[layer], nets.biases[layer]
        w.baddbmm_(back.mT, h, alpha=-rate * scale(nets.weight_var, h.shape[2]))
        beta.sub_(back.sum(1), alpha=rate * math.sqrt(nets.bias_var))


def narrower(nets: Networks, width: int) -> Networks:
    """The same networks with only the first `width` neurons of each hidden layer, which are networks of that width."""
    last = len(nets.weights) - 1
    weights = [
        w[:, : w.shape[1] if k == last else width, : w.shape[2] if k == 0 else width]
        for k, w in enumerate(nets.weights)
    ]
    biases = [b if k == last else b[:, :width] for k, b in enumerate(nets.biases)]
    return nets._replace(weights=tuple(weights), biases=tuple(biases))
