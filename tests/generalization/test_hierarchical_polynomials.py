"""Two stages and a bottleneck: exact moments beside regression, descent beside ridge, kernels beside scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge

from labcore.generalization.hierarchical_polynomials import bottleneck as net
from labcore.generalization.hierarchical_polynomials import experiments as papers
from labcore.generalization.hierarchical_polynomials import rivals, sampled
from labcore.generalization.hierarchical_polynomials.exercises import enough_pieces, half_out_of_reach
from labcore.generalization.hierarchical_polynomials.target import (
    Link,
    ceiling,
    correlation,
    degree_two,
    floor,
    form,
    inner,
    link,
    variance,
)
from labcore.primitives.regression.spectral import gd, ridge


def drawn(n, d=6, seed=0, pieces=None):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), inner(d, pieces or d, "equal", rng), rng


@pytest.mark.parametrize(("d", "pieces", "weights"), [(6, 6, "equal"), (9, 4, "equal"), (7, 7, "random")])
def test_the_inner_form_has_no_trace_and_unit_variance(d, pieces, weights):
    a = inner(d, pieces, weights, np.random.default_rng(1))
    assert a == pytest.approx(a.T) and np.trace(a) == pytest.approx(0, abs=1e-12)
    assert 2 * (a * a).sum() == pytest.approx(1)
    assert np.linalg.matrix_rank(a, tol=1e-9) == pieces
    if weights == "equal":
        assert np.sort(np.linalg.eigvalsh(a))[[0, -1]] == pytest.approx(np.array([-1, 1]) / np.sqrt(2 * pieces))


@pytest.mark.parametrize("pieces", [1, 3, 8])
def test_pieces_that_cannot_balance_are_refused(pieces):
    with pytest.raises(ValueError, match=f"pieces = {pieces} is not allowed"):
        inner(6, pieces, "equal", np.random.default_rng(0))


def test_a_link_without_mean_slope_is_refused():
    """An even link: stage 1 would have no signal."""
    with pytest.raises(ValueError, match="slope = 0 is not allowed"):
        link(np.zeros(3), Link(0.0, 0.7, 0.0))


@pytest.mark.parametrize("bend", [0.7, 1.2])
def test_regression_on_all_products_finds_the_inner_form_and_a_multiple_of_the_identity(bend):
    x, a, _ = drawn(200_000)
    features = net.hermite(x)
    y = link(form(x, a), Link(1.0, bend))
    found = net.as_form(np.linalg.lstsq(features, y, rcond=None)[0], 6)
    expected = a + bend / np.sqrt(2) * 2 / 6 * np.eye(6)
    assert expected == pytest.approx(degree_two(a, Link(1.0, bend)), abs=1e-12)
    one, eye = (m / np.linalg.norm(m) for m in (a, np.eye(6)))
    off = found - (found * one).sum() * one - (found * eye).sum() * eye
    assert (off**2).sum() < 0.02 * (found**2).sum(), "what is found lies along A and I"
    assert np.linalg.norm(found - expected) < 0.05 * np.linalg.norm(expected)


@pytest.mark.parametrize("weights", ["equal", "random"])
def test_the_degree_two_part_of_a_cubic_link(weights):
    """Against autograd: half the mean Hessian of g(p(x)), whose mean over x and -x is exact in its odd part."""
    a, g = inner(4, 4, weights, np.random.default_rng(3)), Link(0.8, 0.5, 0.4)
    # E over a Gaussian of a polynomial of degree 4, by Gauss-Hermite quadrature in the eigenbasis
    points, mass = np.polynomial.hermite_e.hermegauss(4)
    mass = mass / mass.sum()
    grid = np.stack(np.meshgrid(*[points] * 4, indexing="ij"), -1).reshape(-1, 4)
    weight = np.prod(np.stack(np.meshgrid(*[mass] * 4, indexing="ij"), -1).reshape(-1, 4), 1)
    matrix, powers = torch.tensor(a), torch.tensor(g.powers)

    def h(x):
        p = x @ matrix @ x
        return (powers * p ** torch.arange(4)).sum()

    second = torch.func.vmap(torch.func.hessian(h))(torch.tensor(grid))
    assert (second.numpy() * weight[:, None, None]).sum(0) / 2 == pytest.approx(degree_two(a, g), abs=1e-10)


def test_variance_floor_and_ceiling_by_sampling():
    x, a, _ = drawn(400_000, 8, 2)
    for g in (Link(1.0, 0.7), Link(0.6, 0.4, 0.2)):
        y, c = link(form(x, a), g), degree_two(a, g)
        best = form(x, c)
        square = (y - y.mean()) ** 2
        assert abs(square.mean() - variance(a, g)) < 5 * square.std() / np.sqrt(len(x))
        rest = (y - y.mean() - best) ** 2
        assert abs(rest.mean() - floor(a, g) * variance(a, g)) < 5 * rest.std() / np.sqrt(len(x))
        assert np.corrcoef(best, form(x, a))[0, 1] == pytest.approx(ceiling(a, g), abs=0.01)
    assert ceiling(a, Link(1.0, 0.7)) == pytest.approx(1 / np.sqrt(1 + 4 * 0.49 / 8), rel=1e-12)
    assert variance(a, Link(1.0, 0.7)) == pytest.approx(1 + 0.49 * (1 + 6 / 8), rel=1e-12)


def test_units_are_sums_of_hermite_features():
    x, _, rng = drawn(50)
    v = rng.standard_normal((11, 6))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    assert net.hermite(x) @ net.units(v) == pytest.approx(net.hidden(x, v), abs=1e-12)
    w = rng.standard_normal(21)
    assert form(x, net.as_form(w, 6)) == pytest.approx(net.hermite(x) @ w, abs=1e-12)


def frozen_units(d, m1, rng):
    v = rng.standard_normal((m1, d))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    t = net.units(v)
    values, basis = np.linalg.eigh(t @ t.T)
    return v, (basis * np.sqrt(np.maximum(values, 0))) @ basis.T


def test_stage_one_is_descent_with_decay_on_u_and_ends_at_ridge():
    """A loop over the weights of all 40 units, with autograd, beside the closed form and the shelf's filter."""
    (x, a, rng), lam = drawn(300), 0.05
    v, root = frozen_units(6, 40, rng)
    y = link(form(x, a), Link(1.0, 0.7))
    features, cross = net.hermite(x), net.hermite(x).T @ y / len(x)
    at = net.modes(root @ (features.T @ features / len(x)) @ root)
    units, target = torch.tensor(net.hidden(x, v)), torch.tensor(y)
    u, rate = torch.zeros(40, dtype=torch.float64, requires_grad=True), 1 / (at.s.max() ** 2 + lam)
    for step in range(5000):
        loss = ((units @ u - target) ** 2).mean() / 2
        (slope,) = torch.autograd.grad(loss, u)
        with torch.no_grad():
            u -= rate * (slope + lam * u)
        if step == 19:
            early = (units @ u).detach().numpy()
    new = rng.standard_normal((100, 6))
    ends = net.hidden(new, v) @ u.detach().numpy()
    assert net.hermite(new) @ net.fit_inner(at, root, cross, lam) == pytest.approx(ends, abs=1e-6)
    assert net.hermite(new) @ net.fit_inner(at, root, cross, lam, 5000) == pytest.approx(ends, abs=1e-6)
    assert features @ net.fit_inner(at, root, cross, lam, 20) == pytest.approx(early, abs=1e-9)
    decayed = np.sqrt(at.s**2 + lam)
    filtered = ridge(at.s, lam, 1) * gd(decayed, 20, rate) / np.maximum(at.s, 1e-12) ** 2
    by_filter = root @ (at.basis @ (filtered * (at.basis.T @ root @ cross)))
    assert features @ by_filter == pytest.approx(early, abs=1e-9)


