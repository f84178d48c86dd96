"""Feed-forward networks of signs: which edges there are, and what a network with given weights answers."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import checked, index, rows, within
from labcore.kernels import kernel

Array = np.ndarray


class Wiring(NamedTuple):
    """A feed-forward network of N nodes: node 0 is the constant -1, then inputs, hidden neurons, outputs.

    Nodes are computed in their order, so an edge comes from a node before the one that it goes to.
    """

    source: Annotated[
        Int[Array, " E"], index("inputs+K")
    ]  # the node that an edge comes from; the edges of a neuron stand together
    start: Annotated[
        Int[Array, " K+1"], rows("E", 1)
    ]  # neuron k, which is node inputs + k, reads the edges start[k] to start[k + 1]
    inputs: Annotated[int, within(1)]  # the constant and the input nodes
    outputs: Annotated[int, within(1, "K")]  # the last nodes
    widths: Int[Array, " layers"]  # of the layers, inputs first; an array, so that every depth is one compiled type

    @property
    def nodes(self) -> int:
        return self.inputs + len(self.start) - 1

    @property
    def fan_in(self) -> Int[Array, " K"]:
        """m: edges into each neuron, that from the constant included."""
        return np.diff(self.start)

    @property
    def neuron(self) -> Int[Array, " E"]:
        """The neuron, 0 to K - 1, that each edge goes to."""
        return np.repeat(np.arange(len(self.start) - 1), self.fan_in)


def layered(widths: tuple[int, ...]) -> Wiring:
    """Each layer reads the whole layer before it and the constant."""
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(f"widths = {widths} is not allowed; it must be two or more layers of at least 1 node")
    source, start, before = [], [0], 1
    for below, width in zip(widths, widths[1:], strict=False):
        edges = [0, *range(before, before + below)]
        for _ in range(width):
            source += edges
            start.append(len(source))
        before += below
    return Wiring(np.array(source), np.array(start), 1 + widths[0], widths[-1], np.array(widths))


@kernel
def _refuse_forward(net: Wiring) -> None:
    """Raise ValueError for a neuron that reads one which is computed after it."""
    for k in range(len(net.start) - 1):
        for e in range(net.start[k], net.start[k + 1]):
            if net.source[e] >= net.inputs + k:
                raise ValueError("net.source points forward; a neuron may read only nodes that come before it")


@checked
@kernel
def infer(net: Wiring, weights: Float[Array, " E"], X: Float[Array, "P inputs-1"]) -> Float[Array, "P N"]:
    """The values of all nodes of a network of hard signs; a sum of exactly 0 counts as -1.

    Raises ValueError for an edge that points forward.
    """
    _refuse_forward(net)
    y = np.full((len(X), net.inputs + len(net.start) - 1), -1.0)
    for i in range(len(X)):
        for n in range(1, net.inputs):
            y[i, n] = X[i, n - 1]
        for k in range(len(net.start) - 1):
            total = 0.0
            for e in range(net.start[k], net.start[k + 1]):
                total += weights[e] * y[i, net.source[e]]
            y[i, net.inputs + k] = 1.0 if total > 0 else -1.0
    return y


@checked
@kernel
def accuracy(
    net: Wiring, weights: Float[Array, " E"], X: Float[Array, "P inputs-1"], Y: Float[Array, "P outputs"]
) -> float:
    """The share of output bits that hard signs get right."""
    out = infer(net, weights, X)[:, net.inputs + len(net.start) - 1 - net.outputs :]
    right = 0
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            right += out[i, j] == Y[i, j]
    return right / Y.size
