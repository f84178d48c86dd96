"""Separable models against explicit tensors, scikit-learn and known densities; roll-outs; claims."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import SplineTransformer

from labcore.kan.separable import (
    Head,
    additive,
    als,
    bases,
    logistic,
    mechanism,
    order_two,
    products,
    roll_out,
    target,
)
from labcore.kan.separable.exercises import sparing, still_alive
from labcore.kan.separable.experiments import atoms, fit, rollout
from labcore.kan.separable.mechanism import balanced
from labcore.kan.separable.product_target import parts
from labcore.primitives.contest.equal_size import matched_width
from labcore.primitives.runs.batched_adam import Adam


def rng(seed=0):
    return np.random.default_rng(seed)


def single(*arrays):
    return [torch.as_tensor(a) for a in arrays]


def test_cp_on_a_grid_is_the_tensor_of_its_factors():
    grids = [np.linspace(0, 1, n) for n in (4, 5, 6)]  # x = 1 is the right end
    c = rng().normal(size=(3, 9, 2))
    factors = [bases(g[:, None], 6)[0] @ c[j] for j, g in enumerate(grids)]
    tensor = np.einsum("ar,br,cr->abc", *factors)
    points = np.stack(np.meshgrid(*grids, indexing="ij"), -1).reshape(-1, 3)
    basis, atoms_ = single(bases(points, 6)[None], c[None])
    np.testing.assert_allclose(products(basis, atoms_)[0].sum(-1).reshape(4, 5, 6), tensor, atol=1e-12)
    assert np.abs(tensor[-1, -1, -1]) > 0


def test_product_gradient_is_right_beside_a_zero():
    basis, c = single(bases(rng().uniform(size=(5, 3)), 4)[None], rng(1).normal(size=(1, 3, 7, 2)))
    c[0, 1, :, 0] = 0.0  # a dead atom: quotients would be 0/0
    c.requires_grad_()
    assert torch.autograd.gradcheck(lambda a: products(basis, a), c)
    (g,) = torch.autograd.grad(products(basis, c).sum(), c)
    assert torch.isfinite(g).all() and (g[0, 1, :, 0] != 0).any() and (g[0, 0, :, 0] == 0).all()


def test_order_two_is_the_sum_over_pairs():
    basis, c = single(bases(rng().uniform(size=(6, 4)), 3)[None], rng(1).normal(size=(1, 4, 6, 3)))
    psi = (basis @ c)[0]
    by_hand = psi[..., 0].sum(0)
    for i in range(4):
        for j in range(i):
            by_hand = by_hand + (psi[i, :, 1:] * psi[j, :, 1:]).sum(-1)
    np.testing.assert_allclose(order_two(basis, c)[0], by_hand, atol=1e-12)


def test_als_recovers_a_product_to_spline_error():
    x = rng().uniform(size=(3000, 3))

    def f(p):
        return np.exp(p[:, 0]) * np.sin(3 * p[:, 1] + 0.5) * (0.5 + p[:, 2] ** 2)

    c, _ = als(bases(x, 20), f(x), 1, rng(1), ridge=1e-12)
    fresh = rng(2).uniform(size=(500, 3))
    out = (bases(fresh, 20) @ c).prod(0).sum(1)
    assert np.sqrt(np.mean((out - f(fresh)) ** 2)) / f(fresh).std() < 1e-3


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_als_objective_never_rises(rank):
    x = rng().uniform(size=(600, 6))
    _, objective = als(bases(x, 5), target(x) + 0.1 * rng(3).normal(size=600), rank, rng(1), sweeps=15, ridge=1e-4)
    assert len(objective) == 15 * 6
    assert (np.diff(objective) <= 1e-9 * objective[:-1]).all() and objective[-1] < objective[0]


def test_als_solves_are_least_squares():
    """The last coordinate solved cannot be improved by any small change."""
    x = rng().uniform(size=(300, 2))
    basis, y = bases(x, 3), target(x)
    c, objective = als(basis, y, 2, rng(1), sweeps=3, ridge=1e-4)
    for direction in rng(2).normal(size=(20, 6, 2)):
        moved = c.copy()
        moved[-1] += 1e-3 * direction
        assert np.mean(((basis @ moved).prod(0).sum(1) - y) ** 2) + 1e-4 * (moved**2).sum() >= objective[-1]


def test_als_finds_the_rank_of_a_sum_of_products():
    """Four products of random splines: four components find them from every start, three cannot."""
    c = rng(42).normal(size=(3, 9, 4))
    for seed in range(4):
        x, fresh = rng([seed, 0]).uniform(size=(1500, 3)), rng([seed, 1]).uniform(size=(500, 3))
        y, truth = ((bases(p, 6) @ c).prod(0).sum(1) for p in (x, fresh))

        def error(rank, x=x, y=y, fresh=fresh, truth=truth, seed=seed):
            found, _ = als(bases(x, 6), y, rank, rng([seed, 2]))
            return np.sqrt(np.mean(((bases(fresh, 6) @ found).prod(0).sum(1) - truth) ** 2)) / truth.std()

        assert error(4) < 0.03 < 0.15 < error(3)


def test_als_keeps_the_best_of_its_starts():
    """Around 0 alone a product of six atoms is nearly 0 almost everywhere; around 1 alone components do not part."""
    x = rng().uniform(size=(1000, 6))
    one = [als(bases(x, 6), target(x), 2, rng(s), starts=1)[1][-1] for s in range(3)]
    best = [als(bases(x, 6), target(x), 2, rng(s))[1][-1] for s in range(3)]
    assert max(best) <= 1.2 * min(one) and max(best) < 1e-3 * target(x).var()
    with pytest.raises(ValueError, match="starts = 0"):
        als(bases(x, 6), target(x), 2, rng(), starts=0)


def test_balancing_keeps_the_products_and_lowers_the_ridge():
    c = rng().normal(size=(3, 5, 2)) * np.array([1.0, 10.0, 0.01])[:, None, None]
    even, basis = balanced(c), rng(1).normal(size=(3, 7, 5))
    np.testing.assert_allclose((basis @ even).prod(0), (basis @ c).prod(0), rtol=1e-10)
    np.testing.assert_allclose(np.ptp((even**2).sum(1), axis=0), 0, atol=1e-12)
    assert (even**2).sum() < (c**2).sum()
    c[1, :, 0] = 0
    assert (balanced(c)[:, :, 0] == c[:, :, 0]).all() and np.isfinite(balanced(c)).all()


def test_additive_is_scikit_learn():
    x = rng().uniform(size=(500, 3))
    y = np.sin(4 * x[:, 0]) + x[:, 1] ** 2 + 0.1 * rng(1).normal(size=500)
    knots = np.tile(np.linspace(0, 1, 7)[:, None], 3)
    features = SplineTransformer(degree=3, knots=knots, include_bias=True).fit_transform(x)
    theirs = Ridge(alpha=1e-4 * 500, fit_intercept=False, solver="cholesky").fit(features, y).predict(features)
    ours = np.einsum("dnk,dk->n", bases(x, 6), additive(bases(x, 6), y, ridge=1e-4))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_additive_learns_an_additive_target_and_no_product():
    x, fresh = rng().uniform(size=(2000, 3)), rng(1).uniform(size=(500, 3))

    def error(f):
        out = np.einsum("dnk,dk->n", bases(fresh, 10), additive(bases(x, 10), f(x)))
        return np.sqrt(np.mean((out - f(fresh)) ** 2)) / f(fresh).std()

    assert error(lambda p: np.sin(3 * p[:, 0]) + np.exp(p[:, 1]) - p[:, 2]) < 1e-3
    assert error(lambda p: (p - 0.5).prod(1)) > 0.95


def test_target_is_the_formula():
    p = rng().uniform(size=(50, 6))
    a, b, c, d, e, f = p.T
    by_hand = np.exp(-8 * (a - 0.5) ** 2) * np.sin(2 * np.pi * b) * (1 + c) * np.cos(np.pi * d) + 0.5 * e * f
    np.testing.assert_allclose(target(p), by_hand, rtol=1e-12)
    wide = np.hstack([p, rng(1).uniform(size=(50, 3))])
    # columns of another stride: functions of numpy may differ by two ulps each, and there are five factors
    np.testing.assert_allclose(target(wide), target(p), rtol=0, atol=10 * 2.3e-16 * np.abs(target(p)).max())
    assert (parts(p[:, :3])[1] == 0).all()


def test_adam_is_torch_adam():
    start = torch.as_tensor(rng().normal(size=(1, 4)), dtype=torch.float64)
    ours, theirs = start.clone().requires_grad_(), start.clone().requires_grad_()
    mine, reference = Adam([ours], torch.tensor([0.1], dtype=torch.float64), 10**9), torch.optim.Adam([theirs], lr=0.1)
    for _ in range(20):
        mine.step((ours**4).sum(1))
        reference.zero_grad()
        (theirs**4).sum().backward()
        reference.step()
    np.testing.assert_allclose(ours.detach(), theirs.detach(), rtol=1e-7)


# ---- atoms


def test_each_component_carries_one_product():
    first, second = (atoms.run(off=k) for k in (1, 2))
    kin = np.abs(first.kinship.values)
    assert kin[0, 0] > 0.99 and kin[1, 1] > 0.99 and max(kin[0, 1], kin[1, 0]) < 0.2
    assert first.attrs["error"] < 0.02 and first.attrs["cut"] > 0.8 > 0.5 > second.attrs["cut"] > 0.2
    # f along x2 dies with the first product, f along x5 with the second
    still = [np.ptp(f.slice_cut.values, axis=1) / np.ptp(f.slice_true.values, axis=1) for f in (first, second)]
    assert still[0][1] < 0.02 and still[0][4] > 0.9 and still[1][1] > 0.9 and still[1][4] < 0.05


def test_error_rises_only_where_it_does():
    assert "the error rises: " in atoms.run(off=2).reading
    spare = atoms.run(off=4, rank=4)  # the target has two products
    assert (
        "the error stays about the same: " in spare.reading and abs(spare.attrs["cut"] / spare.attrs["error"] - 1) < 0.1
    )


def test_slices_are_sums_of_components():
    whole, off = atoms.run(off=0, rank=3), atoms.run(off=2, rank=3)
    # two sums of the same three components, perhaps in another order
    atol = 3 * 2.3e-16 * float(np.abs(whole.slice_model).max() + np.abs(whole.weight).sum())
    np.testing.assert_allclose(whole.slice_model, whole.slice_cut, rtol=0, atol=atol)
    at = dict(zip(range(6), [0.5, 0.25, 0.5, 0.1, 0.8, 0.8]))
    one = [off.psi.sel(component=2, input=j + 1).values for j in range(6)]
    others = np.prod([np.interp(at[j], off.x, one[j]) for j in range(6) if j != 1])
    lost = (off.slice_model - off.slice_cut).sel(input=2).values
    np.testing.assert_allclose(lost, off.weight.values[1] * one[1] * others, atol=2e-3)


@pytest.mark.parametrize(
    "values", [dict(rank=1, off=1), dict(rank=8, intervals=12, d=2), dict(d=8, intervals=3), dict(off=8)]
)
def test_corners_of_atoms(values):
    frame = atoms.run(**values)
    assert np.isfinite(frame.psi).all() and frame.progress == 1


# ---- training


def test_models_are_equally_large():
    frame = fit.run(steps=200, n_train=300, n_seeds=1)
    count = dict(zip(frame.model.values, frame.params.values))
    assert count["CP"] == count["order 2"] == 4 * 6 * 9 + 1 and abs(count["MLP"] / count["CP"] - 1) < 0.03
    for d, n in ((2, 20), (10, 2000)):
        h = matched_width(n, lambda h, d=d: (d + h + 3) * h + 1)
        assert abs((d + h + 3) * h + 1 - n) <= d + h + 4


def test_cp_needs_as_many_products_as_the_target_has():
    first, second = parts(rng().uniform(size=(10_000, 6)))
    left_out = second.std() / (first + second).std()  # what one product, spent on the larger part, cannot reach
    one, three = (float(fit.run(rank=r, n_train=1500, n_seeds=1, steps=400).error[0, 0, -1]) for r in (1, 3))
    assert one == pytest.approx(left_out, rel=0.15) and three < 0.2 * left_out


@pytest.mark.parametrize("values", [dict(d=2, rank=1, intervals=3), dict(d=10, rank=12, intervals=20, noise=1.0)])
def test_corners_of_fit(values):
    frame = fit.run(steps=200, n_train=300, n_seeds=1, **values)
    assert np.isfinite(frame.error).all() and frame.progress == 1


# ---- chaos


def test_fully_chaotic_density():
    states = logistic(rng().uniform(0.1, 0.9, size=40), 4.0, 1, 5000)[:, 100:].ravel()
    edges = np.linspace(0, 1, 21)
    share, _ = np.histogram(states, edges)
    # the integral of 1 / (pi sqrt(x (1 - x))) is (2 / pi) arcsin sqrt(x)
    np.testing.assert_allclose(share / len(states), np.diff(2 / np.pi * np.arcsin(np.sqrt(edges))), atol=0.003)


def test_seeing_every_p_steps():
    every, sixth = logistic(np.array([0.3]), 3.99, 1, 60), logistic(np.array([0.3]), 3.99, 6, 10)
    np.testing.assert_array_equal(every[:, ::6], sixth)


def test_head_outputs_are_products_of_atoms():
    g = rng()
    head = Head(g.normal(size=(2, 3, 9, 4)), g.normal(size=(2, 4, 5)))
    history = g.uniform(size=(2, 7, 3))
    out = head.outputs(history)
    for s in range(2):
        basis, c = single(bases(history[s], 6)[None], head.atoms[s][None])
        np.testing.assert_allclose(out[s], products(basis, c)[0].numpy() @ head.u[s], atol=1e-12)


def test_sampling_follows_the_logits():
    odds = np.array([0.1, 0.0, 0.6, 0.3])
    constant = np.ones((1, 1, 4, 1))  # B-splines sum to 1
    head = Head(constant, np.log(odds + 1e-300)[None, None])
    states = roll_out(head, np.full((1, 500, 1), 0.5), 40, [rng(1)])
    share, _ = np.histogram(states, 4, (0, 1))
    np.testing.assert_allclose(share / states.size, odds, atol=0.015)
    inside = 4 * states[(states > 0.5) & (states < 0.75)] - 2
    assert abs(inside.mean() - 0.5) < 0.02 and abs(inside.std() - 12**-0.5) < 0.02  # uniform inside the bin


def test_mean_roll_out_feeds_its_own_output():
    head = Head(np.ones((1, 1, 4, 1)) * np.linspace(0, 1, 4)[:, None], np.full((1, 1, 1), 0.5))
    states = roll_out(head, np.array([[[0.8]]]), 3, [rng()])[0, 0]
    state = 0.8
    for seen in states:
        state = float(0.5 * (bases(np.array([[state]]), 1)[0] @ np.linspace(0, 1, 4))[0])
        assert seen == pytest.approx(state, abs=1e-12)


def test_a_map_that_can_be_resolved_needs_no_distribution():
    frame = rollout.run(p=1, steps=300, length=1000, n_seeds=1)
    assert frame.spread.values[0, 0] > 0.9 and frame.w1.values[0, 0] < 0.05


def test_forecast_of_the_mean_model_is_the_conditional_mean():
    frame = rollout.run(steps=600, length=1000, n_seeds=1)
    mean = float(frame.next.mean())
    assert np.abs(frame.forecast.values - mean).mean() < 0.12 and frame.next.values.std() > 0.3


def test_odds_are_densities():
    frame = rollout.run(steps=100, n_seeds=1, length=500)
    np.testing.assert_allclose(frame.odds.mean("bin"), 1, rtol=1e-9)
    np.testing.assert_allclose(frame.hist.mean("bin"), 1, rtol=1e-9)
    assert frame.states.min() >= 0 and frame.states.max() <= 1


@pytest.mark.parametrize(
    "values",
    [
        dict(p=10, bins=80, rank=12, lags=3, intervals=20),
        dict(p=1, bins=10, rank=1, lags=1, intervals=3, r=3.6),
        dict(r=4.0),
    ],
)
def test_corners_of_rollout(values):
    frame = rollout.run(steps=100, length=500, n_seeds=1, **values)
    assert np.isfinite(frame.w1).all() and frame.progress == 1


def test_splines_are_built_once():
    assert mechanism._splines(6, 2) is mechanism._splines(6, 2)


# ---- exercises


@pytest.mark.parametrize(("answer", "right"), [(" 6/2 ", True), pytest.param("4,0", False, marks=pytest.mark.nightly)])
def test_an_answer_about_the_rank(answer, right):
    assert (sparing(answer) is True) == right


@pytest.mark.parametrize(("answer", "right"), [(" 1,0 ", True), pytest.param("6", False, marks=pytest.mark.nightly)])
def test_an_answer_about_the_future(answer, right):
    assert (still_alive(answer) is True) == right


@pytest.mark.parametrize("exercise", [sparing, still_alive])
@pytest.mark.parametrize("answer", ["", "many", "99"])
def test_what_cannot_be_tried_says_so(exercise, answer):
    with pytest.raises(ValueError):
        exercise(answer)