def test_enough_units_give_the_same_first_stage_whatever_they_are():
    x, a, rng = drawn(200)
    y, features = link(form(x, a), Link(1.0, 0.7)), net.hermite(x)
    found = []
    for m1 in (30, 36):
        _, root = frozen_units(6, m1, rng)
        at = net.modes(root @ (features.T @ features / 200) @ root)
        found.append(net.fit_inner(at, root, features.T @ y / 200, 1e-13))
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert found[0] == pytest.approx(np.linalg.lstsq(features, y, rcond=None)[0], abs=1e-6)


def test_stage_two_is_linear_where_the_bottleneck_is_right_already():
    x, a, rng = drawn(2000)
    p = form(x, a)
    fitted = net.fit_outer(p, p, *net.second_layer(64, rng))
    assert fitted.c == pytest.approx(0, abs=1e-12) and net.predict(fitted, np.array([-3.0, 4.0])) == pytest.approx(
        [-3, 4]
    )
    setting = sampled.Setting(10, 100, 0.5, 0)
    target = inner(10, 10, "equal", np.random.default_rng(0))
    found = sampled.find(setting, target, Link(), 32)
    assert sampled.learn(setting, target, Link(), 32, 64, found).error < 1e-6


def test_stage_two_descends_to_its_ridge_solution():
    x, a, rng = drawn(3000)
    p = form(x, a)
    given = p, link(p, Link(1.0, 0.7)), *net.second_layer(16, rng)
    at = np.linspace(-2, 2, 9)
    closed, long = (net.predict(net.fit_outer(*given, steps), at) for steps in (0, 60_000))
    assert long == pytest.approx(closed, abs=1e-6)
    many = net.fit_outer(*given[:2], *net.second_layer(256, rng))
    assert net.predict(many, at) == pytest.approx(link(at, Link(1.0, 0.7)), abs=0.1), "the link is found, and no slope"


