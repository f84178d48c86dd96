"""Two-scale teacher-student: the closed form against literal gradient descent, limits, symmetries, theory, claims."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.experiment import ParameterError
from labcore.generalization.epochwise_descent import (
    decompose,
    describe,
    experiments,
    follow,
    learned,
    modulation,
    turning_points,
)
from labcore.generalization.epochwise_descent.exercises import two_scales_one_descent
from labcore.generalization.epochwise_descent.experiments import trajectory, two_scale_digits
from labcore.generalization.epochwise_descent.mechanism import D


def draw(n, p_fast, kappa, draws=3, seed=0, d=D):
    """z (S, n, d), F (d, d) with Haar rotations, eps (S, n), teacher (S, d)."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(2))
    f = left * modulation(p_fast, kappa, d) @ right.T
    z = rng.normal(size=(draws, n, d)) / np.sqrt(d)
    return z, f, rng.normal(size=(draws, n)), rng.normal(size=(draws, d)), left, right


@pytest.mark.parametrize(
    ("n", "kappa", "sigma", "l2"), [(130, 10.0, 0.0, 0.0), (130, 10.0, 0.5, 0.02), (70, 100.0, 0.3, 0.0)]
)
def test_closed_form_is_gradient_descent(n, kappa, sigma, l2):
    z, f, eps, teacher, *_ = draw(n, 70, kappa)
    steps = np.array([1, 2, 10, 100, 500])
    course = follow(decompose(z, f, eps, teacher), n, 70, sigma, l2, steps.astype(float))
    for i in range(len(z)):
        x, y = z[i] @ f, z[i] @ teacher[i] + sigma * eps[i]
        eta = 1 / (np.linalg.norm(x, 2) ** 2 + l2)
        w = np.zeros(D)
        for step in range(1, 501):
            w -= eta * (x.T @ (x @ w - y) + l2 * w)
            if step not in steps:
                continue
            k = int(np.flatnonzero(steps == step)[0])
            fw = f @ w
            assert course.R[i, k].sum() == pytest.approx(fw @ teacher[i] / D, abs=1e-10)
            assert course.Q[i, k].sum() == pytest.approx(fw @ fw / D, abs=1e-10)
            assert course.train[i, k] == pytest.approx(0.5 * np.mean((x @ w - y) ** 2), abs=1e-10)
            assert course.error[i, k, 0] == pytest.approx(0.5 * ((fw - teacher[i])[:70] ** 2).sum() / D, abs=1e-10)
            assert course.error[i, k].sum() == pytest.approx(0.5 * ((fw - teacher[i]) ** 2).sum() / D, abs=1e-10)


def test_slow_modes_keep_their_digits():
    s = np.array([[1.0, 1e-4, 1e-6]])
    phi = learned(s, np.array([1.0, 1e6]), 0.0)[0]
    assert phi[:, 0].tolist() == [1.0, 1.0]
    # (1 - x)^t = 1 - t x + t (t - 1) x^2 / 2 - ... for t x << 1
    assert phi[0, 1:] == pytest.approx([1e-8, 1e-12], rel=1e-12)
    assert phi[1, 2] == pytest.approx(1e-6 - 0.5e-12, rel=1e-10)


@pytest.mark.parametrize("n", [60, 150])
def test_training_for_ever_is_the_min_norm_solution(n):
    z, f, eps, teacher, *_ = draw(n, 70, 1.0)
    error = follow(decompose(z, f, eps, teacher), n, 70, 0.5, 0.0, np.array([1e12])).error.sum(2)[:, 0]
    for i in range(len(z)):
        w = np.linalg.lstsq(z[i] @ f, z[i] @ teacher[i] + 0.5 * eps[i], rcond=None)[0]
        assert error[i] == pytest.approx(0.5 * np.sum((f @ w - teacher[i]) ** 2) / D, rel=1e-8)


