"""The theory of random regressions, against its limits, its own equation, and regressions that are really run."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest

from labcore.primitives.regression.deterministic_equivalent import (
    det_equiv,
    early_stopping_risk,
    hastie_ridge,
    hastie_ridgeless,
    stieltjes_mp,
)

GAMMAS = [0.2, 0.5, 0.8, 1.25, 2.0, 4.0]


def excess_risks(n, ev, beta, resid, s2, filters, draws=20):
    """Mean excess risk (len(filters),) over `draws` Gaussian regressions; each filter maps eigenvalues of Z'Z/n."""
    total = np.zeros(len(filters))
    for i in range(draws):
        rng = np.random.default_rng(i)
        z = rng.normal(size=(n, len(ev))) * np.sqrt(ev)
        y = z @ beta + np.sqrt(s2 + resid) * rng.normal(size=n)
        u, s, vt = np.linalg.svd(z, full_matrices=False)
        for k, phi in enumerate(filters):
            w = vt.T @ (phi(s**2 / n) / s * (u.T @ y))
            total[k] += ev @ (w - beta) ** 2 + resid
    return total / draws


def isotropic(gamma, r2, n=200):
    p = round(gamma * n)
    return n, np.ones(p), np.full(p, np.sqrt(r2 / p))


def ridge(lam):
    return lambda s: s / (s + lam)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_ridgeless_formula_is_what_regressions_do(gamma):
    n, ev, beta = isotropic(gamma, 1.0)
    (seen,) = excess_risks(n, ev, beta, 0, 0.25, [np.ones_like])
    assert hastie_ridgeless(gamma, 1.0, 0.25) == pytest.approx(seen, rel=0.12)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_ridge_formula_is_what_regressions_do(gamma):
    n, ev, beta = isotropic(gamma, 1.0)
    lams = np.array([0.01, 0.1, 1.0])
    seen = excess_risks(n, ev, beta, 0, 0.25, [ridge(lam) for lam in lams])
    assert hastie_ridge(gamma, lams, 1.0, 0.25) == pytest.approx(seen, rel=0.12)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_unseen_features_act_as_noise(gamma):
    n, frac, r2 = 200, 0.4, 1.5
    p = round(gamma * n)
    (seen,) = excess_risks(n, np.ones(p), np.full(p, np.sqrt(r2 * frac / p)), r2 * (1 - frac), 0.1, [np.ones_like])
    assert hastie_ridgeless(gamma, r2, 0.1, frac) == pytest.approx(seen, rel=0.12)


def test_misspecified_curve_descends_twice():
    # D features of equal energy, of which the model sees p = 10 ... D, with n = 100
    p = np.arange(10, 1000, 10)
    risk = hastie_ridgeless(p / 100, 1.0, 0.01, p / 1000)
    assert np.isinf(risk[p == 100]).all()
    assert risk[p == 50] > risk[0] and risk[-1] < risk[p == 200]


@pytest.mark.parametrize("gamma", GAMMAS)
def test_anisotropic_theory_on_equal_eigenvalues_is_the_isotropic_one(gamma):
    n, ev, beta = isotropic(gamma, 1.7)
    lam = np.logspace(-6, 2, 9)
    assert det_equiv(ev, beta, 0, n, lam, 0.4).risk == pytest.approx(hastie_ridge(gamma, lam, 1.7, 0.4), rel=1e-8)
    assert det_equiv(ev, beta, 0, n, 0.0, 0.4).risk == pytest.approx(hastie_ridgeless(gamma, 1.7, 0.4), rel=1e-8)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_ridge_formula_is_the_stieltjes_one(gamma):
    lam, r2, s2 = np.array([0.01, 0.3, 5.0]), 1.7, 0.4
    h = 1e-4 * lam
    m, slope = stieltjes_mp(gamma, lam), (stieltjes_mp(gamma, lam + h) - stieltjes_mp(gamma, lam - h)) / (2 * h)
    written_out = r2 * lam**2 * -slope + s2 * gamma * (m + lam * slope)
    assert hastie_ridge(gamma, lam, r2, s2) == pytest.approx(written_out, rel=1e-5)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_vanishing_ridge_is_least_squares(gamma):
    exact = hastie_ridgeless(gamma, 1.0, 0.25)
    assert hastie_ridge(gamma, 0.0, 1.0, 0.25) == pytest.approx(exact, rel=1e-13)
    assert hastie_ridge(gamma, 1e-9, 1.0, 0.25) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 3.0])
def test_best_ridge_is_gamma_times_noise_over_signal(gamma):
    lam = gamma * 0.3 / 1.2 * np.linspace(0.5, 1.5, 101)
    assert hastie_ridge(gamma, lam, 1.2, 0.3).argmin() == 50


