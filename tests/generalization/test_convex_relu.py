"""Convex training: patterns by a sweep, the iteration written out, duality, a general solver, squares and corners."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import Lasso

from labcore.generalization.convex_relu import (
    Network,
    advance,
    all_patterns,
    certify,
    directions,
    drawn_patterns,
    loss,
    network,
    program,
    robust,
    solve,
    train,
)
from labcore.generalization.convex_relu import experiments as papers
from labcore.generalization.convex_relu.certificate import saving, strongest
from labcore.generalization.convex_relu.descent import starts
from labcore.generalization.convex_relu.exchange import optimum
from labcore.generalization.convex_relu.exercises import how_many_patterns, price_of_silence
from labcore.generalization.convex_relu.lasso import sampled
from labcore.generalization.convex_relu.patterns import turns
from labcore.generalization.convex_relu.samples import groups, threes_and_eights, wave, with_constant


def circle(n):
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def drawn(n=9, seed=0):
    return wave(n, 0.1, np.random.default_rng(seed))


def test_patterns_are_all_that_a_sweep_of_the_circle_finds():
    for seed in range(3):
        x, _ = drawn(7, seed)
        swept = {tuple(row) for row in (circle(20_000) @ x.T >= 0) if row.any()}
        found = all_patterns(x)
        assert {tuple(row) for row in found} == swept and len(found) == len(swept) == 13
    bare = np.random.default_rng(0).normal(size=(6, 2))  # without a constant no pattern hears all or nobody
    assert len(all_patterns(bare)) == 12
    doubled = np.vstack([bare, 2 * bare, np.zeros((1, 2))])
    assert len(turns(doubled)) == len(turns(bare)) == 12


def test_drawn_patterns_come_once_and_in_order():
    x, _ = drawn()
    u = directions(200, 2, 0)
    few, many = drawn_patterns(x, u[:30]), drawn_patterns(x, u)
    assert (many[: len(few)] == few).all() and len(np.unique(many, axis=0)) == len(many) and many.any(1).all()


def dense(p):
    """F and G of the paper, written out: u is all 2P blocks one after the other."""
    n, d = p.x.shape
    f = np.hstack([sign * on[:, None] * p.x for sign in (1, -1) for on in p.on])
    g = np.zeros((2 * len(p.on) * n, 2 * len(p.on) * d))
    for c in range(2 * len(p.on)):
        g[c * n : (c + 1) * n, c * d : (c + 1) * d] = (2 * p.on[c % len(p.on)][:, None] - 1.0) * p.x
    return f, g


@pytest.mark.parametrize("d", [2, 3])
def test_the_iteration_is_the_papers(d):
    """Each step's u solves the whole system; v, s and the multipliers follow from it."""
    rng = np.random.default_rng(0)
    x, y = with_constant(rng.normal(size=(5, d - 1))), rng.normal(size=5)
    p = program(x, y, drawn_patterns(x, directions(6, d, 1)), 0.1, 0.2)
    f, g = dense(p)
    whole = f.T @ f + 0.2 * (np.eye(g.shape[1]) + g.T @ g)
    for _ in range(4):
        v, lam, s, nu = (part.copy().ravel() for part in (p.v, p.lam, p.s, p.nu))
        advance(p, 1)
        u = np.linalg.solve(whole, f.T @ y + 0.2 * (v - lam + g.T @ (s - nu)))
        assert p.u.ravel() == pytest.approx(u, abs=1e-10)
        way, side = (1.7 * u - 0.7 * v + lam).reshape(p.v.shape), 1.7 * g @ u - 0.7 * s + nu
        long = np.linalg.norm(way, axis=1, keepdims=True)
        assert p.v == pytest.approx(np.maximum(1 - 0.1 / 0.2 / long, 0) * way, abs=1e-10)
        assert p.lam == pytest.approx(way - p.v, abs=1e-10)
        assert p.s.ravel() == pytest.approx(np.maximum(side, 0), abs=1e-10)
        assert p.nu.ravel() == pytest.approx(np.minimum(side, 0), abs=1e-10)


