"""The tangent kernel of L layers, in logarithms, and what it becomes at infinite depth.

Entries of a deep kernel differ by hundreds of powers of ten, and only their ratios decide. Correlations xi are above 0,
and q has no negative coefficient, so that everything has a logarithm.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import checked, within
from labcore.kernels import kernel

Array = np.ndarray
TINY = 1e-300  # a correlation of 0 is taken for this one
SETTLED = 1e-16  # a change of a correlation below this share of it is none


@checked
@kernel
def log_kernel(
    xi: Annotated[Float[Array, " N"], within(0, 1)],
    c: Annotated[Float[Array, " P"], within(0)],
    depths: Int[Array, " D"],
) -> Float[Array, "D N"]:
    """ln K_L of each correlation at these depths, which must not fall, for q with coefficients c that add up to 1."""
    total, slope1 = 0.0, 0.0
    for k in range(len(c)):
        total += c[k]
        slope1 += k * c[k]
    if abs(total - 1) > 1e-9:
        raise ValueError("c must add up to 1, or correlations leave [0, 1]")
    for d in range(len(depths)):
        if depths[d] < (depths[d - 1] if d else 0):
            raise ValueError("depths must be at least 0 and must not fall")
    low = 0
    while c[low] == 0:
        low += 1
    if low > 1 and depths[-1] * np.log(low) > 690:
        raise ValueError("depths must be smaller where correlations vanish doubly fast")
    out = np.empty((len(depths), len(xi)))
    for i in range(len(xi)):
        if xi[i] == 1.0:
            for d in range(len(depths)):
                out[d, i] = _diagonal(slope1, depths[d])
        elif low > 1:
            _vanishing(max(xi[i], TINY), c, low, depths, out[:, i])
        else:
            _lasting(max(xi[i], TINY), c, depths, out[:, i])
    return out


@kernel
def _lasting(s, c, depths, out) -> None:
    """Correlations that go to a constant, or vanish as c_1^L: then t = S / c_1^L and k = K / c_1^L are followed."""
    base = c[1] if c[0] == 0 else 1.0
    t, k, layer = s, s, 0
    for d in range(len(depths)):
        while layer < depths[d]:
            q, slope = 0.0, 0.0
            for e in range(len(c) - 1, 0, -1):
                q = q * s + c[e]
                slope = slope * s + e * c[e]
            left = depths[d] - layer
            if c[0] == 0:  # q is the growth of a correlation in a layer
                if slope <= c[1] * (1 + SETTLED):  # only the linear part is left
                    k, layer = k + left * t, depths[d]
                    continue
                t *= q / base
                s *= q
                k = t + k * slope / base  # the idea
            else:
                new = q * s + c[0]
                if abs(new - s) <= SETTLED * s and slope < 1:  # at its fixed point: a geometric series
                    power = slope**left
                    k, layer = k * power + s * (1 - power) / (1 - slope), depths[d]
                    continue
                s = new
                k = s + k * slope
            layer += 1
        out[d] = np.log(k) + depths[d] * np.log(base)


@kernel
def _vanishing(s, c, low, depths, out) -> None:
    """Correlations of which only a power above the first is passed on: they vanish doubly fast, in logarithms."""
    log_s, log_k, layer = np.log(s), np.log(s), 0
    for d in range(len(depths)):
        while layer < depths[d]:
            g, h = 0.0, 0.0  # q(s) = s^low g, q'(s) = s^(low - 1) h
            for e in range(len(c) - 1, low - 1, -1):
                g = g * s + c[e]
                h = h * s + e * c[e]
            slope = np.log(h) + (low - 1) * log_s
            log_s = np.log(g) + low * log_s
            s = np.exp(log_s)
            log_k = _log_sum(log_s, log_k + slope)
            layer += 1
        out[d] = log_k


@kernel
def _diagonal(slope: float, depth: int) -> float:
    """ln of 1 + b + ... + b^L, where all correlations are 1."""
    if abs(slope - 1) < 1e-12:
        return np.log(depth + 1.0)
    power = (depth + 1) * np.log(slope)
    if slope < 1:
        return np.log1p(-np.exp(power)) - np.log(1 - slope)
    return power + np.log1p(-np.exp(-power)) - np.log(slope - 1)


@kernel
def _log_sum(a: float, b: float) -> float:
    """ln(e^a + e^b)."""
    top, low = max(a, b), min(a, b)
    return top if low == -np.inf else top + np.log1p(np.exp(low - top))


@checked
@kernel
def log_koenigs(
    xi: Annotated[Float[Array, " N"], within(0, 1)], c: Annotated[Float[Array, " P"], within(0)]
) -> Float[Array, " N"]:
    """ln psi of each correlation: psi(q(xi)) = q'(0) psi(xi), psi'(0) = 1; inf at 1. It needs q(0) = 0 < q'(0) < 1."""
    if c[0] != 0 or not 0 < c[1] < 1:
        raise ValueError("c must have no constant and a linear part above 0 and below 1")
    out = np.empty(len(xi))
    for i in range(len(xi)):
        s = max(xi[i], TINY)
        if s == 1.0:
            out[i] = np.inf
            continue
        log_psi = np.log(s)
        while True:
            g = 0.0
            for k in range(len(c) - 1, 0, -1):
                g = g * s + c[k]
            if g <= c[1] * (1 + SETTLED):
                break
            log_psi += np.log(g / c[1])
            s *= g
        out[i] = log_psi
    return out