@pytest.mark.parametrize("gamma", [0.3, 1.0, 3.0])
def test_stieltjes_is_the_mean_over_real_eigenvalues(gamma):
    n, ev, _ = isotropic(gamma, 1.0, 400)
    z = np.random.default_rng(0).normal(size=(n, len(ev)))
    eigenvalues = np.linalg.eigvalsh(z.T @ z / n)
    for lam in (0.1, 1.0):
        assert stieltjes_mp(gamma, lam) == pytest.approx(np.mean(1 / (eigenvalues + lam)), rel=0.02)


def with_60_digits(gamma, lam, r2, s2):
    """r2 lam^2 m' + s2 gamma (m - lam m') as it is written."""
    with localcontext() as context:
        context.prec = 60
        g, lam, r2, s2 = map(Decimal, (gamma, lam, r2, s2))
        b = 1 - g + lam
        root = (b * b + 4 * g * lam).sqrt()
        m = (root - b) / (2 * g * lam)
        slope = -(1 + g * m) * m / (root)  # of g lam m^2 + b m = 1, in lam
        return float(r2 * lam**2 * -slope + s2 * g * (m + lam * slope))


@pytest.mark.parametrize("lam", [1e-40, 1e-30, 1e-26, 1e-12, 1e-3, 1.0, 1e9])
@pytest.mark.parametrize("gamma", [0.1, 1 - 2**-50, 1.0, 1 + 2**-50, 5.0])
def test_ridge_keeps_its_digits_at_both_ends(gamma, lam):
    exact = with_60_digits(gamma, lam, 1.7, 0.4)
    assert hastie_ridge(gamma, lam, 1.7, 0.4) == pytest.approx(exact, rel=1e-14)


def test_a_ridge_that_is_all_there_is_leaves_the_signal():
    assert hastie_ridge(0.5, 1e300, 1.7, 0.4) == pytest.approx(1.7, rel=1e-14)


@pytest.mark.parametrize("lam", [1e-40, 1e-30, 1e-26, 1e-12, 1e-3, 1.0])
@pytest.mark.parametrize(("p", "n"), [(8, 8), (40, 40), (8, 40), (40, 8), (40, 39)])
def test_anisotropic_theory_keeps_its_digits_at_the_pole(p, n, lam):
    exact = with_60_digits(p / n, lam, 1.7, 0.4)
    out = det_equiv(np.ones(p), np.full(p, np.sqrt(1.7 / p)), 0, n, lam, 0.4)
    assert out.risk == pytest.approx(exact, rel=1e-13 * max(1, p / abs(p - n) if p != n else 1))


def test_implicit_ridge_keeps_its_digits_between_two_scales():
    """As many large eigenvalues as samples, and small ones: k^2 = lam + mean of the small ones times p2/n, nearly."""
    n, small, lam = 10, 1e-24, 1e-25
    k = det_equiv(np.repeat([1.0, small], [n, 3 * n]), np.ones(4 * n), 0, n, lam, 0.4).kappa
    with localcontext() as context:
        context.prec = 60
        k = Decimal(float(k))
        total = 1 / (1 + k) + 3 * Decimal(small) / (Decimal(small) + k) + Decimal(lam) / k
        assert abs(total - 1) < k * Decimal(1e-14)


def by_bisection(ev, n, lam):
    """The implicit ridge between its bounds on a log scale, from sums of positive terms only."""
    low, high = max(lam, ev.min() * (len(ev) - n) / n), lam + ev.sum() / n
    if low <= 0:
        return 0.0
    while low < (middle := np.sqrt(low) * np.sqrt(high)) < high:
        small = ev < middle
        more = n * lam / middle + np.sum(ev[small] / (ev[small] + middle)) + max(np.sum(~small) - n, 0)
        less = np.sum(middle / (ev[~small] + middle)) + max(n - np.sum(~small), 0)
        low, high = (middle, high) if more > less else (low, middle)
    return middle


@pytest.mark.parametrize("decades", [1, 6, 30, 200])
def test_newton_finds_the_root_that_bisection_finds(decades):
    """On spectra far apart, repeated and flat, with as many directions as samples, and at no ridge."""
    rng = np.random.default_rng(decades)
    for _ in range(60):
        r = int(rng.integers(1, 40))
        ev = 10.0 ** rng.uniform(-decades, 3, r)[rng.integers(0, r, r) if rng.random() < 0.3 else slice(None)]
        n = float(rng.choice([rng.integers(1, 60), r, r + 0.5, rng.uniform(0.1, 60)]))
        lam = np.append(10.0 ** rng.uniform(-decades, 3, 5), 0.0)
        found = det_equiv(ev, np.ones(r), 0.1, n, lam, 0.2).kappa
        assert found == pytest.approx([by_bisection(ev, n, x) for x in lam], rel=1e-13, abs=0)


