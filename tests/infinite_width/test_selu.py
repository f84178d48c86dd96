"""The maps of mean and variance against quadrature, drawn units and drawn networks; the activation beside torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import root

from labcore.infinite_width.selu import (
    ALPHA,
    LAMBDA,
    alpha_dropout,
    attractor,
    layer_map,
    selu,
    unit_map,
)
from labcore.infinite_width.selu import experiments as papers
from labcore.infinite_width.selu.activation import random_layers
from labcore.infinite_width.selu.deep import accuracy, answers, deep, descend, standardised
from labcore.infinite_width.selu.exercises import scale_for_one, too_much_dropped
from labcore.infinite_width.selu.moments import contraction
from labcore.primitives.digits.batches import digit_batches


def by_quadrature(m, v, lam=LAMBDA, alpha=ALPHA):
    """Mean and variance of the activation of N(m, v), integrated on either side of the kink."""
    s = np.sqrt(v)

    def normal(z):
        return np.exp(-((z - m) ** 2) / (2 * v)) / (s * np.sqrt(2 * np.pi))

    def part(power, low, high, f):
        return quad(lambda z: f(z) ** power * normal(z), low, high, epsabs=1e-13, epsrel=1e-12, limit=200)[0]

    left, right = min(m - 12 * s, 0), max(m + 12 * s, 0)
    first, second = (
        part(k, left, 0, lambda z: lam * alpha * np.expm1(z)) + part(k, 0, right, lambda z: lam * z) for k in (1, 2)
    )
    return first, second - first**2


@pytest.mark.parametrize(
    ("mu", "nu", "omega", "tau", "constants"),
    [
        (0.0, 1.0, 0.0, 1.0, (LAMBDA, ALPHA)),
        (0.5, 2.0, 0.7, 1.1, (LAMBDA, ALPHA)),
        (-1.0, 0.05, 1.0, 1.0, (LAMBDA, ALPHA)),
        (1.0, 4.0, -2.0, 0.5, (LAMBDA, ALPHA)),
        (3.0, 0.2, 1.0, 1.0, (1.3, 0.4)),
        (-2.0, 30.0, 1.0, 1.0, (0.8, 3.0)),
        (0.4, 1.0, 1.0, 1.0, (2**0.5, 0.0)),
    ],
)
def test_the_map_of_a_unit_is_the_integral(mu, nu, omega, tau, constants):
    ours = unit_map(np.array(mu), np.array(nu), omega, tau, *constants)
    assert [float(v) for v in ours] == pytest.approx(by_quadrature(mu * omega, nu * tau, *constants), abs=1e-9)


def test_a_drawn_unit_has_this_mean_and_variance():
    rng = np.random.default_rng(0)
    x = 0.3 + 1.2 * rng.standard_normal((100_000, 24))
    w = rng.standard_normal(24) / np.sqrt(24)
    out = selu(torch.tensor(x @ w)).numpy()
    mean, variance = unit_map(np.array(0.3), np.array(1.44), w.sum(), w @ w)
    error = out.std() / np.sqrt(len(out))
    assert abs(out.mean() - mean) < 5 * error and abs(out.var() - variance) < 5 * np.sqrt(2.5) * out.var() / 300


def test_large_and_small_inputs_stay_finite():
    mu, nu = np.array([-50.0, 50.0, 0.0, 0.0, -1.0]), np.array([1.0, 1.0, 1e8, 1e-6, 1e-6])
    mean, variance = unit_map(mu, nu, 1.0, 1.0)
    assert np.isfinite(mean).all() and np.isfinite(variance).all()
    assert mean[:2] == pytest.approx([-LAMBDA * ALPHA, 50 * LAMBDA])
    assert mean[4] == pytest.approx(LAMBDA * ALPHA * np.expm1(-1), rel=1e-5)


def test_the_layer_is_the_average_of_its_units():
    """Sums of weights are N(0, 1) over units: mean and mean square are averages over them."""
    node, weight = np.polynomial.hermite_e.hermegauss(80)
    weight = weight / weight.sum()
    for mu, nu in ((0.5, 2.0), (-1.0, 0.3), (0.0, 1.0)):
        mean, variance = unit_map(np.array(mu), np.array(nu), node, 1.0)
        average = weight @ mean, weight @ (variance + mean**2)
        ours = [float(v) for v in layer_map(np.array(mu), np.array(nu))]
        assert (ours[0], ours[1] + ours[0] ** 2) == pytest.approx(average, abs=1e-8)


def test_drawn_networks_follow_the_map():
    for mu, nu, lam, alpha in ((0.5, 4.0, LAMBDA, ALPHA), (-1.0, 0.2, 1.2, 1.5)):
        runs = [
            papers.plane.run(mu=mu, nu=nu, lam=lam, alpha=alpha, depth=3, width=512, inputs=400, seed=s)
            for s in range(10)
        ]
        for name in ("mean", "variance"):
            found = np.array([f[name].values for f in runs])
            by_map = runs[0][f"map_{name}"].values
            assert found.mean(0) == pytest.approx(by_map, abs=0.05), name


def test_the_constants_are_those_of_the_fixed_point():
    def off(constants):
        mean, variance = unit_map(np.zeros(()), np.ones(()), 0.0, 1.0, *constants)
        return float(mean), float(variance) - 1

    assert off((LAMBDA, ALPHA)) == pytest.approx((0, 0), abs=1e-12)
    assert root(off, (1.0, 1.5), tol=1e-13).x == pytest.approx((LAMBDA, ALPHA), abs=1e-10)
    assert attractor() == pytest.approx((0, 1), abs=1e-9)


def test_small_steps_shrink_as_the_formula_says():
    """For omega = 0 the mean before the unit does not count; the other slopes are Gaussian averages."""
    z = np.linspace(-12, 12, 400_001)
    density, s = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), selu(torch.tensor(z)).numpy()
    along = (z**2 - 1) / 2  # d/dv of E f(z) at v = 1 is E f(z) (z^2 - 1) / 2
    slopes = [np.trapezoid(f * along * density, z) for f in (s, s**2)]
    assert contraction(0, 1) == pytest.approx(np.hypot(slopes[0], slopes[1]), abs=1e-6)
    assert contraction(0, 1) == pytest.approx(0.7877, abs=1e-4)


@pytest.mark.parametrize(
    ("lam", "alpha", "kind"),
    [(1.0, 0.9, 0), (1.3, 0.3, 0), (1.05, 1.0, 1), (1.4, 0.3, 1), (1.3, 3.0, 1), (1.45, 0.0, 2), (1.5, 2.0, 2)],
)
def test_constants_rest_die_or_grow(lam, alpha, kind):
    """The inequality against the map itself, applied again and again from far below and far above."""
    assert kind == (0 if lam**2 * (1 + alpha**2) < 2 else 1 if lam**2 < 2 else 2)
    ends = []
    for q in (0.01, 100.0):
        mean, variance = np.zeros(()), np.array(q)
        for _ in range(1500):
            if not 1e-5 < variance + mean**2 < 1e5:
                break
            mean, variance = layer_map(mean, variance, lam, alpha)
        ends.append(float(variance + mean**2))
    rest = attractor(lam, alpha)
    if kind == 1:
        assert ends == pytest.approx([rest[1] + rest[0] ** 2] * 2, rel=1e-6)
    else:
        assert rest is None
        assert max(ends) < 1e-4 if kind == 0 else min(ends) > 1e4


def test_the_activation_is_torchs_and_the_formula():
    z = torch.linspace(-20, 120, 281, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(selu(z).sum(), z)
    (expected,) = torch.autograd.grad(torch.nn.SELU()(z).sum(), z)
    assert torch.allclose(selu(z), torch.nn.SELU()(z), atol=1e-12) and torch.allclose(slope, expected, atol=1e-12)
    low = z.detach()[z.detach() < 0].numpy()
    assert selu(torch.tensor(low), 1.2, 0.7).numpy() == pytest.approx(1.2 * 0.7 * (np.exp(low) - 1), abs=1e-12)
    assert (selu(torch.tensor([-3.0, 2.0]), 2**0.5, 0.0) == torch.tensor([0.0, 2 * 2**0.5])).all()


def test_alpha_dropout_is_torchs():
    torch.manual_seed(0)
    x = selu(torch.randn(200_000, dtype=torch.float64))
    theirs = torch.nn.AlphaDropout(0.2)(x)
    dropped = theirs == theirs.min()
    assert 0.19 < dropped.double().mean() < 0.21
    assert torch.allclose(alpha_dropout(x, ~dropped, 0.8), theirs, atol=1e-6)


@pytest.mark.parametrize("value", [-LAMBDA * ALPHA, 0.0, 3.0])
def test_alpha_dropout_keeps_mean_and_variance_for_any_value(value):
    rng = np.random.default_rng(1)
    x, kept = torch.tensor(rng.standard_normal(1_000_000)), torch.tensor(rng.random(1_000_000) < 0.7)
    out = alpha_dropout(x, kept, 0.7, value)
    assert abs(float(out.mean())) < 0.006 and float(out.var()) == pytest.approx(1, abs=0.01)


def test_weights_have_variance_one_over_n():
    weights = list(random_layers(300, 3, np.random.default_rng(2)))
    assert len(weights) == 3 and all(float(w.var()) * 300 == pytest.approx(1, abs=0.03) for w in weights)


def test_batch_normalisation_is_torchs_and_runs_are_apart():
    data = standardised(digit_batches([[0, 0], [0, 1]], 2))
    x = data.x[:, :100]
    net = deep("batch-normalised ReLU", [[0, 0], [0, 1]], 16, 3)
    for run in range(2):
        layers = []
        for w in net.weights[:-1]:
            linear = torch.nn.Linear(*w.shape[1:], bias=False)
            linear.weight.data = w.data[run].T
            layers += [linear, torch.nn.BatchNorm1d(16), torch.nn.ReLU()]
        assert torch.allclose(
            torch.nn.Sequential(*layers)(x[run]) @ net.weights[-1][run], answers(net, x)[run], atol=1e-4
        )
    alone = deep("SELU", [[0, 1]], 16, 3)
    both = deep("SELU", [[0, 0], [0, 1]], 16, 3)
    descend(alone, *(v[1:] for v in data.batch(0)), 0.1)
    descend(both, *data.batch(0), 0.1)
    assert torch.allclose(alone.weights[0][0], both.weights[0][1], atol=1e-6)
    assert accuracy(both, data).shape == (2,)


def test_a_step_of_descent_is_torchs():
    data = standardised(digit_batches([[3, 0]], 1))
    x, y = data.batch(0)
    net = deep("SELU", [[3, 0]], 16, 2)
    layers = []
    for w in net.weights:
        linear = torch.nn.Linear(*w.shape[1:])
        linear.weight.data, linear.bias.data = w.data[0].T.clone(), torch.zeros(w.shape[2])
        layers += [linear, torch.nn.SELU()]
    theirs = torch.nn.Sequential(*layers[:-1])
    optimiser = torch.optim.SGD(theirs.parameters(), lr=0.1)
    torch.nn.functional.cross_entropy(theirs(x[0]), y[0]).backward()
    optimiser.step()
    descend(net, x, y, 0.1)
    assert torch.allclose(answers(net, x)[0], theirs(x[0]), atol=1e-5)


def test_images_are_standardised_by_the_training_images():
    data = standardised(digit_batches([[0, 0]], 1))
    spread = data.x[0].var(0, correction=0)
    assert data.x[0].mean(0).abs().max() < 1e-5 and torch.isfinite(data.x_test).all()
    assert ((spread - 1).abs() < 1e-4).sum() + (spread == 0).sum() == 64


def test_the_rectangle_leaves_itself_for_other_weights():
    inside, outside = papers.rectangle.run(omega=0.1, tau=1.1), papers.rectangle.run(omega=0.0, tau=1.3)
    assert "stays within itself" in inside.attrs["reading"] and "leaves itself" in outside.attrs["reading"]
    assert float(outside.image_variance.max()) > 1.5 >= float(inside.image_variance.max())


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: unit_map(np.zeros(2), np.array([1.0, 0.0])), r"nu \* tau = 0.0"),
        (lambda: alpha_dropout(torch.zeros(1), torch.ones(1, dtype=torch.bool), 0.0), "keep = 0.0"),
        (lambda: alpha_dropout(torch.zeros(1), torch.ones(1, dtype=torch.bool), 1.5), "keep = 1.5"),
    ],
)
def test_what_has_no_map_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_exercises_take_what_is_right_and_help_with_the_rest():
    low, high = 1.01, 1.4
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if attractor(middle, 1.0)[1] < 1 else (low, middle)
    assert scale_for_one(f"{low:.3f}") is scale_for_one(f"λ = {low:.2f}".replace(".", ",")) is True
    assert "rest at variance" in scale_for_one("1.3") and "die out" in scale_for_one("0.9")
    assert "grow without end" in scale_for_one("1.9")
    edge = 1 - LAMBDA**2 / 2
    assert too_much_dropped(f"{edge:.3f}") is too_much_dropped(f"{edge:.2f}".replace(".", ",")) is True
    assert "comes to rest" in too_much_dropped("0.3") and "too much already" in too_much_dropped("1/2")
    for nonsense in ("", "two", "2"):
        with pytest.raises(ValueError):
            too_much_dropped(nonsense)
