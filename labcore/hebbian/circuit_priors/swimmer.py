"""A planar chain of n rigid links that swims in a viscous fluid by bending its joints.

Coordinates q = (x, y of the head's tip, theta_1, phi_1 .. phi_{n-1}): the heading of the first link, which points from
head to tail, and the angles between links. Without inertia the drag on every link balances what the joints exert:
    R(q) dq/dt = F,   R = sum_links [ J^T D J l + (c_n l^3 / 12) w w^T ] + joint damping,   D = c_t t t^T + c_n n n^T
with J the Jacobian of a link's centre and w that of its angle. F is zero on x, y and theta_1 - nothing outside pushes -
and gain u - k phi - k_lim (phi -+ phi_max beyond the limit) on a joint. A limit is a spring: cutting an angle off after
the solve would break the balance of forces and give free thrust. A body has length 1, so l = 1/n; phi_max = 2 pi / n.

Each step solves the midpoint equations with the springs implicit and the drag explicit (one Newton correction). It is
of second order, and stiff springs on short links stay stable. Resistive-force theory: Gray and Hancock (1955).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float
from numba import float64, int64, types

from labcore.checked import above, checked, within
from labcore.kernels import kernel

Array = np.ndarray

CONTROL_STEP = 0.03
LAW = types.void(float64[::1], float64, float64[::1], float64[:, ::1], float64[::1])
"""A control law, compiled: law(angles (n-1,), clock, weights (P,), b (n-1, 2), u (n-1,)) fills b and u.

