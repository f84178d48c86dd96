"""Networks of steps: many side by side beside PyTorch's autograd one by one, and their kernel beside Jacobians."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from labcore.infinite_width.surrogate_ntk import Nets, draw, learn, measured_kernel, outputs
from tests.benchmarks.timing import Duel, Memory, Work

Array = np.ndarray
SHARP, RATE, BIAS = 1.0, 0.1, 0.1


class Step(torch.autograd.Function):
    """Fires or does not; backward with the slope of erf(SHARP z)."""

    @staticmethod
    def forward(ctx, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return torch.where(z < 0, -1.0, 1.0).to(z.dtype)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return grad * 2 * SHARP / torch.pi**0.5 * torch.exp(-((SHARP * z) ** 2))


def by_layers(x: Tensor, parameters: list[Tensor], fire: Callable[[Tensor], Tensor]) -> Tensor:
    for k in range(0, len(parameters), 2):
        w, beta = parameters[k : k + 2]
        z = x @ w.T / w.shape[1] ** 0.5 + BIAS**0.5 * beta
        x = fire(z)
    return z[:, 0]


def inputs(n: int) -> Tensor:
    turned = torch.linspace(0, 6, n, dtype=torch.float64)
    return 2**0.5 * torch.stack([turned.cos(), turned.sin()], 1)


def fresh(n_nets: int, width: int, depth: int) -> Nets:
    return draw(n_nets, 2, width, depth, BIAS, torch.Generator().manual_seed(0), torch.float64)


def copied(nets: Nets) -> Nets:
    return Nets(tuple(w.clone() for w in nets.weights), tuple(b.clone() for b in nets.offsets), nets.bias)


def of_one(nets: Nets, k: int) -> list[Tensor]:
    return [p[k].clone() for layer in zip(nets.weights, nets.offsets, strict=True) for p in layer]


def together(nets: Nets, x: Tensor, y: Tensor, steps: int) -> Array:
    nets = copied(nets)
    targets = y.expand(len(nets.weights[0]), -1)
    for _ in range(steps):
        learn(nets, x, targets, RATE, SHARP)
    return outputs(nets, x).numpy()


def one_by_one(nets: Nets, x: Tensor, y: Tensor, steps: int) -> Array:
    out = []
    for k in range(len(nets.weights[0])):
        parameters = [p.requires_grad_() for p in of_one(nets, k)]
        rule = torch.optim.SGD(parameters, lr=RATE)
        for _ in range(steps):
            rule.zero_grad()
            (((by_layers(x, parameters, Step.apply) - y) ** 2).sum() / 2).backward()
            rule.step()
        out.append(by_layers(x, parameters, Step.apply).detach().numpy())
    return np.array(out)


def ensembles(quick: bool) -> list[Duel]:
    """A few steps only: later a difference of rounding flips a neuron, and two runs part."""
    duels = []
    for n_nets, width, depth in ((2, 20, 1),) if quick else ((16, 400, 1), (16, 400, 2)):
        given = fresh(n_nets, width, depth), inputs(5), torch.tensor([1.0, -1, 0.5, -0.5, 1], dtype=torch.float64), 10
        layers = "1 layer" if depth == 1 else f"{depth} layers"
        name = f"{n_nets} networks of steps, {layers} of {width}, 10 steps"
        ours, theirs = (lambda f=f, g=given: f(*g) for f in (together, one_by_one))
        duels.append(Duel(name, ours, "PyTorch autograd, one by one", theirs, 1e-9, table=depth == 1))
    return duels


def layer_by_layer(n: int, width: int) -> Work:
    nets, x = fresh(1, width, 2), inputs(n)
    return lambda: measured_kernel(nets, x, x, SHARP, SHARP)[0].numpy()


def by_jacrev(n: int, width: int) -> Work:
    parameters, x = of_one(fresh(1, width, 2), 0), inputs(n)
    every = tuple(range(len(parameters)))
    gradients = torch.func.jacrev(lambda *p: by_layers(x, list(p), lambda z: torch.erf(SHARP * z)), every)

    def gram() -> Array:
        flat = torch.cat([j.reshape(n, -1) for j in gradients(*parameters)], 1)
        return (flat @ flat.T).numpy()

    return gram


def kernels(quick: bool) -> list[Duel]:
    n, width = (5, 30) if quick else (60, 400)
    name = f"tangent kernel of {n} inputs, 2 layers of {width}"
    ours, theirs = layer_by_layer(n, width), by_jacrev(n, width)
    return [Duel(name, ours, "torch.func.jacrev and a product", theirs, 1e-9, table=True)]


def of_a_kernel(quick: bool) -> list[Memory]:
    size = (5, 30) if quick else (60, 400)
    name = f"tangent kernel of {size[0]} inputs, 2 layers of {size[1]}"
    ours, theirs = ("layer_by_layer", *size), ("by_jacrev", *size)
    return [Memory(name, "tests.benchmarks.bench_surrogate", ours, "torch.func.jacrev and a product", theirs)]


PEERS, GROWTH, MEMORY = (ensembles, kernels), (), (of_a_kernel,)
