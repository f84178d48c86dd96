"""Both embeddings: of an input, which knows no weight, and of a neuron, which knows no input."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from .targets import Kind, checked_kind, frequencies

Array = np.ndarray
Embedding = Float[Array, "n m"] | Complex[Array, "n m"]


class Draw(NamedTuple):
    """What inputs and neurons share: m directions, and for the waves a frequency and its weight each."""

    kind: Kind
    g: Float[Array, "m d"]
    omega: Float[Array, " m"]
    a: Complex[Array, " m"]


def draw(kind: Kind, m: int, d: int, rng: np.random.Generator, orthogonal: bool = False) -> Draw:
    """m directions in d dimensions, standard normal; `orthogonal` ones are at right angles in every block of d.

    Raises ValueError for an unknown kind and for m or d below 1.
    """
    checked_kind(kind)
    for name, value in (("m", m), ("d", d)):
        if value < 1:
            raise ValueError(f"{name} = {value} is not allowed; it must be 1 or more")
    g = rng.normal(size=(m, d))
    if orthogonal:
        q, r = np.linalg.qr(rng.normal(size=(-(-m // d), d, d)))
        q *= np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None]  # else LAPACK's signs would prefer some directions
        g = q.swapaxes(1, 2).reshape(-1, d)[:m] * np.sqrt((g**2).sum(1, keepdims=True))
    return Draw(kind, g, *frequencies(kind, m, rng))


def embed_inputs(x: Float[Array, "n d"], shared: Draw, tilt: float = 0.0) -> Embedding:
    """Phi (n, m) of each input: relu features for the arc-cosine kernel, complex ones for the waves.

    Raises ValueError for inputs of another dimension than the directions, and for a tilt below 0.
    """
    return _embed(x, shared, tilt)


def embed_neurons(w: Float[Array, "k d"], b: Float[Array, " k"], shared: Draw, tilt: float = 0.0) -> Embedding:
    """Psi (k, m) of each neuron, so that Re Phi Psi^T is the layer. Raises ValueError as `embed_inputs` does."""
    psi = _embed(w, shared, tilt)
    if shared.kind == "arc-cosine":
        return psi
    return psi * shared.a * np.exp(1j * np.outer(b, shared.omega))  # the idea


def _embed(x, shared, tilt):
    kind, g, omega, _ = shared
    if x.ndim != 2 or x.shape[1] != g.shape[1]:
        raise ValueError(f"x has shape {x.shape}; it must be (n, {g.shape[1]}), as the directions are")
    if not 0 <= tilt < np.inf:
        raise ValueError(f"tilt = {tilt} is not allowed; it must be at least 0")
    if kind == "arc-cosine":
        return np.maximum(x @ g.T, 0) / np.sqrt(len(g))  # the idea
    c = np.sqrt(1j * omega)
    bare = c * (x @ g.T) * np.sqrt(1 + 4 * tilt) - c**2 * (x**2).sum(1)[:, None] / 2  # the idea
    return np.exp(bare - tilt * (g**2).sum(1)) * (1 + 4 * tilt) ** (g.shape[1] / 4) / np.sqrt(len(g))  # the idea


def best_tilt(d: int, q: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """The tilt of the least second moment, for q = omega |x + w|^2 in d dimensions.

    Where the derivative of its logarithm, d/2 ln((1+4M)^2 / (1+8M)) + q (1+4M)/(1+8M), is 0: 32 d M^2 + 4 (d-q) M = q.
    """
    return (q - d + np.sqrt((q - d) ** 2 + 8.0 * d * q)) / (16 * d)
