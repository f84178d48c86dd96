"""Tangent kernels: a network's own without its Jacobian, the limit on a grid, and many networks that train at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch.func import jacrev, vmap

from labcore.infinite_width.ntk import Networks, draw, forward, gram, step
from labcore.primitives.wide import duals
from labcore.primitives.wide.duals import Activation
from labcore.primitives.wide.recursion import nngp_ntk
from tests.benchmarks.timing import Duel, Growth, Memory

Array = np.ndarray
Tensor = torch.Tensor
RELU, WEIGHTS, BIASES = Activation("relu"), 2.0, 0.1


def inputs(n: int, n_in: int = 10) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(n, n_in)))


def networks(width: int, depth: int, many: int = 1) -> Networks:
    return draw(10, width, depth, RELU, WEIGHTS, BIASES, list(range(many)))


def answer(parameters: list[Tensor], x: Tensor) -> Tensor:
    """A network of weights and biases in turn, as one would write it for autograd; x (..., in) -> (...)."""
    for i in range(0, len(parameters), 2):
        w, beta = parameters[i : i + 2]
        x = math.sqrt(WEIGHTS / w.shape[1]) * x @ w.T + math.sqrt(BIASES) * beta
        x = x if i == len(parameters) - 2 else torch.relu(x)
    return x[..., 0]


def parameters_of(nets: Networks, k: int) -> list[Tensor]:
    return [v[k].clone() for pair in zip(nets.weights, nets.biases, strict=True) for v in pair]


def layer_by_layer(n: int, width: int, depth: int) -> Callable[[], Tensor]:
    nets, x = networks(width, depth), inputs(n)
    return lambda: gram(nets, x)[0]


def by_jacrev(n: int, width: int, depth: int) -> Callable[[], Tensor]:
    parameters, x = parameters_of(networks(width, depth), 0), inputs(n)

    def work() -> Tensor:
        parts = vmap(jacrev(answer), (None, 0))(parameters, x)
        return sum(part.flatten(1) @ part.flatten(1).T for part in parts)

    return work


def kernel_of_a_network(quick: bool) -> list[Duel]:
    duels = []
    for width in (32,) if quick else (128, 512):
        given = 16 if quick else 64, width, 3
        name = f"tangent kernel of a network, {given[0]} inputs, 3 layers of {width}"
        ours, theirs = layer_by_layer(*given), by_jacrev(*given)
        duels.append(Duel(name, ours, "torch.func: vmap of jacrev, then J J'", theirs, 1e-8, table=width == 512))
    return duels


def memory_of_a_kernel(quick: bool) -> list[Memory]:
    given = (16, 64, 2) if quick else (64, 512, 3)
    name = f"tangent kernel, {given[0]} inputs, {given[2]} layers of {given[1]}"
    module = "tests.benchmarks.bench_tangent"
    return [Memory(name, module, ("layer_by_layer", *given), "torch.func's jacrev", ("by_jacrev", *given))]


def limit_by_quadrature(x: Array, depth: int) -> Array:
    """The recursion for erf, each average over pairs by 40 x 40 nodes."""
    s, s_prime = duals.functions(Activation("erf"))
    sigma = x @ x.T / x.shape[1] + BIASES
    theta = sigma
    for _ in range(depth):
        d = np.diag(sigma)
        slopes = duals.pair(s_prime, s_prime, sigma, d[:, None], d[None])
        sigma = duals.pair(s, s, sigma, d[:, None], d[None]) + BIASES
        theta = sigma + theta * slopes
    return theta


def limit_on_a_grid(quick: bool) -> list[Duel]:
    n = 6 if quick else 16
    x = inputs(n).numpy()
    x /= np.linalg.norm(x, axis=1, keepdims=True)  # so many nodes are exact for small variances
    ours = lambda: nngp_ntk(x, x, Activation("erf"), 3, 1.0, BIASES).theta  # noqa: E731
    theirs = lambda: limit_by_quadrature(x, 3)  # noqa: E731
    name = f"limiting tangent kernel, {n} x {n} inputs, erf, 3 layers, closed forms"
    return [Duel(name, ours, "the same by quadrature, 40 x 40 nodes", theirs, 1e-6)]


def trained_at_once(nets: Networks, x: Tensor, y: Tensor, steps: int) -> Tensor:
    nets = nets.copy()
    for _ in range(steps):
        passed = forward(nets, x)
        step(nets, passed, (passed.output - y) / len(y), 0.05)
    return forward(nets, x).output


def trained_one_by_one(nets: Networks, x: Tensor, y: Tensor, steps: int) -> Tensor:
    out = []
    for k in range(len(nets.weights[0])):
        parameters = [v.requires_grad_() for v in parameters_of(nets, k)]
        optimizer = torch.optim.SGD(parameters, lr=0.05)
        for _ in range(steps):
            optimizer.zero_grad()
            (0.5 * (answer(parameters, x) - y).square().mean()).backward()
            optimizer.step()
        out.append(answer(parameters, x).detach())
    return torch.stack(out)


def ensembles(quick: bool) -> list[Duel]:
    duels = []
    for width in (16,) if quick else (32, 128):
        many, steps = (4, 5) if quick else (32, 50)
        given = networks(width, 2, many), inputs(8), torch.linspace(-1, 1, 8, dtype=torch.float64), steps
        name = f"{many} networks, 2 layers of {width}, {steps} steps of descent on 8 examples"
        ours, theirs = lambda g=given: trained_at_once(*g), lambda g=given: trained_one_by_one(*g)
        duels.append(Duel(name, ours, "torch: autograd and SGD, network by network", theirs, 1e-9, table=width == 32))
    return duels


def grids(quick: bool) -> list[Growth]:
    works = {}
    for n in (20, 40, 80) if quick else (100, 200, 400, 800):
        x = inputs(n).numpy()
        works[n] = (lambda x=x: nngp_ntk(x, x, RELU, 3, WEIGHTS, BIASES)), 1
    return [Growth("limiting tangent kernel, relu, 3 layers", "inputs", works, 2.0, unit="ms")]


PEERS, GROWTH, MEMORY = (kernel_of_a_network, limit_on_a_grid, ensembles), (grids,), (memory_of_a_kernel,)
