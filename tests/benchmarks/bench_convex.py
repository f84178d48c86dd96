"""Convex training of ReLU networks: a step, an optimum and a lasso, beside dense algebra and general solvers."""

from __future__ import annotations

import importlib.util

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from sklearn.linear_model import Lasso

from labcore.generalization.convex_relu import advance, all_patterns, directions, drawn_patterns, program
from labcore.generalization.convex_relu.admm import RELAX
from labcore.generalization.convex_relu.exchange import optimum
from labcore.generalization.convex_relu.lasso import sampled
from labcore.generalization.convex_relu.samples import wave
from tests.benchmarks.timing import Duel, Growth

Array = np.ndarray
BETA, RHO = 0.02, 0.03


def written_out(x: Array, on: Array) -> tuple[Array, Array]:
    """F (n, 2Pd) and G (2Pn, 2Pd) of the program."""
    n, d = x.shape
    f = np.hstack([sign * hears[:, None] * x for sign in (1, -1) for hears in on])
    g = np.zeros((2 * len(on) * n, 2 * len(on) * d))
    for c in range(2 * len(on)):
        g[c * n : (c + 1) * n, c * d : (c + 1) * d] = (2.0 * on[c % len(on)][:, None] - 1) * x
    return f, g


def by_factor(x: Array, y: Array, on: Array, steps: int) -> Array:
    """The method with a factor of the whole matrix, made once."""
    f, g = written_out(x, on)
    whole = cho_factor(f.T @ f + RHO * (np.eye(f.shape[1]) + g.T @ g))
    v, lam, s, nu = np.zeros(f.shape[1]), np.zeros(f.shape[1]), np.zeros(len(g)), np.zeros(len(g))
    for _ in range(steps):
        u = cho_solve(whole, f.T @ y + RHO * (v - lam + g.T @ (s - nu)))
        way, side = RELAX * u + (1 - RELAX) * v + lam, RELAX * (g @ u) + (1 - RELAX) * s + nu
        blocks = way.reshape(-1, x.shape[1])
        long = np.maximum(np.linalg.norm(blocks, axis=1, keepdims=True), 1e-300)
        v = (np.maximum(1 - BETA / RHO / long, 0) * blocks).ravel()
        s = np.maximum(side, 0)
        lam, nu = way - v, side - s
    return v.reshape(-1, x.shape[1])


def by_advance(x: Array, y: Array, on: Array, steps: int) -> Array:
    p = program(x, y, on, BETA, RHO)
    advance(p, steps)
    return p.v


def by_slsqp(x: Array, y: Array) -> float:
    """SciPy's general solver on the program, its norms smoothed."""
    f, g = written_out(x, all_patterns(x))

    def value(u: Array) -> tuple[float, Array]:
        r, blocks = f @ u - y, u.reshape(-1, 2)
        long = np.sqrt((blocks**2).sum(1) + 1e-9)
        return 0.5 * r @ r + BETA * long.sum(), f.T @ r + BETA * (blocks / long[:, None]).ravel()

    cones = dict(type="ineq", fun=lambda u: g @ u, jac=lambda u: g)
    options = dict(maxiter=500, ftol=1e-9)
    start = np.full(f.shape[1], 0.01)
    return minimize(value, start, jac=True, method="SLSQP", constraints=[cones], options=options).fun


def by_cvxpy(x: Array, y: Array) -> float:
    import cvxpy

    on = all_patterns(x)
    v, w = cvxpy.Variable((2, len(on))), cvxpy.Variable((2, len(on)))
    f = cvxpy.sum(cvxpy.multiply(on.T.astype(float), x @ (v - w)), axis=1)
    price = cvxpy.sum(cvxpy.norm(v, axis=0)) + cvxpy.sum(cvxpy.norm(w, axis=0))
    side = 2.0 * on.T - 1
    cones = [cvxpy.multiply(side, x @ part) >= 0 for part in (v, w)]
    problem = cvxpy.Problem(cvxpy.Minimize(0.5 * cvxpy.sum_squares(f - y) + BETA * price), cones)
    return problem.solve(solver=cvxpy.CLARABEL)


def steps_of_the_program(quick: bool) -> list[Duel]:
    duels = []
    for n in (8,) if quick else (20, 40):
        x, y = wave(n, 0.1, np.random.default_rng(0))
        on, steps = all_patterns(x), 10 if quick else 100
        given = x, y, on, steps
        name = f"convex ReLU program, {n} samples, {len(on)} patterns, {steps} steps"
        rival = "SciPy, the whole matrix factored once"
        ours, theirs = lambda g=given: by_advance(*g), lambda g=given: by_factor(*g)
        duels.append(Duel(name, ours, rival, theirs, 1e-8, table=n == 40))
    return duels


def best_networks(quick: bool) -> list[Duel]:
    """The lowest loss of any network: by exchange to 1e-6, by others to what they reach."""
    duels = []
    rivals = [("SciPy SLSQP", by_slsqp, 5 if quick else 8)]
    if importlib.util.find_spec("cvxpy"):
        rivals.append(("cvxpy with Clarabel", by_cvxpy, 5 if quick else 40))
    for rival, solver, n in rivals:
        x, y = wave(n, 0.1, np.random.default_rng(0))
        ours, theirs = lambda x=x, y=y: optimum(x, y, BETA)[1].loss, lambda x=x, y=y, s=solver: float(s(x, y))
        duels.append(Duel(f"best ReLU network for {n} samples, certified", ours, rival, theirs, 1e-3, table=True))
    return duels


def random_units(quick: bool) -> list[Duel]:
    x, y = wave(20, 0.1, np.random.default_rng(0))
    u = directions(30 if quick else 100, 2, 0)
    features = np.maximum(x @ u.T, 0)

    def by_sklearn() -> float:
        rule = Lasso(alpha=BETA / len(y), fit_intercept=False, tol=1e-9, max_iter=500_000)
        r = y - features @ (a := rule.fit(features, y).coef_)
        return float(r @ r / 2 + BETA * np.abs(a).sum())

    ours = lambda: sampled(x, y, u, BETA)[1]  # noqa: E731
    return [Duel(f"lasso over {len(u)} random ReLU units", ours, "scikit-learn's Lasso", by_sklearn, 1e-5, table=True)]


def over_patterns(quick: bool) -> list[Growth]:
    x, y = wave(60, 0.1, np.random.default_rng(0))
    works = {}
    for many in (5, 10, 20) if quick else (10, 20, 40, 80):
        p = program(x, y, drawn_patterns(x, directions(4000, 2, 0))[:many], BETA, RHO)
        works[many] = (lambda p=p: advance(p, 20)), 20
    return [Growth("convex ReLU program, 60 samples", "patterns", works, 1.0, per="step")]


PEERS, GROWTH, MEMORY = (steps_of_the_program, best_networks, random_units), (over_patterns,), ()
