"""Tangent kernels: finite differences, jacrev, Monte Carlo, closed forms, an ODE solver, and networks that obey."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch.func import jacrev, vmap

from labcore.infinite_width.ntk import Networks, backward, draw, forward, gram, left, solve, step
from labcore.infinite_width.ntk import experiments as papers
from labcore.infinite_width.ntk.circle import circle, rates, waves
from labcore.infinite_width.ntk.exercises import a_hundredth, cannot_be_learned
from labcore.infinite_width.ntk.networks import narrower
from labcore.primitives.wide.duals import Activation
from labcore.primitives.wide.recursion import nngp_ntk

KINDS = ("linear", "relu", "erf", "tanh")


def made(kind, width=5, depth=2, seeds=(3, 4), bias=0.3):
    return draw(3, width, depth, Activation(kind), 1.7, bias, list(seeds))


def inputs(n=4, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 3)))


def moved(nets: Networks, layer: int, where: tuple[int, ...], by: float, bias: bool) -> Networks:
    other = nets.copy()
    (other.biases if bias else other.weights)[layer][where] += by
    return other


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_is_that_of_all_parameters_by_finite_differences(kind):
    """A small network of which each weight and bias is moved by itself."""
    nets, x, h = made(kind, width=3, depth=1, seeds=(1,)), inputs(), 1e-6
    slopes = []
    for bias in (False, True):
        for layer, values in enumerate(nets.biases if bias else nets.weights):
            for where in np.ndindex(*values.shape):
                up, down = (forward(moved(nets, layer, where, s * h, bias), x).output[0] for s in (1, -1))
                slopes.append((up - down) / (2 * h))
    j = torch.stack(slopes, 1)
    assert j.shape[1] == 3 * 3 + 3 + 3 + 1
    assert gram(nets, x)[0].numpy() == pytest.approx((j @ j.T).numpy(), rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_is_that_of_jacrev(kind):
    """A torch module of the usual layers, scaled from outside, and the autograd of its own."""
    nets, x = made(kind, width=6, depth=3), inputs()
    s = {"linear": torch.nn.Identity(), "relu": torch.nn.ReLU(), "erf": torch.erf, "tanh": torch.nn.Tanh()}[kind]
    for k, theta in enumerate(gram(nets, x)):
        parameters = [v[k] for pair in zip(nets.weights, nets.biases, strict=True) for v in pair]

        def answer(parameters, x):
            for i in range(0, len(parameters), 2):
                w, beta = parameters[i : i + 2]
                x = (1.7 / w.shape[1]) ** 0.5 * w @ x + 0.3**0.5 * beta
                x = x if i == len(parameters) - 2 else s(x)
            return x[0]

        gradients = vmap(jacrev(answer), (None, 0))(parameters, x)
        j = torch.cat([g.flatten(1) for g in gradients], 1)
        assert theta.numpy() == pytest.approx((j @ j.T).numpy(), rel=1e-10)
        assert forward(nets, x).output[k].numpy() == pytest.approx(vmap(answer, (None, 0))(parameters, x).numpy())


@pytest.mark.parametrize("kind", ("relu", "erf", "tanh"))
def test_the_recursion_is_a_monte_carlo_average_over_pairs(kind):
    """One layer: a million pairs of neurons; both diagonals matter, as the inputs have unequal lengths."""
    s, t = {
        "relu": (lambda z: np.maximum(z, 0), lambda z: 1.0 * (z > 0)),
        "erf": (lambda z: torch.erf(torch.from_numpy(z)).numpy(), lambda z: 2 / np.sqrt(np.pi) * np.exp(-(z**2))),
        "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    }[kind]
    x, y = np.array([[1.0, 0.5]]), np.array([[-0.3, 2.5]])
    both = np.concatenate([x, y])
    first = 2.0 * both @ both.T / 2 + 0.1
    u, v = np.linalg.cholesky(first) @ np.random.default_rng(0).normal(size=(2, 1_000_000))
    sigma, theta = nngp_ntk(x, y, Activation(kind), 1, 2.0, 0.1)
    products, slopes = 2.0 * s(u) * s(v) + 0.1, 2.0 * t(u) * t(v)
    assert abs(products.mean() - sigma[0, 0]) < 5 * products.std() / 1e3
    whole = products + first[0, 1] * slopes
    assert abs(whole.mean() - theta[0, 0]) < 5 * whole.std() / 1e3


def test_the_limit_of_a_linear_network_is_its_covariance_once_a_layer():
    x = inputs().numpy()
    for depth in (1, 4):
        sigma, theta = nngp_ntk(x, x, Activation("linear"), depth)
        assert theta == pytest.approx((depth + 1) * sigma, rel=1e-12)


@pytest.mark.parametrize(("kind", "depth"), [("relu", 1), ("relu", 3), ("erf", 2), ("tanh", 2)])
def test_the_mean_kernel_of_wide_networks_is_the_limit(kind, depth):
    """Inputs of unequal lengths; the scatter of 16 networks says how near their mean has to be."""
    x = inputs(3)
    thetas = gram(draw(3, 300, depth, Activation(kind), 1.7, 0.3, list(range(16))), x).numpy()
    limit = nngp_ntk(x.numpy(), x.numpy(), Activation(kind), depth, 1.7, 0.3).theta
    assert (abs(thetas.mean(0) - limit) < 5 * thetas.std(0) / 4 + 0.01 * limit.max()).all()
    assert np.linalg.norm(thetas.mean(0) - limit) < 0.15 * np.linalg.norm(limit)


def test_a_narrower_network_is_the_first_neurons_of_the_wider():
    wide, narrow = made("relu", width=70), made("relu", width=40)
    cut = narrower(wide, 40)
    for a, b in zip(cut.weights + cut.biases, narrow.weights + narrow.biases, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(*made("relu").weights[0])


def test_a_step_is_that_of_autograd():
    nets, x, pull = made("erf"), inputs(), torch.tensor([[0.3, -1.0, 0.2, 0.5], [1.0, 0.1, -0.4, 0.0]]).double()
    parameters = [v.clone().requires_grad_() for v in nets.weights + nets.biases]
    watched = nets._replace(weights=tuple(parameters[:3]), biases=tuple(parameters[3:]))
    (forward(watched, x).output * pull).sum().backward()
    step(nets, forward(nets, x), pull, 0.01)
    for now, before in zip(nets.weights + nets.biases, parameters, strict=True):
        assert now.numpy() == pytest.approx((before - 0.01 * before.grad).detach().numpy(), abs=1e-14)


def test_what_comes_back_is_the_slope_of_each_neuron():
    nets, x = made("tanh", depth=1, seeds=(5,)), inputs()
    z = (1.7 / 3) ** 0.5 * x @ nets.weights[0][0].T + 0.3**0.5 * nets.biases[0][0]
    expected = (1.7 / 5) ** 0.5 * nets.weights[1][0] * (1 - torch.tanh(z) ** 2)
    assert backward(nets, forward(nets, x))[0][0].numpy() == pytest.approx(expected.numpy())


def task(n=5):
    rng = np.random.default_rng(1)
    x, y, start = rng.normal(size=(n + 3, 3)), rng.normal(size=n), rng.normal(size=(2, n + 3))
    theta = nngp_ntk(x, x[:n], Activation("relu"), 2, 2.0, 0.1).theta
    return theta[:n], theta, y, start[:, :n], start


def test_training_on_paper_is_the_differential_equation():
    within, across, y, start, all_start = task()
    times = np.array([0.0, 0.4, 3.0])
    found = solve(within, across, y, start, all_start, times)
    for s in range(2):
        slope = lambda t, f: -across @ (f[:5] - y) / 5  # noqa: E731
        there = solve_ivp(slope, (0, 3.0), all_start[s], t_eval=times, rtol=1e-11, atol=1e-12, method="DOP853").y
        assert found.elsewhere[:, s] == pytest.approx(there.T, abs=1e-8)
        assert found.examples[:, s] == pytest.approx(there[:5].T, abs=1e-8)


def test_training_on_paper_in_steps_is_the_same_steps():
    within, across, y, start, all_start = task()
    eta, f = 0.4 / np.linalg.eigvalsh(within / 5)[-1], all_start.copy()
    for _ in range(17):
        f -= eta * (f[:, :5] - y) @ across.T / 5
    found = solve(within, across, y, start, all_start, np.array([17 * eta]), eta)
    assert found.elsewhere[0] == pytest.approx(f, abs=1e-10)


def test_the_end_is_kernel_regression_and_a_blind_direction_stays():
    within, across, y, start, all_start = task()
    end = solve(within, across, y, start, all_start, np.array([1e7])).elsewhere[0]
    assert end == pytest.approx(all_start + (y - start) @ np.linalg.solve(within, across.T), abs=1e-6)
    twice, zero = np.ones((2, 2)), np.zeros((1, 2))
    same = solve(twice, twice, np.array([1.0, -1.0]), zero, zero, np.array([1e3])).examples[0]
    assert same == pytest.approx(zero, abs=1e-9), "two equal examples with opposite labels teach nothing"


def test_a_wave_is_an_eigenvector_and_its_rate_the_eigenvalue():
    angles = 2 * np.pi * np.arange(8) / 8
    theta = nngp_ntk(circle(angles), circle(angles), Activation("relu"), 2, 2.0, 0.1).theta
    for k, rate in enumerate(rates(theta[0])):
        wave = np.cos(k * angles + 0.3 * (k % 4 > 0))
        assert theta / 8 @ wave == pytest.approx(rate * wave, abs=1e-12)
        expected = np.sqrt(np.mean(wave**2)) * (np.arange(5) == k)
        assert waves(wave) == pytest.approx(expected, abs=1e-12)


def test_each_weight_hardly_moves_while_the_answers_do():
    """From width 64 to 1024 the weights of the first layer move a quarter as far each, the answers as far."""
    x, y = torch.from_numpy(circle(np.arange(8) * np.pi / 4)), torch.tensor([1.0, -1, 1, -1, 1, 1, -1, -1]).double()
    went, said = [], []
    for width in (64, 1024):
        nets = draw(2, width, 1, Activation("relu"), 2.0, 0.1, list(range(12)))
        before, first = nets.copy().weights[0], forward(nets, x).output
        for _ in range(100):
            passed = forward(nets, x)
            step(nets, passed, (passed.output - y) / 8, 0.1)
        went.append(float((nets.weights[0] - before).square().mean().sqrt()))
        said.append(float((forward(nets, x).output - first).square().mean().sqrt()))
    assert went[1] / went[0] == pytest.approx(0.25, abs=0.08) and said[1] / said[0] == pytest.approx(1, abs=0.4)


def test_a_small_output_scale_moves_the_kernel_and_a_large_one_does_not():
    frame = papers.features.run(width=100, time=20, seed=2)
    assert float(frame.moved[0]) > 20 * float(frame.moved[-1])
    assert float(frame.aligned[0]) > float(frame.at_start) + 0.2
    other = papers.features.run(width=100, time=20, seed=2, alpha=10.0)
    assert other.after.values == pytest.approx(other.before.values, abs=0.1)
    assert frame.moved.sel(scale=papers.SCALES[-1]) == other.moved.sel(scale=10.0)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: draw(2, 5, 1, Activation("sin"), 1.0, 0.0, [0]), "activation"),
        (lambda: draw(2, 5, 1, Activation("erf", 3.0), 1.0, 0.0, [0]), "activation"),
        (lambda: draw(2, 0, 1, Activation("relu"), 1.0, 0.0, [0]), "width = 0"),
        (lambda: draw(2, 5, 0, Activation("relu"), 1.0, 0.0, [0]), "depth = 0"),
        (lambda: solve(*task(), np.array([-1.0])), "times"),
        (lambda: solve(*task(), np.array([1.0]), 50.0), "step = 50.0 is not allowed; it must be below 2 / "),
    ],
)
def test_what_cannot_be_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert cannot_be_learned("3") is cannot_be_learned(" periods = 3 ") is cannot_be_learned("3,0") is True
    assert "eigenvalue is 0.34" in cannot_be_learned("2")
    rate = left(np.array([0.473]), 9.74)[0]
    assert rate == pytest.approx(0.01, rel=0.01)
    assert a_hundredth("9.74") is a_hundredth("t = 9,6") is True and "is left" in a_hundredth("4.6")
    for wrong in ("0", "many", ""):
        with pytest.raises(ValueError):
            cannot_be_learned(wrong)
