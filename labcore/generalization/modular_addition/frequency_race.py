"""The race of frequencies inside a neuron, while the network answers next to nothing: each runs for itself.

With act(z) = z^2 and a softmax that is still uniform, gradient flow takes the waves z = alpha e^(i phi) of the first
layer and q = beta e^(i psi) of the second along    z' = (2/p) q z*,  q' = (1/p) z^2,    that is, with D = psi - 2 phi,
    alpha' = (2/p) alpha beta cos D,  beta' = (1/p) alpha^2 cos D,  D' = -(1/p) (alpha^2/beta + 4 beta) sin D.
C = alpha^2 - 2 beta^2 and S = alpha^2 beta sin D stay. So u = beta^2 obeys (p u'/2)^2 = u (C + 2u)^2 - S^2, a cubic in
u, and reaches infinity after an elliptic integral: nothing needs to be simulated to know who wins.
Time counts the learning rate times the steps.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float
from scipy.special import elliprf

from labcore.checked import above, checked, within
from labcore.kernels import kernel

Array = np.ndarray
FAR = 1e6  # an amplitude beyond it counts as infinite
FINE = 0.02  # a step of Runge and Kutta, as a share of the time in which the amplitudes change by themselves


def blow_up_time(
    alpha: Float[Array, "*n"], beta: Float[Array, "*n"], off: Float[Array, "*n"], p: int
) -> Float[Array, "*n"]:
    """When a frequency with these amplitudes and misalignment D becomes infinite; inf for one that never does.

    With e the largest root of u (C + 2u)^2 = S^2, which is where u turns around if it falls at first, the time from u
    to infinity is (p/2) R_F(u - e, u - e', u - e''), Carlson's integral.
    """
    alpha, beta, off = np.broadcast_arrays(*(np.asarray(v, float) for v in (alpha, beta, off)))
    u, c, s2 = beta**2, alpha**2 - 2 * beta**2, (alpha**2 * beta * np.sin(off)) ** 2
    e = u.copy()
    for _ in range(60):  # Newton's steps fall to the root, since the cubic is convex and rises from there on
        slope = (c + 2 * e) * (c + 6 * e)
        e = np.maximum(e - np.where(slope > 0, (e * (c + 2 * e) ** 2 - s2) / np.where(slope > 0, slope, 1), 0), 0)
    root = np.sqrt((-e * (2 * c + 3 * e)).astype(complex))
    others = [(-(c + e) + sign * root) / 2 for sign in (1, -1)]
    rest = [e - other for other in others]
    away = [u - other for other in others]
    with np.errstate(divide="ignore", invalid="ignore"):
        # u - e, of two numbers that may be nearly the same, from the cubic itself
        gap = (alpha**2 * beta * np.cos(off)) ** 2 / (4 * (away[0] * away[1]).real)
    gap = np.where(np.isfinite(gap), gap, 0.0)
    out, back = p / 2 * elliprf(gap, *away).real, p / 2 * elliprf(0.0, *rest).real  # the idea
    with np.errstate(invalid="ignore"):
        time = np.where(np.cos(off) >= 0, out, 2 * back - out)  # the idea
    return np.where(np.isfinite(time) & (alpha > 0), time, np.inf)


@checked
@kernel
def race(
    alpha: Annotated[Float[Array, " n"], within(0, FAR)],
    beta: Annotated[Float[Array, " n"], within(0, FAR)],
    off: Float[Array, " n"],
    times: Annotated[Float[Array, " T"], within(0)],
    p: Annotated[float, above(0)],
) -> tuple[Float[Array, "n T"], Float[Array, "n T"], Float[Array, "n T"]]:
    """alpha, beta and D of n frequencies at these times, which must not fall, from what they are at 0.

    Runge and Kutta's fourth order on z and q, which have no pole where beta is 0. An amplitude that has passed a
    million stays there.
    """
    n, count = len(alpha), len(times)
    out = np.empty((3, n, count))
    for t in range(1, count):
        if times[t] < times[t - 1]:
            raise ValueError("times must not fall")
    for i in range(n):
        # real and imaginary parts of z and q
        x, y, u, v, now = alpha[i], 0.0, beta[i] * np.cos(off[i]), beta[i] * np.sin(off[i]), 0.0
        for t in range(count):
            z = np.sqrt(x * x + y * y)
            while now < times[t] and z < FAR:
                size, h = 2 * np.sqrt(u * u + v * v) + z, times[t] - now
                if size > 0:
                    h = min(h, FINE * p / size)
                x, y, u, v = _advance(x, y, u, v, h / p)
                z = np.sqrt(x * x + y * y)
                now += h
                if now + h == now:  # too near to the end of time for another step
                    break
            q, fit = np.sqrt(u * u + v * v), 1.0 if z < FAR else FAR / z
            out[0, i, t], out[1, i, t] = fit * z, fit * q
            # of q z*^2
            out[2, i, t] = np.arctan2(v * (x * x - y * y) - 2 * u * x * y, u * (x * x - y * y) + 2 * v * x * y)
    return out[0], out[1], out[2]


@kernel
def _advance(x, y, u, v, h):
    """One step of Runge and Kutta: z' = 2 q z*, q' = z^2."""
    x1, y1, u1, v1 = _slope(x, y, u, v)
    half = h / 2
    x2, y2, u2, v2 = _slope(x + half * x1, y + half * y1, u + half * u1, v + half * v1)
    x3, y3, u3, v3 = _slope(x + half * x2, y + half * y2, u + half * u2, v + half * v2)
    x4, y4, u4, v4 = _slope(x + h * x3, y + h * y3, u + h * u3, v + h * v3)
    sixth = h / 6
    x += sixth * (x1 + 2 * (x2 + x3) + x4)
    y += sixth * (y1 + 2 * (y2 + y3) + y4)
    u += sixth * (u1 + 2 * (u2 + u3) + u4)
    v += sixth * (v1 + 2 * (v2 + v3) + v4)
    return x, y, u, v


@kernel
def _slope(x, y, u, v):
    return 2 * (u * x + v * y), 2 * (v * x - u * y), x * x - y * y, 2 * x * y
