"""Partial derivatives of a multilayer perceptron as sums over trees, like Feynman diagrams.

A tree is a leaf, an int that names a direction in input space, or a tuple of two or more trees: a vertex, which sits
at some neuron, with one line for each of its parts coming in and one going out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from math import pi, prod, sqrt
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.polynomial import Polynomial
from torch import Tensor

Array = np.ndarray
Tree = int | tuple
Amplitudes = dict[Tree, list[Tensor]]  # of the trees that were met, by layer
Activation = Literal["gelu", "tanh", "softplus"]


def partitions(items: Sequence[int]) -> Iterator[list[list[int]]]:
    """All ways to divide items into blocks."""
    if not items:
        yield []
        return
    for blocks in partitions(items[1:]):
        yield [[items[0]], *blocks]
        for k, block in enumerate(blocks):
            yield [*blocks[:k], [items[0], *block], *blocks[k + 1 :]]


def trees(leaves: Sequence[int]) -> list[Tree]:
    """All rooted trees with these labelled leaves whose vertices have two or more parts: 1, 1, 4, 26, 236, ..."""
    if len(leaves) == 1:
        return [leaves[0]]
    found: list[Tree] = []
    for blocks in partitions(list(leaves)):
        if len(blocks) > 1:
            found += product(*(trees(block) for block in blocks))
    return found


def shape(tree: Tree) -> str:
    """The tree without its labels: a leaf is o, a vertex is a pair of brackets around its parts, larger parts first."""
    if isinstance(tree, int):
        return "o"
    return "(" + "".join(sorted(map(shape, tree), key=lambda s: (-len(s), s))) + ")"


def shapes(order: int) -> dict[str, tuple[Tree, int]]:
    """The different shapes of order n, fewest vertices first: for each one tree, and how many trees have it."""
    found = trees(range(order))
    counts, first = Counter(map(shape, found)), {shape(t): t for t in reversed(found)}
    return {s: (first[s], counts[s]) for s in sorted(counts, key=lambda s: (s.count("("), s))}


class MLP(NamedTuple):
    """z^1 = W^1 x + b^1, z^{l+1} = W^{l+1} phi(z^l) + b^{l+1}, f = z^L, a number."""

    weights: list[Float[Tensor, "n_l n_before"]]  # W^l; the last one has one row
    biases: list[Float[Tensor, " n_l"]]
    activation: Activation

    def __call__(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """f of x."""
        phi = PHI[self.activation]
        z = x @ self.weights[0].T + self.biases[0]
        for w, b in zip(self.weights[1:], self.biases[1:], strict=True):
            z = phi(z) @ w.T + b
        return z[..., 0]


def mlp(sizes: Sequence[int], activation: Activation, rng: np.random.Generator) -> MLP:
    """A network of these layer sizes, inputs first, with random weights and no biases, float64.

    Raises ValueError for an activation that is not in `PHI`.
    """
    _check(activation)
    draws = [rng.normal(size=(o, i)) / np.sqrt(i) for i, o in zip(sizes, sizes[1:], strict=False)]
    weights = [torch.tensor(w) for w in draws]
    return MLP(weights, [torch.zeros(len(w), dtype=torch.float64) for w in weights], activation)


PHI = {"gelu": torch.nn.functional.gelu, "tanh": torch.tanh, "softplus": torch.nn.functional.softplus}


def _check(activation: str) -> None:
    if activation not in PHI:
        raise ValueError(f"activation = {activation!r} is not allowed; it must be one of {', '.join(PHI)}")


def phi_derivatives(activation: Activation, z: Float[Tensor, " n"], order: int) -> list[Float[Tensor, " n"]]:
    """phi, phi', ..., phi^(order) at z, in closed form. Raises ValueError for an activation that is not in `PHI`."""
    _check(activation)
    if activation == "gelu":  # z Phi(z): the derivatives of the normal density are Hermite polynomials times it
        density = torch.exp(-z * z / 2) / sqrt(2 * pi)
        hermite = [torch.ones_like(z), z]
        for k in range(1, order):
            hermite.append(z * hermite[-1] - k * hermite[-2])
        normal = [torch.special.ndtr(z), *((-1) ** k * h * density for k, h in enumerate(hermite))]
        return [z * normal[k] + (k * normal[k - 1] if k else 0) for k in range(order + 1)]
    if activation == "tanh":  # a polynomial in t = tanh z, as t' = 1 - t^2
        t, flow, poly, out = torch.tanh(z), Polynomial([1, 0, -1]), Polynomial([0, 1]), []
    else:  # softplus' is the logistic s, and s' = s - s^2
        t, flow, poly, out = torch.sigmoid(z), Polynomial([0, 1, -1]), Polynomial([0, 1]), [PHI["softplus"](z)]
    while len(out) <= order:
        out.append(sum(float(c) * t**k for k, c in enumerate(poly.coef)))
        poly = poly.deriv() * flow
    return out


