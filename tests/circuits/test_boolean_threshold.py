"""RRR on threshold networks: the projections against brute force, the step against theory, gates, peers, claims."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize

from labcore.circuits.boolean_threshold import (
    accuracy,
    advance,
    circuit,
    layered,
    make_task,
    project_neuron,
    random_state,
    read_gates,
    relax_reflect,
)
from labcore.circuits.boolean_threshold.exercises import few_iterations, lone_majority, margin_of_five
from labcore.circuits.boolean_threshold.experiments import against_gradient, generate, near_miss, projection, search
from labcore.circuits.boolean_threshold.peers import adam, gradient
from labcore.circuits.boolean_threshold.relax_reflect import (
    CUBE,
    ONE_HOT,
    move_cost,
    multiplier_root,
    nearest_code,
    project_a,
    project_b,
    project_grid,
)
from labcore.circuits.boolean_threshold.threshold_circuits import NO_GATE, pictures, quantise
from labcore.circuits.boolean_threshold.wiring import infer
from labcore.experiment import ParameterError
from labcore.primitives.logic import boolean
from labcore.primitives.logic.simulation import simulate, truth_table

TASK = make_task("multiplier2", 0, 16, 0)
NET, X, Y = TASK.net, TASK.X, TASK.Y


def draw(seed=0, net=NET, items=X, labels=Y):
    return random_state(net, items, labels, np.random.default_rng([0, seed]))


# ---- P_A


def slsqp(w, x, sign, delta):
    """The smallest move to sign * (w.x) >= delta, by a general solver from several starts."""
    m, z = len(w), np.concatenate([w, x])
    constraint = {
        "type": "ineq",
        "fun": lambda v: sign * (v[:m] @ v[m:]) - delta,
        "jac": lambda v: sign * np.concatenate([v[m:], v[:m]]),
    }
    rng = np.random.default_rng(1)
    found = [
        minimize(
            lambda v: ((v - z) ** 2).sum(),
            z + rng.normal(size=2 * m) * spread,
            jac=lambda v: 2 * (v - z),
            constraints=constraint,
            options={"ftol": 1e-14, "maxiter": 500},
        )
        for spread in (0, 0.3, 0.3, 1, 1)
    ]
    return min(f.fun for f in found if sign * (f.x[:m] @ f.x[m:]) > delta - 2e-8)


@pytest.mark.parametrize("m", range(1, 7))
def test_p_a_is_the_nearest_point(m):
    rng = np.random.default_rng(m)
    for _ in range(6):
        w, x, y, sigma = rng.normal(size=m), rng.normal(size=m), rng.uniform(-1.5, 1.5), rng.uniform(1, 9)
        delta = np.sqrt(m / sigma)
        best = {sign: slsqp(w, x, sign, delta) for sign in (-1.0, 1.0)}
        for sign, cost in best.items():
            p, q = w @ x, w @ w + x @ x
            u = multiplier_root(p, q, sign * delta) if sign * p < delta else 0.0
            assert move_cost(p, q, sign * delta, u) == pytest.approx(cost, abs=1e-7)
        w_new, x_new = np.empty(m), np.empty(m)
        y_new = project_neuron(w, x, y, delta, w_new, x_new)
        total = {sign: (sign - y) ** 2 + cost for sign, cost in best.items()}
        assert y_new == min(total, key=total.get)
        moved = ((w_new - w) ** 2).sum() + ((x_new - x) ** 2).sum() + (y_new - y) ** 2
        assert moved == pytest.approx(total[y_new], abs=1e-7)
        assert y_new * (w_new @ x_new) >= delta - 1e-10
        # what is in the set stays
        w_same, x_same = np.empty(m), np.empty(m)
        assert project_neuron(w_new, x_new, y_new, delta * (1 - 1e-12), w_same, x_same) == y_new
        np.testing.assert_allclose(np.concatenate([w_same, x_same]), np.concatenate([w_new, x_new]), atol=1e-10)


def test_the_root_solves_a_rising_equation():
    rng = np.random.default_rng(0)
    for _ in range(200):
        q = rng.exponential(3)
        p, c = rng.uniform(-0.5, 0.5) * q, rng.normal() * 3
        u = multiplier_root(p, q, c)
        s = 1 - u * u
        assert -1 < u < 1 and (p * (1 + u * u) + q * u) / s**2 == pytest.approx(c, abs=1e-8)
    u = np.linspace(-0.99, 0.99, 400)
    for p, q in ((-1.0, 2.0), (0.3, 1.0), (1.0, 2.0)):
        assert (np.diff((p * (1 + u * u) + q * u) / (1 - u * u) ** 2) > 0).all()
    roots = [multiplier_root(-0.4, 1.0, c) for c in np.linspace(-3, 3, 50)]
    assert (np.diff(roots) > 0).all()


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("off", [0.0, 1e-12, 1e-5])
def test_opposite_weights_and_values_still_reach_the_margin(sign, off):
    w = np.array([0.3, -0.8, 0.5])
    x = -sign * w + off
    w_new, x_new = np.empty(3), np.empty(3)
    assert project_neuron(w, x, 1.4 * sign, 1.0, w_new, x_new) == sign
    # u nearly +-1 loses digits: 1e-16 in u against (1 - u)^2 of the order of 1e-10
    assert sign * (w_new @ x_new) == pytest.approx(1, abs=1e-5)
    moved = ((w_new - w) ** 2).sum() + ((x_new - x) ** 2).sum()
    assert moved == pytest.approx(slsqp(w, x, sign, 1.0), abs=1e-4)


@pytest.mark.parametrize(("w", "x"), [(0.0, 0.0), (3.0, -3.0), (2.0, 2.0)])
@pytest.mark.parametrize("y", [-1.2, 0.1, 1.2])
def test_the_cheaper_output_is_taken_where_there_is_no_direction(w, x, y):
    moved = np.sqrt(min((sign - y) ** 2 + slsqp(np.array([w]), np.array([x]), sign, 0.7) for sign in (-1.0, 1.0)))
    none = np.empty(0)
    assert project_grid(np.array([w]), np.array([x]), none, none, y, 0.7)[0, 0] == pytest.approx(moved, abs=1e-6)


def test_grid_of_the_microscope_is_the_same_projection():
    frame = projection.run(m=3, w=0.5, x=-0.4, y=0.2)
    here = np.array([0.5, -0.4, 0.2])
    at = [frame[f"point_{name}"].values for name in "wxy"]
    others = np.random.default_rng([0, 3]).uniform(-1, 1, (2, 2)) * 0.7
    w, x = np.concatenate([[0.5], others[0]]), np.concatenate([[-0.4], others[1]])
    w_new, x_new = np.empty(3), np.empty(3)
    y_new = project_neuron(w, x, 0.2, 1.0, w_new, x_new)
    # compiled in another place: a few ulps of numbers up to 1 in sums of three
    np.testing.assert_allclose([a[1] for a in at], [w_new[0], x_new[0], y_new], rtol=0, atol=1e-14)
    np.testing.assert_allclose([a[0] + a[2] for a in at], 2 * np.array([a[1] for a in at]), atol=1e-12)
    np.testing.assert_array_equal([a[0] for a in at], here)
    moved = np.sqrt(((w_new - w) ** 2).sum() + ((x_new - x) ** 2).sum() + (y_new - 0.2) ** 2)
    distance = project_grid(np.array([0.5]), np.array([-0.4]), *others, 0.2, 1.0)
    assert distance[0, 0] == pytest.approx(moved, abs=1e-12)
    # the projected point lies on a margin curve, with the other edges where the projection has put them
    k = frame.branch_w.values * frame.branch_x.values
    assert np.abs(k - w_new[0] * x_new[0]).min() < 1e-9


# ---- P_B


def dense_b(w, x, y, g):
    """P_B edge by edge and node by node, as the paper writes it, in plain numpy."""
    receiver = NET.inputs + NET.neuron
    wB = (g[:, receiver] * w).sum(0) / g[:, receiver].sum(0)
    for k in range(len(NET.start) - 1):
        edges = slice(NET.start[k], NET.start[k + 1])
        wB[edges] *= np.sqrt(NET.fan_in[k]) / np.linalg.norm(wB[edges])
    yB = np.empty_like(y)
    for n in range(NET.nodes):
        out = np.flatnonzero(NET.source == n)
        total = (g[:, n] * y[:, n] + (g[:, receiver[out]] * x[:, out]).sum(1)) / (g[:, n] + g[:, receiver[out]].sum(1))
        yB[:, n] = total
    yB[:, NET.nodes - NET.outputs :] = Y
    return wB, yB


def test_p_b_is_the_weighted_projection():
    rng = np.random.default_rng(0)
    w, x, y, *_ = draw()
    g = rng.uniform(0.5, 2, y.shape)
    wB, yB = np.empty(w.shape[1]), np.empty_like(y)
    project_b(NET, w, x, y, g, Y, wB, yB)
    for found, expected in zip((wB, yB), dense_b(w, x, y, g), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-13)
    assert np.sqrt(np.add.reduceat(wB**2, NET.start[:-1])) == pytest.approx(np.sqrt(NET.fan_in), abs=1e-12)

    def cost(weights, values):  # the metric of an edge is that of its receiver
        edges = g[:, NET.inputs + NET.neuron] * ((weights - w) ** 2 + (values[:, NET.source] - x) ** 2)
        return edges.sum() + (g * (values - y) ** 2).sum()

    best = cost(wB, yB)
    for _ in range(50):  # no other member of B is nearer
        nudge, other = wB + 0.05 * rng.normal(size=wB.shape), yB + 0.05 * rng.normal(size=yB.shape)
        size = np.repeat(np.sqrt(np.add.reduceat(nudge**2, NET.start[:-1])), NET.fan_in)
        other[:, NET.nodes - NET.outputs :] = Y
        assert cost(nudge * np.sqrt(NET.fan_in[NET.neuron]) / size, other) > best
    again, same = np.empty_like(wB), np.empty_like(yB)
    project_b(NET, np.tile(wB, (16, 1)), yB[:, NET.source].copy("C"), yB, g, Y, again, same)
    np.testing.assert_allclose(again, wB, atol=1e-10)
    np.testing.assert_allclose(same, yB, atol=1e-10)


# ---- the step


def plain_rrr(state, iterations, beta=0.2, gamma=1e-3, sigma=3.0, norm=True, reflect=True, copies=True):
    """RRR from the two projections; each flag takes one essential part away. Returns the gaps and the last weights."""
    w, x, y, g, wB = (a.copy() for a in state)
    wA, xA, yA, yB = np.empty_like(w), np.empty_like(x), np.empty_like(y), np.empty_like(y)
    gaps = []
    for _ in range(iterations):
        project_a(NET, w, x, y, X, sigma, wA, xA, yA)
        if not copies:
            wA[:] = wA.mean(0)
        a = (wA, xA, yA)
        wR, xR, yR = ((2 * s - z) if reflect else s for s, z in zip(a, (w, x, y), strict=True))
        project_b(NET, wR, xR, yR, g, Y, wB, yB)
        if not norm:
            metric = g[:, NET.inputs + NET.neuron]
            wB[:] = (metric * wR).sum(0) / metric.sum(0)
        moves = wB - wA, yB[:, NET.source] - xA, yB - yA
        gap2 = moves[2][:, NET.inputs :] ** 2
        gap2 = gap2 + np.add.reduceat(moves[0] ** 2 + moves[1] ** 2, NET.start[:-1], axis=1)
        gaps.append(np.sqrt(gap2.mean()))
        if reflect:
            for z, move in zip((w, x, y), moves, strict=True):
                z += beta * move
        else:
            w[:], x[:], y[:] = wB, yB[:, NET.source], yB
        g[:, NET.inputs :] += gamma * (gap2 / gap2.mean() - g[:, NET.inputs :])
        if gaps[-1] < 0.01 and accuracy(NET, wB, X, Y) == 1:
            break
    return np.array(gaps), wB


@pytest.mark.parametrize("reflect", [True, False])
def test_the_kernel_is_the_equation(reflect):
    gaps, wB = plain_rrr(draw(), 60, reflect=reflect)
    state, traced = draw(), np.empty(60)
    advance(NET, state, X, Y, 3.0, 0.2, 1e-3, reflect, traced)
    np.testing.assert_allclose(traced, gaps, rtol=1e-9)
    np.testing.assert_allclose(state.wB, wB, rtol=1e-8, atol=1e-10)


def test_chunks_change_nothing():
    whole, parts = draw(), draw()
    gaps, pieces = np.empty(300), [np.empty(n) for n in (1, 99, 200)]
    advance(NET, whole, X, Y, 3.0, 0.2, 1e-3, True, gaps)
    for piece in pieces:
        advance(NET, parts, X, Y, 3.0, 0.2, 1e-3, True, piece)
    np.testing.assert_array_equal(gaps, np.concatenate(pieces))
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a, b)


def solved_run():
    state = draw(2)
    _, ok = advance(NET, state, X, Y, 3.0, 0.2, 1e-3, True, np.empty(10_000))
    assert ok
    return state


def test_a_solution_does_not_move():
    # an exact solution: the gates of a solved run, with weights sqrt(m/k) and the values they compute
    kinds, kept = read_gates(NET, solved_run().wB, X)
    assert NO_GATE not in kinds
    count = np.add.reduceat(np.abs(kept), NET.start[:-1])
    weights = kept * np.sqrt(NET.fan_in / count)[NET.neuron]
    y = infer(NET, weights, X)
    state = relax_reflect.State(
        np.tile(weights, (16, 1)), y[:, NET.source].copy("C"), y.copy(), np.ones_like(y), np.zeros(60)
    )
    before = [a.copy() for a in state[:3]]
    # a hair over 3: majorities have exactly the margin sqrt(m/3)
    steps, ok = advance(NET, state, X, Y, 3.0 + 1e-9, 0.2, 0.0, True, np.empty(5))
    assert (steps, ok) == (1, True)
    for a, b in zip(before, state[:3], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize("beta", [0.1, 0.5, 1.0, 1.9])
@pytest.mark.parametrize("angle", [0.2, 0.7, 1.3])
def test_two_lines_contract_at_the_spectral_radius(beta, angle):
    a, b = (np.outer(v, v) for v in (np.array([1.0, 0.0]), np.array([np.cos(angle), np.sin(angle)])))
    step = np.eye(2) + beta * (b @ (2 * a - np.eye(2)) - a)
    # I - beta sin(angle) R: a complex pair of this size
    radius = np.sqrt((1 - beta * np.sin(angle) ** 2) ** 2 + (beta * np.sin(angle) * np.cos(angle)) ** 2)
    assert np.abs(np.linalg.eigvals(step)).max() == pytest.approx(radius, abs=1e-12)
    z = np.array([0.3, -0.9])
    sizes = []
    for _ in range(60):
        near = a @ z
        z = z + beta * (b @ (2 * near - z) - near)
        sizes.append(np.linalg.norm(z))
    assert (sizes[-1] / sizes[0]) ** (1 / 59) == pytest.approx(radius, rel=0.02)


@pytest.mark.parametrize("broken", ["norm", "reflect", "copies"])
def test_nothing_essential_can_be_left_out(broken):
    """Each of the two runs is solved in 3000 iterations by the whole algorithm, and by none without one part."""
    for seed in (2, 7):
        if broken == "norm":  # once is enough for the whole
            _, ok = advance(NET, draw(seed), X, Y, 3.0, 0.2, 1e-3, True, np.empty(3000))
            assert ok
        gaps, weights = plain_rrr(draw(seed), 3000, **{broken: False})
        assert not (gaps[-1] < 0.01 and accuracy(NET, weights, X, Y) == 1)


# ---- generative: the inputs of an item are free


@pytest.mark.parametrize("kind", [CUBE, ONE_HOT])
@pytest.mark.parametrize("length", [2, 3, 5])
def test_the_code_is_the_nearest_of_all(kind, length):
    every = np.array(list(itertools.product((-1.0, 1.0), repeat=length)))
    every = every if kind == CUBE else every[(every > 0).sum(1) == 1]
    for y in np.random.default_rng(length).normal(size=(50, length)):
        code = np.empty(length)
        nearest_code(y, kind, code)
        np.testing.assert_array_equal(code, every[((every - y) ** 2).sum(1).argmin()])


def free_run(kind=CUBE, images="random", widths=(4, 8, 9), seed=4, iterations=5000):
    labels, net = pictures(images, 0), layered(widths)
    codes = np.zeros((len(labels), widths[0]))
    state = random_state(net, None, labels, np.random.default_rng([0, seed]))
    gaps = np.empty(iterations)
    return net, labels, codes, state, gaps, advance(net, state, codes, labels, 3.0, 0.2, 1e-3, True, gaps, kind=kind)


@pytest.mark.parametrize("kind", [CUBE, ONE_HOT])
def test_free_inputs_are_projected_like_the_rest(kind):
    """Item by item, the step is that of a network with these codes as data; the input nodes move like all others."""
    net, labels, codes, state, gaps, _ = free_run(kind, iterations=1)
    z = random_state(net, None, labels, np.random.default_rng([0, 4]))
    inner = slice(1, net.inputs)
    first = z.y[:, inner].copy()
    assert len(np.unique(first)) == first.size, "every item begins somewhere else"
    wanted = np.sign(first) if kind == CUBE else 2.0 * np.eye(4)[first.argmax(1)] - 1
    np.testing.assert_array_equal(codes, wanted)
    wA, xA, yA, wB, yB = (np.empty_like(a) for a in (z.w, z.x, z.y, z.wB, z.y))
    project_a(net, z.w, z.x, z.y, wanted, 3.0, wA, xA, yA)
    project_b(net, 2 * wA - z.w, 2 * xA - z.x, 2 * yA - z.y, z.g, labels, wB, yB)
    np.testing.assert_allclose(state.y, z.y + 0.2 * (yB - yA), atol=1e-12)
    assert (state.y[:, inner] != first).any(1).all()


def test_a_generative_solution_makes_every_picture_of_its_code_and_does_not_move():
    net, labels, codes, state, gaps, (done, ok) = free_run()
    assert ok and gaps[done - 1] < 0.01 and len(np.unique(codes, axis=0)) == len(labels)
    np.testing.assert_array_equal(infer(net, state.wB, codes)[:, net.nodes - net.outputs :], labels)
    # with margins that these weights have, their own values are in both sets
    y = infer(net, state.wB, codes)
    margins = [
        (y[:, net.source[a:b]] @ state.wB[a:b]) * y[:, net.inputs + k]
        for k, (a, b) in enumerate(zip(net.start, net.start[1:], strict=False))
    ]
    sigma = max(m / max(low.min(), 1e-9) ** 2 for m, low in zip(net.fan_in, margins, strict=True)) * (1 + 1e-9)
    still = relax_reflect.State(
        np.tile(state.wB, (len(labels), 1)),
        y[:, net.source].copy("C"),
        y.copy(),
        np.ones_like(y),
        np.zeros_like(state.wB),
    )
    before, found = [a.copy() for a in still[:3]], np.zeros_like(codes)
    assert advance(net, still, found, labels, sigma, 0.2, 0.0, True, np.empty(3), kind=CUBE) == (1, True)
    np.testing.assert_array_equal(found, codes)
    for a, b in zip(before, still[:3], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def test_pictures_of_bars():
    bars = pictures("bars", 0).reshape(-1, 3, 3)
    assert len(bars) == 14 == len(np.unique(bars, axis=0))
    rows, columns = ((bars == bars.take([0], axis)).all((1, 2)) for axis in (1, 2))
    assert (rows | columns).all() and (rows & columns).sum() == 2  # all and nothing
    assert len(np.unique(pictures("random", 3), axis=0)) == 8


def test_generated_frames_are_what_the_network_makes():
    *_, last = generate.frames(images="random", length=4, sigma=3, runs=3, max_iter=5000)
    assert last.solved.any() and last.progress == 1
    assert (last.made.values == last.shown.values).all() and "makes 8 of the pictures" in last.reading
    np.testing.assert_array_equal(last.picture.values[last.took.values], last.made.values)
    taken = last.takers.values > 0
    assert last.takers.values.sum() == 8 and len(np.unique(last.sign.values, axis=0)) == last.sizes["code"]
    assert taken.sum() == last.codes.values[last.attrs["drawn"]] and taken.sum() + (~taken).sum() == 16
    held = {tuple(p) for p in last.shown.values.tolist()}
    assert [tuple(p) in held for p in last.picture.values.tolist()] == last.known.values.tolist()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (dict(length=2), "only 4 codes"),
        (dict(inputs="one-hot", length=5), "only 5 codes"),
        (dict(inputs="one-hot", length=2, hidden=1, sigma=1, beta=1.0), "only 2 codes"),
        (dict(length=16, hidden=16), "different codes"),
    ],
)
def test_generate_at_its_ends(values, says):
    frame = generate.run(max_iter=500, runs=2, **values)
    assert says in frame.reading and int(frame.codes.max()) <= 14
    if "only" in says:
        assert not frame.solved.any()


# ---- which gates a margin allows


def best_margin(rows, target):
    """max min_i t_i (w.x_i) over |w| = 1, through the smallest w with margin 1; 0 if it is no threshold function."""
    signed = rows * target[:, None]
    if linprog(np.zeros(rows.shape[1]), -signed, -np.ones(len(rows)), bounds=(None, None)).status != 0:
        return 0.0
    start = np.linalg.lstsq(signed, np.ones(len(rows)), rcond=None)[0] * 4
    fit = minimize(
        lambda v: v @ v,
        start,
        jac=lambda v: 2 * v,
        constraints={"type": "ineq", "fun": lambda v: signed @ v - 1, "jac": lambda v: signed},
        options={"ftol": 1e-13, "maxiter": 300},
    )
    assert fit.success
    return 1 / np.linalg.norm(fit.x)


@pytest.mark.parametrize(("inputs", "levels", "functions"), [(2, {1, 3}, 14), (3, {1, 3, 7}, 104)])
def test_margins_of_all_threshold_functions(inputs, levels, functions):
    """Their margins are 1/sqrt(k) for integers k, so that sigma cuts them off one class after the other."""
    rows = np.hstack([-np.ones((2**inputs, 1)), np.array(list(itertools.product((-1.0, 1.0), repeat=inputs)))])
    found = []
    for bits in range(2 ** (2**inputs)):
        target = np.where(bits >> np.arange(2**inputs) & 1, 1.0, -1.0)
        if (margin := best_margin(rows, target)) > 0:
            found.append(margin**-2)
    assert len(found) == functions
    assert np.abs(np.array(found) - np.round(found)).max() < 1e-5
    assert set(np.round(found).astype(int).tolist()) == levels


def test_margins_of_four_inputs_and_a_constant():
    """All 1882 threshold functions of four inputs are integer weights up to 3, in seven classes with integer k."""
    rows = np.hstack([-np.ones((16, 1)), np.array(list(itertools.product((-1.0, 1.0), repeat=4)))])
    weights = np.array(list(itertools.product(range(-3, 4), repeat=5)))
    sums = weights @ rows.T.astype(int)
    weights, sums = weights[(sums != 0).all(1)], sums[(sums != 0).all(1)]
    assert len(np.unique(sums > 0, axis=0)) == 1882
    classes = np.unique(sums[(np.diff(weights, axis=1) <= 0).all(1) & (weights[:, -1] >= 0)] > 0, axis=0)
    found = np.array([best_margin(rows, np.where(target, 1.0, -1.0)) ** -2 for target in classes])
    assert np.abs(found - np.round(found)).max() < 1e-5
    assert len(found) == 7 and {1, 3, 5, 7} < set(np.round(found).astype(int).tolist())
    assert np.sum(found < 3.5) == 2 and np.sum(found < 5.5) == 3


@pytest.mark.parametrize(("sigma", "feasible"), [(2.5, False), (3.1, True)])
def test_a_lone_and_gate_needs_sigma_three(sigma, feasible):
    net, rows = layered((2, 1)), np.array(list(itertools.product((-1.0, 1.0), repeat=2)))
    both = np.where(rows.sum(1, keepdims=True) > 1, 1.0, -1.0)
    for seed in range(3):
        state, gaps = draw(seed, net, rows, both), np.empty(4000)
        _, ok = advance(net, state, rows, both, sigma, 0.2, 1e-3, True, gaps)
        assert ok == feasible
    if feasible:
        np.testing.assert_allclose(state.wB, [1, 1, 1], atol=0.05)


# ---- tasks and gates


@pytest.mark.parametrize("task", ["multiplier2", "eca_cell", "autoencoder", "random_logic"])
def test_tasks_can_be_done_by_their_networks(task):
    made = make_task(task, 110, 16, 0)
    assert made.X.shape == (len(made.X), made.net.inputs - 1) and made.Y.shape == (len(made.X), made.net.outputs)
    everything = np.concatenate([made.X, made.X_test])
    assert len(np.unique(everything, axis=0)) == len(everything) == (16 if task == "multiplier2" else len(everything))
    assert len(made.X_test) == (240 if task == "random_logic" else 0)
    assert set(np.unique(made.Y)) == {-1, 1}


@pytest.mark.parametrize("use", ["infer", "accuracy", "gradient", "advance"])
def test_a_neuron_that_reads_a_later_one_is_refused(use):
    """The value of that one is not there yet: a network whose answers depend on it would be another one."""
    net = layered((2, 2, 1))
    source = net.source.copy()
    source[0] = net.nodes - 1  # the first hidden neuron reads the output
    x, y, w = np.ones((3, 2)), np.ones((3, 1)), np.ones(len(source))

    def run(net):
        if use == "infer":
            infer(net, w, x)
        elif use == "accuracy":
            accuracy(net, w, x, y)
        elif use == "gradient":
            gradient(net, w, x, y, True, np.empty_like(w))
        else:
            state = random_state(net, x, y, np.random.default_rng(0))
            advance(net, state, x, y, 3.0, 0.2, 1e-3, True, np.empty(2))

    run(net)
    with pytest.raises(ValueError, match="source points forward"):
        run(net._replace(source=source))


def test_data_must_be_signs():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="X holds 0"):
        random_state(NET, np.zeros((16, 4)), Y, rng)
    with pytest.raises(ValueError, match="Y of shape"):
        random_state(NET, X, Y[:, :2], rng)
    with pytest.raises(ValueError, match="widths"):
        layered((4,))
    with pytest.raises(ParameterError, match="sigma = 0.5"):
        search.run(sigma=0.5)


@pytest.mark.parametrize(
    ("weights", "kind", "kept"),
    [
        ((1, 1, 1), boolean.AND, (1, 1, 1)),
        ((-1.3, 1, -1), boolean.OR, (-1, 1, -1)),
        ((0.2, -1.7, 0.3), boolean.BUF, (0, -1, 0)),
        ((1.7, 0.1, 0.2), boolean.ZERO, (1, 0, 0)),
        ((-1.7, 0.1, 0.2), boolean.ONE, (-1, 0, 0)),
    ],
)
def test_gates_are_read(weights, kind, kept):
    net, rows = layered((2, 1)), np.array(list(itertools.product((-1.0, 1.0), repeat=2)))
    w = np.array(weights, float)
    kinds, signs = read_gates(net, w, rows)
    assert kinds.tolist() == [kind] and signs.tolist() == list(kept)
    netlist = circuit(net, kinds, signs)
    np.testing.assert_array_equal(truth_table(netlist)[:, 0], infer(net, w, rows)[:, -1] > 0)


def test_a_majority_of_five_is_not_taken_for_a_gate():
    net = layered((5, 1))
    rows = np.array(list(itertools.product((-1.0, 1.0), repeat=5)))
    kinds, signs = read_gates(net, np.array([0, 1.0, 1, 1, 1, 1]), rows)
    assert kinds.tolist() == [NO_GATE] and circuit(net, kinds, signs) is None


def test_a_sum_of_zero_is_minus_one():
    assert infer(layered((1, 1)), np.array([1.0, 1.0]), np.array([[1.0], [-1.0]]))[:, -1].tolist() == [-1, -1]


def test_a_solution_becomes_a_multiplier():
    weights = solved_run().wB
    netlist = circuit(NET, *read_gates(NET, weights, X))
    for a, b in itertools.product(range(4), repeat=2):
        row = np.array([[a >> 1, a & 1, b >> 1, b & 1]], bool)
        out = simulate(netlist, row, netlist.outputs)[0]
        assert int("".join(str(int(bit)) for bit in out), 2) == a * b
    assert accuracy(NET, quantise(NET, weights), X, Y) == 1


# ---- the peers


@pytest.mark.parametrize("straight", [True, False])
def test_gradients_are_torchs(straight):
    rng = np.random.default_rng(0)
    w, grad = rng.normal(size=60), np.empty(60)
    loss, share = gradient(NET, w, X, Y, straight, grad)

    class Sign(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return torch.where(a > 0, 1.0, -1.0).double()

        @staticmethod
        def backward(ctx, back):
            return back * (ctx.saved_tensors[0].abs() <= 1)

    weights = torch.tensor(w, requires_grad=True)
    values = torch.tensor(X)
    for layer, matrix in enumerate(weights.reshape(3, 4, 5)):
        a = torch.cat([-torch.ones(16, 1), values], 1).double() @ matrix.T / np.sqrt(5)
        values = a if layer == 2 else Sign.apply(a) if straight else torch.tanh(a)
    reference = torch.nn.functional.softplus(-torch.tensor(Y) * values).sum() / 16
    (expected,) = torch.autograd.grad(reference, weights)
    assert loss == pytest.approx(reference.item(), rel=1e-12)
    assert share == ((values > 0) == torch.tensor(Y > 0)).double().mean().item()
    np.testing.assert_allclose(grad, expected.numpy(), rtol=1e-10, atol=1e-13)


def test_adam_is_torchs():
    w = np.random.default_rng(0).normal(size=60)
    mine, moments = w.copy(), np.zeros((2, 60))
    theirs = torch.tensor(w, requires_grad=True)
    optimizer = torch.optim.Adam([theirs], lr=0.02)
    grad = np.empty(60)
    for _ in range(30):
        gradient(NET, theirs.detach().numpy(), X, Y, False, grad)
        theirs.grad = torch.tensor(grad)
        optimizer.step()
    adam(NET, mine, *moments, X, Y, 0.02, False, 0, 10)
    assert adam(NET, mine, *moments, X, Y, 0.02, False, 10, 20)[0] == 30
    np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=0, atol=1e-12)


# ---- experiments


def test_search_frames_tell_the_story():
    frames = list(search.frames(runs=3, max_iter=3000))
    last = frames[-1]
    assert 20 < len(frames) < 80 and last.progress == 1
    assert all(a.iteration[-1] <= b.iteration[-1] for a, b in zip(frames, frames[1:], strict=False))
    first = int(np.where(last.solved, last.iterations, 10**6).argmin())
    assert last.attrs["drawn"] == first and last.solved[first]
    assert (frames[0].gate == -2).all() and (last.gate >= 0).all()
    assert "16 of 16 rows" in last.reading
    # a run is what it is whatever runs beside it
    alone, beside = (search.run(runs=n, max_iter=500) for n in (1, 2))
    np.testing.assert_array_equal(alone.gap[0, :50], beside.gap[0, :50])


def test_fewer_rows_leave_some_to_test():
    frame = search.run(items=10, runs=3, max_iter=500)
    assert "6 rows not learned from" in frame.reading and frame.unseen.shape == (3,)


@pytest.mark.parametrize(
    "values",
    [
        dict(sigma=1, beta=1.0, gamma=0.01),
        dict(sigma=9, beta=0.05, gamma=0),
        dict(task="eca_cell", rule=0, sigma=9, beta=1.0, gamma=0.01),
        dict(task="eca_cell", rule=255, sigma=1),
        dict(task="random_logic", items=4, beta=1.0),
        dict(task="random_logic", items=64, runs=1, beta=1.0, gamma=0.01),
        dict(task="autoencoder", method="alternating", sigma=9),
    ],
)
def test_corners_are_finite(values):
    frame = search.run(max_iter=500, **(dict(runs=3) | values))  # frames that are not finite are refused
    assert float(frame.gap.max()) < 100


def test_near_miss_is_what_it_says():
    frame = near_miss.run()
    stuck, through = frame.path[0, -1].values, frame.path_a[1].values
    np.testing.assert_allclose(stuck, [-1.1, 0], atol=0.02)  # below the circle that misses, for ever
    assert abs(through[1]) < 1e-3 and np.hypot(*(through - [1.1, 0.5])) == pytest.approx(1)
    assert float(frame.found[1]) > float(frame.found[0])


def test_readings_say_what_is_there():
    assert "alternating projections are still on their way" in near_miss.run(steps=10).reading
    assert "alternating projections stall" in near_miss.run().reading
    assert "w.x = 0.00 and y = 0.00" in projection.run(w=-0.001, x=0.001, y=-0.001, m=1).reading


def test_near_miss_drifts_by_the_gap():
    """Where alternating projections stand still, RRR moves by beta times the miss, straight away."""
    path = near_miss.run(miss=0.3, beta=0.5, start_x=-1.1, start_y=0.0, steps=10).path
    np.testing.assert_allclose(path[0, 1:], np.tile([-1.1, 0.0], (10, 1)), atol=1e-12)
    np.testing.assert_allclose(np.diff(path[1].values, axis=0), np.tile([0, -0.15], (10, 1)), atol=1e-12)


def test_the_contest_counts_real_solutions():
    frame = against_gradient.run(task="eca_cell", rule=90, max_iter=3000, runs=3)
    assert frame.sizes["work"] == 40 and (np.diff(frame.share.values, axis=1) >= 0).all()
    np.testing.assert_allclose(frame.share[:, -1], frame.solved.mean("repeat"))
    assert ((frame.right[1:, :, -1] == 1) == frame.solved[1:]).all()
    assert frame.solved[0].all()  # an XOR of two inputs is easy for RRR


# ---- exercises


@pytest.mark.parametrize(
    ("exercise", "answer", "right"),
    [
        (few_iterations, "0.5", True),
        (few_iterations, " 1/2 ", True),
        (few_iterations, "0,5", True),
        (few_iterations, "0.2", False),
        (few_iterations, "5e-2", False),
        (lone_majority, "240", True),  # a copy of the left neighbour
        (lone_majority, " 2.04e2 ", True),  # of the cell itself
        (lone_majority, "0", True),
        (lone_majority, "90", False),
        (lone_majority, "232", False),  # a majority of three
        (margin_of_five, "1.342", True),
        (margin_of_five, "1,34", True),
        (margin_of_five, " 1.8^0.5 ", True),
        (margin_of_five, "1.8", False),
        (margin_of_five, "9/5", False),
        (margin_of_five, "0", False),
    ],
)
def test_answers(exercise, answer, right):
    assert (exercise(answer) is True) == right