def test_program_and_network_have_one_loss_and_units_keep_their_patterns():
    x, y = drawn(8)
    p = program(x, y, all_patterns(x), 0.02)
    advance(p, 20_000)
    f, _ = dense(p)
    convex = 0.5 * ((f @ p.v.ravel() - y) ** 2).sum() + 0.02 * np.linalg.norm(p.v, axis=1).sum()
    assert convex == pytest.approx(loss(network(p), x, y, 0.02), rel=1e-5)
    for c, v in enumerate(p.v):
        assert (((2 * p.on[c % len(p.on)] - 1.0) * (x @ v)) > -1e-4).all()


def test_a_general_solver_finds_the_same_optimum():
    """SLSQP on the constrained program, smoothed by 1e-9 at the origin."""
    x, y = drawn(5)
    on = all_patterns(x)
    p = program(x, y, on, 0.05)
    f, g = dense(p)

    def value(u):
        r, long = f @ u - y, np.sqrt((u.reshape(-1, 2) ** 2).sum(1) + 1e-9)
        slope = f.T @ r + 0.05 * (u.reshape(-1, 2) / long[:, None]).ravel()
        return 0.5 * r @ r + 0.05 * long.sum(), slope

    found = minimize(
        value, np.full(g.shape[1], 0.01), jac=True, method="SLSQP", options=dict(maxiter=500, ftol=1e-12),
        constraints=[dict(type="ineq", fun=lambda u: g @ u, jac=lambda u: g)],
    )  # fmt: skip
    net, proof = solve(x, y, on, 0.05)
    assert found.success and found.fun == pytest.approx(proof.loss, rel=1e-3)
    assert loss(net, x, y, 0.05) == proof.loss


def test_the_strongest_unit_is_that_of_a_fine_sweep():
    for seed in range(5):
        x, _ = drawn(10, seed)
        r = np.random.default_rng(seed).normal(size=10)
        swept = np.abs(saving(x, r, circle(200_000))).max()
        assert swept <= strongest(x, r) <= swept * (1 + 1e-4)


@pytest.mark.parametrize(("n", "beta"), [(6, 0.3), (12, 0.02), (20, 0.02), (30, 0.001)])
def test_the_certificate_closes_and_holds_for_every_network(n, beta):
    x, y = drawn(n)
    best, proof = optimum(x, y, beta)
    assert proof.floor <= proof.loss <= proof.floor * (1 + 1e-6) and proof.ratio <= 1 + 1e-5
    assert len(best.a) <= n + 1
    net, found = solve(x, y, all_patterns(x), beta)
    assert found.floor <= proof.loss * (1 + 1e-9) and proof.floor <= found.loss <= proof.loss * 1.005
    assert found.ratio <= 1.01
    rng = np.random.default_rng(1)
    for _ in range(20):
        other = Network(*(part[0] for part in starts(1, 8, 2, rng)))
        assert certify(other, x, y, beta).floor <= proof.loss and loss(other, x, y, beta) > proof.loss


def test_a_high_price_leaves_no_unit():
    x, y = drawn()
    price = strongest(x, y)
    assert len(optimum(x, y, 1.001 * price)[0].a) == 0 and len(optimum(x, y, 0.99 * price)[0].a) > 0
    silent, proof = solve(x, y, all_patterns(x), 1.001 * price)
    assert len(silent.a) == 0 and proof.loss == pytest.approx(y @ y / 2)


def test_the_sampled_program_is_a_lasso():
    x, y = drawn(15)
    u = directions(60, 2, 3)
    features = np.maximum(x @ u.T, 0)
    alpha, found = sampled(x, y, u, 0.05)
    theirs = Lasso(alpha=0.05 / 15, fit_intercept=False, tol=1e-12, max_iter=200_000).fit(features, y).coef_
    r = y - features @ theirs
    assert found == pytest.approx(r @ r / 2 + 0.05 * np.abs(theirs).sum(), rel=1e-6)
    pull = features.T @ (y - features @ alpha)
    assert np.abs(pull).max() <= 0.05 * (1 + 1e-6)
    assert pull[alpha != 0] == pytest.approx(0.05 * np.sign(alpha[alpha != 0]), rel=1e-6)
    net = Network(np.sqrt(np.abs(alpha))[:, None] * u, np.sign(alpha) * np.sqrt(np.abs(alpha)))
    assert loss(net, x, y, 0.05) == pytest.approx(found, rel=1e-9)


