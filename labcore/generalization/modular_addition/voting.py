"""A network that adds on a clock, and one of its kind built by hand: neurons that vote in waves.

    h_m = act(theta_m[x] + theta_m[y]),    vote for j = sum_m xi_m[j] h_m
    theta_m[n] = cos(w n + phi),  xi_m[j] = cos(w j + psi),  w = 2 pi k / p
For act(z) = z^2 and psi = 2 phi the neuron's vote has four waves; those of N = 3 or N >= 5 neurons whose phases stand
evenly around the circle cancel but for one, (N/2) (1 + cos w(x - y)) cos w(j - x - y).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray
Activation = Literal["square", "relu", "abs", "fourth", "none"]
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)


def activate(z: Float[Array, "*batch"], act: Activation) -> Float[Array, "*batch"]:
    """The activation of each number. Raises ValueError for one that is none of `ACTIVATIONS`."""
    if act == "square":
        return z * z
    if act == "relu":
        return np.maximum(z, 0)
    if act == "abs":
        return np.abs(z)
    if act == "fourth":
        return z**4
    if act == "none":
        return z
    raise ValueError(f"act = {act!r} is not allowed; it must be one of {', '.join(ACTIVATIONS)}")


def odd(p: int) -> int:
    """p itself. Raises ValueError for an even one, whose fastest wave has no second phase, and for one under 3."""
    if p < 3 or p % 2 == 0:
        raise ValueError(f"p = {p} is not allowed; it must be an odd number from 3")
    return p


def voters(
    p: int, frequency: Int[Array, " m"], phase: Float[Array, " m"], turn: float = 0.0, off: float = 0.0
) -> tuple[Float[Array, "m p"], Float[Array, "m p"]]:
    """Weights theta, xi of m neurons, each with one frequency k and its phase phi.

    `turn` turns the first layer's circles by so many numbers; `off` is psi - 2 phi. Raises ValueError for an even p.
    """
    w = 2 * np.pi * frequency[:, None] / odd(p)
    n = np.arange(p)
    phi = phase[:, None]
    psi = 2 * phi + off
    return np.cos(w * (n + turn) + phi), np.cos(w * n + psi)


def even_phases(frequencies: Int[Array, " F"], n: int, first: Float[Array, " F"]) -> tuple[Array, Array]:
    """n neurons for each frequency, their phases evenly around the circle: frequency and phase of each (F n,)."""
    around = 2 * np.pi * np.arange(n) / n
    return np.repeat(frequencies, n), (first[:, None] + around).ravel()


def votes(
    theta: Float[Array, "m p"], xi: Float[Array, "m p"], x: int, y: int, act: Activation = "square"
) -> Float[Array, "m p"]:
    """What each neuron votes for each answer, given two numbers. Raises ValueError for one that is not on the clock."""
    p = theta.shape[1]
    for name, number in (("x", x), ("y", y)):
        if not 0 <= number < p:
            raise ValueError(f"{name} = {number} is not allowed; it must be from 0 to {p - 1}")
    return xi * activate(theta[:, x] + theta[:, y], act)[:, None]  # the idea


def flawed_indicator(p: int, n: int, x: int, y: int) -> Float[Array, " p"]:
    """What all (p-1)/2 frequencies with n = 3 or n >= 5 even phases vote in all, act(z) = z^2.

    n (p/4 [j = x + y] + p/8 [j = 2x] + p/8 [j = 2y] - 1/2): the right answer, and two ghosts of half its height.
    Raises ValueError for other n.
    """
    if n < 3 or n == 4:
        raise ValueError(f"n = {n} is not allowed; it must be 3, or 5 and more: other phases do not cancel")
    out = np.full(odd(p), -0.5)
    for answer, height in ((x + y, p / 4), (2 * x, p / 8), (2 * y, p / 8)):
        out[answer % p] += height
    return n * out
