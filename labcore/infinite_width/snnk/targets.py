"""What a neuron computes of its input and its weights, and the frequencies that make it up."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Complex, Float

Array = np.ndarray
Kind = Literal["sine", "cosine", "bump", "arc-cosine"]
SPEED = 2.0  # of the sine and the cosine, radians a unit of z


def checked_kind(kind: str) -> None:
    """Raises ValueError for an unknown kind."""
    if kind not in get_args(Kind):
        raise ValueError(f"kind = {kind!r} is not allowed; it must be one of {', '.join(get_args(Kind))}")


def exact(
    kind: Kind, x: Float[Array, "*n d"], w: Float[Array, "*n d"], b: float | Float[Array, "*n"] = 0.0
) -> Float[Array, "*n"]:
    """The neurons' outputs: f(w.x + b) with f sin 2z, cos 2z or e^(-z^2 / 2), or the arc-cosine kernel of x and w.

    x, w and b broadcast. The kernel is E[relu(g.x) relu(g.w)] = |x||w| (sin t + (pi - t) cos t) / 2 pi at the angle t;
    it has no bias. Raises ValueError for an unknown kind.
    """
    checked_kind(kind)
    if kind == "arc-cosine":
        length, angle = angles(x, w)
        return length * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    z = (x * w).sum(-1) + b
    return np.exp(-(z**2) / 2) if kind == "bump" else {"sine": np.sin, "cosine": np.cos}[kind](SPEED * z)


def angles(x: Float[Array, "*n d"], w: Float[Array, "*n d"]) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """|x||w| and the angle between x and w, of which one may be 0."""
    length = np.sqrt((x**2).sum(-1) * (w**2).sum(-1))
    cosine = np.divide((x * w).sum(-1), length, out=np.zeros_like(length), where=length > 0)
    return length, np.arccos(np.clip(cosine, -1, 1))


def frequencies(kind: Kind, m: int, rng: np.random.Generator) -> tuple[Float[Array, " m"], Complex[Array, " m"]]:
    """Frequencies omega >= 0 and their weights a, with f(z) = Re E[a e^(i omega z)].

    The bump is its own transform: its frequencies are Gaussian, and all weigh the same.
    """
    if kind == "bump":
        return np.abs(rng.normal(size=m)), np.ones(m, dtype=complex)
    return np.full(m, SPEED), np.full(m, -1j if kind == "sine" else 1.0 + 0j)
