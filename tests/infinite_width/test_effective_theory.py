"""Deep random networks: averages beside SciPy, slopes by differences, critical points, and networks that are drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from labcore.infinite_width import effective_theory as theory
from labcore.infinite_width.effective_theory.activations import LEAK, code
from labcore.infinite_width.effective_theory.exercises import as_varied_as_large, leaky_point
from labcore.infinite_width.effective_theory.experiments import EDGES, _counted, collapse, journey, tails
from labcore.infinite_width.effective_theory.fates import FATES, fate_map
from labcore.infinite_width.effective_theory.gaussian import expect

PEERS = {
    "relu": torch.relu,
    "leaky": lambda z: torch.nn.functional.leaky_relu(z, LEAK),
    "linear": lambda z: z,
    "tanh": torch.tanh,
    "sin": torch.sin,
    "gelu": torch.nn.functional.gelu,
    "swish": torch.nn.functional.silu,
    "sigmoid": torch.sigmoid,
}


def draw(activation, width, depth, nets, skip=0.0, seed=0):
    """Second and fourth moments (depth, 2) of random networks at the critical point, and their standard errors."""
    c_b, c_w = theory.tuned(activation, skip)
    start = theory.critical(activation).size or 1.0
    rng = np.random.default_rng(seed)
    z = np.sqrt(start) * rng.standard_normal((nets, width))
    found = [theory.next_layer(code(activation), z, c_w, c_b, skip, rng) for _ in range(depth - 1)]
    k = theory.flow(activation, c_w, c_b, start, depth, skip)
    return np.array(found), k, theory.four_point_with_skip(activation, c_w, k, skip)


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


@pytest.mark.parametrize("activation", theory.NAMES)
def test_activations_are_those_of_torch(activation):
    z = torch.linspace(-40, 40, 401, dtype=torch.float64, requires_grad=True)
    PEERS[activation](z).sum().backward()
    there = z.detach().numpy() != 0  # where a kink may be, torch takes one side
    ours = theory.output(activation, z.detach().numpy())
    assert ours == pytest.approx(PEERS[activation](z).detach().numpy(), abs=1e-12)
    assert theory.slope(activation, z.detach().numpy())[there] == pytest.approx(z.grad.numpy()[there], abs=1e-12)


@pytest.mark.parametrize("activation", theory.NAMES)
def test_averages_beside_scipy_and_the_slope_by_a_difference(activation):
    for k in (0.3, 2.0):
        density = lambda z, k=k: np.exp(-(z**2) / 2 / k) / np.sqrt(2 * np.pi * k)  # noqa: E731

        def average(f, density=density):
            one = lambda z: float(f(np.array([z]))[0]) * density(z)  # noqa: E731
            return quad(one, -20, 0, epsabs=1e-12)[0] + quad(one, 0, 20, epsabs=1e-12)[0]

        assert theory.passed(activation, k) == pytest.approx(average(lambda z: theory.output(activation, z) ** 2))
        assert theory.perpendicular(activation, k) == pytest.approx(average(lambda z: theory.slope(activation, z) ** 2))
        difference = (theory.passed(activation, k + 1e-4) - theory.passed(activation, k - 1e-4)) / 2e-4
        assert theory.parallel(activation, k) == pytest.approx(difference, abs=1e-6)


def test_critical_points():
    points = {name: theory.critical(name) for name in theory.NAMES}
    assert points["sigmoid"] is None
    for name, c_w in (("relu", 2), ("linear", 1), ("leaky", 2 / (1 + LEAK**2)), ("tanh", 1), ("sin", 1)):
        assert points[name][:2] == pytest.approx((0, c_w), abs=1e-9)
    assert points["gelu"][:3] == pytest.approx((0.17292239, 1.98305826, (3 + 17**0.5) / 2), abs=1e-7)
    assert points["swish"][:2] == pytest.approx((0.55514317, 1.98800468), abs=1e-7)
    for name, point in points.items():
        if point:
            k = point.size or 1e-9
            growths = point.c_w * theory.parallel(name, k), point.c_w * theory.perpendicular(name, k)
            assert growths == pytest.approx((1, 1), abs=1e-6), name
            assert point.c_b + point.c_w * theory.passed(name, k) == pytest.approx(k, abs=1e-9)


def test_at_its_critical_point_tanh_falls_as_one_over_twice_the_layer():
    late = theory.flow("tanh", 1.0, 0.0, 1.0, 2001)[-1]
    assert late * 2 * 2000 == pytest.approx(1, rel=0.01)
    assert theory.flow("sin", 1.0, 0.0, 1.0, 2001)[-1] * 2000 == pytest.approx(1, rel=0.01)


def test_the_gap_of_two_inputs_is_that_of_the_arc_cosine_kernel():
    k, c = 1.7, 1.2
    angle = np.arccos(c / k)
    passed = k * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    size = np.array([k, 2 * k / 2])
    assert theory.gaps("relu", 2.0, size, 2 * (k - c))[1] == pytest.approx(2 * (k - 2 * passed), rel=2e-3)
    tiny = theory.gaps("tanh", 1.5, np.array([1.0, 1.0]), 1e-6)[1] / 1e-6
    assert tiny == pytest.approx(1.5 * float(theory.perpendicular("tanh", 1.0)), rel=1e-4)


def test_two_neurons_of_relu_and_linear_networks_vary_by_the_exact_law():
    for activation, nu in (("relu", 5), ("linear", 2)):
        (_, fourth), size, v = np.moveaxis(draw(activation, 32, 5, 100_000)[0], 1, 0), *draw(activation, 32, 5, 10)[1:]
        law = (1 + nu / 32) ** np.arange(1, 5)
        error = fourth.std(1) / np.sqrt(100_000)
        assert (np.abs(fourth.mean(1) - law) < 5 * error).all()
        assert v / size**2 == pytest.approx(nu * np.arange(5)), "the recursion is its first order"
        plain = theory.four_point(activation, theory.tuned(activation)[1], size)
        assert plain == pytest.approx(v, abs=1e-9)


@pytest.mark.parametrize("activation", ["tanh", "gelu"])
@pytest.mark.parametrize("skip", [0.0, 0.5, 0.9])
def test_drawn_networks_vary_as_the_recursion_says(activation, skip):
    width, depth, nets = 256, 4, 20_000
    (second, fourth), k, v = np.moveaxis(draw(activation, width, depth, nets, skip)[0], 1, 0), None, None
    _, k, v = draw(activation, width, depth, 10, skip)
    found = width * (fourth.mean(1) - second.mean(1) ** 2)
    parts = fourth.reshape(depth - 1, 20, -1).mean(2) - second.reshape(depth - 1, 20, -1).mean(2) ** 2
    error = width * parts.std(1) / np.sqrt(20)
    assert (np.abs(found - v[1:]) < 5 * error + 0.06 * v[1:]).all()


def test_the_factor_of_skips_is_that_of_linear_networks_only():
    for skip in (0.5, 0.9):
        _, k, v = draw("linear", 8, 6, 10, skip)
        assert v / k**2 == pytest.approx(2 * (1 - skip**4) * np.arange(6))
        _, k, v = draw("relu", 8, 6, 10, skip)
        assert abs(v[5] / 5 / (5 * (1 - skip**4)) - 1) > 0.05


@pytest.mark.parametrize(("activation", "c_w", "c_b"), [("relu", 2.0, 0.1), ("tanh", 3.0, 0.05)])
def test_networks_with_all_their_weights_and_their_drawn_numbers_are_the_same_in_law(activation, c_w, c_b):
    rng, nets, width, depth = np.random.default_rng(1), 3000, 24, 5
    u, w = rng.standard_normal((2, nets, width))
    size, gap = theory.cross(code(activation), u, 0.9 * u + 0.19**0.5 * w, c_w, c_b, depth, rng)
    z = rng.standard_normal((nets, width))
    for layer in range(1, depth):
        theory.next_layer(code(activation), z, c_w, c_b, 0.0, rng)
        drawn = (z**2).mean(1)
        for f in (lambda x: x, lambda x: x**2):
            one, other = f(size[:, layer]), f(drawn)
            error = np.hypot(one.std(), other.std()) / np.sqrt(nets)
            assert abs(one.mean() - other.mean()) < 5 * error
    k = theory.flow(activation, c_w, c_b, 1.0, 2)
    d = theory.gaps(activation, c_w, k, 0.2)
    assert abs(gap[:, 1].mean() - d[1]) < 5 * gap[:, 1].std() / np.sqrt(nets), "one layer has no corrections"


def test_fates_of_the_map_are_those_of_the_flow():
    weights, biases = np.array([1.0, 1.4, 2.0, 2.6]), np.array([0.0, 0.6])
    relu = fate_map("relu", weights, biases, 1.0, 50)
    assert [FATES[k] for k in relu[0]] == ["dies out", "dies out", "arrives", "explodes"]
    assert [FATES[k] for k in relu[1][:2]] == ["all inputs become alike"] * 2
    tanh = fate_map("tanh", np.array([1.0, 3.0]), np.array([0.0, 0.5]), 1.0, 50)
    assert FATES[tanh[0, 0]] == "arrives" and FATES[tanh[0, 1]] == "neighbours part"
    for which in (dict(weights=1.4), dict(weights=2.0), dict(activation="tanh", weights=3.0, apart=0.01)):
        frame = journey.run("quick", **which)
        at = int(np.abs(frame.weight.values - which["weights"]).argmin())
        assert frame.fate.values[0, at] == int(frame.end)


def test_outputs_are_counted_as_by_numpy():
    x = np.random.default_rng(0).normal(size=10_000) * 5
    assert (_counted(x) == np.histogram(x, EDGES)[0]).all()


def test_readings_say_what_is_measured():
    frame = tails.run("quick", width=16, depth=4)
    assert f"{float(frame.beyond[-1]):.3%} of the outputs" in frame.attrs["reading"]
    assert float(frame.exact[-1]) == pytest.approx((1 + 5 / 16) ** 3 - 1)
    assert "exact" not in tails.run("quick", skip=0.5, depth=3) and "exact" not in tails.run("quick", activation="tanh")
    assert "no critical point" in journey.run("quick", activation="sigmoid").attrs["reading"]
    assert "the signal's size goes from 1 to 7,584" in journey.run("quick", weights=2.4).attrs["reading"]
    frame = collapse.run("quick")
    assert f"{float(frame.swing[-1, -1]) - 1:.2f} between networks" in frame.attrs["reading"]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: theory.output("step", np.zeros(2)), "activation = 'step'"),
        (lambda: theory.tuned("sigmoid"), "activation = 'sigmoid'"),
        (lambda: theory.tuned("relu", 1.0), "skip = 1.0"),
        (lambda: theory.flow("relu", 2.0, 0.0, 0.0, 5), "start = 0.0"),
        (lambda: theory.flow("relu", -1.0, 0.0, 1.0, 5), "c_w = -1.0"),
        (lambda: theory.flow("relu", 2.0, 0.0, 1.0, 0), "depth = 0"),
        (lambda: theory.next_layer(0, np.ones((2, 1)), 2.0, 0.0, 0.0, np.random.default_rng(0)), "two neurons"),
        (lambda: theory.cross(9, np.ones((1, 2)), np.ones((1, 2)), 2.0, 0.0, 3, np.random.default_rng(0)), "which = 9"),
    ],
)
def test_what_is_no_network_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert leaky_point("1.92") is leaky_point("C_W = 25/13") is leaky_point("1,92") is True
    assert "the size goes from 1 to" in leaky_point("2")
    assert as_varied_as_large("14.2") is as_varied_as_large("15") is True
    assert "After 20 layers" in as_varied_as_large("20")
    for wrong in ("", "many"):
        with pytest.raises(ValueError):
            leaky_point(wrong)
