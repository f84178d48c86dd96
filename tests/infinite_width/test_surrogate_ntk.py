"""Learning with surrogate slopes: autograd's own step, brute-force Jacobians, quadrature, and wide networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from labcore.infinite_width.surrogate_ntk import (
    descend,
    draw,
    fastest,
    learn,
    measured_kernel,
    outputs,
    surrogate_kernel,
)
from labcore.infinite_width.surrogate_ntk.exercises import a_hundred, both_ways
from labcore.infinite_width.surrogate_ntk.experiments import cloud, sides

LENGTHS = np.array([0.3, 0.8, 1.5, 2.5, 4.0])


def points(lengths, seed=0):
    angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(lengths))
    return lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def tensor(x):
    return torch.tensor(x, dtype=torch.float64)


class Surrogate(torch.autograd.Function):
    """erf(steep z) or the step forward, the slope of erf(sharp z) backward, as PyTorch wants it."""

    @staticmethod
    def forward(z, steep, sharp):
        return torch.sign(z) if steep == np.inf else torch.erf(steep * z)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])
        ctx.sharp = inputs[2]

    @staticmethod
    def backward(ctx, grad):
        (z,) = ctx.saved_tensors
        return grad * 2 * ctx.sharp / np.sqrt(np.pi) * torch.exp(-((ctx.sharp * z) ** 2)), None, None


def plain_net(parameters, x, bias, steep, sharp):
    """One network, x (n, n0) -> (n,), from [W, beta, W, beta, ...]."""
    h = x
    for k in range(0, len(parameters), 2):
        w, beta = parameters[k : k + 2]
        z = h @ w.T / np.sqrt(w.shape[1]) + bias * beta
        h = Surrogate.apply(z, steep, sharp)
    return z[:, 0]


def one_net(nets, k):
    return [p[k].clone() for layer in zip(nets.weights, nets.offsets, strict=True) for p in layer]


def jacobian(parameters, x, bias, steep, sharp):
    """(n, P), by one backward pass an input."""
    rows = []
    for i in range(len(x)):
        leaves = [p.clone().requires_grad_() for p in parameters]
        out = plain_net(leaves, x[i : i + 1], bias, steep, sharp)
        rows.append(torch.cat([g.ravel() for g in torch.autograd.grad(out[0], leaves)]))
    return torch.stack(rows)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_step_is_the_one_of_autograd(depth):
    nets = draw(3, 2, 17, depth, 0.1, torch.Generator().manual_seed(0), torch.float64)
    x, y, rate, sharp = tensor(points(LENGTHS)), tensor(np.linspace(-1, 1, 5)), 0.3, 0.7
    before = [one_net(nets, k) for k in range(3)]
    targets = outputs(nets, x) + y
    said = learn(nets, x, targets, rate, sharp)
    for k in range(3):
        leaves = [p.clone().requires_grad_() for p in before[k]]
        f = plain_net(leaves, x, nets.bias, np.inf, sharp)
        assert said[k] == pytest.approx(f.detach(), abs=1e-12)
        grads = torch.autograd.grad(((f - targets[k]) ** 2).sum() / 2, leaves)
        for ours, old, grad in zip(one_net(nets, k), before[k], grads, strict=True):
            assert (ours - (old - rate * grad)).abs().max() < 1e-12


@pytest.mark.parametrize("depth", [1, 2])
def test_the_measured_kernel_is_that_of_the_jacobians(depth):
    nets = draw(2, 2, 11, depth, 0.3, torch.Generator().manual_seed(1), torch.float64)
    x1, x2 = tensor(points(LENGTHS)), tensor(points(LENGTHS[:3], 5))
    ours = measured_kernel(nets, x1, x2, 1.5, 0.4)
    for k in range(2):
        net = one_net(nets, k)
        true, pretended = jacobian(net, x1, nets.bias, 1.5, 1.5), jacobian(net, x2, nets.bias, 1.5, 0.4)
        assert ours[k] == pytest.approx(true @ pretended.T, rel=1e-10)


def test_it_meets_a_step_only_on_one_side():
    """One layer: E[sign'(u) t'(v)] is twice the density of u at 0, times the mean of t'(v) there."""
    x, bias, sharp = points(LENGTHS), 0.1, 0.6
    sigma = x @ x.T / 2 + bias
    d = np.diag(sigma)
    ours = surrogate_kernel(x, x, 1, bias, sharp=sharp)
    for i in range(5):
        for j in range(5):
            spread = np.sqrt(max(d[j] - sigma[i, j] ** 2 / d[i], 0))

            def slope(t, spread=spread):
                density = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
                return 2 * sharp / np.sqrt(np.pi) * np.exp(-((sharp * spread * t) ** 2)) * density

            met = 2 / np.sqrt(2 * np.pi * d[i]) * quad(slope, -12, 12, epsabs=1e-12)[0]
            passed = 2 / np.pi * np.arcsin(np.clip(sigma[i, j] / np.sqrt(d[i] * d[j]), -1, 1)) + bias
            assert ours[i, j] == pytest.approx(passed + sigma[i, j] * met, abs=1e-8)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_step_is_the_end_of_steep_slopes(depth):
    x = points(LENGTHS)
    step, steep = (surrogate_kernel(x, x, depth, 0.1, steep=m, sharp=0.7) for m in (np.inf, 1e6))
    assert steep == pytest.approx(step, rel=1e-5)
    assert surrogate_kernel(x, x, depth, 0.1, 0.7, 0.7) == pytest.approx(surrogate_kernel(x, x, depth, 0.1, 0.7))
    with pytest.raises(ValueError, match="steep = inf is not allowed"):
        surrogate_kernel(x, x, depth, 0.1)


