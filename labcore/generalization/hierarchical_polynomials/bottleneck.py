"""Three layers with a bottleneck of width one, trained in two stages that each are a ridge regression.

    f(x) = g1(x) + c.relu(a (g1(x) - m)/s + b) + const,     g1(x) = u.act(Vx),     act(t) = (t^2 - 1)/sqrt 2

V (rows of length 1), a and b are random and frozen. Gradient descent with weight decay on u, and then on c, ends at the
ridge solution, since each stage is strongly convex. m and s scale the bottleneck; they come from stage 2's samples.

Units of the first layer are sums of the D = d(d+1)/2 Hermite features of degree 2, so n samples of m1 units are worked
with as n samples of D features: act(Vx) = hermite(x) T with T = `units(V)`. Nothing is approximated by that.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.primitives.regression.spectral import ridge

Array = np.ndarray
RIDGE = 1e-3  # of stage 2, where one number is fitted and samples abound


def hidden(x: Float[Array, "n d"], v: Float[Array, "m1 d"]) -> Float[Array, "n m1"]:
    """act(Vx): the second Hermite polynomial of each unit's input, with unit variance."""
    return ((x @ v.T) ** 2 - 1) / sqrt(2)


def hermite(x: Float[Array, "n d"]) -> Float[Array, "n D"]:
    """All products x_i x_j, i < j, and squares (x_i^2 - 1)/sqrt 2: orthonormal for x ~ N(0, I)."""
    i, j = np.triu_indices(x.shape[1])
    products = x[:, i] * x[:, j]
    products[:, i == j] = (products[:, i == j] - 1) / sqrt(2)
    return products


def units(v: Float[Array, "m1 d"]) -> Float[Array, "D m1"]:
    """T of act(Vx) = hermite(x) T, for rows of length 1."""
    i, j = np.triu_indices(v.shape[1])
    return (v[:, i] * v[:, j] * np.where(i == j, 1.0, sqrt(2))).T


def as_form(w: Float[Array, " D"], d: int) -> Float[Array, "d d"]:
    """The matrix B of hermite(x).w = x.Bx - tr B."""
    i, j = np.triu_indices(d)
    b = np.zeros((d, d))
    b[i, j] = b[j, i] = w / np.where(i == j, sqrt(2), 2.0)
    return b


class Modes(NamedTuple):
    """Second moments of a stage's features, in their own basis."""

    s: Float[Array, " D"]  # roots of the eigenvalues: singular values of the features, over the root of n
    basis: Float[Array, "D D"]


def modes(second: Float[Array, "D D"]) -> Modes:
    """Decompose the mean of features times features."""
    values, basis = np.linalg.eigh(second)
    return Modes(np.sqrt(np.maximum(values, 0)), basis)


def solve(at: Modes, cross: Float[Array, " D"], lam: float) -> Float[Array, " D"]:
    """Where descent ends: the weights w of the least mean (y - features.w)^2 + lam |w|^2.

    `cross` is the mean of y times the features.

    Raises ValueError unless lam > 0.
    """
    if not lam > 0:
        raise ValueError(f"lam = {lam} is not allowed; it must be > 0")
    s = np.maximum(at.s, 1e-12)  # what is not there has no part in `cross`
    return at.basis @ (ridge(s, lam, 1) / s**2 * (at.basis.T @ cross))


def descend(at: Modes, cross: Float[Array, " D"], lam: float, steps: int) -> Float[Array, " D"]:
    """The same by gradient descent with weight decay, from zero, at a rate that the steepest mode can follow."""
    second = (at.basis * at.s**2) @ at.basis.T
    rate, w = 1 / (at.s.max() ** 2 + lam), np.zeros(len(cross))
    for _ in range(steps):
        w -= rate * (second @ w - cross + lam * w)
    return w


class Network(NamedTuple):
    """What stage 2 has fitted, over the bottleneck's value."""

    c: Float[Array, " m2"]
    a: Float[Array, " m2"]
    b: Float[Array, " m2"]
    mean: float  # of the bottleneck
    scale: float
    means: Float[Array, " m2"]  # of the second layer's units
    constant: float


def fit_inner(
    at: Modes, root: Float[Array, "D D"], cross: Float[Array, " D"], lam: float, steps: int = 0
) -> Float[Array, " D"]:
    """Stage 1: Hermite coefficients of g1, from second moments of hermite(x) root, where root^2 = T T^T.

    `cross` is the mean of y hermite(x): the bottleneck is fitted to y itself, and nobody tells it p. With `steps` it is
    descent; 0 is where that ends.
    """
    u = descend(at, root @ cross, lam, steps) if steps else solve(at, root @ cross, lam)  # the idea
    return root @ u


def second_layer(m2: int, rng: np.random.Generator) -> tuple[Float[Array, " m2"], Float[Array, " m2"]]:
    """Frozen slopes, +1 or -1, and biases of the m2 units over the bottleneck."""
    return rng.choice([-1.0, 1.0], m2), rng.uniform(-3, 3, m2)


def _over(z: Float[Array, " n"], mean: float, scale: float, a: Array, b: Array) -> Float[Array, "n m2"]:
    return np.maximum(a * ((z - mean) / scale)[:, None] + b, 0) / sqrt(len(a))


def fit_outer(
    z: Float[Array, " n"], y: Float[Array, " n"], a: Float[Array, " m2"], b: Float[Array, " m2"], steps: int = 0
) -> Network:
    """Stage 2: c, on samples that stage 1 has not seen, from the bottleneck's values z there.

    The same samples again would show a bottleneck that knows its own answers.
    """
    mean, scale = z.mean(), max(z.std(), 1e-12)
    over, rest = _over(z, mean, scale, a, b), y - z
    means, constant = over.mean(0), rest.mean()
    at, cross = modes((over - means).T @ (over - means) / len(z)), (over - means).T @ (rest - constant) / len(z)
    c = descend(at, cross, RIDGE, steps) if steps else solve(at, cross, RIDGE)
    return Network(c, a, b, mean, scale, means, constant)


def predict(net: Network, z: Float[Array, " n"]) -> Float[Array, " n"]:
    """The network's output from the bottleneck's value."""
    bent = (_over(z, net.mean, net.scale, net.a, net.b) - net.means) @ net.c
    return z + net.constant + bent
