"""S wide networks side by side: they fire or do not, and learn with the slope of something smooth.

    z^1 = W^1 x / sqrt(n_0) + b beta^1,    z^(l+1) = W s(z^l) / sqrt(n_l) + b beta,    f = z^(L+1)

All W and beta are N(0, 1) at the start, s(z) = erf(m z), and m = infinity is the step, -1 or 1.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Nets(NamedTuple):
    """Of each layer, the first one first: W (S, n_out, n_in) and beta (S, n_out); and b, the same for all."""

    weights: tuple[Tensor, ...]
    offsets: tuple[Tensor, ...]
    bias: float


class Pass(NamedTuple):
    """What goes into each layer (S, n, n_in), and the fields z that come out (S, n, n_out)."""

    signals: tuple[Tensor, ...]
    fields: tuple[Tensor, ...]


def draw(
    n_nets: int,
    inputs: int,
    width: int,
    depth: int,
    bias_var: float,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> Nets:
    """Networks of `depth` hidden layers of `width` neurons, with b^2 = `bias_var`.

    Raises ValueError for fewer than one of anything and for a variance below 0.
    """
    for name, value in (("n_nets", n_nets), ("inputs", inputs), ("width", width), ("depth", depth)):
        if value < 1:
            raise ValueError(f"{name} = {value} is not allowed; it must be at least 1")
    if not bias_var >= 0:
        raise ValueError(f"bias_var = {bias_var} is not allowed; it must be at least 0")
    sizes = [inputs, *[width] * depth, 1]
    weights, offsets = [], []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        weights.append(torch.randn(n_nets, n_out, n_in, generator=generator, dtype=dtype))
        offsets.append(torch.randn(n_nets, n_out, generator=generator, dtype=dtype))
    return Nets(tuple(weights), tuple(offsets), bias_var**0.5)


def fire(z: Tensor, steep: float) -> Tensor:
    """erf(steep z); a field of exactly 0 fires, so that a step has two values and not three."""
    return torch.where(z < 0, -1.0, 1.0).to(z.dtype) if steep == torch.inf else torch.erf(steep * z)


def smooth_slope(z: Tensor, sharp: float) -> Tensor:
    """The slope of erf(sharp z)."""
    return torch.mul(z, sharp).square_().neg_().exp_().mul_(2 * sharp / torch.pi**0.5)


def forward(nets: Nets, x: Float[Tensor, "n inputs"], steep: float = torch.inf) -> Pass:
    """The same inputs through all networks. Raises ValueError for inputs of another length, and for steep <= 0."""
    if x.ndim != 2 or x.shape[1] != nets.weights[0].shape[2]:
        raise ValueError(f"x has shape {tuple(x.shape)}; it must be (n, {nets.weights[0].shape[2]})")
    if not steep > 0:
        raise ValueError(f"steep = {steep} is not allowed; it must be above 0")
    h = x.to(nets.weights[0].dtype).expand(len(nets.weights[0]), *x.shape)
    signals, fields = [], []
    for w, beta in zip(nets.weights, nets.offsets, strict=True):
        signals.append(h)
        z = torch.baddbmm(nets.bias * beta[:, None], h, w.mT, alpha=w.shape[2] ** -0.5)
        fields.append(z)
        h = fire(z, steep)
    return Pass(tuple(signals), tuple(fields))


def outputs(nets: Nets, x: Float[Tensor, "n inputs"], steep: float = torch.inf) -> Float[Tensor, "S n"]:
    """f of each network at each input."""
    return forward(nets, x, steep).fields[-1][..., 0]


def backward(nets: Nets, fields: tuple[Tensor, ...], sharp: float) -> list[Tensor]:
    """What one unit more of each field (S, n, n_out) seems to do to f, with the slope of erf(sharp z) in each layer."""
    delta = torch.ones_like(fields[-1])
    deltas = [delta]
    for w, z in zip(nets.weights[:0:-1], fields[-2::-1], strict=True):
        # the true slope of a step is 0 here, and nothing would be passed on
        delta = (delta @ w) * w.shape[2] ** -0.5 * smooth_slope(z, sharp)  # the idea
        deltas.insert(0, delta)
    return deltas


def learn(
    nets: Nets, x: Float[Tensor, "n inputs"], targets: Float[Tensor, "S n"], rate: float, sharp: float
) -> Float[Tensor, "S n"]:
    """One step of learning with surrogate gradients, in place, on half the sum of squared errors.

    Returns f before the step. Raises ValueError for targets of another shape and a sharpness of 0 or below.
    """
    passed = forward(nets, x)
    f = passed.fields[-1][..., 0]
    if targets.shape != f.shape:
        raise ValueError(f"targets have shape {tuple(targets.shape)}; they must be {tuple(f.shape)}")
    if not 0 < sharp < torch.inf:
        raise ValueError(f"sharp = {sharp} is not allowed; it must be above 0 and finite")
    wrong = (f - targets)[..., None]
    for w, beta, h, delta in zip(*nets[:2], passed.signals, backward(nets, passed.fields, sharp), strict=True):
        blamed = wrong * delta
        w.baddbmm_(blamed.mT, h, alpha=-rate * w.shape[2] ** -0.5)
        beta.sub_(blamed.sum(1), alpha=rate * nets.bias)
    return f


def measured_kernel(
    nets: Nets, x1: Float[Tensor, "n1 inputs"], x2: Float[Tensor, "n2 inputs"], steep: float, sharp: float
) -> Float[Tensor, "S n1 n2"]:
    """J(x1) Jt(x2)^T of networks with s = erf(steep z): the true slope at x1, the slope of erf(sharp z) at x2.

    Layer by layer, (h h'^T / n + b^2) times (delta delta'^T): no Jacobian is stored. Raises ValueError for the step,
    whose true slope is no function.
    """
    if steep == torch.inf:
        raise ValueError("steep = inf is not allowed here; the slope of a step is no function")
    here, there = forward(nets, x1, steep), forward(nets, x2, steep)
    total = 0.0
    for h1, h2, delta1, delta2 in zip(
        here.signals,
        there.signals,
        backward(nets, here.fields, steep),
        backward(nets, there.fields, sharp),
        strict=True,
    ):
        total = total + (h1 @ h2.mT / h1.shape[2] + nets.bias**2) * (delta1 @ delta2.mT)
    return total