class Rules(NamedTuple):
    """What lines and vertices stand for at one point x; lists over the hidden layers l = 1 ... L - 1."""

    vertex: list[list[Float[Tensor, " n_l"]]]  # [l][k] V^l(k) = phi^(k)(z^l)
    propagator: dict[tuple[int, int], Float[Tensor, "n_m n_l"]]  # [l, m] P^{l->m} = dz^m/da^l, l < m; m = L is R^l
    incoming: list[Float[Tensor, "n_l d"]]  # [l] Q^l = dz^l/dx; the last one is df/dx


def rules(net: MLP, x: Float[Tensor, " d"], order: int) -> Rules:
    """Vertices of up to `order` lines, propagators and incoming lines of a network at x."""
    vertex, incoming, propagator = [], [net.weights[0]], {}
    z = net.weights[0] @ x + net.biases[0]
    hidden = len(net.weights) - 1
    for layer in range(hidden):
        vertex.append(phi_derivatives(net.activation, z, order))  # the idea
        w = net.weights[layer + 1]
        z = w @ vertex[layer][0] + net.biases[layer + 1]
        incoming.append((w * vertex[layer][1]) @ incoming[layer])  # the idea
        propagator[layer, layer + 1] = w
        for start in range(layer):
            propagator[start, layer + 1] = (w * vertex[layer][1]) @ propagator[start, layer]  # the idea
    return Rules(vertex, propagator, incoming)


def _arriving(
    r: Rules, tree: Tree, directions: Float[Tensor, "n d"], amplitudes: Amplitudes
) -> list[Float[Tensor, " n_l"]]:
    """What the outgoing line of a tree brings to z^l, for each layer l = 1 ... L."""
    if isinstance(tree, int):
        return [q @ directions[tree] for q in r.incoming]
    f = amplitude(r, tree, directions, amplitudes)
    zero = [torch.zeros(len(q), dtype=q.dtype) for q in r.incoming]
    # a line runs upwards only: its vertex sits in an earlier layer than the one that it enters
    return [sum((r.propagator[k, m] @ f[k] for k in range(m)), zero[m]) for m in range(len(r.incoming))]


def amplitude(
    r: Rules, tree: Tree, directions: Float[Tensor, "n d"], amplitudes: Amplitudes
) -> list[Float[Tensor, " n_l"]]:
    """The product of all below and at the root vertex of a tree, when that sits at neuron j of layer l: [l][j]."""
    if tree not in amplitudes:
        lines = [_arriving(r, part, directions, amplitudes) for part in tree]
        amplitudes[tree] = [prod((line[k] for line in lines), start=v[len(tree)]) for k, v in enumerate(r.vertex)]
    return amplitudes[tree]


def value(r: Rules, tree: Tree, directions: Float[Tensor, "n d"]) -> float:
    """The diagram's contribution to the derivative along directions[0], directions[1], ...: its sum over all
    assignments of vertices to neurons.
    """
    return float(_arriving(r, tree, directions, {})[-1][0])


def whereabouts(r: Rules, tree: Tree, directions: Float[Tensor, "n d"]) -> list[list[Float[Array, " n_l"]]]:
    """The contribution of a diagram by the place of each of its vertices: [vertex][l][j], the root first.

    The sum over the places of any one vertex is the value of the diagram.
    """
    top = len(r.vertex)
    amplitudes: Amplitudes = {}
    out: list[list[Array]] = []

    def visit(tree: Tree, above: list[Tensor]) -> None:
        """`above`: what the rest of the diagram multiplies the amplitude of this vertex with, by its place."""
        if isinstance(tree, int):
            return
        f = amplitude(r, tree, directions, amplitudes)
        out.append([(a * b).numpy() for a, b in zip(above, f, strict=True)])
        lines = [_arriving(r, part, directions, amplitudes) for part in tree]
        for k, part in enumerate(tree):
            others = [line for i, line in enumerate(lines) if i != k]
            rest = [a * prod((o[m] for o in others), start=r.vertex[m][len(tree)]) for m, a in enumerate(above)]
            below = [
                sum((r.propagator[n, m].T @ rest[m] for m in range(n + 1, top)), torch.zeros_like(above[n]))
                for n in range(top)
            ]
            visit(part, below)

    visit(tree, [r.propagator[m, top][0] for m in range(top)])
    return out


def brute_force(net: MLP, x: Float[Tensor, " d"], direction: Float[Tensor, " d"], order: int) -> float:
    """The derivative of that order along one direction, by nested forward-mode differentiation."""
    derivative = lambda t: net(x + t * direction)  # noqa: E731
    for _ in range(order):
        derivative = torch.func.jacfwd(derivative)
    return float(derivative(torch.zeros((), dtype=x.dtype)))