def power_law(p=120):
    ev = np.arange(1, p + 1) ** -1.5
    return ev, np.random.default_rng(5).normal(size=p)


@pytest.mark.parametrize("n", [60, 119, 120, 300])
def test_implicit_ridge_solves_its_equation(n):
    ev, beta = power_law()
    lam = np.array([0.0, 1e-12, 1e-6, 1e-3, 1.0, 1e4])
    out = det_equiv(ev, beta, 0.1, n, lam, 0.2)
    solved = out.kappa > 0
    assert solved.tolist() == [n < len(ev), True, True, True, True, True]
    residual = out.df1[solved] + n * lam[solved] / out.kappa[solved] - n
    assert np.abs(residual).max() < 1e-9 * n
    assert (out.kappa >= lam).all() and (out.df2 <= out.df1).all()


@pytest.mark.parametrize("n", [60, 250])
def test_anisotropic_theory_is_what_regressions_do(n):
    ev, beta = power_law()
    lams = np.array([0.0, 1e-3, 1e-1])
    seen = excess_risks(n, ev, beta, 0.3, 0.2, [ridge(lam) for lam in lams], draws=60)
    assert det_equiv(ev, beta, 0.3, n, lams, 0.2).risk == pytest.approx(seen, rel=0.1)


def test_dead_directions_change_nothing():
    ev, beta = power_law(50)
    lam = np.array([0.0, 0.01])
    alone = det_equiv(ev, beta, 0.1, 80, lam, 0.2)
    padded = det_equiv(np.append(ev, np.zeros(60)), np.append(beta, np.ones(60)), 0.1, 80, lam, 0.2)
    for a, b in zip(alone, padded, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def test_pole_is_infinite_and_shape_follows_lam():
    ev, beta = np.ones(40), np.ones(40)
    out = det_equiv(ev, beta, 0, 40, np.array([[0.0, 0.1], [1.0, 2.0]]), 0.5)
    assert out.risk.shape == out.kappa.shape == (2, 2)
    assert np.isinf(out.risk[0, 0]) and np.isfinite(out.risk.ravel()[1:]).all()
    assert np.isinf(hastie_ridgeless(1.0, 1.0, 0.1)) and np.isinf(hastie_ridge(1.0, 0.0, 1.0, 0.1))


@pytest.mark.parametrize("gamma", GAMMAS)
def test_early_stopping_begins_at_the_signal_and_ends_at_least_squares(gamma):
    risk = early_stopping_risk(gamma, np.array([0.0, 1e-9, 1e6]), 1.3, 0.4)
    assert risk[0] == pytest.approx(1.3, rel=1e-10)
    assert risk[1] == pytest.approx(1.3, rel=1e-7)
    assert risk[2] == pytest.approx(hastie_ridgeless(gamma, 1.3, 0.4), rel=1e-9)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_early_stopping_is_what_gradient_flow_does(gamma):
    n, ev, beta = isotropic(gamma, 1.0)
    times = np.array([0.3, 2.0, 10.0, 50.0])
    seen = excess_risks(n, ev, beta, 0, 0.25, [lambda s, t=t: -np.expm1(-t * s) for t in times])
    assert early_stopping_risk(gamma, times, 1.0, 0.25) == pytest.approx(seen, rel=0.1)


def test_early_stopping_quadrature_survives_the_threshold():
    # at gamma = 1 the density reaches 0 and late times see only its edge: there the risk grows like sqrt(t)
    risk = early_stopping_risk(1.0, np.array([1e4, 1e6]), 0.0, 1.0)
    assert risk[1] / risk[0] == pytest.approx(10.0, rel=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: det_equiv([1.0, -1.0], [1, 1], 0, 5, 0.1, 0), "ev = -1"),
        (lambda: det_equiv([1.0], [1, 1], 0, 5, 0.1, 0), "same length"),
        (lambda: det_equiv([1.0], [1], 0, 0, 0.1, 0), "n = 0"),
        (lambda: det_equiv([1.0], [1], 0, 5, [0.1, -2.0], 0), "lam = -2"),
        (lambda: det_equiv([1.0], [1], 0, 5, 0.1, np.nan), "s2 = nan"),
        (lambda: stieltjes_mp(0, 1), "gamma = 0"),
        (lambda: hastie_ridgeless(1, 1, 1, 1.5), "frac = 1.5"),
        (lambda: hastie_ridge(-1, 1, 1, 1), "gamma = -1"),
        (lambda: early_stopping_risk(1, -1, 1, 1), "t = -1"),
    ],
)
def test_degenerate_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