def test_kept_moments_are_those_of_the_samples():
    setting = sampled.Setting(8, 64, 0.5, 3)
    d = sampled.draw(*setting)
    n1, n2 = d.size(5)
    assert (n1, n2) == (160, 160)
    features = net.hermite(d.first[:n1])
    assert d.sums[4] == pytest.approx(features.T @ features)
    a, g = inner(8, 8, "equal", np.random.default_rng(0)), Link(1.0, 0.7)
    at = net.modes(d.root @ (features.T @ features / n1) @ d.root)
    w = net.fit_inner(at, d.root, features.T @ link(form(d.first[:n1], a), g) / n1, 0.1)
    assert sampled.find(setting, a, g, 5, 0.1) == pytest.approx(net.as_form(w, 8), abs=1e-10)


def test_stages_share_no_sample():
    d = sampled.draw(8, 64, 0.5, 3)
    for one, two in ((d.first, d.fresh), (d.first, d.test), (d.fresh, d.test)):
        assert not np.isin(one[:, 0], two[:, 0]).any()


def test_samples_seen_twice_flatter_the_bottleneck():
    """Why stage 2 needs its own: on stage 1's samples the bottleneck seems to know more than it does."""
    setting, g = sampled.Setting(16, 256, 0.5, 1), Link(1.0, 0.7)
    a, d = inner(16, 16, "equal", np.random.default_rng(1)), sampled.draw(16, 256, 0.5, 1)
    b = sampled.find(setting, a, g, 2)
    seen, fresh = (np.corrcoef(form(x[:256], b), link(form(x[:256], a), g))[0, 1] for x in (d.first, d.fresh))
    assert seen > fresh + 0.05


@pytest.mark.parametrize("name", ["exp", "quadratic", "quartic"])
def test_kernels_are_scikit_learns(name):
    (x, a, rng), degree = drawn(60, 8), {"quadratic": 2, "quartic": 4}.get(name)
    y, test = link(form(x, a), Link(1.0, 0.7)), rng.standard_normal((200, 8))
    y_test = link(form(test, a), Link(1.0, 0.7))
    if degree:
        peer = KernelRidge(kernel="polynomial", degree=degree, gamma=1 / 8, coef0=1)
        given = x, test
    else:
        peer = KernelRidge(kernel="precomputed")
        given = np.exp(x @ x.T / 8), np.exp(test @ x.T / 8)
    errors = [
        ((peer.set_params(alpha=alpha).fit(given[0], y).predict(given[1]) - y_test) ** 2).mean()
        for alpha in rivals.RIDGES
    ]
    # the target in two parts: fits are linear in it
    fits = rivals.kernel_fits(x, np.stack([form(x, a), y - form(x, a)], 1), test, name)
    found = rivals.kernel_error(fits, np.ones(2), y_test)
    assert found == pytest.approx(min(errors) / y_test.var(), rel=1e-8)


