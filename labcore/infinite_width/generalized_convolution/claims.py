"""Checks of convolutions that measure distances."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, exact, mean, once
from labcore.primitives.digits.batches import digit_batches

from .experiments import find, learn
from .layers import Operator
from .network import train


@claim("A distance answers most to the patch that is nearest to its template; a trained dot product seldom does")
def what_looks_like_it(seeds: Seeds) -> Evidence:
    def looks(operator: Operator) -> list[float]:
        return [float(once(learn, operator=operator, steps=60, every=60, seed=s).looks) for s in seeds(6)]

    return Evidence(
        exact("least share of filters, L1", min(looks("L1"))) >= 1,
        exact("least share of filters, L2", min(looks("L2"))) >= 1,
        mean("share of filters, dot product", looks("dot")) <= 0.5,
        size="8 filters after 60 steps, patches of 200 digits, 6 networks",
    )


@claim("Ink added to every pixel leaves the dot product's place where it was, and moves that of the L1 distance")
def brightness(seeds: Seeds) -> Evidence:
    moved = {"dot": [], "distance": []}
    for k in range(60):
        dark, bright = (once(find, picture=k, brightness=v, p2=1.0, p8=1.0, seed=seeds.first) for v in (0.0, 0.3))
        for kind, a, b in zip(moved, dark.best.values, bright.best.values, strict=True):
            moved[kind].append(float(a != b))
    return Evidence(
        exact("pictures in which the dot product's place moves", sum(moved["dot"])) <= 0,
        mean("share in which the distance's place moves", moved["distance"]) >= 0.15,
        size="a line of three pixels as the template, 60 digits, 0.3 added to every pixel",
    )


def _accuracy(seeds: Seeds, operator: Operator, frozen: bool = False) -> np.ndarray:
    """Accuracy on new digits after 300 steps, a network a seed."""
    out = []
    for s in seeds(16):
        runs = train(operator, digit_batches([[s, 0]], 300), np.random.default_rng([s, 1]), filters=8, k=3, rate=5e-3,
                     steps=300, every=300, frozen=frozen)  # fmt: skip
        out.append(list(runs)[-1][2])
    return np.array(out)


SIZE = "8 and 16 filters, 1297 digits to learn and 500 new ones, 300 steps, 16 networks each"


@claim("Filters that measure distances read digits within 3 points of those that multiply", slow=True)
def as_good(seeds: Seeds) -> Evidence:
    dot = _accuracy(seeds, "dot")
    return Evidence(
        mean("right, dot product", dot) >= 0.95,
        mean("dot product - L1", dot - _accuracy(seeds, "L1")) <= 0.03,
        mean("dot product - L2", dot - _accuracy(seeds, "L2")) <= 0.03,
        size=SIZE,
    )


@claim("Templates that stay as they began cost accuracy, for either distance", slow=True)
def templates_learn(seeds: Seeds) -> Evidence:
    return Evidence(
        mean("L1 trained - frozen", _accuracy(seeds, "L1") - _accuracy(seeds, "L1", True)) >= 0,
        mean("L2 trained - frozen", _accuracy(seeds, "L2") - _accuracy(seeds, "L2", True)) >= 0,
        size=SIZE,
    )
