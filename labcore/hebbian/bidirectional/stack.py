"""A stack of fully connected layers whose one set of matrices is used both ways, many networks side by side.

Forwards    a_l = f(a_{l-1} W_l + c_l),        l = 1 .. L, the last layer linear
Backwards   a_{l-1} = f(a_l W_l^T + g_{l-1}),  from the top down, the last result (the input's place) linear
Nothing is copied: both directions read, and a loss on either side moves, the same tensors W_l.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Activation = Callable[[Tensor], Tensor]


class TiedStack(NamedTuple):
    """S networks with layers of n_0 .. n_L units."""

    w: list[Float[Tensor, "S n_below n_l"]]  # shared by both directions
    c: list[Float[Tensor, "S 1 n_l"]]  # biases forwards
    g: list[Float[Tensor, "S 1 n_below"]]  # biases backwards


def tied_stack(sizes: Sequence[int], rngs: Sequence[np.random.Generator], std: float = 0.1) -> TiedStack:
    """Normal weights of this standard deviation, zero biases; network s is drawn from rngs[s].

    Raises ValueError for fewer than two sizes or a size below 1.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes = {list(sizes)} is not allowed; it must be at least two numbers >= 1")
    pairs = list(zip(sizes, sizes[1:], strict=False))
    draws = [[rng.normal(0, std, pair) for pair in pairs] for rng in rngs]
    w = [torch.tensor(np.stack(layer), dtype=torch.float32) for layer in zip(*draws, strict=True)]
    c = [torch.zeros(len(rngs), 1, out) for _, out in pairs]
    g = [torch.zeros(len(rngs), 1, into) for into, _ in pairs]
    return TiedStack(w, c, g)


def forward(net: TiedStack, x: Float[Tensor, "#S B n_0"], f: Activation) -> Float[Tensor, "S B n_L"]:
    """Scores of inputs x, the same for all networks or one set for each."""
    *hidden, (w, c) = zip(net.w, net.c, strict=True)
    for w_l, c_l in hidden:
        x = f(x @ w_l + c_l)
    return x @ w + c


def reverse(net: TiedStack, z: Float[Tensor, "#S B n_L"], f: Activation) -> Float[Tensor, "S B n_0"]:
    """What the same weights draw from tops z, before any squashing."""
    (w, g), *hidden = zip(net.w, net.g, strict=True)
    for w_l, g_l in reversed(hidden):
        z = f(z @ w_l.mT + g_l)
    return z @ w.mT + g