def test_adam_is_torchs():
    x, y = drawn(6)
    w, a = starts(2, 4, 2, np.random.default_rng(0))
    moved_w, moved_a, losses = train(x, y, w, a, 0.05, 0.03, np.array([0, 10, 40]))
    for run in range(2):
        tensors = [torch.tensor(part[run], requires_grad=True) for part in (w, a)]
        rule = torch.optim.Adam(tensors, lr=0.03)
        schedule = torch.optim.lr_scheduler.LambdaLR(rule, lambda t: 0.5 * (1 + np.cos(np.pi * t / 40)))
        for t in range(41):
            f = torch.relu(torch.tensor(x) @ tensors[0].T) @ tensors[1]
            value = 0.5 * ((f - torch.tensor(y)) ** 2).sum() + 0.025 * sum((part**2).sum() for part in tensors)
            if t in (0, 10, 40):
                assert losses[run, [0, 10, 40].index(t)] == pytest.approx(value.item(), rel=1e-6)
            if t < 40:
                rule.zero_grad()
                value.backward()
                rule.step()
                schedule.step()
        assert moved_w[run] == pytest.approx(tensors[0].detach().numpy(), abs=1e-6)
        assert moved_a[run] == pytest.approx(tensors[1].detach().numpy(), abs=1e-6)


def small_groups(e, seed=0, n=12):
    rng = np.random.default_rng(seed)
    x, sign = groups(n, 0.1, rng)
    x = with_constant(x)
    return x, sign, robust.calm_patterns(x, e, directions(2000, 3, seed), 12)


def test_no_line_that_is_kept_cuts_a_square():
    x, _, on = small_groups(0.15)
    at = robust.corners(x, 0.15)
    u = directions(2000, 3, 0)
    whole = {tuple(row[:, 0]) for row in np.einsum("nkd,ud->unk", at, u) >= 0 if (row == row[:, :1]).all()}
    assert 1 < len(on) and {tuple(row) for row in on} <= whole | {(True,) * len(x)}


def test_the_robust_program_is_a_bound_on_every_attack():
    """Its loss is the recovered network's at the corners, and no place of a square is worse."""
    e, beta = 0.12, 0.003
    x, sign, on = small_groups(e)
    net = robust.fit(x, sign, on, beta, e, steps=5000)
    at = robust.corners(x, e)
    bound = robust.hinge(net, at, sign, beta)
    steps = np.linspace(-e, e, 15)
    inside = np.array([(dx, dy, 0) for dx in steps for dy in steps])
    every = robust.hinge(net, x[:, None] + inside, sign, beta)
    assert every == pytest.approx(bound, rel=1e-3), "a unit that bends within a square would be worse in between"
    rng = np.random.default_rng(0)
    hit = robust.attacked(net, x, sign, e, rng)
    assert np.abs(hit - x).max() <= e + 1e-12
    assert robust.hinge(net, hit[:, None], sign, beta) <= every + 1e-9
    for factor in (0.95, 1.05):  # a best network cannot gain by being louder or less so
        other = Network(net.w * factor, net.a * factor)
        assert robust.hinge(other, at, sign, beta) > bound


def test_the_hinge_program_reaches_what_a_general_solver_does():
    """SLSQP with slacks on the program of a few samples."""
    e, beta = 0.1, 0.01
    x, sign, on = small_groups(e, n=6)
    on = on[:3]
    at = robust.corners(x, e)
    p = robust.robust_program(at, on, beta)
    f, g = dense(p)
    rows = np.repeat(sign, 4)[:, None] * f
    size, n = f.shape[1], len(x)
    spread = np.kron(np.eye(n), np.ones((4, 1)))

    def value(z):
        long = np.sqrt((z[:size].reshape(-1, 3) ** 2).sum(1) + 1e-9)
        slope = np.append(beta * (z[:size].reshape(-1, 3) / long[:, None]).ravel(), np.full(n, 1 / n))
        return z[size:].mean() + beta * long.sum(), slope

    inequality = np.vstack(
        [np.hstack([g, np.zeros((len(g), n))]), np.hstack([rows, spread]), np.hstack([np.zeros((n, size)), np.eye(n)])]
    )
    constant = np.concatenate([np.zeros(len(g)), -np.ones(len(rows)), np.zeros(n)])
    found = minimize(
        value, np.append(np.full(size, 0.01), np.ones(n)), jac=True, method="SLSQP",
        options=dict(maxiter=500, ftol=1e-12),
        constraints=[dict(type="ineq", fun=lambda z: inequality @ z + constant, jac=lambda z: inequality)],
    )  # fmt: skip
    net = robust.fit(x, sign, on, beta, e, steps=5000)
    assert found.success and robust.hinge(net, at, sign, beta) == pytest.approx(found.fun, rel=2e-3)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda x, y: program(x, y, all_patterns(x), 0.0), "beta = 0.0"),
        (lambda x, y: program(x, y[:-1], all_patterns(x), 0.1), "do not fit"),
        (lambda x, y: program(x * np.nan, y, all_patterns(x), 0.1), "not finite"),
        (lambda x, y: all_patterns(np.zeros((4, 2))), "not all 0"),
        (lambda x, y: turns(np.ones((4, 3))), "shape"),
        (lambda x, y: train(x, y, np.ones((1, 2, 2)), np.ones((1, 2)), 0.1, 0.1, np.array([5, 5])), "that rise"),
        (lambda x, y: robust.corners(x, -0.1), "e = -0.1"),
        (lambda x, y: robust.fit(x, y, all_patterns(x), 0.1), "-1 or 1"),
    ],
)
def test_what_has_no_answer_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call(*drawn())