def test_one_scale_is_isotropic_least_squares():
    n, sigma, draws = 150, 0.5, 200
    frames = [trajectory.run(n=n, kappa=1.0, noise=sigma, n_seeds=100, seed=s, t_max=1e10) for s in (0, 1)]
    error = np.concatenate([f.error.values[:, -1] for f in frames])
    expected = 0.5 * sigma**2 * D / (n - D - 1)
    assert abs(error.mean() - expected) < 3 * error.std(ddof=1) / np.sqrt(draws)


def test_one_scale_does_not_care_which_directions_are_called_fast():
    frames = [trajectory.run("quick", kappa=1.0, p_fast=p, noise=0.3) for p in (0, 40, 100)]
    for other in frames[1:]:
        np.testing.assert_allclose(frames[0].error, other.error, rtol=1e-12)


def test_order_parameters_give_the_error():
    z, f, eps, teacher, *_ = draw(130, 70, 100.0)
    course = follow(decompose(z, f, eps, teacher), 130, 70, 0.4, 0.0, np.logspace(0, 7, 50))
    power = (teacher**2).sum(1)[:, None] / D
    by_order_parameters = 0.5 * (power - 2 * course.R.sum(2) + course.Q.sum(2))
    np.testing.assert_allclose(by_order_parameters, course.error.sum(2), rtol=0, atol=1e-12)


def test_rotations_of_the_modulation_change_nothing():
    z, f, eps, teacher, left, right = draw(130, 70, 100.0)
    diagonal = np.diag(modulation(70, 100.0))
    times = np.logspace(0, 7, 50)

    def error(z, f, teacher):
        return follow(decompose(z, f, eps, teacher), 130, 70, 0.4, 0.0, times).error.sum(2)

    # V only turns the student's coordinates; U can be moved onto inputs and teacher, which are isotropic
    np.testing.assert_allclose(error(z, f, teacher), error(z, left @ diagonal, teacher), atol=1e-10)
    np.testing.assert_allclose(error(z, f, teacher), error(z @ left, diagonal, teacher @ left), atol=1e-10)


@pytest.mark.parametrize(
    ("n", "p_fast", "kappa", "noise"),
    [(130, 70, 100.0, 0.0), (110, 70, 100.0, 0.0), (150, 70, 100.0, 0.5), (130, 70, 1.0, 0.0), (80, 30, 30.0, 0.2)],
)
def test_theory_follows_the_mean_of_many_draws(n, p_fast, kappa, noise):
    frame = trajectory.run(n=n, p_fast=p_fast, kappa=kappa, noise=noise, n_seeds=60)
    gap = np.abs(frame.theory - frame.error.mean("repeat"))
    assert gap.max() <= 0.09
    # what remains is the early lag of time-as-ridge: the limit itself is exact, up to the spread of the draws
    end = frame.error[:, -1]
    assert gap[-1] <= 4 * end.std() / np.sqrt(60) + 0.01


def test_theory_sees_the_bump_too():
    frame = trajectory.run()
    turns = turning_points(frame.theory.values)
    assert len(turns) == 2 and frame.theory[turns[1]] > 1.15 * frame.theory[turns[0]]


def test_frame_is_consistent():
    frame = trajectory.run("quick", noise=0.2, at_time=150.0)
    np.testing.assert_allclose(frame.error_fast + frame.error_slow, frame.error.mean("repeat"), rtol=1e-12)
    assert frame.attrs["at_time"] in frame.time.values
    assert abs(np.log10(frame.attrs["at_time"] / 150)) < 0.02
    assert float(frame.fast_share.sum()) == pytest.approx(70, abs=1e-8)  # n > d: the modes span everything


def test_blocks_fill_one_after_the_other():
    frame = trajectory.run("quick", kappa=1000.0, at_time=1e4)
    fast = frame.fast_share > 0.5
    assert int(fast.sum()) == 70
    assert (frame.phi[fast] > 0.999).all() and (frame.phi[~fast] < 0.1).all()
    start, end = frame.error_slow[0], frame.error_slow.sel(time=1e4, method="nearest")
    assert float(end / start) > 0.95


