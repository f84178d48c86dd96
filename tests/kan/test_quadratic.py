"""Quadratic neurons: linear at the start, conventional for ever with gamma = 0, of degree 2^L, and what they claim."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from labcore.experiment import ParameterError
from labcore.kan.quadratic import (
    initial,
    layers,
    linear_neurons,
    network,
    quadratic_layer,
    relinear_step,
)
from labcore.kan.quadratic.exercises import around_the_ring
from labcore.kan.quadratic.experiments import collapse, neuron, shapes
from labcore.kan.quadratic.mechanism import linear_size
from labcore.kan.quadratic.plane_shapes import best_line, conic, plane_shape
from labcore.kan.quadratic.view import level_line

WIDTHS = (5, 7, 6, 3)


def rng(seed=0):
    return np.random.default_rng(seed)


def conventional(flat, widths):
    """A torch network with the same w_r and b_r."""
    modules = []
    for w_r, b_r, *_ in layers(flat[None], widths):
        linear = torch.nn.Linear(w_r.shape[1], w_r.shape[2]).to(flat)
        linear.weight.data, linear.bias.data = w_r[0].T.clone(), b_r[0, 0].clone()
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def train(flats, x, y, widths, steps, lr, gamma, l2=0.0, l1=0.0):
    """Full-batch training of M networks (M, P); returns their parameters after each step."""
    flats, count = flats.clone().requires_grad_(), len(flats)
    velocity, path = torch.zeros_like(flats), []
    each = [torch.full((count,), v, dtype=flats.dtype) for v in (lr, gamma, l2, l1)]
    for _ in range(steps):
        logits = network(flats, x, widths)
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view(y.shape).mean(1)
        relinear_step(flats, velocity, loss, widths, *each)
        path.append(flats.detach().clone())
    return path


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(2, 20, 5, generator=g, dtype=torch.float64)
    return x, torch.randint(0, 3, (2, 20), generator=g)


def test_layer_is_the_formula_neuron_by_neuron():
    g = rng()
    x, w_r, w_g, w_b = (torch.as_tensor(g.normal(size=s)) for s in ((2, 4, 3), (2, 3, 5), (2, 3, 5), (2, 3, 5)))
    b_r, b_g, c = (torch.as_tensor(g.normal(size=(2, 1, 5))) for _ in range(3))
    out = quadratic_layer(x, w_r, b_r, w_g, b_g, w_b, c)
    for m in range(2):
        for n in range(4):
            for o in range(5):
                v = x[m, n]
                first = sum(w_r[m, i, o] * v[i] for i in range(3)) + b_r[m, 0, o]
                second = sum(w_g[m, i, o] * v[i] for i in range(3)) + b_g[m, 0, o]
                squares = sum(w_b[m, i, o] * v[i] ** 2 for i in range(3)) + c[m, 0, o]
                assert float(out[m, n, o]) == pytest.approx(float(first * second + squares), abs=1e-12)


def test_layers_are_views_of_all_parameters():
    flat = torch.zeros(1, 3 * linear_size(WIDTHS))
    sizes = 0
    for layer in layers(flat, WIDTHS):
        for tensor in layer:
            tensor += 1
            sizes += tensor.numel()
    assert sizes == flat.numel() == 3 * (6 * 7 + 8 * 6 + 7 * 3) and (flat == 1).all()


def test_gradient_is_right():
    g = rng()
    shapes_ = ((1, 3, 2), (1, 2, 4), (1, 1, 4), (1, 2, 4), (1, 1, 4), (1, 2, 4), (1, 1, 4))
    inputs = [torch.as_tensor(g.normal(size=s)).requires_grad_() for s in shapes_]
    assert torch.autograd.gradcheck(quadratic_layer, inputs)


def test_relinear_starts_as_the_conventional_network(batch):
    flat = initial(WIDTHS, rng(), relinear=True)
    x = batch[0][:1].float()
    np.testing.assert_allclose(
        network(flat[None], x, WIDTHS)[0].detach(), conventional(flat, WIDTHS)(x[0]).detach(), atol=1e-6
    )
    naive = initial(WIDTHS, rng(), relinear=False)
    size = linear_size(WIDTHS)
    assert torch.equal(naive[:size], flat[:size])  # the same linear part, so that the two can be compared
    assert float((network(naive[None], x, WIDTHS) - network(flat[None], x, WIDTHS)).abs().max()) > 0.1


def test_without_gamma_training_is_that_of_the_conventional_network(batch):
    x, y = batch
    flats = torch.stack([initial(WIDTHS, rng(i), True) for i in range(2)]).double()
    path = train(flats, x, y, WIDTHS, 60, 0.05, gamma=0.0)
    for m in range(2):
        net = conventional(flats[m], WIDTHS)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
        for step in range(60):
            optimizer.zero_grad()
            F.cross_entropy(net(x[m]), y[m]).backward()
            optimizer.step()
            ours = [t for w_r, b_r, *_ in layers(path[step][m : m + 1], WIDTHS) for t in (w_r[0].T, b_r[0, 0])]
            for mine, theirs in zip(ours, net.parameters(), strict=True):
                np.testing.assert_allclose(mine, theirs.detach(), rtol=0, atol=1e-10)
    np.testing.assert_array_equal(path[-1][:, linear_size(WIDTHS) :], linear_neurons(WIDTHS).double().expand(2, -1))


def test_gamma_is_the_rate_of_the_quadratic_parameters_alone(batch):
    x, y = batch
    start = torch.stack([initial(WIDTHS, rng(i), False) for i in range(2)]).double() * 0.3
    size = linear_size(WIDTHS)
    fast, slow = (train(start, x, y, WIDTHS, 1, 0.01, gamma)[0] - start for gamma in (1.0, 0.1))
    np.testing.assert_allclose(slow[:, :size], fast[:, :size], atol=1e-15)
    np.testing.assert_allclose(slow[:, size:], 0.1 * fast[:, size:], atol=1e-15)
    assert float(fast[:, size:].abs().max()) > 1e-5


def test_penalties_pull_to_linear_neurons_and_not_to_zero(batch):
    x, y = batch
    start = torch.stack([initial(WIDTHS, rng(i), True) for i in range(2)]).double()
    size, linear = linear_size(WIDTHS), linear_neurons(WIDTHS).double()
    away = {
        name: (train(start, x, y, WIDTHS, 60, 0.005, 1.0, **penalty)[-1][:, size:] - linear).abs()
        for name, penalty in (("free", {}), ("l2", dict(l2=30.0)), ("l1", dict(l1=0.1)), ("huge", dict(l1=1e3)))
    }
    assert away["l2"].mean() < 0.5 * away["free"].mean() and away["l1"].mean() < away["free"].mean()
    assert 0.05 < (away["l1"] == 0).double().mean() < 1 and (away["huge"] == 0).all()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_degree_doubles_with_every_layer(depth):
    widths = (3, *[4] * (depth - 1), 2)
    flat = initial(widths, rng(3), relinear=False).double()[None]
    degree = 2**depth
    t = torch.linspace(-1, 1, degree + 2, dtype=torch.float64)[:, None]
    a, b = (torch.as_tensor(v) for v in rng(4).normal(size=(2, 3)))
    values = network(flat, (a + t * b)[None], widths, activation=lambda v: v)[0].detach().numpy()
    scale = np.abs(values).max()
    assert np.abs(np.diff(values, n=degree + 1, axis=0)).max() < 1e-11 * scale * 2**degree
    assert np.abs(np.diff(values, n=degree, axis=0)).max() > 1e-6 * scale


# ---- shapes and conics


@pytest.mark.parametrize("data", ["rings", "spiral", "xor"])
def test_shapes_are_balanced_and_seeded(data):
    points, label = plane_shape(data, 400, 0.05, rng(1))
    again, _ = plane_shape(data, 400, 0.05, rng(1))
    np.testing.assert_array_equal(points, again)
    assert label.mean() == 0.5 and np.abs(points).max() < 1.7


def test_xor_is_the_sign_of_the_product():
    points, label = plane_shape("xor", 400, 0.05, rng())
    np.testing.assert_array_equal(points.prod(1) > 0, label == 1)


def test_best_line_against_brute_force():
    points, label = plane_shape("rings", 24, 0.3, rng(2))
    best = 0.0
    for angle in np.pi * np.arange(360) / 360:
        along = points @ [np.cos(angle), np.sin(angle)]
        for threshold in [-9, *(along + 1e-9)]:
            share = ((along > threshold) == label).mean()
            best = max(best, share, 1 - share)
    assert best_line(points, label) == pytest.approx(best)
    assert best_line(np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]), np.array([0, 0, 1, 1])) == 1


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (dict(), "a straight line"),
        (dict(w_b1=-1.0, w_b2=-1.0, c=0.5), "an ellipse"),
        (dict(w_b1=-1.0, w_b2=-1.0, c=-3.0), "nowhere"),
        (dict(w_b1=1.0), "a parabola"),
        (dict(w_b1=1.0, w_b2=-1.0, c=0.7), "a hyperbola"),
        (dict(w_g1=0.5, w_g2=-1.0), "a pair of straight lines"),
        (dict(w_r1=0.0, w_r2=0.0), "nowhere"),
    ],
)
def test_boundary_is_named(values, name):
    assert f"is {name}." in neuron.run(**values).reading


def test_conic_names_survive_a_change_of_scale():
    for scale in (1e-3, 1e3):
        assert conic(np.array([1.0, 0]), 0.0, np.zeros(2), 1.0, np.array([-1.0, -1]), 1.0) == "an ellipse"
        assert conic(scale * np.array([1.0, 0]), 0.0, np.zeros(2), 1.0, -scale * np.ones(2), scale) == "an ellipse"


def test_hand_set_neuron_solves_both_shapes():
    rings = neuron.run(w_b1=-2.0, w_b2=-2.0, c=1.3, w_r1=0.0, w_r2=0.0)
    assert rings.attrs["accuracy"] >= 0.98 and rings.attrs["best_line"] <= 0.75
    xor = neuron.run(data="xor", w_r1=1.0, w_r2=0.0, w_g1=0.0, w_g2=1.0, b_g=0.0)
    assert xor.attrs["accuracy"] >= 0.98 and xor.attrs["best_line"] <= 0.8


def test_a_neuron_with_no_quadratic_terms_is_linear():
    frame = neuron.run()
    np.testing.assert_allclose(frame.value, frame.linear, atol=1e-12)


def test_boundary_line_is_the_zero_level():
    grid = np.linspace(-1.5, 1.5, 61)
    x, y = level_line(grid, grid, grid[:, None] ** 2 + grid**2 - 1)
    assert np.isfinite(x).all() and (x[0], y[0]) == (x[-1], y[-1])  # one closed curve
    np.testing.assert_allclose(np.hypot(x, y), 1, atol=2e-3)
    turned = np.unwrap(np.arctan2(y, x))
    assert abs(abs(turned[-1] - turned[0]) - 2 * np.pi) < 1e-9
    x, y = level_line(grid, grid, grid[:, None] * grid - 0.3)
    assert np.isnan(x).sum() == 1  # two branches, one gap
    np.testing.assert_allclose((x * y)[np.isfinite(x)], 0.3, atol=2e-3)
    assert level_line(grid, grid, np.ones((61, 61)))[0].size == 0


# ---- training


def test_gamma_and_start_are_different_things():
    slow, fast = (shapes.run(steps=200, gamma=g).accuracy.values for g in (0.001, 1.0))
    np.testing.assert_array_equal(slow[1:], fast[1:])  # linear neurons know nothing of gamma
    assert fast[0, :, -1].mean() > slow[0, :, -1].mean() + 0.2


@pytest.mark.parametrize(
    "values", [dict(hidden=16, lr=1.0, gamma=1.0, start="random"), dict(gamma=1e-3, lr=0.01, noise=0.3)]
)
def test_corners_of_shapes(values):
    for frame in shapes.frames(steps=150, **values):
        assert np.isfinite(frame.value).all()


def test_equal_parameters():
    for hidden in (1, 6, 16):
        quadratic, equal = 3 * linear_size((2, hidden, 1)), linear_size((2, 3 * hidden, 1))
        assert abs(quadratic - equal) <= 2
    assert 3 * linear_size((2, 1)) == linear_size((2, 2, 1)) == 9


def test_networks_of_a_batch_do_not_disturb_each_other():
    alone = collapse.run(depth=2, n_train=500, n_seeds=1, steps=60)
    both = collapse.run(depth=2, n_train=500, n_seeds=2, steps=60)
    # sums of another batch size round apart; a loss that overflows may do so a step sooner
    np.testing.assert_allclose(alone.died, both.died[:, :, :1], rtol=0, atol=1)
    np.testing.assert_allclose(alone.accuracy, both.accuracy[:, :, :1], atol=0.02)


def test_what_diverged_says_so_and_stays_finite():
    frame = collapse.run(depth=3, n_train=500, n_seeds=2, steps=100, lr=0.1)
    died = frame.died.values
    assert (died[-1, 0] > 0).all() and (frame.accuracy.values[died > 0] == 0).all()
    assert "diverged" in frame.reading and frame.progress == 1
    assert "piecewise polynomials of degree 16" in frame.reading  # ReLU between the layers


def test_a_frame_does_not_change_once_it_is_given():
    frames = collapse.frames(depth=2, n_train=500, n_seeds=2, steps=100)
    first = next(frames)
    before = first.copy(deep=True)
    list(frames)
    assert first.identical(before)


@pytest.mark.parametrize("strategy", ["l2", "l1"])
def test_a_strong_penalty_prevents_collapse_too(strategy):
    frame = collapse.run(depth=3, n_train=500, strategy=strategy, penalty=10.0, n_seeds=1, steps=150)
    assert frame.died[-1, 1] > 0 and frame.died[-1, 3] == 0 and frame.accuracy[-1, 3] > 0.6


def test_bounds():
    with pytest.raises(ParameterError, match="depth = 9"):
        collapse.run(depth=9)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("-3 2", True),
        ("w = -3, c = 2.0", True),
        (" -3e0;2 ", True),
        ("-1 0.5", False),
        ("3 -2", False),
        ("c = 2, w = -3", True),
    ],
)
def test_an_answer_about_the_ring(answer, right):
    assert (around_the_ring(answer) is True) == right


@pytest.mark.parametrize("answer", ["-3", "", "-3 2 1", "w = -3"])
def test_two_numbers_are_asked_for(answer):
    with pytest.raises(ValueError, match="is not 2 numbers; write, in this order: weight w, constant c"):
        around_the_ring(answer)
