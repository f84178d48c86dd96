"""How much networks of finite width n differ: the recursion of the four-point function, to first order in 1 / n.

    Cov(z_i^2, z_j^2) = V / n    of two neurons i, j of a layer, over all networks

    V' = (C_W g'(K))^2 V + C_W^2 Var(s^2),    V_1 = 0

says what a layer passes on and what it adds. With a skip, z' = skip z + block, the block's size depends on the very
numbers to which it is added. Then covariances of z_i^2 with every function of z_j count, c_b / n = Cov(h_2, h_b) for
normalised Hermite polynomials h_b of z / sqrt K. With s^2 = sum_b S_b h_b, r = skip sqrt(K / K'), t = C_W / sqrt2 K':

    c_b' = r^(2+b) c_b + r^b t (S_2 c_b + S_b)                                         b != 2
    c_2' = r^4 c_2 + 2 r^2 t (sum_b S_b c_b + S_2) + t^2 (S_2^2 c_2 + 2 S_2 sum_(b!=2) S_b c_b + Var(s^2))

and V = 2 K^2 c_2. Without a skip r is 0, and this is the recursion above. It is derived here.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.polynomial import hermite_e

from .activations import Activation, output
from .flow import parallel
from .gaussian import expect

Array = np.ndarray
DEGREES = 24  # Hermite polynomials that are followed


def four_point(activation: Activation, c_w: float, size: Float[Array, " L"]) -> Float[Array, " L"]:
    """V of each layer of a network without skips, for the sizes K that `flow` gives."""
    v = np.zeros(len(size))
    for layer in range(1, len(size)):
        k = size[layer - 1]
        added = c_w**2 * _variance(activation, k)
        v[layer] = (c_w * parallel(activation, k)) ** 2 * v[layer - 1] + added  # the idea
    return v


def four_point_with_skip(
    activation: Activation, c_w: float, size: Float[Array, " L"], skip: float
) -> Float[Array, " L"]:
    """V of each layer with skips, for the sizes K that `flow` gives with the same skip."""
    b = np.arange(DEGREES)
    c, v = np.zeros(DEGREES), np.zeros(len(size))
    for layer in range(1, len(size)):
        k, after = size[layer - 1], size[layer]
        s, r, t = _hermite(activation, k), skip * np.sqrt(k / after), c_w / (np.sqrt(2) * after)
        both = s @ c
        new = r**b * (r**2 * c + t * (s[2] * c + s))
        new[2] = r**4 * c[2] + 2 * r**2 * t * (both + s[2])
        new[2] += t**2 * (2 * s[2] * both - s[2] ** 2 * c[2] + _variance(activation, k))
        c = new
        c[0] = 0  # a constant varies with nothing
        v[layer] = 2 * after**2 * c[2]
    return v


def _variance(activation: Activation, k: float) -> float:
    """Var s(z)^2."""
    g = expect(lambda z: output(activation, z) ** 2, k)
    return float(expect(lambda z: (output(activation, z) ** 2 - g) ** 2, k))


def _hermite(activation: Activation, k: float) -> Float[Array, " b"]:
    """S_b = E s(z)^2 h_b(z / sqrt k) for b from 0, with h_b of unit variance."""
    norm = np.sqrt(np.cumprod(np.maximum(np.arange(DEGREES), 1.0)))

    def moments(z: Array) -> Array:
        h = hermite_e.hermevander(z / np.sqrt(k), DEGREES - 1) / norm
        return np.moveaxis(output(activation, z)[..., None] ** 2 * h, -1, 0)

    return expect(moments, k)