def test_it_is_not_symmetric_unless_all_inputs_are_equally_long():
    alike, other = (surrogate_kernel(x, x, 1, 0.1, sharp=0.5) for x in (points(np.full(5, 1.4)), points(LENGTHS)))
    assert abs(alike - alike.T).max() < 1e-14
    assert abs(other - other.T).max() > 0.04 * other.max()


def test_wide_networks_have_the_mixed_kernel_and_no_other():
    x, steep, sharp, off = points(LENGTHS, 1), 4.0, 0.5, {}
    nets = draw(200, 2, 400, 2, 0.1, torch.Generator().manual_seed(0))
    gram = measured_kernel(nets, tensor(x), tensor(x), steep, sharp).double().mean(0).numpy()
    mixed = surrogate_kernel(x, x, 2, 0.1, steep, sharp)
    for name, kernel in (
        ("mixed", mixed),
        ("sides exchanged", mixed.T),
        ("smooth", surrogate_kernel(x, x, 2, 0.1, sharp)),
        ("ordinary", surrogate_kernel(x, x, 2, 0.1, steep)),
    ):
        off[name] = np.linalg.norm(gram - kernel) / np.linalg.norm(kernel)
    assert off["mixed"] < 0.04 and 3 * off["mixed"] < min(v for name, v in off.items() if name != "mixed"), off


@pytest.mark.parametrize(("depth", "width", "n", "rate"), [(1, 1000, 800, 1.0), (2, 200, 1500, 0.3)])
def test_a_learning_step_moves_networks_of_steps_as_the_kernel_says(depth, width, n, rate):
    """No slope is measured here: f is taken before and after, at the taught input and at another one."""
    x, sharp = np.array([[0.5, 0.0], [2.0, 1.4]]), 0.5
    for k in range(2):
        nets = draw(n, 2, width, depth, 0.1, torch.Generator().manual_seed(k))
        before = outputs(nets, tensor(x).float())
        learn(nets, tensor(x[k : k + 1]).float(), before[:, k : k + 1] + 1, rate, sharp)
        moved = (outputs(nets, tensor(x).float()) - before).double().numpy() / rate
        expected = surrogate_kernel(x, x[k : k + 1], depth, 0.1, sharp=sharp)[:, 0]
        error = moved.std(0) / np.sqrt(n)
        assert (abs(moved.mean(0) - expected) < 5 * error + 0.03 * expected).all(), (moved.mean(0), expected, error)