Angles are in units of phi_max, cut to [-1, 1]; the clock is the share of the cycle that has passed, in [0, 1).
"""


class Body(NamedTuple):
    """What the body is made of. Drag is per length and velocity; torques are in the units that follow from it."""

    n_links: Annotated[int, within(2)] = 6
    drag_along: Annotated[float, above(0)] = 1.0
    drag_across: Annotated[float, above(0)] = 2.0
    gain: float = 0.05
    stiffness: float = 0.02
    damping: Annotated[float, within(0)] = 0.01
    limit: float = 1.0

    @property
    def max_angle(self) -> float:
        return 2 * np.pi / self.n_links


class Episode(NamedTuple):
    """T control steps: coordinates before each and after the last, and what the law filled in at each."""

    q: Float[Array, "T+1 n+2"]
    b: Float[Array, "T n-1 2"]
    u: Float[Array, "T n-1"]


def straight(body: Body, heading: float = 0.0) -> Float[Array, " n+2"]:
    """Coordinates of a straight body with its centre at the origin, the head pointing at `heading` rad."""
    q = np.zeros(body.n_links + 2)
    q[:3] = 0.5 * np.cos(heading), 0.5 * np.sin(heading), heading + np.pi
    return q


def points(q: Float[Array, "*T n+2"]) -> Float[Array, "*T n+1 2"]:
    """Head, joints and tail."""
    angle = np.cumsum(q[..., 2:], -1)
    links = np.stack([np.cos(angle), np.sin(angle)], -1) / angle.shape[-1]
    head = q[..., None, :2]
    return np.concatenate([head, head + np.cumsum(links, -2)], -2)


def centre(q: Float[Array, "*T n+2"]) -> Float[Array, "*T 2"]:
    """Centre of mass."""
    ends = points(q)
    return 0.5 * (ends[..., 1:, :] + ends[..., :-1, :]).mean(-2)


def forward(run: Episode) -> Array:
    """How far the centre has moved along the first heading, in body lengths: (T + 1,)."""
    moved = centre(run.q) - centre(run.q[0])
    ahead = -np.array([np.cos(run.q[0, 2]), np.sin(run.q[0, 2])])  # links point from head to tail
    return np.einsum("td,d->t", moved, ahead)


def wave_lags(angles: Array, period: float) -> Array:
    """By how many steps each joint follows the one before: angles (J, T), over whole cycles at the end -> (J - 1,).

    From the phase at the clock's frequency, in (-period/2, period/2]; empty where a joint hardly moves.
    """
    cycles = int(angles.shape[1] / period)
    if cycles < 1:
        return np.zeros(0)
    late = angles[:, angles.shape[1] - round(cycles * period) :]
    tone = np.einsum("jt,t->j", late, np.exp(-2j * np.pi * np.arange(late.shape[1]) / period)) / late.shape[1]
    if np.abs(tone).min() < 1e-3:
        return np.zeros(0)
    return -np.angle(tone[1:] * tone[:-1].conj()) * period / (2 * np.pi)


@checked
def resistance(q: Float[Array, " n_links+2"], body: Body) -> Float[Array, "n_links+2 n_links+2"]:
    """The matrix R: generalised drag force per generalised velocity."""
    r = np.empty((len(q), len(q)))
    _resistance(np.array(q, float), body.drag_along, body.drag_across, body.damping, r, np.empty((len(q), 9)))
    return r


@kernel(signatures=(types.void(float64[::1], float64, float64, float64, float64[:, ::1], float64[:, ::1]),))
def _resistance(q, along, across, damping, r, work):
    """R in O(n^2): the links beyond a joint turn about it together, so sums from the tail forward are enough."""
    n = len(q) - 2
    length = 1.0 / n
    turn = across * length**3 / 12
    angle = x = y = 0.0
    for i in range(n):  # work[i]: pivot (x, y), then D l, D l p', p'.D l p' of link i, with p' the turned centre
        angle += q[2 + i]
        c, s = np.cos(angle), np.sin(angle)
        px, py = -(y + 0.5 * length * s), x + 0.5 * length * c
        dxx = length * (along * c * c + across * s * s)
        dxy = length * (along - across) * c * s
        dyy = length * (along * s * s + across * c * c)
        fx, fy = dxx * px + dxy * py, dxy * px + dyy * py
        work[i, 0], work[i, 1], work[i, 2], work[i, 3], work[i, 4] = x, y, dxx, dxy, dyy
        work[i, 5], work[i, 6], work[i, 7], work[i, 8] = fx, fy, px * fx + py * fy, turn
        x += length * c
        y += length * s
    for i in range(n - 2, -1, -1):
        for k in range(2, 9):
            work[i, k] += work[i + 1, k]
    r[0, 0], r[0, 1], r[1, 0], r[1, 1] = work[0, 2], work[0, 3], work[0, 3], work[0, 4]
    for m in range(n):
        dxx, dxy, dyy, fx, fy = work[m, 2], work[m, 3], work[m, 4], work[m, 5], work[m, 6]
        ax, ay = -work[m, 1], work[m, 0]
        gx, gy = fx - dxx * ax - dxy * ay, fy - dxy * ax - dyy * ay
        r[0, 2 + m] = r[2 + m, 0] = gx
        r[1, 2 + m] = r[2 + m, 1] = gy
        own = work[m, 7] - ax * fx - ay * fy + work[m, 8]
        for k in range(m + 1):
            r[2 + k, 2 + m] = r[2 + m, 2 + k] = own + work[k, 1] * gx - work[k, 0] * gy
        if m:
            r[2 + m, 2 + m] += damping


@kernel(signatures=(types.void(float64[:, ::1], float64[::1]),))
def _solve(a, b):
    """b becomes the solution of a x = b; the symmetric positive definite a is lost (Cholesky)."""
    n = len(b)
    for j in range(n):
        for k in range(j):
            a[j, j] -= a[j, k] * a[j, k]
        a[j, j] = np.sqrt(a[j, j])
        for i in range(j + 1, n):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]
            a[i, j] /= a[j, j]
        for k in range(j):
            b[j] -= a[j, k] * b[k]
        b[j] /= a[j, j]
    for j in range(n - 1, -1, -1):
        for k in range(j + 1, n):
            b[j] -= a[k, j] * b[k]
        b[j] /= a[j, j]


_KERNEL = types.void(
    *(types.FunctionType(LAW), float64[::1], float64, float64, int64, float64, float64[::1]),
    *(float64[:, ::1], float64[:, :, ::1], float64[:, ::1]),
)


@kernel(signatures=(_KERNEL,))
def _run(law, weights, period, phase, substeps, dt, body, q_out, b_out, u_out):
    along, across, gain, stiffness, damping, limit = body
    steps, size = len(u_out), q_out.shape[1]
    top = 2 * np.pi / (size - 2)
    q, mid, first, v = q_out[0].copy(), np.empty(size), np.empty(size), np.empty(size)
    r, work, angles = np.empty((size, size)), np.empty((size, 9)), np.empty(size - 3)
    for t in range(steps):
        for j in range(size - 3):
            angles[j] = min(max(q[3 + j] / top, -1.0), 1.0)
        law(angles, (t / period + phase) % 1.0, weights, b_out[t], u_out[t])
        for _ in range(substeps):
            first[:] = 0.0
            for _stage in range(2):
                for j in range(size):
                    mid[j] = q[j] + 0.5 * dt * first[j]
                _resistance(mid, along, across, damping, r, work)
                v[:3] = 0.0
                for j in range(3, size):
                    bend = mid[j]
                    spring, beyond = stiffness, 0.0
                    if abs(bend) > top:
                        spring, beyond = stiffness + limit, bend - top if bend > 0 else bend + top
                    # the spring where the step's middle will be, not where the last guess put it
                    r[j, j] += 0.5 * dt * spring
                    v[j] = gain * u_out[t, j - 3] - stiffness * bend - limit * beyond + 0.5 * dt * spring * first[j]
                _solve(r, v)
                first[:] = v
            for j in range(size):
                q[j] += dt * v[j]
        q_out[t + 1] = q


@checked
def episode(
    law: Callable[..., None],
    weights: Float[Array, " P"],
    body: Body,
    steps: Annotated[int, within(1)],
    period: Annotated[float, above(0)] = 60.0,
    phase: float = 0.0,
    start: Float[Array, " n_links+2"] | None = None,
    substeps: Annotated[int, within(1)] = 8,
) -> Episode:
    """Let a compiled control law drive the body for `steps` control steps of 0.03, each solved in `substeps` steps.

    The law sees the angles at the beginning of a control step, and its torque is held to the end. `period` counts
    control steps; `phase` in [0, 1) is where the clock starts. A step takes time as the cube of the links: 20 ms
    at 256. Raises ValueError for a law that is not compiled for LAW, and for weights that it refuses.
    """
    start = straight(body) if start is None else start
    n = body.n_links
    if hasattr(law, "check"):
        law.check(np.zeros(n - 1), 0.0, weights, np.zeros((n - 1, 2)), np.zeros(n - 1))
        law = law.kernel
    kinds = [s.args for s in getattr(law, "nopython_signatures", ())]
    if type(law) is not type(_run) or (kinds and LAW.args not in kinds):
        raise ValueError(f"law = {law} is not allowed; it must be a kernel of the signature LAW")
    out = Episode(np.zeros((steps + 1, n + 2)), np.zeros((steps, n - 1, 2)), np.zeros((steps, n - 1)))
    out.q[0] = start
    constants, weights = np.array(body[1:], float), np.array(weights, float)
    _run(law, weights, period, phase, substeps, CONTROL_STEP / substeps, constants, *out)
    return out
