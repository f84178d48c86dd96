"""Relaxed reflect and reflect (RRR) for networks of Boolean threshold functions: two projections and one step.

Every data item i has its own copy of every weight w[i, e], of the value x[i, e] at the head of every edge e, and of
every node's value y[i, n]. Set A looks at one neuron and one item at a time: y = +-1 and y (w.x) >= Delta. Set B looks
at everything else: one weight an edge for all items, |w|^2 = m at a neuron of m edges, one value for all copies of a
node, outputs equal to the labels. A point in both is a network that computes the labels with a margin.

A generative network has no data at its inputs: each item finds its own code there. Then A also rounds the values of the
input nodes of an item to the nearest code, a corner of the hypercube or a single +1 among -1.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.checked import ANY, EMPTY, above, checked, within
from labcore.kernels import kernel

from .wiring import Array, Wiring, _refuse_forward, accuracy

CLAMPED, CUBE, ONE_HOT = 0, 1, 2  # what the inputs of an item are: data, any signs, or one +1 and the rest -1
GAP = 0.01  # rms distance between the two projections, a neuron and item, at which a run may stop


class State(NamedTuple):
    """The point z of one run, the metric, and the last shared weights."""

    w: Float[Array, "P E"]
    x: Float[Array, "P E"]
    y: Float[Array, "P inputs+K"]
    g: Annotated[Float[Array, "P inputs+K"], above(0)]  # metric
    wB: Float[Array, " E"]


def random_state(
    net: Wiring, X: Float[Array, "P inputs-1"] | None, Y: Float[Array, "P outputs"], rng: np.random.Generator
) -> State:
    """Uniform on (-1, 1), known values at the data, which are -1 and +1. Raises ValueError for other data.

    Without X the inputs are free, and random too.
    """
    known = [("Y", Y, net.outputs)] if X is None else [("X", X, net.inputs - 1), ("Y", Y, net.outputs)]
    for name, values, columns in known:
        if values.shape != (len(Y), columns) or not len(Y):
            raise ValueError(f"{name} of shape {values.shape} is not allowed; it must be (items, {columns})")
        if not np.isin(values, (-1, 1)).all():
            raise ValueError(f"{name} holds {values[~np.isin(values, (-1, 1))][0]}; it must hold only -1 and +1")
    shape = len(Y), len(net.source)
    w, x = rng.uniform(-1, 1, shape), rng.uniform(-1, 1, shape)
    y = rng.uniform(-1, 1, (len(Y), net.nodes))
    y[:, 0], y[:, net.nodes - net.outputs :] = -1, Y
    if X is not None:
        y[:, 1 : net.inputs] = X
    return State(w, x, y, np.ones_like(y), np.zeros(shape[1]))


@checked
@kernel
def multiplier_root(p: float, q: Annotated[float, above(0)], c: float) -> float:
    """u in (-1, 1) with [p (1 + u^2) + q u] / (1 - u^2)^2 = c, where p = w.x and q = |w|^2 + |x|^2 > 2 |p|.

    +-1 where there is none: w and x are opposite (equal, for c < p), and nothing points to the set.
    """
    if c < p:
        return -multiplier_root(-p, q, -c)
    if q + 2.0 * p <= 1e-12 * q:
        return 1.0
    low, high, u = 0.0, 1.0, 0.0
    for _ in range(100):
        s = 1.0 - u * u
        # the idea
        h = c * s * s - p * (1.0 + u * u) - q * u  # falls from c - p at 0 to -(2 p + q) at 1
        if h > 0:
            low = u
        else:
            high = u
        new = u + h / (4.0 * c * u * s + 2.0 * p * u + q)  # the idea
        if not low < new < high:
            new = 0.5 * (low + high)  # the idea
        if abs(new - u) < 1e-14:
            return new
        u = new
    return u


@checked
@kernel
def move_cost(p: float, q: float, c: float, u: float) -> float:
    """|w' - w|^2 + |x' - x|^2 of the move to w'.x' = c with multiplier u."""
    if abs(u) == 1.0:
        return 2.0 * abs(c) + 0.5 * q
    s = 1.0 - u * u
    return u * u * (q * (1.0 + u * u) + 4.0 * p * u) / (s * s)


@checked
@kernel
def project_neuron(
    w: Float[Array, " m"],
    x: Float[Array, " m"],
    y: float,
    delta: Annotated[float, within(0)],
    w_out: Annotated[Float[Array, " m"], ANY],
    x_out: Annotated[Float[Array, " m"], ANY],
) -> float:
    """P_A of one neuron and item: the nearest (w', x', y') with y' = +-1 and y' (w'.x') >= delta. Returns y'."""
    p, q = 0.0, 0.0
    for d in range(len(w)):
        p += w[d] * x[d]
        q += w[d] * w[d] + x[d] * x[d]
    u, up = 0.0, y > 0
    if y * p > 0:  # the sign of y is nearer in both parts of the distance
        if abs(p) < delta:
            u = multiplier_root(p, q, delta if up else -delta)
    else:
        u_up = multiplier_root(p, q, delta) if p < delta else 0.0
        u_down = multiplier_root(p, q, -delta) if p > -delta else 0.0
        up = (1 - y) ** 2 + move_cost(p, q, delta, u_up) < (1 + y) ** 2 + move_cost(p, q, -delta, u_down)  # the idea
        u = u_up if up else u_down
    s = 1.0 - u * u
    lost = abs(u) == 1.0  # w and x opposite (or equal, for the other sign): every direction is as near
    for d in range(len(w)):
        if lost:
            w_out[d], x_out[d] = 0.5 * w[d], 0.5 * x[d]
        else:
            w_out[d], x_out[d] = (w[d] + u * x[d]) / s, (x[d] + u * w[d]) / s  # the idea
    if lost:
        half = np.sqrt(delta + 0.125 * q)  # along the first edge, so that w'.x' = +-delta again
        w_out[0] += half
        x_out[0] += half * np.sign(u)
    return 1.0 if up else -1.0


@checked
@kernel
def project_grid(
    ws: Float[Array, " W"],
    xs: Float[Array, " X"],
    w_rest: Annotated[Float[Array, " m-1"], EMPTY],
    x_rest: Annotated[Float[Array, " m-1"], EMPTY],
    y: float,
    delta: Annotated[float, within(0)],
) -> Float[Array, "X W"]:
    """How far P_A moves (w, x, y) for every first edge of the grid; the other edges are given."""
    m = 1 + len(w_rest)
    w, x, w_out, x_out = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    w[1:], x[1:] = w_rest, x_rest
    far = np.empty((len(xs), len(ws)))
    for j in range(len(xs)):
        for i in range(len(ws)):
            w[0], x[0] = ws[i], xs[j]
            moved = (project_neuron(w, x, y, delta, w_out, x_out) - y) ** 2
            far[j, i] = np.sqrt(moved + ((w_out - w) ** 2).sum() + ((x_out - x) ** 2).sum())
    return far


@checked
@kernel
def nearest_code(
    y: Float[Array, " n_in"], kind: Annotated[int, within(CUBE, ONE_HOT)], code: Annotated[Float[Array, " n_in"], ANY]
) -> None:
    """The nearest code to y, of signs (CUBE) or with a single +1 (ONE_HOT; the first of equals). Fills code."""
    best = 0
    for n in range(len(y)):
        code[n] = -1.0 if kind == ONE_HOT or y[n] <= 0 else 1.0
        if y[n] > y[best]:
            best = n
    if kind == ONE_HOT:
        code[best] = 1.0


@checked
@kernel
def project_a(
    net: Wiring,
    w: Float[Array, "P E"],
    x: Float[Array, "P E"],
    y: Float[Array, "P inputs+K"],
    X: Float[Array, "P inputs-1"],
    sigma: Annotated[float, above(0)],
    w_out: Annotated[Float[Array, "P E"], ANY],
    x_out: Annotated[Float[Array, "P E"], ANY],
    y_out: Annotated[Float[Array, "P inputs+K"], ANY],
) -> None:
    """Divide: every neuron of every item on its own; inputs clamped to the data."""
    for i in range(len(X)):
        y_out[i, 0] = -1.0
        for n in range(1, net.inputs):
            y_out[i, n] = X[i, n - 1]
        for k in range(len(net.start) - 1):
            a, b, n = net.start[k], net.start[k + 1], net.inputs + k
            delta = np.sqrt((b - a) / sigma)
            y_out[i, n] = project_neuron(w[i, a:b], x[i, a:b], y[i, n], delta, w_out[i, a:b], x_out[i, a:b])


@checked
@kernel
def project_b(
    net: Wiring,
    w: Float[Array, "P E"],
    x: Float[Array, "P E"],
    y: Float[Array, "P inputs+K"],
    g: Annotated[Float[Array, "P inputs+K"], above(0)],
    Y: Float[Array, "P outputs"],
    wB: Annotated[Float[Array, " E"], ANY],
    yB: Annotated[Float[Array, "P inputs+K"], ANY],
) -> None:
    """Concur: shared weights wB of norm sqrt(m), shared node values yB; outputs clamped to the labels."""
    items, nodes = y.shape
    first_output = nodes - net.outputs
    total = np.zeros(nodes)
    wB[:] = 0.0
    for i in range(items):
        weight = g[i].copy()
        yB[i] = g[i] * y[i]
        total += g[i]
        for k in range(len(net.start) - 1):
            metric = g[i, net.inputs + k]  # the metric of an edge is that of the neuron that receives it
            for e in range(net.start[k], net.start[k + 1]):
                wB[e] += metric * w[i, e]
                yB[i, net.source[e]] += metric * x[i, e]
                weight[net.source[e]] += metric
        for n in range(first_output):
            yB[i, n] /= weight[n]
        for n in range(first_output, nodes):
            yB[i, n] = Y[i, n - first_output]
    for k in range(len(net.start) - 1):
        a, b = net.start[k], net.start[k + 1]
        size = 0.0
        for e in range(a, b):
            wB[e] /= total[net.inputs + k]
            size += wB[e] * wB[e]
        if size == 0.0:
            wB[a], size = 1.0, 1.0  # every point of the sphere is as near
        for e in range(a, b):
            wB[e] *= np.sqrt((b - a) / size)


@checked
@kernel
def advance(
    net: Wiring,
    state: State,
    X: Float[Array, "P inputs-1"],
    Y: Float[Array, "P outputs"],
    sigma: Annotated[float, above(0)],
    beta: float,
    gamma: float,
    reflect: bool,
    gaps: Annotated[Float[Array, " iterations"], ANY, EMPTY],
    kind: Annotated[int, within(CLAMPED, ONE_HOT)] = CLAMPED,
) -> tuple[int, bool]:
    """len(gaps) iterations of z <- z + beta (P_B(2 P_A(z) - z) - P_A(z)), in place; fewer when the run is solved.

    A run is solved when the gap is under GAP and hard signs reproduce every label. Without `reflect`, alternating
    projections z <- P_B(P_A(z)). Fills gaps; returns the number of iterations done and whether the run is solved.
    With `kind` CUBE or ONE_HOT the inputs are free: X is filled with the code that A finds for each item.
    """
    _refuse_forward(net)
    w, x, y, g, wB = state
    items, nodes = y.shape
    neurons = nodes - net.inputs
    wA, xA, yA, yB = np.empty_like(w), np.empty_like(x), np.empty_like(y), np.empty_like(y)
    wR, xR, yR, gap2 = np.empty_like(w), np.empty_like(x), np.empty_like(y), np.empty_like(y)
    for step in range(len(gaps)):
        if kind != CLAMPED:
            for i in range(items):
                nearest_code(y[i, 1 : net.inputs], kind, X[i])
        project_a(net, w, x, y, X, sigma, wA, xA, yA)  # the idea
        if reflect:
            wR[:], xR[:], yR[:] = 2 * wA - w, 2 * xA - x, 2 * yA - y
        else:
            wR[:], xR[:], yR[:] = wA, xA, yA
            beta = 1.0
        project_b(net, wR, xR, yR, g, Y, wB, yB)  # the idea
        if not reflect:
            w[:], x[:], y[:] = wA, xA, yA
        total = 0.0
        for i in range(items):
            for n in range(nodes):
                move = yB[i, n] - yA[i, n]
                y[i, n] += beta * move  # the idea
                gap2[i, n] = move * move
            for k in range(neurons):
                square = 0.0
                for e in range(net.start[k], net.start[k + 1]):
                    move = wB[e] - wA[i, e]
                    w[i, e] += beta * move
                    square += move * move
                    move = yB[i, net.source[e]] - xA[i, e]
                    x[i, e] += beta * move
                    square += move * move
                gap2[i, net.inputs + k] += square
                total += gap2[i, net.inputs + k]
        mean = total / (items * neurons)
        if mean > 0:
            for i in range(items):
                for n in range(net.inputs, nodes):
                    g[i, n] += gamma * (gap2[i, n] / mean - g[i, n])
        gaps[step] = np.sqrt(mean)
        if gaps[step] < GAP and accuracy(net, wB, X, Y) == 1.0:
            return step + 1, True
    return len(gaps), False
