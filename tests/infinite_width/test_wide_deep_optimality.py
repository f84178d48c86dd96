"""Deep kernels: the plain recursion, a network's own tangent kernel, functional equations, and the three ends."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest

from labcore.infinite_width.wide_deep_optimality import (
    alpha,
    dual,
    log_kernel,
    log_koenigs,
    nearest,
    network_votes,
    regime,
    singular_vote,
    slope_at_one,
)
from labcore.infinite_width.wide_deep_optimality import experiments as papers
from labcore.infinite_width.wide_deep_optimality.dual import activation
from labcore.infinite_width.wide_deep_optimality.exercises import for_a_circle, twice_as_near
from labcore.infinite_width.wide_deep_optimality.votes import correlations

ACTIVATIONS = [(0, 0.5, 3), (0.3, 0.4, 3), (0, 0, 2), (0, 0, 3), (0.1, 0, 5), (0, 0.9, 7), (0.002, 0.95, 2), (1, 0, 2)]


def plain(xi, c, depth):
    """The recursion as it is written, in numbers that may vanish."""
    q = np.polynomial.Polynomial(c)
    slope, s, k = q.deriv(), xi.copy(), xi.copy()
    for _ in range(depth):
        s, k = q(s), q(s) + k * slope(s)
    return k


@pytest.mark.parametrize("shares", ACTIVATIONS)
def test_the_kernel_is_the_recursion(shares):
    c, xi, depths = dual(*shares), np.array([0.01, 0.2, 0.7, 0.999, 1.0]), np.array([0, 1, 2, 2, 5, 9, 60])
    ours = log_kernel(xi, c, depths)
    for row, depth in zip(ours, depths, strict=True):
        expected = plain(xi, c, depth)
        seen = expected > 1e-280
        assert row[seen] == pytest.approx(np.log(expected[seen]), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("shares", [(0, 0.5, 3), (0.3, 0.4, 3), (0.0025, 0.5, 3), (0, 0.9, 2)])
def test_thousands_of_layers_in_closed_form_are_thousands_of_layers(shares):
    """The whole way is gone layer by layer, on a scale on which nothing vanishes."""
    c, xi, depth = dual(*shares), 0.6, 3000
    base = c[1] if c[0] == 0 else 1.0
    s, t, k = xi, xi, xi
    for _ in range(depth):
        q = float(np.polyval(c[::-1], s))
        slope = float(np.polyval(np.polyder(c[::-1]), s))
        t = t * (q / s) / base if s > 1e-290 else t  # smaller numbers lose their digits
        k = (t if c[0] == 0 else q) + k * slope / base
        s = q
    ours = log_kernel(np.array([xi]), c, np.array([depth]))[0, 0]
    assert ours == pytest.approx(np.log(k) + depth * np.log(base), rel=1e-9)


def test_the_dual_is_what_an_activation_passes_on():
    rng, c = np.random.default_rng(0), dual(0.1, 0.4, 3)
    u, w = rng.normal(size=(2, 2_000_000))
    for xi in (0.0, 0.5, 0.9):
        v = xi * u + np.sqrt(1 - xi**2) * w
        products = activation(c, u) * activation(c, v)
        error = products.std() / np.sqrt(len(u))
        assert abs(products.mean() - np.polynomial.Polynomial(c)(xi)) < 5 * error
    z = np.linspace(-4, 4, 100_001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    steep = np.gradient(activation(dual(0, 0.5, 3), z), z)
    assert np.trapezoid(steep**2 * density, z) == pytest.approx(slope_at_one(dual(0, 0.5, 3)), rel=2e-2)


def test_a_wide_network_has_this_tangent_kernel():
    """One hidden layer: the Gram matrix of all its gradients, averaged over draws, is K_1."""
    rng, c = np.random.default_rng(1), dual(0.05, 0.5, 3)
    x = np.abs(rng.normal(size=(3, 3)))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    xi = x @ x.T
    width, grams = 200_000, []
    for _ in range(4):
        w, a = rng.normal(size=(width, 3)), rng.normal(size=width)
        z = x @ w.T
        h, slope = activation(c, z), (activation(c, z + 1e-5) - activation(c, z - 1e-5)) / 2e-5
        grams.append((h @ h.T + (slope * a) @ (slope * a).T * xi) / width)
    expected = np.exp(log_kernel(np.minimum(xi, 1).ravel(), c, np.array([1]))[0]).reshape(3, 3)
    assert np.mean(grams, 0) == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("shares", [(0, 0.5, 3), (0, 0.2, 2), (0, 0.9, 7)])
def test_psi_solves_its_equation_and_is_the_limit(shares):
    c, xi = dual(*shares), np.array([1e-6, 0.1, 0.5, 0.9])
    q = np.polynomial.Polynomial(c)
    assert log_koenigs(q(xi), c) == pytest.approx(log_koenigs(xi, c) + np.log(c[1]), abs=1e-6)
    assert log_koenigs(xi[:1], c)[0] == pytest.approx(np.log(xi[0]), abs=1e-4), "psi'(0) = 1"
    depth = 10**7
    limit = log_kernel(xi, c, np.array([depth]))[0] - depth * np.log(c[1]) - np.log(depth)
    assert limit == pytest.approx(log_koenigs(xi, c), abs=1e-4)


def test_regimes_and_the_exponent():
    assert [regime(dual(*s)) for s in ((0.1, 0.5, 3), (0, 0, 2), (0, 0.5, 3), (0, 1, 2))] == [
        "majority",
        "nearest neighbour",
        "weighted vote",
        "none",
    ]
    assert alpha(dual(0, 0.5, 3)) == pytest.approx(2) and Fraction(slope_at_one(dual(0, 0.5, 3))) == 2
    with pytest.raises(ValueError, match="only those with"):
        alpha(dual(0.1, 0.5, 3))


def test_votes_against_brute_force():
    rng = np.random.default_rng(2)
    x, z = (papers._inputs(n, 2, rng) for n in (21, 40))
    y, c = np.where(rng.random(21) < 0.5, 1.0, -1.0), dual(0.02, 0.5, 3)
    within, across = correlations(x, x), correlations(x, z)
    np.fill_diagonal(within, 1.0)
    depths = np.array([3, 5, 8])  # the kernel of fewer layers is a polynomial of low degree, and singular
    for depth, said in zip(depths, network_votes(within, across, y, c, depths), strict=True):
        expected = plain(across, c, depth) @ np.linalg.solve(plain(within, c, depth), y)
        assert (np.sign(said) == np.sign(expected)).all()
    c = dual(0, 0.5, 3)
    expected = np.exp(log_koenigs(across.ravel(), c)).reshape(across.shape) @ y
    assert (np.sign(singular_vote(across, y, c)) == np.sign(expected)).all()
    distance = ((z[:, None] - x[None]) ** 2).sum(-1)
    assert (nearest(across, y) == y[distance.argmin(1)]).all()


def test_it_ends_in_one_of_three_ways():
    ends = {}
    for name, values in (
        ("majority", dict(constant=0.3, linear=0.4)),
        ("nearest neighbour", dict(linear=0.0, power=2)),
        ("weighted vote", dict(linear=0.5)),
    ):
        frame = papers.answers.run(n=101, depth=20_000, seed=3, **values)
        ends[name] = float(frame.agree.sel(rule=name)[-1])
    assert all(agree > 0.97 for agree in ends.values()), ends


def test_the_map_is_on_the_octant():
    x = papers._pixels(30)
    assert (x > 0).all() and (x**2).sum(1) == pytest.approx(1)
    across, up = papers._flat(x)
    assert len(np.unique(across.round(9))) <= 30 and len(np.unique(up.round(9))) <= 30 and up.max() < np.sqrt(0.75)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: dual(-0.1, 0.5, 3), "constant = -0.1"),
        (lambda: dual(0.1, 1.5, 3), "linear = 1.5"),
        (lambda: dual(0.1, 0.5, 1), "power = 1"),
        (lambda: log_kernel(np.array([0.5]), np.array([0.5, 0.4]), np.array([1])), "add up to 1"),
        (lambda: log_kernel(np.array([1.5]), dual(0, 0.5, 3), np.array([1])), "xi"),
        (lambda: log_kernel(np.array([0.5]), dual(0, 0.5, 3), np.array([2, 1])), "must not fall"),
        (lambda: log_kernel(np.array([0.5]), dual(0, 0.0, 3), np.array([10_000])), "vanish doubly fast"),
        (lambda: log_koenigs(np.array([0.5]), dual(0.1, 0.5, 3)), "c must have no constant"),
        (lambda: correlations(-np.eye(3), np.eye(3)), "x is not allowed"),
    ],
)
def test_what_has_no_kernel_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_exercises_take_what_is_right_and_help_with_the_rest():
    low, high = 0.01, 0.99
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if alpha(dual(0, middle, 5)) > 1 else (low, middle)
    assert for_a_circle(f"{low:.4f}") is True and "α = " in for_a_circle("0.9")
    with pytest.raises(ValueError, match="linear part"):
        for_a_circle("1.2")
    assert twice_as_near("4") is True and "α = 1" in twice_as_near("2") and twice_as_near("40") is False


def test_the_reading_says_how_steep_this_network_is_and_its_limit():
    for depth, layers in ((1, "1 layer,"), (40, "40 layers,"), (100_000, "100,000 layers,")):
        frame = papers.profile.run(depth=depth, start=0.5)
        near = frame.kernel.where((frame.distance > 0.02) & (frame.distance < 0.05), drop=True)
        steep = -np.polyfit(np.log(near.distance), np.log(near), 1)[0]
        said = frame.attrs["reading"]
        power = float(re.search(r"1/r to the power (\d\.\d\d) with", said)[1])
        assert power == pytest.approx(float(steep), abs=0.2) and layers in said and "2.00 in the limit" in said
    assert "A correlation of 0.5 is 0.312 after 1 layer." in papers.profile.run(depth=1, start=0.5).attrs["reading"]
