"""What an optimizer makes of a gradient: itself, its signs, its equalised singular values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from labcore.primitives.runs.flat_adam import adam_update

Array = np.ndarray
RULES = ("gradient descent", "SignGD", "Adam", "Muon", "Muon, Newton-Schulz")
NULL = 1e-10  # a direction is none below this share of the largest singular value: an SVD gives arbitrary ones there
ZERO = 1e-12  # an entry is 0 below this share of the largest one: the sign of rounding is no sign
QUINTIC, CUBIC = (3.4445, -4.7750, 2.0315), (1.5, -0.5, 0.0)  # Muon's own, quick and rough; and one that converges


def polar(g: Float[Array, "m n"]) -> Float[Array, "m n"]:
    """U V^T of g = U S V^T: all singular values become 1, and those that are 0 stay it.

    Raises ValueError for what is no matrix of finite numbers.
    """
    u, s, vt = np.linalg.svd(_matrix(g), full_matrices=False)
    return (u * (s > NULL * s[0])) @ vt


def newton_schulz(
    g: Float[Array, "m n"], steps: int = 5, polynomial: tuple[float, float, float] = QUINTIC
) -> Float[Array, "m n"]:
    """About U V^T, by products alone: the singular values of g / |g|_F go through a s + b s^3 + c s^5, `steps` times.

    Raises ValueError as `polar` does, for g = 0 and for fewer than 0 steps.
    """
    _matrix(g)
    if steps < 0:
        raise ValueError(f"steps = {steps} is not allowed; it must be at least 0")
    norm = np.linalg.norm(g)
    if norm == 0:
        raise ValueError("g = 0 is not allowed; it has no direction")
    a, b, c = polynomial
    tall = g.shape[0] > g.shape[1]
    x = (g.T if tall else g) / norm  # the smaller side first: its square matrix is the smaller one
    for _ in range(steps):
        square = x @ x.T
        # the idea
        x = a * x + (b * square + c * (square @ square.T)) @ x  # symmetric: with its transpose, BLAS does half the work
    return x.T if tall else x


def lifted(s: Float[Array, " S"], steps: int, polynomial: tuple[float, float, float] = QUINTIC) -> Float[Array, "T S"]:
    """What the same steps make of singular values s, before the first and after each."""
    a, b, c = polynomial
    path = [np.asarray(s, float)]
    for _ in range(steps):
        path.append(path[-1] * (a + b * path[-1] ** 2 + c * path[-1] ** 4))
    return np.stack(path)


def signs(g: Float[Array, "m n"]) -> Float[Array, "m n"]:
    """The sign of each entry, and 0 for what is rounding only. Raises ValueError as `polar` does."""
    size = np.abs(_matrix(g))
    return np.sign(g) * (size > ZERO * size.max())


def rule(name: str, eta: float, momentum: float = 0.0, ns_steps: int = 5) -> Callable[[Array, Array], None]:
    """One of `RULES` with learning rate eta and a state of its own: update(w, g) changes the weights w in place.

    The momentum is that of gradient descent and Muon: for the gradient g they take b <- momentum b + g. Adam has 0.9
    and 0.999; SignGD is Adam with 0 and 0. Raises ValueError for another name, eta <= 0, a momentum outside [0, 1).
    """
    if name not in RULES:
        raise ValueError(f"name = {name!r} is not allowed; it must be one of {', '.join(RULES)}")
    if not eta > 0 or not 0 <= momentum < 1:
        raise ValueError(f"eta = {eta}, momentum = {momentum} is not allowed; eta > 0 and momentum from 0 to below 1")
    if name == "Adam":
        return _adam(eta)
    direction = {
        "gradient descent": lambda b: b,
        "SignGD": signs,
        "Muon": polar,
        "Muon, Newton-Schulz": lambda b: newton_schulz(b, ns_steps),
    }[name]
    keep, b = (0.0 if name == "SignGD" else momentum), None

    def update(w: Array, g: Array) -> None:
        nonlocal b
        b = g if b is None else keep * b + g
        w -= eta * direction(b)

    return update


def _adam(eta: float) -> Callable[[Array, Array], None]:
    state: list[Array] = []
    count = 0

    def update(w: Array, g: Array) -> None:
        nonlocal count
        if not state:
            state.extend((np.zeros(w.size), np.zeros(w.size)))
        count += 1
        adam_update(w.reshape(-1), *state, g.ravel(), count, eta)

    return update


def _matrix(g: Array) -> Array:
    if g.ndim != 2 or not g.size or not np.isfinite(g).all():
        raise ValueError(f"g of shape {g.shape} is not allowed; it must be a matrix of finite numbers")
    return g