def test_slow_block_is_label_noise_for_the_fast_one():
    """With a slow block that never learns, the fast block ends where label noise of the same variance leaves it."""
    n, p = 130, 70
    z, _, eps, teacher, *_ = draw(n, p, 1.0, draws=60)
    frozen = follow(decompose(z, np.diag(modulation(p, 1e6)), eps, teacher), n, p, 0.0, 0.0, np.array([1e7]))
    alone = teacher * (np.arange(D) < p)
    noisy = follow(decompose(z[:, :, :p], np.eye(p), eps, alone[:, :p]), n, p, np.sqrt(1 - p / D), 0.0, np.array([1e7]))
    # means over draws; follow() divides by the number of directions that it sees
    ratio = frozen.error[..., 0].mean() / (noisy.error[..., 0].mean() * p / D)
    assert ratio == pytest.approx(1, abs=0.1)
    assert frozen.error[..., 0].mean() == pytest.approx(0.5 * (1 - p / D) * p / (n - p - 1), rel=0.1)


def test_weight_decay_removes_the_second_descent():
    free, decayed = (trajectory.run("quick", l2=l2).error.mean("repeat").values for l2 in (0.0, 0.01))
    assert free[-1] < 1e-6 and decayed[-1] > 0.2


def test_noise_needs_no_new_decomposition():
    trajectory.run("quick")
    before = experiments._draw.cache_info().misses
    first = trajectory.run("quick", noise=0.3, l2=0.1, t_max=1e6, at_time=9.0)
    again = trajectory.run("quick", noise=0.3, l2=0.1, t_max=1e6, at_time=9.0)
    assert experiments._draw.cache_info().misses == before
    assert first.identical(again)


def test_repeats_are_nested():
    few, many = trajectory.run(n_seeds=5), trajectory.run(n_seeds=12)
    # sums of 100 terms at other places of a batch, divided by singular values down to a thousandth of the largest
    np.testing.assert_allclose(few.error, many.error[:5], rtol=0, atol=100 * 1e3 * 2.3e-16)


@pytest.mark.parametrize("values", [dict(n=60), dict(n=100, noise=1.0), dict(p_fast=0), dict(p_fast=100), dict(l2=1.0)])
def test_corners_are_legal(values):
    frame = trajectory.run("quick", kappa=1e4, t_max=1e10, **values)
    if values.get("n") == 60:
        assert frame.error.mean("repeat")[-1] > 0.05  # fewer samples than directions: a part is never learned
    if values.get("p_fast") in (0, 100):
        assert frame.error.mean("repeat")[-1] < 1e-6  # one scale, whichever it is
        assert turning_points(frame.error.mean("repeat").values) == []


def test_kappa_below_one_is_refused():
    with pytest.raises(ParameterError, match="kappa = 0.5"):
        trajectory.run(kappa=0.5)
    with pytest.raises(ValueError, match="kappa >= 1"):
        modulation(70, 0.5)
    with pytest.raises(ValueError, match="p_fast = 101"):
        modulation(101, 2.0)


# ---- turning points


def bumps(*heights, points=60):
    """A smooth curve (T,) through these heights, flat at each of them."""
    u = (1 - np.cos(np.linspace(0, np.pi, points))) / 2
    return np.concatenate([a + (b - a) * u for a, b in zip(heights, heights[1:], strict=False)])


@pytest.mark.parametrize(
    "heights", [(1, 0.2), (1, 0.3, 0.5), (1, 0.3, 0.5, 0.0), (0.2, 0.9, 0.1, 0.4, 0.3), (0.5, 0.5), (0.1, 0.7)]
)
def test_turning_points_are_the_inner_extremes(heights):
    curve = bumps(*heights)
    assert curve[turning_points(curve)] == pytest.approx(heights[1:-1])


def test_turning_points_forget_wiggles_but_not_the_curve():
    curve = bumps(1.0, 0.3, 0.5, 1e-12)
    wiggly = curve * (1 + 0.005 * np.random.default_rng(0).uniform(-1, 1, len(curve)))
    wiggly[-20:] = 1e-30 * np.random.default_rng(1).uniform(1, 9, 20)
    turns = turning_points(wiggly)
    assert len(turns) == 2 and wiggly[turns] == pytest.approx([0.3, 0.5], rel=0.01)
    assert turning_points(bumps(1.0, 0.5, 0.505, 0.2)) == []
    assert len(turning_points(bumps(1.0, 0.5, 0.53, 0.2))) == 2


