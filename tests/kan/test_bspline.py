"""B-splines against scipy, against their defining properties, and the compiled map against autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from labcore.kan.kan_assessment.spline_map import spline_edges, spline_map
from labcore.primitives.splines.bspline import BSplineBasis, extended

DEGREES = range(6)
KINDS = ("uniform", "quantile")


def a_basis(kind: str, k: int, n_inputs: int = 3, intervals: int = 7) -> BSplineBasis:
    if kind == "uniform":
        low = np.linspace(-1.3, 0.4, n_inputs)
        return BSplineBasis.uniform(low, low + np.linspace(1, 3, n_inputs), intervals, k, n_inputs)
    return BSplineBasis.from_samples(np.random.default_rng(0).standard_normal((300, n_inputs)), intervals, k)


def points(basis: BSplineBasis, n: int = 400, outside: float = 0.5) -> np.ndarray:
    """Points inside, on every knot, in the tails and beyond them."""
    low, high = basis.knots[:, 0] - outside, basis.knots[:, -1] + outside
    return np.vstack([np.random.default_rng(1).uniform(low, high, (n, basis.n_inputs)), basis.knots.T])


def scipy_dense(basis: BSplineBasis, x: np.ndarray, derivative: int = 0) -> np.ndarray:
    """The bases (N, I, G+k), each from its own k + 2 knots, and the last interval closed on the right."""
    out = np.zeros((*x.shape, basis.size))
    for i in range(basis.n_inputs):
        for c in range(basis.size):
            t = basis.knots[i, c : c + basis.k + 2]
            one = BSpline.basis_element(t, extrapolate=False)
            at = np.nextafter(x[:, i], -np.inf, where=x[:, i] == basis.grid[i, -1], out=x[:, i].copy())
            inside = (at >= t[0]) & (at < t[-1])
            out[inside, i, c] = (one.derivative(derivative) if derivative else one)(at[inside])
    return out


def dense_slopes(basis: BSplineBasis, x: np.ndarray) -> np.ndarray:
    idx, slopes = basis.deriv(x)
    out = np.zeros((*x.shape, basis.size), slopes.dtype)
    np.put_along_axis(out, idx[..., None] + np.arange(basis.k + 1), slopes, axis=-1)
    return out


@pytest.mark.parametrize("k", DEGREES)
@pytest.mark.parametrize("kind", KINDS)
def test_bases_are_scipys(kind, k):
    basis = a_basis(kind, k)
    x = points(basis)
    assert np.abs(basis.dense(x) - scipy_dense(basis, x)).max() < 1e-12
    single = x.astype(np.float32)
    assert basis.dense(single).dtype == np.float32
    assert np.abs(basis.dense(single) - scipy_dense(basis, single.astype(float))).max() < 1e-6


@pytest.mark.parametrize("k", range(1, 6))
@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_are_scipys(kind, k):
    basis = a_basis(kind, k)
    x = points(basis)[:400]
    expected, scale = scipy_dense(basis, x, 1), np.abs(scipy_dense(basis, x, 1)).max()
    assert np.abs(dense_slopes(basis, x) - expected).max() < 1e-12 * scale
    single = x.astype(np.float32)
    assert np.abs(dense_slopes(basis, single) - scipy_dense(basis, single.astype(float), 1)).max() < 1e-6 * scale


@pytest.mark.parametrize("k", DEGREES)
@pytest.mark.parametrize("kind", KINDS)
def test_bases_sum_to_one_on_the_grid(kind, k):
    basis = a_basis(kind, k)
    x = np.linspace(basis.grid[:, 0], basis.grid[:, -1], 201)
    idx, values = basis.local(x)
    np.testing.assert_allclose(values.sum(-1), 1, atol=1e-14)
    assert values.shape[-1] == k + 1 and values.min() > -1e-14
    assert idx.min() == 0 and idx.max() == basis.size - k - 1


@pytest.mark.parametrize("k", range(1, 6))
@pytest.mark.parametrize("kind", KINDS)
def test_greville_points_give_the_straight_line(kind, k):
    basis = a_basis(kind, k)
    x = np.linspace(basis.grid[:, 0], basis.grid[:, -1], 201)
    np.testing.assert_allclose(basis.curves(x, basis.greville()[..., None])[..., 0], x, atol=1e-13)


@pytest.mark.parametrize("k", DEGREES)
def test_right_end_belongs_to_the_last_interval(k):
    basis = a_basis("uniform", k, n_inputs=1)
    end = basis.grid[:, -1:]
    idx, values = basis.local(end)
    assert idx[0, 0] == basis.intervals - 1 and values.sum() == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_outside_the_grid_the_spline_fades_out(kind):
    """Continuous across the ends (no jump for training to trip over), zero from the last knot on."""
    basis, rng = a_basis(kind, 3), np.random.default_rng(0)
    coef = rng.standard_normal((3, basis.size, 2))
    for side, beyond in ((0, -1), (-1, 1)):
        end, last = basis.grid[:, side][None], basis.knots[:, side][None]
        step = 1e-9 * beyond
        np.testing.assert_allclose(basis.curves(end + step, coef), basis.curves(end, coef), atol=1e-7)
        assert np.abs(basis.curves((end + last) / 2, coef)).min() > 0
        assert (basis.curves(last + np.array([[0.0 if beyond > 0 else -1e-12], [1.0 * beyond]]), coef) == 0).all()
    assert (basis.local(np.full((1, 3), np.inf))[1] == 0).all()


@pytest.mark.parametrize("k", DEGREES)
def test_not_a_number_stays_one(k):
    basis = a_basis("quantile", k, n_inputs=1)
    assert np.isnan(basis.local(np.array([[np.nan]]))[1]).all()


def test_one_coefficient_moves_only_its_span():
    basis = a_basis("quantile", 3, n_inputs=2, intervals=17)
    x = np.linspace(basis.grid[:, 0], basis.grid[:, -1], 1000)
    for c in (0, 1, 8, basis.size - 1):
        coef = np.zeros((2, basis.size, 1))
        coef[:, c] = 1
        moved = basis.curves(x, coef)[..., 0] != 0
        for i in range(2):
            low, high = basis.span(i, c)
            np.testing.assert_array_equal(moved[1:-1, i], ((x[:, i] > low) & (x[:, i] < high))[1:-1])


# ---- grids


@pytest.mark.parametrize("k", DEGREES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_nested_grid_keeps_the_function(kind, k):
    basis, rng = a_basis(kind, k), np.random.default_rng(0)
    coef = rng.standard_normal((3, basis.size, 4))
    x = np.linspace(basis.grid[:, 0], basis.grid[:, -1], 500)[:-1]
    for factor in (2, 3):
        fine = basis.refined(factor)
        assert fine.intervals == factor * basis.intervals
        gap = np.abs(fine.curves(x, basis.refit(coef, fine)) - basis.curves(x, coef)).max(axis=(1, 2))
        # a piecewise constant may differ at a knot that rounding has moved by one bit, nowhere else
        assert (gap < 1e-10).all() if k else np.mean(gap < 1e-10) > 0.98


def test_a_grid_that_is_not_nested_cannot_keep_the_function_but_nearly_does():
    basis = BSplineBasis.uniform(-1, 1, 5, 3)
    coef = np.sin(3 * basis.greville())[..., None]
    other = BSplineBasis.uniform(-1, 1, 12, 3)
    x = np.linspace(-1, 1, 300)[:, None]
    gap = np.abs(other.curves(x, basis.refit(coef, other)) - basis.curves(x, coef)).max()
    assert 1e-8 < gap < 1e-3


def test_a_grid_update_keeps_the_function_on_the_samples():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2000, 3))
    old = BSplineBasis.uniform(-4, 4, 8, 3, 3)
    coef = rng.standard_normal((3, old.size, 2))
    new = BSplineBasis.from_samples(x, 30, 3)
    target = old.curves(x, coef)
    assert np.sqrt(np.mean((new.curves(x, new.fit(x, target)) - target) ** 2)) < 0.02 * target.std()
    # least squares is where the residual is orthogonal to every basis
    residual = new.curves(x, new.fit(x, target, ridge=0)) - target
    assert np.abs(np.einsum("nic,nio->ico", new.dense(x), residual)).max() < 1e-8


@pytest.mark.parametrize("k", DEGREES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ridge", [0.0, 1e-12])
def test_a_fit_returns_the_coefficients_that_samples_determine(kind, k, ridge):
    basis, rng = a_basis(kind, k, intervals=20), np.random.default_rng(0)
    x = rng.uniform(basis.grid[:, 0], basis.grid[:, -1], (2000, 3))
    coef = rng.standard_normal((3, basis.size, 2))
    np.testing.assert_allclose(basis.fit(x, basis.curves(x, coef), ridge), coef, atol=3e-11)


def test_coefficients_without_samples_stay_zero():
    basis = BSplineBasis.uniform(-1, 1, 10, 5)
    x = np.linspace(-1, -0.2, 500)[:, None]  # 4 of 10 intervals, 9 of 15 coefficients
    coef = np.random.default_rng(0).standard_normal((1, 15, 1))
    found = basis.fit(x, basis.curves(x, coef))[0, :, 0]
    np.testing.assert_allclose(found[:7], coef[0, :7, 0], atol=1e-9)
    assert (found[9:] == 0).all()


def test_few_samples_are_fitted_with_a_ridge():
    x = np.linspace(-0.9, 0.9, 4)[:, None]
    coef = BSplineBasis.uniform(-1, 1, 20, 3).fit(x, np.sin(x)[..., None])
    assert np.isfinite(coef).all() and np.abs(coef).max() < 10


def test_grid_mixes_quantiles_and_equal_steps():
    x = np.random.default_rng(0).exponential(size=(5000, 1))
    for eps in (0.0, 0.3, 1.0):
        grid = BSplineBasis.from_samples(x, 8, 3, eps, margin=0.0).grid[0]
        expected = eps * np.linspace(x.min(), x.max(), 9) + (1 - eps) * np.quantile(x, np.linspace(0, 1, 9))
        np.testing.assert_allclose(grid, expected)


def test_degenerate_grids_are_refused():
    with pytest.raises(ValueError, match="input 1 is constant"):
        BSplineBasis.from_samples(np.column_stack([np.arange(9.0), np.ones(9)]), 4, 3)
    digits = np.repeat([0.0, 0.5, 1.0], 50)[:, None]
    with pytest.raises(ValueError, match="knots of input 0 are degenerate"):
        BSplineBasis.from_samples(digits, 8, 3, eps=0.0)
    assert BSplineBasis.from_samples(digits, 8, 3, eps=0.02).intervals == 8
    for bad in ([0, 1, 1, 2, 3, 4, 5, 6], [0, 1, 2, np.nan, 4, 5, 6, 7], [0, 1, 3, 2, 4, 5, 6, 7]):
        with pytest.raises(ValueError, match="degenerate"):
            BSplineBasis(np.array([bad]), 3)
    with pytest.raises(ValueError, match="degree must be from 0 to 5"):
        BSplineBasis.uniform(0, 1, 4, 6)
    with pytest.raises(ValueError, match="needs"):
        BSplineBasis(np.arange(7.0)[None], 3)


def test_bad_input_is_named():
    basis = a_basis("uniform", 3)
    x, coef = np.zeros((5, 3)), np.zeros((3, basis.size, 2))
    for call, words in (
        (lambda: BSplineBasis.uniform(-1, 1, 2.5, 3), "intervals = 2.5"),
        (lambda: BSplineBasis.uniform(-1, 1, 0, 3), "intervals = 0"),
        (lambda: BSplineBasis.uniform(-1, 1, 5, 2.5), "k = 2.5"),
        (lambda: BSplineBasis.uniform(-1, 1, 5, 3, 1.5), "n_inputs = 1.5"),
        (lambda: BSplineBasis.uniform([-1, 0], 1, 5, 3, 3), r"low has shape \(2,\)"),
        (lambda: BSplineBasis.from_samples(np.eye(3), 2.5, 3), "intervals = 2.5"),
        (lambda: BSplineBasis.from_samples(np.zeros(3), 2, 3), r"x has shape \(3,\)"),
        (lambda: BSplineBasis.from_samples(np.zeros((0, 2)), 2, 3), r"x has shape \(0, 2\)"),
        (lambda: BSplineBasis.from_samples(np.eye(3), 2, 3, eps=1.5), "eps = 1.5"),
        (lambda: basis.refined(1.5), "factor = 1.5"),
        (lambda: basis.fit(x, np.zeros(5)), r"y \(5,\)"),
        (lambda: basis.fit(x, np.zeros((5, 3))), r"y \(5, 3\)"),
        (lambda: basis.fit(x, np.zeros((4, 3, 2))), r"y \(4, 3, 2\)"),
        (lambda: basis.fit(x, np.zeros((5, 1, 2))), r"y \(5, 1, 2\)"),
        (lambda: basis.fit(x[:0], np.zeros((0, 3, 2))), r"x has shape \(0, 3\)"),
        (lambda: basis.curves(x, coef[:, 1:]), r"coef has shape \(3, 9, 2\)"),
        (lambda: basis.curves(x, coef[0]), r"coef has shape \(10, 2\)"),
        (lambda: basis.curves(x[:, :1], coef), r"needs floats \(N, 3\)"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_extension_repeats_the_mean_step():
    np.testing.assert_allclose(extended(np.array([[0.0, 1.0, 4.0]]), 2), [[-4, -2, 0, 1, 4, 6, 8]])


# ---- the compiled map


def draw(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


@pytest.mark.parametrize("outputs", [1, 3, 4, 10, 21, 85])  # every tile of the kernel and what is left of it
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("models", [1, 3])
def test_map_is_the_dense_product(models, dtype, outputs):
    basis = a_basis("quantile", 3, n_inputs=19 * models)
    x, coef = draw(300, models, 19, dtype=dtype), draw(models, 19, basis.size, outputs, dtype=dtype, seed=1)
    weight = draw(300, models, outputs, dtype=dtype, seed=2).detach()
    dense, slopes = (
        torch.from_numpy(f(x.detach().flatten(1).numpy())).unflatten(1, (models, 19))
        for f in (basis.dense, lambda x: dense_slopes(basis, x))
    )
    y = spline_map(x, coef, basis)
    (y * weight).sum().backward()
    tolerance = 3e-6 if dtype == torch.float32 else 1e-14
    for ours, theirs in (
        (y, torch.einsum("nmic,mico->nmo", dense, coef)),
        (coef.grad, torch.einsum("nmic,nmo->mico", dense, weight)),
        (x.grad, torch.einsum("nmic,mico,nmo->nmi", slopes, coef, weight)),
    ):
        assert (ours - theirs).abs().max() < tolerance * theirs.abs().max()


@pytest.mark.parametrize("k", DEGREES)
@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind, k):
    basis = a_basis(kind, k, n_inputs=6, intervals=5)
    x, coef = draw(6, 2, 3, seed=k), draw(2, 3, basis.size, 5, seed=k + 1)
    assert torch.autograd.gradcheck(lambda a, b: spline_map(a, b, basis), (x, coef))
    assert torch.autograd.gradcheck(lambda a, b: spline_edges(a, b, basis), (x, coef))
    edges = spline_edges(x, coef, basis)
    assert edges.shape == (6, 2, 5, 3)
    torch.testing.assert_close(edges.sum(3), spline_map(x, coef, basis), atol=1e-12, rtol=0)


def test_gradient_of_the_coefficients_alone():
    basis = a_basis("uniform", 3)
    x, coef = draw(50, 1, 3), draw(1, 3, basis.size, 5, seed=1)
    both = torch.autograd.grad(spline_map(x, coef, basis).sin().sum(), (coef, x))
    (alone,) = torch.autograd.grad(spline_map(x.detach(), coef, basis).sin().sum(), coef)
    # sums over 50 samples of at most 3 x 4 values, in the order that suits each call
    torch.testing.assert_close(both[0], alone, rtol=0, atol=50 * 12 * 2.3e-16 * float(alone.abs().max()))


def test_threads_change_no_bit():
    """Large enough that the work is shared; more threads give the bits of one, again and again."""
    before, basis = torch.get_num_threads(), BSplineBasis.uniform(-1, 1, 8, 3, 64)
    x, coef = draw(1024, 1, 64, dtype=torch.float32), draw(1, 64, basis.size, 64, dtype=torch.float32, seed=1)
    results = []
    try:
        for threads in (1, 2, 2, 3):
            torch.set_num_threads(threads)
            y = spline_map(x, coef, basis)
            results.append([y, *torch.autograd.grad(y, (x, coef), torch.ones_like(y))])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_only_local_values_are_kept():
    """What is kept for the gradient does not grow with the grid."""

    def kept(intervals: int) -> int:
        basis = BSplineBasis.uniform(-1, 1, intervals, 3, 8)
        y = spline_map(draw(100, 1, 8, dtype=torch.float32), draw(1, 8, basis.size, 4, dtype=torch.float32), basis)
        return sum(a.nbytes for a in y.grad_fn.local)

    assert kept(8) == kept(64) == 100 * 8 * (4 + 2 * 4 * 4)


def test_wrong_shapes_are_named():
    basis = a_basis("uniform", 3)
    coef = torch.zeros(1, 3, basis.size, 2)
    for x, c, words in (
        (torch.zeros(5, 1, 4), coef, "M I = 3"),
        (torch.zeros(5, 1, 3), coef[:, :, 1:], "need \\(1, 3, 10, O\\)"),
        (torch.zeros(5, 1, 3, dtype=torch.float64), coef, "both must be float32 or both float64"),
    ):
        with pytest.raises(ValueError, match=words):
            spline_map(x, c, basis)
