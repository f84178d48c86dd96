"""A swimming chain of links and coupled oscillators, beside NumPy with the same steps and SciPy's solver."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse import csr_array

from labcore.hebbian.circuit_priors import Body, episode, ncap
from labcore.hebbian.circuit_priors.mechanism import INNATE
from labcore.hebbian.circuit_priors.swimmer import CONTROL_STEP, straight
from labcore.hebbian.dynamical_intelligence import advance, kuramoto
from tests.benchmarks.timing import Duel, Growth, Work

Array = np.ndarray
PERIOD, SUBSTEPS, TOLERANCE = 60, 8, 1e-6


def resistance(q: Array, body: Body) -> Array:
    """The drag matrix from its definition: the sum over links of J^T D J / n and of the drag on turning."""
    n = body.n_links
    angle = np.cumsum(q[2:])
    along, across = np.stack([np.cos(angle), np.sin(angle)], 1), np.stack([-np.sin(angle), np.cos(angle)], 1)
    arm = (np.tri(n, k=-1) + 0.5 * np.eye(n)) / n  # what of link j lies before the centre of link i
    turned = np.cumsum((arm[:, :, None] * across)[:, ::-1], 1)[:, ::-1]  # a joint turns all links beyond it
    jacobian = np.concatenate([np.broadcast_to(np.eye(2), (n, 2, 2)), turned.transpose(0, 2, 1)], 2)
    drag = (
        body.drag_along * along[:, :, None] * along[:, None] + body.drag_across * across[:, :, None] * across[:, None]
    )
    r = np.tensordot(jacobian, drag @ jacobian, ((0, 1), (0, 1))) / n
    beyond = np.tri(n)
    r[2:, 2:] += body.drag_across / (12 * n**3) * beyond.T @ beyond
    r[3:, 3:] += body.damping * np.eye(n - 1)
    return r


def torque(q: Array, t: int, body: Body) -> Array:
    """What the circuit of the page wants of the joints at a control step, (n - 1,)."""
    u, b = np.zeros(body.n_links - 1), np.zeros((body.n_links - 1, 2))
    ncap(np.clip(q[3:] / body.max_angle, -1, 1), t / PERIOD % 1.0, INNATE, b, u)
    return u


def same_steps(body: Body, steps: int) -> Array:
    """The scheme of the kernel in NumPy."""
    dt, q, path = CONTROL_STEP / SUBSTEPS, straight(body), [straight(body)]
    joint = np.arange(3, len(q))
    for t in range(steps):
        u = torque(q, t, body)
        for _ in range(SUBSTEPS):
            first = np.zeros(len(q))
            for _stage in range(2):
                mid = q + 0.5 * dt * first
                bend = mid[3:]
                beyond = np.sign(bend) * np.maximum(np.abs(bend) - body.max_angle, 0)
                spring = body.stiffness + body.limit * (np.abs(bend) > body.max_angle)
                r, v = resistance(mid, body), np.zeros(len(q))
                r[joint, joint] += 0.5 * dt * spring
                v[3:] = body.gain * u - body.stiffness * bend - body.limit * beyond + 0.5 * dt * spring * first[3:]
                first = np.linalg.solve(r, v)
            q = q + dt * first
        path.append(q)
    return np.array(path)


def by_solver(body: Body, steps: int) -> Array:
    """The same equation by SciPy; with less exact steps its end is not that of the kernel any more."""
    q, path = straight(body), [straight(body)]
    for t in range(steps):
        u = torque(q, t, body)

        def velocity(_, q: Array, u: Array = u) -> Array:
            beyond = np.sign(q[3:]) * np.maximum(np.abs(q[3:]) - body.max_angle, 0)
            joints = body.gain * u - body.stiffness * q[3:] - body.limit * beyond
            return np.linalg.solve(resistance(q, body), np.r_[0, 0, 0, joints])

        q = solve_ivp(velocity, (0, CONTROL_STEP), q, rtol=1e-6, atol=1e-8).y[:, -1]
        path.append(q)
    return np.array(path)


def swimmer(quick: bool) -> list[Duel]:
    body, steps = Body(), 10 if quick else 120
    what = f"swimmer of {body.n_links} links"
    ours = lambda: episode(ncap, INNATE, body, steps, PERIOD, substeps=SUBSTEPS).q  # noqa: E731
    rows = [("NumPy, the same steps", same_steps, 1e-9), ("SciPy solve_ivp on NumPy's forces", by_solver, 1e-3)]
    return [
        Duel(what, ours, rival, lambda work=work: work(body, steps), tolerance, "us", "step", steps, table=True)
        for rival, work, tolerance in rows
    ]


def oscillators(n: int, degree: float) -> tuple[Array, Array, Array]:
    """First angles, frequencies and a graph (n, n)."""
    rng = np.random.default_rng(0)
    return (
        rng.uniform(0, 2 * np.pi, n),
        rng.normal(0, 0.5, n),
        kuramoto.modular_graph(n, 6, 0.8 * degree, 0.2 * degree, rng),
    )


def on_graph(n: int, degree: float, time: float) -> Work:
    theta, w, graph = oscillators(n, degree)
    edges = kuramoto.neighbours(graph)

    def run() -> Array:
        now = theta[None].copy()
        advance(now, w, np.array([2.0]), *edges, time, TOLERANCE, np.zeros(1))
        return now[0]

    return run


def velocity_of(n: int, degree: float) -> tuple[Array, Callable]:
    """The first angles and dtheta/dt with a sparse matrix of SciPy."""
    theta, w, graph = oscillators(n, degree)
    share = csr_array(graph / np.maximum(graph.sum(1, keepdims=True), 1))

    def velocity(now: Array) -> Array:
        sin, cos = np.sin(now), np.cos(now)
        return w + 2.0 * ((share @ sin) * cos - (share @ cos) * sin)

    return theta, velocity


def rhythms(quick: bool) -> list[Duel]:
    n, degree, steps, dt = (48, 8, 10, 0.05) if quick else (600, 20, 200, 0.05)
    theta, velocity = velocity_of(n, degree)

    def fixed() -> Array:
        now = theta.copy()
        for _ in range(steps):
            a = velocity(now)
            b = velocity(now + dt / 2 * a)
            c = velocity(now + dt / 2 * b)
            now = now + dt / 6 * (a + 2 * b + 2 * c + velocity(now + dt * c))
        return now

    def solver() -> Array:
        return solve_ivp(
            lambda _, now: velocity(now), (0, steps * dt), theta, rtol=TOLERANCE, atol=TOLERANCE
        ).y[:, -1]  # fmt: skip

    what = f"Kuramoto, {n} oscillators, {degree} neighbours each, {steps * dt:g} s"
    ours = on_graph(n, degree, steps * dt)
    rows = [("SciPy solve_ivp, the same steps", solver, 1e-7), ("NumPy, Runge-Kutta steps of 0.05 s", fixed, 1e-4)]
    return [Duel(what, ours, rival, work, tolerance, table=True) for rival, work, tolerance in rows]


def growth(quick: bool) -> list[Growth]:
    links = (8, 32) if quick else (16, 32, 64, 128, 256)
    bodies = {}
    for n in links:
        body = Body(n)
        bodies[n] = (lambda body=body: episode(ncap, INNATE, body, 2, PERIOD, substeps=SUBSTEPS)), 2
    n, graphs = (600, {}) if quick else (2400, {})
    for degree in (10, 40) if quick else (50, 100, 200, 400):
        theta, w, graph = oscillators(n, degree)
        edges = kuramoto.neighbours(graph)
        graphs[len(edges[1])] = (lambda a=(theta, w, 2.0, *edges): kuramoto.velocity(*a)), 1
    complete = {}
    for size in (300, 3000) if quick else (300, 1000, 3000, 10_000):
        theta, w = np.linspace(0, 6, size), np.linspace(-1, 1, size)
        complete[size] = (lambda a=(theta, w, 2.0): kuramoto.velocity(*a)), 1
    return [
        Growth("swimmer, control step (Cholesky)", "links", bodies, 3, "us", "step"),
        Growth(f"Kuramoto velocity on a graph of {n}", "edges", graphs, 1),
        Growth("Kuramoto velocity, complete graph", "oscillators", complete, 1),
    ]


PEERS = (swimmer, rhythms)
GROWTH = (growth,)
MEMORY = ()
