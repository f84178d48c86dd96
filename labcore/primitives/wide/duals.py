"""What an activation passes on: averages over a pair of Gaussian numbers, as two inputs give to one neuron.

For (u, v) normal with mean 0, variances d1 and d2 and covariance c, an activation s and a second one t:

    signal(c, d1, d2) = E[s(u) s(v)],    slope(c, d1, d2) = E[s'(u) t'(v)]

In closed form:
    linear   c and 1
    relu     q (sin a + (pi - a) cos a) / 2 pi and (pi - a) / 2 pi, with q = sqrt(d1 d2), cos a = c / q
    erf(m z) 2/pi arcsin(2 c / r) with r^2 = (1/m^2 + 2 d1)(1/m^2 + 2 d2), and with t = erf(a z)
             4/pi / sqrt((1/m^2 + 2 d1)(1/a^2 + 2 d2) - 4 c^2). The step sign(z) is m = infinity.
    sin      e^-(d1+d2)/2 sinh c and e^-(d1+d2)/2 cosh c
and tanh by a quadrature, to 1e-5 for variances up to 3.

Sources: Cho and Saul (2009) for relu; Williams (1996) for erf; the mixed slope is derived here, as its integral.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import erf

Array = np.ndarray
Kind = Literal["linear", "relu", "erf", "sin", "tanh"]
Function = Callable[[Array], Array]


class Activation(NamedTuple):
    """s(z) = kind(sharpness z); only erf has a sharpness other than 1, and erf with an infinite one is the step."""

    kind: Kind
    sharpness: float = 1.0


SIGN = Activation("erf", np.inf)

_FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "linear": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "sin": (np.sin, np.cos),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
}


def functions(activation: Activation) -> tuple[Function, Function]:
    """s and its derivative. Raises ValueError for the derivative's sake where s is the step."""
    kind, m = checked_activation(activation)
    if kind != "erf":
        return _FUNCTIONS[kind]
    if m == np.inf:
        raise ValueError("activation = sign is not allowed here; its derivative is no function")
    return lambda z: erf(m * z), lambda z: 2 * m / np.sqrt(np.pi) * np.exp(-((m * z) ** 2))


def checked_activation(activation: Activation) -> Activation:
    """The same one. Raises ValueError for an unknown kind and for a sharpness that it cannot have."""
    kind, m = activation
    if kind not in {"erf", *_FUNCTIONS}:
        raise ValueError(f"kind = {kind!r} is not allowed; it must be one of {', '.join(['erf', *_FUNCTIONS])}")
    if kind == "erf" and not m > 0:
        raise ValueError(f"sharpness = {m} is not allowed; it must be above 0")
    if kind != "erf" and m != 1:
        raise ValueError(f"sharpness = {m} is not allowed for {kind}; it must be 1")
    return activation


def signal(
    activation: Activation, c: Float[Array, "*n"], d1: Float[Array, "*n"], d2: Float[Array, "*n"]
) -> Float[Array, "*n"]:
    """E[s(u) s(v)] for covariances `c` and variances `d1`, `d2` (which broadcast)."""
    kind, m = checked_activation(activation)
    if kind == "linear":
        return c + 0 * (d1 + d2)
    if kind == "relu":
        q, cosine, angle = _angle(c, d1, d2)
        return q * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)
    if kind == "erf":
        r = np.sqrt((m**-2 + 2 * d1) * (m**-2 + 2 * d2))
        return 2 / np.pi * np.arcsin(np.clip(2 * c / r, -1, 1))
    if kind == "sin":
        half = (d1 + d2) / 2
        return (np.exp(c - half) - np.exp(-c - half)) / 2
    return pair(np.tanh, np.tanh, c, d1, d2)


def slope(
    activation: Activation,
    c: Float[Array, "*n"],
    d1: Float[Array, "*n"],
    d2: Float[Array, "*n"],
    second: Activation | None = None,
) -> Float[Array, "*n"]:
    """E[s'(u) t'(v)], with t the `second` activation, or s. Infinite where both are the step and u is v."""
    kind, m = checked_activation(activation)
    other, a = checked_activation(second or activation)
    if kind != other or kind == "tanh":
        return pair(functions(activation)[1], functions(second or activation)[1], c, d1, d2)
    if kind == "linear":
        return np.ones_like(c + d1 + d2)
    if kind == "relu":
        return (np.pi - _angle(c, d1, d2)[2]) / (2 * np.pi)
    if kind == "erf":
        left = (m**-2 + 2 * d1) * (a**-2 + 2 * d2) - 4 * c**2
        with np.errstate(divide="ignore"):
            return 4 / np.pi / np.sqrt(np.maximum(left, 0))
    half = (d1 + d2) / 2
    return (np.exp(c - half) + np.exp(-c - half)) / 2


def pair(
    f: Function, g: Function, c: Float[Array, "*n"], d1: Float[Array, "*n"], d2: Float[Array, "*n"], nodes: int = 80
) -> Float[Array, "*n"]:
    """E[f(u) g(v)] by Gauss-Hermite quadrature; exact for polynomials below degree 2 `nodes`, good for smooth f, g."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    w = w / w.sum()
    c, d1, d2 = (np.asarray(v, dtype=float)[..., None, None] for v in np.broadcast_arrays(c, d1, d2))
    scale = np.sqrt(d1)
    part = np.divide(c, scale, out=np.zeros_like(c), where=scale > 0)
    u = scale * x[:, None]
    v = part * x[:, None] + np.sqrt(np.maximum(d2 - part**2, 0)) * x
    return np.einsum("...ij,i,j->...", f(u) * g(v), w, w)


def _angle(c, d1, d2):
    """sqrt(d1 d2), the cosine (rounding may take a quotient past 1) and the angle between the two inputs."""
    q = np.sqrt(d1 * d2)
    cosine = np.clip(np.divide(c, q, out=np.zeros(np.broadcast(c, q).shape), where=q > 0), -1, 1)
    return q, cosine, np.arccos(cosine)
