"""Layers as dot products of random embeddings, against what they estimate, exact moments and other solvers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.linear_model import Ridge

from labcore.infinite_width.snnk import (
    best_tilt,
    bundle,
    draw,
    embed_inputs,
    embed_neurons,
    exact,
    readout,
    second_moment,
    spread,
)
from labcore.infinite_width.snnk import experiments as papers
from labcore.infinite_width.snnk.digits import cosine_features, train
from labcore.infinite_width.snnk.exercises import a_fifth, features_needed
from labcore.infinite_width.snnk.spread import angles
from labcore.infinite_width.snnk.targets import frequencies

KINDS = ("sine", "cosine", "bump", "arc-cosine")
RNG = np.random.default_rng(3)
X, W = 0.35 * RNG.normal(size=(2, 6, 3))


def estimates(kind, tilt, m=400_000, orthogonal=False):
    """One estimate a feature, (6, m), of six pairs."""
    shared = draw(kind, m, 3, np.random.default_rng(1), orthogonal)
    return (embed_inputs(X, shared, tilt) * embed_neurons(W, np.zeros(6), shared, tilt)).real * m


@pytest.mark.parametrize(("kind", "tilt"), [(k, t) for k in KINDS for t in (0.0, 0.3) if k != "arc-cosine" or not t])
def test_the_estimate_has_the_exact_mean_and_spread(kind, tilt):
    y = estimates(kind, tilt)
    assert np.abs(y.mean(1) - exact(kind, X, W)).max() < 4.5 * (y.std(1) / 400_000**0.5).max()
    assert y.var(1) == pytest.approx(spread(kind, X, W, tilt), rel=0.1 if tilt else 0.25)


@pytest.mark.parametrize("kind", KINDS[:3])
def test_a_neuron_is_the_average_of_its_waves(kind):
    omega, a = frequencies(kind, 200_000, np.random.default_rng(0))
    z = np.linspace(-2, 2, 7)
    waves = (a * np.exp(1j * z[:, None] * omega)).real.mean(1)
    assert waves == pytest.approx(
        exact(kind, z[:, None], np.ones((1, 1))), abs=0 if kind != "bump" else 0.006, rel=1e-9
    )


def test_a_bias_turns_the_weights_of_the_waves():
    shared = draw("sine", 300_000, 3, np.random.default_rng(2))
    b = np.linspace(-1, 1, 6)
    layer = (embed_inputs(X, shared, 0.2) @ embed_neurons(W, b, shared, 0.2).T).real
    assert layer == pytest.approx(np.sin(2 * (X @ W.T + b)), abs=0.06)
    assert exact("sine", X[:, None], W, b) == pytest.approx(np.sin(2 * (X @ W.T + b)))


def test_directions_of_their_own_estimate_nothing():
    one, two = (draw("sine", 100_000, 3, np.random.default_rng(s)) for s in (1, 2))
    off = (embed_inputs(X, one) @ embed_neurons(W, np.zeros(6), two).T).real
    assert np.abs(off - exact("sine", X[:, None], W)).max() > 0.5


def test_the_kernel_of_relu_features_is_an_integral_over_the_angle():
    length, t = angles(X, W)
    turn = np.linspace(0, 2 * np.pi, 200_001)[:-1]
    both = np.maximum(np.cos(turn), 0) * np.maximum(np.cos(turn - t[:, None]), 0)
    assert exact("arc-cosine", X, W) == pytest.approx(2 * length * both.mean(1), rel=1e-6)
    assert second_moment("arc-cosine", X, W) == pytest.approx(8 * length**2 * (both**2).mean(1), rel=1e-6)


@pytest.mark.parametrize(("d", "q"), [(2, 0.3), (16, 4.0), (16, 40.0)])
def test_the_best_tilt_is_the_least_of_the_second_moment(d, q):
    def log_moment(tilt):
        return d / 2 * np.log((1 + 4 * tilt) ** 2 / (1 + 8 * tilt)) + q * (1 + 4 * tilt) / (1 + 8 * tilt)

    found = minimize_scalar(log_moment, bounds=(0, 10), method="bounded", options={"xatol": 1e-9}).x
    assert best_tilt(d, np.array(q)) == pytest.approx(found, abs=1e-5)


def test_orthogonal_directions_are_unbiased_and_orthogonal():
    y = estimates("arc-cosine", 0.0, orthogonal=True)
    assert y.mean(1) == pytest.approx(exact("arc-cosine", X, W), rel=0.03, abs=1e-4)
    g = draw("sine", 8, 3, np.random.default_rng(0), orthogonal=True).g
    for block in (g[:3], g[3:6], g[6:]):
        angle = block @ block.T
        assert np.abs(angle - np.diag(np.diag(angle))).max() < 1e-12


@pytest.mark.parametrize("m", [20, 200])
def test_the_matrix_is_that_of_ridge_regression(m):
    phi, y = RNG.normal(size=(80, m)), RNG.normal(size=(80, 4))
    want = Ridge(alpha=80 * 0.01, fit_intercept=False, solver="cholesky").fit(phi, y).coef_
    assert readout(phi, y, 0.01) == pytest.approx(want, abs=1e-8)


def test_what_follows_linearly_melts_into_one_matrix():
    shared = draw("arc-cosine", 30, 3, np.random.default_rng(0))
    phi, psi = embed_inputs(X, shared), embed_neurons(RNG.normal(size=(9, 3)), np.zeros(9), shared)
    after = RNG.normal(size=(4, 9))
    assert phi @ bundle(psi, after).T == pytest.approx((phi @ psi.T) @ after.T)


def test_rivals_on_digits():
    scores = train(16, 200, [[0, 0], [0, 1]])
    assert len(scores) == 2 and min(scores) > 0.85
    x = RNG.random((50, 64))
    z, _ = cosine_features(x, x, 40_000, [1])
    far = ((x[:, None] - x) ** 2).sum(2)
    assert z @ z.T == pytest.approx(np.exp(-0.1 * far), abs=0.05)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: draw("gelu", 4, 2, RNG), "kind = 'gelu'"),
        (lambda: draw("sine", 0, 2, RNG), "m = 0"),
        (lambda: exact("gelu", X, W), "kind = 'gelu'"),
        (lambda: embed_inputs(X, draw("sine", 4, 2, RNG)), r"shape \(6, 3\)"),
        (lambda: embed_inputs(X, draw("sine", 4, 3, RNG), -0.1), "tilt = -0.1"),
        (lambda: spread("gelu", X, W), "kind = 'gelu'"),
        (lambda: second_moment("sine", X, W[:3]), "x, w have shapes"),
        (lambda: second_moment("sine", X, W, -0.2), "tilt = -0.2"),
        (lambda: readout(X, W, 0.0), "ridge = 0"),
        (lambda: readout(X, W[:2], 0.1), "6 rows, y 2"),
        (lambda: bundle(X, W), "must be"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_weights_move_only_the_neuron():
    """The picture of a neuron is odd in its weights for a sine, and exact where the input is 0."""
    frame = papers.neuron.run(w_x=0.7, w_y=-0.4, features=5000)
    middle = frame.estimate.sizes["row"] // 2
    assert abs(float(frame.estimate[middle, middle])) < 0.05
    assert float(np.abs(frame.estimate - frame.exact).max()) < 0.4


def test_readings_say_what_was_measured():
    frame = papers.cost.run(kind="arc-cosine", length=0.5, seed=2)
    assert "16 times as many" in frame.attrs["reading"] and "tilted" not in frame.attrs["reading"]
    assert frame.error.values == pytest.approx(frame.predicted.values, rel=0.5)
    dear = papers.cost.run(kind="bump", length=1.5, wanted=0.01).attrs["reading"]
    assert "more than a million features" in dear


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert features_needed("2730") is True and features_needed("2.8e3") is True
    assert "both parts" in features_needed("5460") and "error of" in features_needed("100")
    assert a_fifth("157") is True and "larger" in a_fifth("100") and "stores" in a_fifth("158")
    with pytest.raises(ValueError, match="features m"):
        a_fifth("12.5")
