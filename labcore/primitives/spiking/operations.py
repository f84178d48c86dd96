"""What a layer costs: products, additions, and what is moved from memory. One counter for every spiking network.

A spike needs one addition for each neuron that it reaches, a number that is not a spike one product and addition (a
MAC) each, be it zero or not. Whoever adds also fetches the weight, and a neuron's potential is read and written once a
step: in a network of spikes that costs more than the additions do. At a convolution's border a spike reaches fewer
neurons. Energies in picojoules, 45 nm: Horowitz (2014), "Computing's energy problem", ISSCC; a word comes from a
memory of 8 kB.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float

Array = np.ndarray
Kind = Literal["spikes", "analog"]
Word = Literal["float32", "int8"]
PICOJOULES: dict[str, tuple[float, float, float]] = {  # a MAC, an addition, a word moved
    "float32": (4.6, 0.9, 5.0),
    "int8": (0.23, 0.03, 1.25),
}


class Work(NamedTuple):
    """Counted for all that was looked at; `/ n` of each is the work of one image."""

    products: float = 0.0  # multiplications, each with its addition
    additions: float = 0.0  # without a multiplication
    moved: float = 0.0  # words from memory and to it

    def __add__(self, other: Work) -> Work:  # type: ignore[override]
        return Work(*(a + b for a, b in zip(self, other, strict=True)))

    def each(self, n: float) -> Work:
        """The work of one of n. Raises ValueError for n that is not above 0."""
        if not n > 0:
            raise ValueError(f"n = {n} is not allowed; it must be above 0")
        return Work(*(a / n for a in self))

    def energy(self, word: Word = "float32", memory: bool = True) -> float:
        """Picojoules, with or without what memory costs. Raises ValueError for a word that is not known."""
        if word not in PICOJOULES:
            raise ValueError(f"word = {word!r} is not allowed; it must be one of {', '.join(get_args(Word))}")
        product, addition, move = PICOJOULES[word]
        return product * self.products + addition * self.additions + move * self.moved * memory


def dense(into: Float[Array, "... n"], fan_out: int, kind: Kind = "spikes") -> Work:
    """The work of a weight matrix on these inputs, any number of steps and images. k spikes at once are k additions.

    Raises ValueError for spikes that are not 0, 1, 2, ... and a fan_out below 1.
    """
    if fan_out < 1:
        raise ValueError(f"fan_out = {fan_out} is not allowed; it must be at least 1")
    return _of(into, float(fan_out), kind)


def conv(
    into: Float[Array, "... C H W"],
    weight: tuple[int, int, int, int],
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    kind: Kind = "spikes",
) -> Work:
    """The work of a convolution with weights of this shape (out, C / groups, height, width).

    Raises ValueError for spikes that are not 0, 1, 2, ..., and for shapes that do not fit.
    """
    shape = np.shape(into)
    if len(shape) < 3 or shape[-3] != weight[1] * groups or weight[0] % groups:
        raise ValueError(f"into of shape {shape} does not fit weights of shape {weight} in {groups} groups")
    rows, columns = (_reach(n, k, stride, padding) for n, k in zip(shape[-2:], weight[2:], strict=True))
    return _of(into, weight[0] // groups * np.outer(rows, columns), kind)


def neurons(count: int, steps: int) -> Work:
    """What neurons move: each reads its potential and writes it, once a step."""
    return Work(moved=2.0 * count * steps)


def _reach(n: int, kernel: int, stride: int, padding: int) -> Float[Array, " n"]:
    # how many output places each of n input places reaches along one axis
    out = (n + 2 * padding - kernel) // stride + 1
    if out < 1:
        raise ValueError(
            f"a kernel of {kernel} with stride {stride} and padding {padding} finds no place on {n} pixels"
        )
    places = (np.arange(out)[:, None] * stride - padding + np.arange(kernel)).ravel()
    return np.bincount(places[(places >= 0) & (places < n)], minlength=n).astype(float)


def _of(into: Array, reach: float | Array, kind: Kind) -> Work:
    into = np.asarray(into, float)
    if kind == "analog":
        products = float(np.broadcast_to(reach, into.shape).sum())
        return Work(products=products, moved=products)
    if kind != "spikes":
        raise ValueError(f"kind = {kind!r} is not allowed; it must be one of {', '.join(get_args(Kind))}")
    if into.size and not (into.min() >= 0 and (into == np.floor(into)).all()):
        raise ValueError("into holds values that are not 0, 1, 2, ...; count them with kind='analog'")
    additions = float((into * reach).sum())
    return Work(additions=additions, moved=additions)