@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e9])
def test_turning_points_have_no_unit(factor):
    curve = bumps(1, 0.3, 0.5, 0.0)
    assert turning_points(factor * curve) == turning_points(curve)


def test_description():
    t = np.logspace(0, 3, 120)
    assert describe(t, bumps(1, 0.25, points=120)) == "falls all the way from 1.000 to 0.250"
    assert describe(t, bumps(0.1, 0.25, points=120)) == "rises all the way from 0.100 to 0.250"
    assert describe(t, np.full(120, 0.4)) == "stays near 0.400"
    t = np.logspace(0, 3, 180)
    text = describe(t, bumps(1, 0.258, 0.333, 0.0))
    assert text == "falls to 0.258 at t = 10, rises to 0.333 at t = 99, then falls and ends at 0.000"


def test_reading_tells_the_two_stories():
    assert "rises to" in trajectory.run().reading
    assert "falls all the way from" in trajectory.run(kappa=1.0).reading


# ---- the network on digits


def test_digits_network_is_gradient_descent():
    """The hand-written gradients against torch's, step by step."""
    frame = two_scale_digits.run(steps=100, hidden=7, n_train=60, n_seeds=2, kappa=5.0, seed=3)
    losses = np.zeros((2, 100))
    for i in range(2):
        x, y, *_ = (torch.tensor(a) for a in experiments._two_scales(60, 5.0, 0.2, [3, i]))
        rng = np.random.default_rng([3, i, 2])
        w = torch.tensor(rng.normal(size=(32, 7)) / 4, requires_grad=True)
        v = torch.tensor(rng.normal(size=(7, 10)) * 0.1 / np.sqrt(7), requires_grad=True)
        for step in range(100):
            loss = 0.5 * ((torch.relu(x @ w) @ v - y) ** 2).sum() / 60
            losses[i, step] = loss.item()
            for parameter, gradient in zip((w, v), torch.autograd.grad(loss, (w, v)), strict=True):
                parameter.data -= 0.3 * gradient
    at = frame.time.values.astype(int) - 1
    np.testing.assert_allclose(frame.train, losses.mean(0)[at], rtol=1e-9)


def test_digits_have_two_scales():
    x, *_ = experiments._two_scales(160, 30.0, 0.2, [0, 0])
    for block, scale in ((x[:, :16], 1.0), (x[:, 16:], 1 / 30.0)):
        np.testing.assert_allclose(block.T @ block / 160, scale**2 * np.eye(16), atol=1e-9 * scale**2)


def test_label_noise_stays_out_of_the_test_set():
    clean, noisy = (experiments._two_scales(160, 30.0, share, [0, 0]) for share in (0.0, 0.5))
    assert 0.3 < np.mean(clean[1].argmax(1) != noisy[1].argmax(1)) < 0.6
    np.testing.assert_array_equal(clean[3], noisy[3])


def test_digits_frames_grow():
    frames = list(two_scale_digits.frames("quick", steps=1000))
    assert len(frames) > 10
    assert all(a.sizes["time"] < b.sizes["time"] for a, b in zip(frames, frames[1:], strict=False))
    assert frames[-1].progress == 1 and frames[-1].time[-1] == 1000
    assert frames[-1].identical(two_scale_digits.run("quick", steps=1000))


def test_too_high_a_rate_says_so():
    frame = two_scale_digits.run("quick", lr=1.0, hidden=100, n_train=400, steps=500)
    assert "diverged before step" in frame.reading and frame.progress == 1


@pytest.mark.parametrize(
    ("answer", "right"),
    [("2", True), ("1,5", True), (" 3/2 ", True), ("2.0e0", True), ("1", False), ("100", False), ("1e3", False)],
)
def test_an_answer_about_the_bump(answer, right):
    assert (two_scales_one_descent(answer) is True) == right