def test_the_quadratic_kernel_by_features_is_the_kernel():
    x, _, rng = drawn(80, 8)
    z = rivals.products(x)
    assert z @ z.T == pytest.approx(rivals.kernel(x, x, "quadratic"), rel=1e-10)
    a = inner(8, 8, "equal", rng)
    y, test = link(form(x, a), Link(1.0, 0.7)), rng.standard_normal((100, 8))
    y_test = link(form(test, a), Link(1.0, 0.7))
    fits = rivals.kernel_fits(x, y[:, None], test, "quadratic")
    weights = KernelRidge(alpha=1e-3, kernel="polynomial", degree=2, gamma=1 / 8, coef0=1).fit(x, y)
    error = rivals.kernel_error(fits, np.ones(1), y_test)
    assert error <= ((weights.predict(test) - y_test) ** 2).mean() / y_test.var() + 1e-9


def test_descent_and_closed_form_give_one_experiment():
    closed = papers.bottleneck.run("quick")
    long = papers.bottleneck.run("quick", training="gradient descent", steps=5000)
    assert float(long.correlation) == pytest.approx(float(closed.correlation), abs=1e-3)
    assert float(long.error) == pytest.approx(float(closed.error), abs=0.01)
    short = papers.bottleneck.run("quick", training="gradient descent", steps=1)
    assert float(short.error) > float(closed.error)


def test_parts_of_the_bottleneck_are_shares_and_start_with_the_correlation():
    frame = papers.bottleneck.run("quick")
    assert frame.parts.sum("part").values == pytest.approx(1) and float(frame.now.sum()) == pytest.approx(1)
    assert float(np.sqrt(frame.now[0])) == pytest.approx(abs(float(frame.correlation)))
    p, learned = frame.inner.values, frame.learned.values
    assert np.corrcoef(p, learned)[0, 1] == pytest.approx(float(frame.correlation), abs=0.06)


def test_an_odd_dimension_keeps_its_pieces_even():
    assert [papers.pieces_of(d, share) for d, share in ((9, 1.0), (24, 1.0), (24, 0.05), (9, 0.5))] == [8, 24, 2, 4]
    frame = papers.bottleneck.run("quick", d=9)
    assert float(frame.ceiling) == pytest.approx(1 / np.sqrt(1 + 4 * 0.49 / 8))


def test_stage_one_alone_stays_above_the_floor():
    frame = papers.bottleneck.run(samples=32)
    assert float(frame.first_error) > 0.97 * float(frame.floor) and float(frame.error) < 0.5 * float(frame.floor)


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert enough_pieces("38") is True and enough_pieces(" L = 38 ") is True
    assert "Fewer" in enough_pieces("40") and "0.9" in enough_pieces("36") and "even" in enough_pieces("37")
    assert half_out_of_reach("1,04") is True and half_out_of_reach("a = 1") is True
    assert "0.3" in half_out_of_reach("0.7")
    for nonsense in ("", "many"):
        with pytest.raises(ValueError, match="pieces L"):
            enough_pieces(nonsense)
        with pytest.raises(ValueError, match="bend a"):
            half_out_of_reach(nonsense)
    assert correlation(np.eye(2), np.eye(2)) == pytest.approx(1)


@pytest.mark.parametrize("bend", [0.3, 0.6, 0.7])  # where a place of the scale is next to the value, or is not
def test_the_bend_of_all_pieces_can_be_dragged(bend):
    frame = papers.pieces.run("quick", bend=bend)
    (hand,) = papers.pieces.view(frame)["layout"]["meta"]["hands"]
    assert bend in hand["up"]["values"] and np.all(np.diff(hand["up"]["places"]) < 0)
