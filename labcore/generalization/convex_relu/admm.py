"""The method of multipliers for the convex program of a ReLU network, with few numbers to solve for.

    u <- solve (F'F + rho (I + G'G)) u = F'y + rho (v - lam + G'(s - nu))      fit, and agree with the copies v and s
    v <- shrink each unit of u + lam by beta/rho;   s <- max(G u + nu, 0)      charge for units; keep each in its cone
    lam <- lam + u - v;   nu <- nu + G u - s                                   what the copies disagreed on so far
F = [D_1 X, ..., D_P X, -D_1 X, ...], G = all (2D_i - I) X. As (2D_i - I)^2 = I, each block of I + G'G is I + X'X, and
F (I + G'G)^-1 F' = 2 X (I + X'X)^-1 X' * (number of patterns that hear both samples), entry by entry. So the solve
needs one n x n inverse, and a step costs O(P n d) where a factor of the whole matrix would take O(P^2 d^2).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Bool, Float

from labcore.checked import ANY, above, checked, within
from labcore.kernels import kernel

Array = np.ndarray
RELAX = 1.7  # of each step this share (Eckstein, Bertsekas 1992): about half as many are needed as with 1


@checked
@kernel
def step(
    x: Float[Array, "n d"],
    target: Float[Array, " n"],
    on: Bool[Array, "P n"],
    inner: Float[Array, "d d"],
    outer: Float[Array, "n n"],
    beta: Annotated[float, above(0)],
    rho: Annotated[float, above(0)],
    u: Float[Array, "2*P d"],
    v: Float[Array, "2*P d"],
    lam: Float[Array, "2*P d"],
    s: Float[Array, "2*P n"],
    nu: Float[Array, "2*P n"],
    part: Annotated[Float[Array, "2*P d"], ANY],
    z: Annotated[Float[Array, " n"], ANY],
) -> None:
    """One step towards the outputs `target`, in place; `part` and `z` are room to work in."""
    n, d = x.shape
    patterns = len(on)
    q, f = np.empty(d), np.zeros(n)
    for c in range(2 * patterns):
        i, sign = c % patterns, 1.0 if c < patterns else -1.0
        for b in range(d):
            q[b] = v[c, b] - lam[c, b]
        for k in range(n):
            pull = s[c, k] - nu[c, k]
            if not on[i, k]:
                pull = -pull
            for b in range(d):
                q[b] += pull * x[k, b]
        for b in range(d):
            part[c, b] = 0
            for e in range(d):
                part[c, b] += inner[b, e] * q[e]
        for k in range(n):
            if on[i, k]:
                for b in range(d):
                    f[k] += sign * x[k, b] * part[c, b]
    for k in range(n):
        z[k] = 0
        for j in range(n):
            z[k] += outer[k, j] * (target[j] - f[j])
    for c in range(2 * patterns):
        i, sign = c % patterns, 1.0 if c < patterns else -1.0
        q[:] = 0
        for k in range(n):
            if on[i, k]:
                for b in range(d):
                    q[b] += sign * z[k] * x[k, b]
        for b in range(d):
            u[c, b] = part[c, b]
            for e in range(d):
                u[c, b] += inner[b, e] * q[e]
        square = 0.0
        for b in range(d):
            q[b] = RELAX * u[c, b] + (1 - RELAX) * v[c, b] + lam[c, b]
            square += q[b] * q[b]
        keep = max(1 - beta / rho / np.sqrt(square), 0.0) if square > 0 else 0.0
        for b in range(d):
            v[c, b] = keep * q[b]
            lam[c, b] = q[b] - v[c, b]
        for k in range(n):
            side = 0.0
            for b in range(d):
                side += x[k, b] * u[c, b]
            if not on[i, k]:
                side = -side
            side = RELAX * side + (1 - RELAX) * s[c, k] + nu[c, k]
            # the idea
            s[c, k] = max(side, 0.0)
            nu[c, k] = side - s[c, k]


@checked
@kernel
def iterate(
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    on: Bool[Array, "P n"],
    inner: Float[Array, "d d"],
    outer: Float[Array, "n n"],
    beta: Annotated[float, above(0)],
    rho: Annotated[float, above(0)],
    u: Float[Array, "2*P d"],
    v: Float[Array, "2*P d"],
    lam: Float[Array, "2*P d"],
    s: Float[Array, "2*P n"],
    nu: Float[Array, "2*P n"],
    steps: Annotated[int, within(0)],
) -> None:
    """Steps of the method, in place."""
    part, z = np.empty_like(u), np.empty(len(x))
    for _ in range(steps):
        step(x, y, on, inner, outer, beta, rho, u, v, lam, s, nu, part, z)


@checked
@kernel
def iterate_hinge(
    x: Float[Array, "N d"],
    sign: Float[Array, " n"],
    on: Bool[Array, "P N"],
    inner: Float[Array, "d d"],
    outer: Float[Array, "N N"],
    beta: Annotated[float, above(0)],
    rho: Annotated[float, above(0)],
    u: Float[Array, "2*P d"],
    v: Float[Array, "2*P d"],
    lam: Float[Array, "2*P d"],
    s: Float[Array, "2*P N"],
    nu: Float[Array, "2*P N"],
    out: Float[Array, " N"],
    mu: Float[Array, " N"],
    steps: Annotated[int, within(0)],
) -> None:
    """The same for the mean hinge loss of n samples, each the worst of its N / n places; in place.

    `out` is a copy of the outputs and `mu` its multiplier: out <- argmin of loss/rho + 1/2 |F u + mu - out|^2, which
    cuts the slacks 1 - sign * out of a sample's places down to one level.
    """
    n, d = len(sign), x.shape[1]
    if len(x) % n:
        raise ValueError("x must have as many places for each sample")
    places, patterns = len(x) // n, len(on)
    part, z, target, slack = np.empty_like(u), np.empty(len(x)), np.empty(len(x)), np.empty(places)
    for _ in range(steps):
        for k in range(len(x)):
            target[k] = out[k] - mu[k]
        step(x, target, on, inner, outer, beta, rho, u, v, lam, s, nu, part, z)
        for k in range(len(x)):
            f = 0.0
            for c in range(2 * patterns):
                if on[c % patterns, k]:
                    for b in range(d):
                        f += (1.0 if c < patterns else -1.0) * x[k, b] * u[c, b]
            mu[k] += RELAX * f + (1 - RELAX) * out[k]
        for i in range(n):
            first, budget = i * places, 1 / (n * rho)
            for k in range(places):
                slack[k] = 1 - sign[i] * mu[first + k]
            level = _level(slack, budget)
            for k in range(places):
                out[first + k] = sign[i] * (1 - min(slack[k], level))
                mu[first + k] -= out[first + k]


@kernel
def _level(slack, budget) -> float:
    """The level, 0 or more, at which all that stands above it adds up to the budget, or to less at level 0."""
    total = 0.0
    for k in range(len(slack)):
        total += max(slack[k], 0.0)
    if total <= budget:
        return 0.0
    level = 0.0
    for _ in range(len(slack)):  # Newton's steps on a convex function of straight pieces
        above_it, count = 0.0, 0
        for k in range(len(slack)):
            if slack[k] > level:
                above_it += slack[k] - level
                count += 1
        level += (above_it - budget) / max(count, 1)
    return level