def test_descent_ends_at_the_asymmetric_solution():
    x, y = points(LENGTHS[1:]), np.array([1.0, -1.0, 0.5, -0.5])
    inside, across = (
        surrogate_kernel(x, x, 2, 0.1, sharp=0.5),
        surrogate_kernel(points(LENGTHS, 9), x, 2, 0.1, sharp=0.5),
    )
    most = fastest(inside)
    course = descend(inside, across, y, 0.9 * most, 20_000)
    assert course.f == pytest.approx(across @ np.linalg.solve(inside, y), abs=1e-8)
    assert abs(course.f - across @ np.linalg.solve((inside + inside.T) / 2, y)).max() > 0.01
    step = np.eye(4) - 0.1 * inside
    assert descend(inside, across, y, 0.1, 7).wrong[7] == pytest.approx(-np.linalg.matrix_power(step, 7) @ y)
    sizes = [abs(np.linalg.eigvals(np.eye(4) - r * inside)).max() for r in (0.999 * most, 1.001 * most)]
    assert sizes[0] < 1 < sizes[1]


def test_a_kernel_that_turns_has_complex_eigenvalues():
    turning = np.array([[0.5, -1.0], [1.0, 0.5]])
    assert fastest(turning) == pytest.approx(2 * 0.5 / 1.25)
    assert fastest(np.diag([1.0, -0.1])) == 0


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda g: draw(0, 2, 3, 1, 0.1, g), "n_nets = 0"),
        (lambda g: draw(1, 2, 3, 1, -0.1, g), "bias_var = -0.1"),
        (lambda g: outputs(draw(1, 2, 3, 1, 0.1, g), torch.ones(4, 3)), "x has shape"),
        (lambda g: outputs(draw(1, 2, 3, 1, 0.1, g), torch.ones(4, 2), 0.0), "steep = 0.0"),
        (lambda g: learn(draw(2, 2, 3, 1, 0.1, g), torch.ones(4, 2), torch.ones(4), 0.1, 1.0), "targets have shape"),
        (lambda g: learn(draw(2, 2, 3, 1, 0.1, g), torch.ones(4, 2), torch.ones(2, 4), 0.1, 0.0), "sharp = 0.0"),
        (lambda g: measured_kernel(draw(1, 2, 3, 1, 0.1, g), torch.ones(1, 2), torch.ones(1, 2), np.inf, 1.0), "steep"),
        (lambda g: descend(np.eye(2), np.eye(2), np.ones(2), 2.5, 3), "rate = 2.5"),
        (lambda g: surrogate_kernel(np.zeros((1, 2)), np.ones((1, 2)), 1, 0.0, sharp=1.0), "steep"),
    ],
)
def test_what_cannot_be_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call(torch.Generator().manual_seed(0))


def test_exercises_take_what_is_right_and_help_with_the_rest():
    low, high = 1.0, 1024.0
    one = np.array([[np.sqrt(2), 0.0]])
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if surrogate_kernel(one, one, 1, 0.1, middle)[0, 0] > 100 else (middle, high)
    assert a_hundred(f"{low:.4g}") is a_hundred(f"m = {low:.0f}") is a_hundred(f"{2 * low:.4g}/2") is True
    assert "it is 43.8" in a_hundred("64")
    assert both_ways("1.118") is both_ways("-1.118") is both_ways("sqrt(5)/2") is True
    assert "B moves by" in both_ways("3")
    for check in (a_hundred, both_ways):
        for nonsense in ("", "very", "1e9"):
            with pytest.raises(ValueError):
                check(nonsense)


def test_readings_say_what_was_measured():
    frame = sides.run(n_seeds=64)
    there, back = frame.moved.mean("repeat").values
    assert f"B moves by {there:.3f}" in frame.attrs["reading"] and f"A by {back:.3f}" in frame.attrs["reading"]
    assert "The two differ." in frame.attrs["reading"]
    assert "not clearly different" in sides.run(a_length=2.45).attrs["reading"]
    frame = cloud.run("quick")
    left = frame.error[:, -1].mean() / frame.error[:, 0].mean()
    assert f"4 networks is {left:.1%} of its start" in frame.attrs["reading"]
    size = np.sqrt((frame.predicted**2).mean())
    away = np.sqrt(((frame.f - frame.predicted) ** 2).mean("angle")) / size
    assert frame.away.values == pytest.approx(away.values)
    assert f"One is {away.mean():.0%} from" in frame.attrs["reading"]
