"""Networks of quadratic neurons, M side by side, their linear start, and the step that moves them slowly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import sqrt

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Array = np.ndarray
Widths = Sequence[int]
Matrix = Float[Tensor, "M I O"]
Bias = Float[Tensor, "M 1 O"]
MOMENTUM = 0.9


def quadratic_layer(
    x: Float[Tensor, "M B I"], w_r: Matrix, b_r: Bias, w_g: Matrix, b_g: Bias, w_b: Matrix, c: Bias
) -> Float[Tensor, "M B O"]:
    """M quadratic layers before their activation."""
    return torch.baddbmm(b_r, x, w_r) * torch.baddbmm(b_g, x, w_g) + torch.baddbmm(c, x * x, w_b)


def linear_size(widths: Widths) -> int:
    """How many parameters w_r and b_r have in all layers. They come first; twice as many quadratic ones follow."""
    return sum((i + 1) * o for i, o in zip(widths, widths[1:]))


def layers(flat: Float[Tensor, "M P"], widths: Widths) -> Iterator[tuple[Matrix, Bias, Matrix, Bias, Matrix, Bias]]:
    """(w_r, b_r, w_g, b_g, w_b, c) of each layer, as views of the parameters of M networks."""
    size, at = linear_size(widths), 0
    for i, o in zip(widths, widths[1:]):
        parts = (flat[:, k * size + at : k * size + at + (i + 1) * o].unflatten(1, (i + 1, o)) for k in range(3))
        yield tuple(tensor for part in parts for tensor in (part[:, :-1], part[:, -1:]))
        at += (i + 1) * o


def network(
    flat: Float[Tensor, "M P"],
    x: Float[Tensor, "M B I"],
    widths: Widths,
    activation: Callable[[Tensor], Tensor] = torch.relu,
) -> Float[Tensor, "M B O"]:
    """Outputs of M networks."""
    *hidden, last = layers(flat, widths)
    for layer in hidden:
        x = activation(quadratic_layer(x, *layer))
    return quadratic_layer(x, *last)


def linear_neurons(widths: Widths) -> Float[Tensor, " Q"]:
    """The quadratic parameters at which a quadratic network is conventional: b_g = 1, all others 0."""
    flat = torch.zeros(1, 3 * linear_size(widths))
    for _, _, _, b_g, _, _ in layers(flat, widths):
        b_g[:] = 1.0
    return flat[0, linear_size(widths) :]


def initial(widths: Widths, rng: np.random.Generator, relinear: bool) -> Float[Tensor, " P"]:
    """All parameters. w_r as He et al. for ReLU, b_r = 0; the others the same way, or those of linear neurons."""
    flat = []
    for _ in range(3):
        for i, o in zip(widths, widths[1:]):
            flat += [rng.uniform(-sqrt(6 / i), sqrt(6 / i), i * o), np.zeros(o)]
    out = torch.as_tensor(np.concatenate(flat), dtype=torch.float32)
    if relinear:
        out[linear_size(widths) :] = linear_neurons(widths)
    return out


def relinear_step(
    flat: Float[Tensor, "M P"],
    velocity: Float[Tensor, "M P"],
    loss: Float[Tensor, " M"],
    widths: Widths,
    lr: Float[Tensor, " M"],
    gamma: Float[Tensor, " M"],
    l2: Float[Tensor, " M"],
    l1: Float[Tensor, " M"],
) -> None:
    """One step of SGD with momentum, in place, for M networks. flat needs a gradient.

    The quadratic parameters move with the rate gamma lr; then what they differ from linear neurons shrinks by
    1 / (1 + lr l2) and is soft-thresholded at lr l1 (the exact steps of the two penalties, which cannot overshoot).
    """
    size = linear_size(widths)
    (gradient,) = torch.autograd.grad(loss.sum(), flat)
    with torch.no_grad():
        velocity.mul_(MOMENTUM).add_(gradient)
        flat[:, :size] -= lr[:, None] * velocity[:, :size]
        flat[:, size:] -= (gamma * lr)[:, None] * velocity[:, size:]
        if l2.any() or l1.any():
            linear = linear_neurons(widths).to(flat)
            away = (flat[:, size:] - linear) / (1 + lr * l2)[:, None]
            flat[:, size:] = linear + away.sign() * (away.abs() - (lr * l1)[:, None]).clamp(min=0)
