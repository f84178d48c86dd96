"""Two signals through many random networks, weights drawn in the loop that uses them, beside a torch loop."""

from __future__ import annotations

import numpy as np
import torch

from labcore.infinite_width.effective_theory import cross, next_layer
from labcore.infinite_width.effective_theory.activations import code
from tests.benchmarks.timing import Duel, Growth

Array = np.ndarray
DEPTH, C_W, C_B = 10, 1.9, 0.1


def inputs(nets: int, width: int) -> tuple[Array, Array]:
    u, w = np.random.default_rng(0).standard_normal((2, nets, width))
    return u, 0.9 * u + 0.19**0.5 * w


def by_cross(nets: int, width: int) -> tuple[Array, Array]:
    return cross(code("relu"), *inputs(nets, width), C_W, C_B, DEPTH, np.random.default_rng(1))


def by_torch(nets: int, width: int) -> tuple[Array, Array]:
    """A network after the other; a layer's weights and biases are one matrix of the same random numbers."""
    a, b = inputs(nets, width)
    rng, size, gap = np.random.default_rng(1), np.empty((nets, DEPTH)), np.empty((nets, DEPTH))
    for m in range(nets):
        z = torch.from_numpy(np.stack([a[m], b[m]], 1))
        for layer in range(DEPTH):
            if layer:
                drawn = torch.from_numpy(rng.standard_normal((width, width + 1)))
                z = (C_W / width) ** 0.5 * drawn[:, :-1] @ torch.relu(z) + C_B**0.5 * drawn[:, -1:]
            size[m, layer] = (z[:, 0] ** 2).mean()
            gap[m, layer] = ((z[:, 0] - z[:, 1]) ** 2).mean()
    return size, gap


def by_numbers_alone(nets: int, width: int) -> Array:
    """One signal through as many networks, of which only the numbers that come out are drawn."""
    z, rng = inputs(nets, width)[0], np.random.default_rng(1)
    return np.array([next_layer(code("relu"), z, C_W, C_B, 0.0, rng) for _ in range(DEPTH - 1)])


def networks(quick: bool) -> list[Duel]:
    nets, width = (5, 16) if quick else (100, 64)
    name = f"{nets} random networks, {DEPTH} layers of {width}"
    rival, theirs = "a torch loop over networks", lambda: by_torch(nets, width)
    return [
        Duel(f"two signals through {name}", lambda: by_cross(nets, width), rival, theirs, 1e-9, table=True),
        Duel(
            f"sizes in {name}, no weight drawn",
            lambda: by_numbers_alone(nets, width),
            f"yardstick: {rival}",
            theirs,
            None,
            table=True,
        ),
    ]


def over_width(quick: bool) -> list[Growth]:
    widths = (16, 32) if quick else (32, 64, 128, 256)
    with_weights = {n: (lambda n=n: by_cross(20, n), 20) for n in widths}
    numbers = {n: (lambda n=n: by_numbers_alone(200, n), 200) for n in widths}
    return [
        Growth("random networks, weights drawn", "width", with_weights, 2.0, per="network"),
        Growth("random networks, numbers drawn", "width", numbers, 1.0, per="network"),
    ]


PEERS, GROWTH, MEMORY = (networks,), (over_width,), ()
