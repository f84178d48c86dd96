"""What infinitely wide layers pass on, against quadrature, sampling, limits and networks of finite width."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import erf

from labcore.primitives.wide import duals
from labcore.primitives.wide.duals import SIGN, Activation, pair, signal, slope
from labcore.primitives.wide.gaussian import expect
from labcore.primitives.wide.recursion import nngp_ntk

RNG = np.random.default_rng(0)
D1, D2 = RNG.uniform(0.1, 3, (2, 40))
C = RNG.uniform(-1, 1, 40) * np.sqrt(D1 * D2)
ALL = [Activation("linear"), Activation("sin"), Activation("tanh"), Activation("erf", 0.7), Activation("relu")]


def density(z, v):
    return np.exp(-z * z / (2 * v)) / np.sqrt(2 * np.pi * v)


@pytest.mark.parametrize("variance", [0.01, 1.0, 7.0])
def test_averages_equal_an_adaptive_quadrature(variance):
    edge = 12 * np.sqrt(variance)
    functions = [lambda z: np.tanh(z) ** 2, lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))) ** 3, np.sign]
    for f in functions:
        sides = [quad(lambda z: f(z) * density(z, variance), *ends)[0] for ends in ((-edge, 0), (0, edge))]  # noqa: B023
        assert expect(f, variance) == pytest.approx(sum(sides), rel=1e-9, abs=1e-12)
    assert expect(lambda z: z**4, [variance, 2 * variance]) == pytest.approx([3 * variance**2, 12 * variance**2])


def test_a_negative_variance_is_refused():
    with pytest.raises(ValueError, match="variance = -1"):
        expect(np.sin, -1)


@pytest.mark.parametrize("activation", ALL[:4], ids=str)
def test_closed_forms_equal_a_quadrature(activation):
    s, ds = duals.functions(activation)
    close = 1e-5 if activation.kind == "tanh" else 1e-9  # a quadrature itself
    assert signal(activation, C, D1, D2) == pytest.approx(pair(s, s, C, D1, D2, nodes=200), abs=close)
    assert slope(activation, C, D1, D2) == pytest.approx(pair(ds, ds, C, D1, D2, nodes=200), abs=close)


def test_the_mixed_slope_of_two_erfs_equals_a_quadrature():
    one, two = Activation("erf", 1.3), Activation("erf", 0.4)
    want = pair(duals.functions(one)[1], duals.functions(two)[1], C, D1, D2, nodes=200)
    assert slope(one, C, D1, D2, two) == pytest.approx(want, abs=1e-8)
    other = Activation("tanh")
    mixed = pair(duals.functions(one)[1], duals.functions(other)[1], C, D1, D2, nodes=200)
    assert slope(one, C, D1, D2, other) == pytest.approx(mixed, abs=1e-4)


def test_relu_equals_an_integral_over_the_angle():
    """u = sqrt(d1) r cos t, v = sqrt(d2) r cos(t - a): the radius integrates by hand, the angle numerically."""
    relu = Activation("relu")
    for c, d1, d2 in zip(C[:8], D1, D2, strict=False):
        a = np.arccos(c / np.sqrt(d1 * d2))
        low, high = a - np.pi / 2, np.pi / 2  # where both are above 0
        ss = quad(lambda t: np.cos(t) * np.cos(t - a), low, high)[0] * 2 * np.sqrt(d1 * d2) / (2 * np.pi)  # noqa: B023
        assert signal(relu, c, d1, d2) == pytest.approx(ss, abs=1e-10)
        assert slope(relu, c, d1, d2) == pytest.approx((high - low) / (2 * np.pi), abs=1e-12)


def test_the_step_is_the_limit_of_steep_functions():
    steep, soft = Activation("erf", 1e6), Activation("erf", 0.8)
    assert signal(SIGN, C, D1, D2) == pytest.approx(signal(steep, C, D1, D2), abs=1e-6)
    assert slope(SIGN, C, D1, D2, soft) == pytest.approx(slope(steep, C, D1, D2, soft), rel=1e-6)
    assert slope(SIGN, D1, D1, D1, soft) == pytest.approx(4 * 0.8 / np.pi / np.sqrt(2 * D1))
    assert np.isinf(slope(SIGN, 1.0, 1.0, 1.0)) and slope(SIGN, 0.5, 1.0, 1.0) < np.inf


def test_equal_inputs_survive_rounding():
    d = np.array([0.1, 1 / 3, 1e-9, 0.0])
    for activation in ALL:
        s, ds = (f(activation, d * (1 + 1e-16), d, d) for f in (signal, slope))
        assert np.isfinite(s).all() and np.isfinite(ds).all()
    assert signal(Activation("relu"), d, d, d) == pytest.approx(d / 2)


def test_a_linear_network_has_its_layers_times_the_kernel():
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(4, 3))
    sigma, theta = nngp_ntk(x, y, Activation("linear"), 3)
    assert sigma == pytest.approx(x @ y.T / 3) and theta == pytest.approx(4 * sigma)


def test_two_sets_of_inputs_are_parts_of_one():
    x, y = RNG.normal(size=(5, 3)), 2 * RNG.normal(size=(4, 3))
    both = np.concatenate([x, y])
    for second in (None, Activation("erf", 0.5)):
        whole = nngp_ntk(both, both, Activation("erf", 2), 3, 1.5, 0.1, second)
        part = nngp_ntk(x, y, Activation("erf", 2), 3, 1.5, 0.1, second)
        assert part.sigma == pytest.approx(whole.sigma[:5, 5:]) and part.theta == pytest.approx(whole.theta[:5, 5:])
        symmetric = np.abs(whole.theta - whole.theta.T).max() / whole.theta.max()
        assert symmetric < 1e-14 if second is None else symmetric > 0.005


def test_a_wide_network_has_this_tangent_kernel():
    """Per-sample gradients by torch of one network, 2-4000-1: its kernel lies within a few of 1 / sqrt(4000)."""
    torch.manual_seed(0)
    x, n = torch.tensor(RNG.normal(size=(4, 2))), 4000
    parts = [torch.randn(s, dtype=torch.float64) for s in ((n, 2), (n,), (1, n), (1,))]

    def net(w1, b1, w2, b2, row):
        hidden = torch.relu(2**0.5 * w1 @ row / 2**0.5 + 0.3 * b1)
        return (2**0.5 * w2 @ hidden / n**0.5 + 0.3 * b2)[0]

    grads = torch.func.vmap(torch.func.grad(net, argnums=(0, 1, 2, 3)), in_dims=(None,) * 4 + (0,))(*parts, x)
    flat = torch.cat([g.flatten(1) for g in grads], 1)
    want = nngp_ntk(x.numpy(), x.numpy(), Activation("relu"), 1, 2.0, 0.09).theta
    assert np.linalg.norm((flat @ flat.T).numpy() - want) / np.linalg.norm(want) < 0.06


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x2": np.ones((2, 4))}, "x1, x2 have shapes"),
        ({"depth": -1}, "depth = -1"),
        ({"weight_var": -0.5}, "weight_var = -0.5"),
        ({"bias_var": np.nan}, "bias_var = nan"),
        ({"activation": Activation("gelu")}, "kind = 'gelu'"),
        ({"activation": Activation("erf", 0)}, "sharpness = 0"),
        ({"activation": Activation("relu", 2)}, "sharpness = 2"),
        ({"activation": Activation("relu"), "second": SIGN}, "its derivative is no function"),
    ],
)
def test_bad_input_is_named(change, words):
    good = {"x1": np.ones((2, 3)), "x2": np.ones((2, 3)), "activation": Activation("relu"), "depth": 2}
    with pytest.raises(ValueError, match=words):
        nngp_ntk(**(good | change))


def test_erf_has_its_sharpness():
    s, ds = duals.functions(Activation("erf", 3))
    z = np.linspace(-1, 1, 5)
    assert s(z) == pytest.approx(erf(3 * z)) and ds(0.0) == pytest.approx(6 / np.sqrt(np.pi))
