"""Networks that stand an attack: hinge loss at the worst place that each sample can be pushed to.

An attack moves each coordinate by up to e. With D fixed, f is linear on the square around a sample, so its worst place
is a corner, and a unit that hears all corners or none has D fixed there. So the robust program is the plain one on
corners: cone constraints at all of them, and of a sample's hinge losses the largest. (In d dimensions the paper writes
the same as e |v|_1 in the constraints and e |sum_i D_i (v_i - w_i)|_1 in the loss.)
"""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Bool, Float

from .admm import iterate_hinge
from .network import Network, outputs
from .patterns import drawn_patterns
from .program import Program, network, program

Array = np.ndarray


def corners(x: Float[Array, "n d"], e: float) -> Float[Array, "n K d"]:
    """The corners of the square of half-width e around each sample, whose last coordinate is constant; K = 1 for e = 0.

    Raises ValueError for e < 0.
    """
    if not e >= 0:
        raise ValueError(f"e = {e} is not allowed; it must be 0 or more")
    if e == 0:
        return x[:, None]
    sides = np.array(list(product((-e, e), repeat=x.shape[1] - 1)))
    return x[:, None] + np.pad(sides, ((0, 0), (0, 1)))


def calm_patterns(x: Float[Array, "n d"], e: float, u: Float[Array, "N d"], most: int) -> Bool[Array, "P n"]:
    """The first `most` patterns of those units u whose line cuts nobody's square; the pattern that hears all is there.

    The line of w cuts a square if |w.x| < e sum |w_b| over the coordinates that can be moved.
    """
    free = np.abs(u @ x.T) >= e * np.abs(u[:, :-1]).sum(1, keepdims=True)
    constant = np.eye(x.shape[1])[-1:]
    return drawn_patterns(x, np.concatenate([constant, u[free.all(1)]]))[:most]


def hinge(net: Network, x: Float[Array, "n K d"], sign: Float[Array, " n"], beta: float) -> float:
    """mean_k max_corners max(0, 1 - sign f) + beta/2 sum (|w|^2 + a^2)."""
    f = outputs(net, x.reshape(-1, x.shape[-1])).reshape(x.shape[:2])
    charge = beta / 2 * ((net.w**2).sum() + (net.a**2).sum())
    return float(np.maximum(1 - sign[:, None] * f, 0).max(1).mean() + charge)


def robust_program(x: Float[Array, "n K d"], on: Bool[Array, "P n"], beta: float, rho: float = 0.03) -> Program:
    """The program on all corners, at its start; it aims at outputs that `fit` moves."""
    n, places, d = x.shape
    flat = x.reshape(-1, d)
    return program(flat, np.zeros(len(flat)), np.repeat(on, places, axis=1), beta, rho, ridge=1.0)


def fit(
    x: Float[Array, "n d"],
    sign: Float[Array, " n"],
    on: Bool[Array, "P n"],
    beta: float,
    e: float = 0.0,
    rho: float = 0.03,
    steps: int = 2000,
) -> Network:
    """The network for labels +1 and -1 that stands attacks up to e. Raises ValueError for other labels."""
    if not np.isin(sign, (-1.0, 1.0)).all():
        raise ValueError(f"sign has values {np.unique(sign)[:4]}; it must be -1 or 1")
    p = robust_program(corners(x, e), on, beta, rho)
    out, mu = np.zeros(len(p.x)), np.zeros(len(p.x))
    iterate_hinge(p.x, sign, p.on, p.inner, p.outer, beta, rho, p.u, p.v, p.lam, p.s, p.nu, out, mu, steps)
    return network(p)


def attacked(
    net: Network,
    x: Float[Array, "n d"],
    sign: Float[Array, " n"],
    e: float,
    rng: np.random.Generator,
    steps: int = 20,
) -> Float[Array, "n d"]:
    """Samples after projected gradient ascent on the hinge loss (Madry and others 2018), within e in each coordinate.

    It starts anywhere in the square, and keeps the worst place that it has seen.
    """
    reach = np.append(np.full(x.shape[1] - 1, e), 0.0)
    at = x + reach * rng.uniform(-1, 1, x.shape)
    worst, least = x, sign * outputs(net, x)
    for _ in range(steps + 1):
        margin = sign * outputs(net, at)
        worst, least = np.where((margin < least)[:, None], at, worst), np.minimum(margin, least)
        slope = sign[:, None] * (((at @ net.w.T > 0) * net.a) @ net.w)
        at = np.clip(at - 2.5 / steps * reach * np.sign(slope), x - reach, x + reach)
    return worst
