"""The convex program of a two-layer ReLU network: its patterns, where its iteration stands, and its network."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from .admm import iterate
from .certificate import Certificate, certify
from .network import Network

Array = np.ndarray
CHECK = 250  # steps between two looks at the certificate


class Program(NamedTuple):
    """The program and where it stands; units 0..P-1 add, units P..2P-1 take away. `advance` moves the last five."""

    x: Float[Array, "n d"]
    y: Float[Array, " n"]
    on: Bool[Array, "P n"]
    beta: float
    rho: float
    inner: Float[Array, "d d"]  # (I + X'X)^-1
    outer: Float[Array, "n n"]  # (F (I + G'G)^-1 F' + rho I)^-1
    u: Float[Array, "2P d"]
    v: Float[Array, "2P d"]
    lam: Float[Array, "2P d"]
    s: Float[Array, "2P n"]
    nu: Float[Array, "2P n"]


def program(
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    on: Bool[Array, "P n"],
    beta: float,
    rho: float = 0.03,
    ridge: float | None = None,
) -> Program:
    """The program at its start; `ridge` is rho for the squared loss and 1 where outputs are a copy.

    Raises ValueError for beta or rho <= 0, for numbers that are not finite and for shapes that do not fit.
    """
    if not (beta > 0 and rho > 0):
        raise ValueError(f"beta = {beta}, rho = {rho} is not allowed; both must be > 0")
    x, y = np.ascontiguousarray(x, float), np.ascontiguousarray(y, float)
    if x.ndim != 2 or y.shape != x.shape[:1] or on.ndim != 2 or on.shape[1:] != y.shape or not len(on):
        raise ValueError(
            f"x {x.shape}, y {y.shape}, on {on.shape} do not fit; they must be (n, d), (n,), (P, n), P > 0"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("x or y has numbers that are not finite; all must be")
    (n, d), units = x.shape, 2 * len(on)
    inner = np.linalg.inv(np.eye(d) + x.T @ x)
    both = on.T.astype(float) @ on
    outer = np.linalg.inv(2 * (x @ inner @ x.T) * both + (rho if ridge is None else ridge) * np.eye(n))
    copies = [np.zeros((units, d)) for _ in range(3)] + [np.zeros((units, n)) for _ in range(2)]
    return Program(x, y, np.ascontiguousarray(on), beta, rho, inner, outer, *copies)


def advance(p: Program, steps: int) -> None:
    """So many steps, in place."""
    iterate(p.x, p.y, p.on, p.inner, p.outer, p.beta, p.rho, p.u, p.v, p.lam, p.s, p.nu, steps)


def network(p: Program) -> Network:
    """The network of the program's units: half of each unit's length goes into w_j, half into a_j."""
    length = np.linalg.norm(p.v, axis=1)
    used = length > 0
    sign = np.where(np.arange(len(p.v)) < len(p.on), 1.0, -1.0)
    root = np.sqrt(length[used])
    return Network(p.v[used] / root[:, None], sign[used] * root)


def solve(
    x: Float[Array, "n 2"],
    y: Float[Array, " n"],
    on: Bool[Array, "P n"],
    beta: float,
    rho: float = 0.03,
    steps: int = 8000,
    gap: float = 1e-5,
) -> tuple[Network, Certificate]:
    """The best network that was met, and its certificate with the highest floor that was met.

    Ends after `steps` or where the floor is within a share `gap` of the loss.
    """
    p, best, low = program(x, y, on, beta, rho), None, -np.inf
    for done in range(0, steps, CHECK):
        advance(p, min(CHECK, steps - done))
        net = network(p)
        found = certify(net, x, y, beta)
        low = max(low, found.floor)
        if best is None or found.loss < best[1].loss:
            best = net, found
        if best[1].loss - low <= gap * best[1].loss:
            break
    return best[0], best[1]._replace(floor=low)