def test_the_pictures_certificate_is_the_mechanisms():
    frame = papers.fit.run(steps=20_000)
    assert float(abs(frame.saves).max()) == pytest.approx(float(frame.ratio), rel=1e-3)
    touching = np.interp(frame.facing, frame.angle, abs(frame.saves))
    strong = np.abs(frame.strength.values) > 1e-3
    assert touching[strong] == pytest.approx(1, abs=5e-3), "every unit that is used saves just what it costs"


def test_exercises_take_what_is_right_and_help_with_the_rest():
    values = papers.fit.settings()
    x = with_constant(np.array([values[f"x_{k}"] for k in range(1, 8)]))
    price = strongest(x, np.array([values[f"y_{k}"] for k in range(1, 8)]))
    assert price_of_silence(f"β = {price:.3f}") is True and price_of_silence(f"{price:.2f}".replace(".", ",")) is True
    assert "a unit still" in price_of_silence("0.5") and "lower price" in price_of_silence("100")
    with pytest.raises(ValueError, match="price"):
        price_of_silence("free")
    assert how_many_patterns("60") is how_many_patterns("2*30") is True
    assert "counts as well" in how_many_patterns("59") and how_many_patterns("1073741824"[:9]) is not True
    with pytest.raises(ValueError, match="patterns"):
        how_many_patterns("")


def test_threes_and_eights_are_ink_in_squares_and_the_new_ones_are_others():
    from labcore.data import digits_split

    x, y, new, right = threes_and_eights(20, 3)
    split = digits_split(1000, 797, 3)
    k = int(np.flatnonzero(np.isin(split.y_train.argmax(1), (3, 8)))[5])
    picture, square = split.x_train[k].reshape(8, 8), x[5, :16].reshape(4, 4)
    assert square[1, 2] == pytest.approx(2 * picture[2:4, 4:6].mean() - 1)
    assert y[5] == {3: -1, 8: 1}[split.y_train[k].argmax()] and (x[:, 16] == 1).all()
    assert len(new) == len(right) == np.isin(split.y_test.argmax(1), (3, 8)).sum() and set(right) == {-1.0, 1.0}
    with pytest.raises(ValueError, match="n = 900 is not allowed"):
        threes_and_eights(900, 3)


@pytest.mark.parametrize("seed", [0, 1])
def test_with_a_networks_own_patterns_the_program_ends_no_higher(seed):
    """The network itself keeps all cones of its patterns, so the best that they allow cannot be worse."""
    x, y, *_ = threes_and_eights(60, seed)
    w, a, ends = train(x, y, *starts(2, 8, 17, np.random.default_rng(seed)), 0.3, 0.03, np.array([300]))
    for one, last in zip(w, ends[:, 0], strict=True):
        p = program(x, y, drawn_patterns(x, one), 0.3, 1.0)
        advance(p, 4000)
        assert loss(network(p), x, y, 0.3) <= 1.001 * last


def test_a_network_that_fell_silent_leaves_the_program_no_pattern():
    x, y, *_ = threes_and_eights(60, 5)
    silent = drawn_patterns(x, np.zeros((3, 17)) - np.eye(17)[16])  # the constant's weight alone, below 0
    assert len(silent) == 0 and loss(papers._settle(x, y, silent, 0.3, 10), x, y, 0.3) == 30
