"""AF-KAN: bumps, parameter formula, attention, norms, and the claims."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from labcore.kan.af_kan import AFLayer, FunctionNorm, ReLUKANLayer, bounds, bump_features, make_network, relu_bumps
from labcore.kan.af_kan.claims import step_operations
from labcore.kan.af_kan.exercises import all_respond
from labcore.kan.af_kan.experiments import bumps, digits
from labcore.kan.af_kan.mechanism import ACTIVATIONS, COMBINATIONS, Reduction
from labcore.primitives.runs.layers import streams
from labcore.primitives.runs.training import count

SHAPES = [(5, 3), (1, 1), (10, 5)]


def layer(reduction="global attention", act="silu", combination="quad1", d_in=6, d_out=3, grid=5, k=3, runs=2):
    return AFLayer(streams([[7, i] for i in range(runs)], 1), d_in, d_out, grid, k, act, combination, reduction)


def batch(runs=2, n=9, d=6, seed=1):
    return torch.as_tensor(np.random.default_rng(seed).uniform(0, 1, (runs, n, d)), dtype=torch.float32)


# ---- bumps


@pytest.mark.parametrize(("grid", "k"), SHAPES)
def test_relu_bump_is_one_in_the_middle_and_zero_outside(grid, k):
    start, end = (v.double() for v in bounds(grid, k))
    assert len(start) == grid + k
    middle = (start + end) / 2
    assert torch.allclose(
        relu_bumps(middle, start, end).diagonal(), torch.ones(grid + k, dtype=torch.float64), atol=1e-12
    )
    x = torch.linspace(-3, 3, 1001, dtype=torch.float64)
    r = relu_bumps(x, start, end)
    outside = (x[:, None] <= start) | (x[:, None] >= end)
    assert r[outside].eq(0).all() and r[~outside].gt(0).all() and r.max() <= 1 + 1e-12


def test_features_are_the_written_formula():
    x, s, e = 0.37, -0.2, 0.6
    for name, act in ACTIVATIONS.items():
        a, b = (float(act(torch.tensor(v, dtype=torch.float64))) for v in (x - s, e - x))
        expected = dict(
            quad1=(a * b) ** 2, quad2=a * b + a * a + b * b, sum=a + b, prod=a * b, sum_prod=a + b + a * b,
            cubic1=(a + b) * (a * a + b * b), cubic2=(a * b) ** 3,
        )  # fmt: skip
        for combination in COMBINATIONS:
            got = bump_features(*(torch.tensor([v], dtype=torch.float64) for v in (x, s, e)), name, combination)
            assert float(got) == pytest.approx(expected[combination], rel=1e-9), (name, combination)


@pytest.mark.parametrize("act", ACTIVATIONS)
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_features_are_mirror_images_of_themselves(act, combination):
    start, end = (v.double() for v in bounds(5, 3))
    x = torch.linspace(-1, 2, 31, dtype=torch.float64)
    for s, e in zip(start, end, strict=True):
        there, back = (bump_features(v, s[None], e[None], act, combination) for v in (x, s + e - x))
        assert torch.allclose(there, back, atol=1e-10)


# ---- layers


@pytest.mark.parametrize(("grid", "k"), SHAPES)
@pytest.mark.parametrize(("d_in", "d_out"), [(64, 32), (32, 10), (3, 1)])
def test_parameter_formula(grid, k, d_in, d_out):
    size = grid + k
    formula = d_out * d_in + 2 * size + (size + 1) + 2 * d_in + 1
    assert count(layer(d_in=d_in, d_out=d_out, grid=grid, k=k), 2) == formula
    relu = ReLUKANLayer(streams([[0], [1]], 1), d_in, d_out, grid, k)
    assert count(relu, 2) == d_out * d_in * size + 2 * size


def test_network_sizes():
    seeds = [[0, 0], [0, 1]]
    assert count(make_network("AF-KAN", seeds, 32), 2) == 2612
    assert count(make_network("ReLU-KAN", seeds, 32), 2) == 32 * 64 * 8 + 10 * 32 * 8 + 4 * 8
    assert count(make_network("MLP", seeds, 32), 2) == 2410


def test_attention_is_over_inputs():
    net = layer().train()
    f = net.features(batch())
    weights = net.attention(f)
    assert weights.shape == (2, 9, 6)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 9), atol=1e-6) and (weights > 0).all()
    # the same scores everywhere: no preference
    assert torch.allclose(net.attention(torch.ones_like(f)), torch.full((2, 9, 6), 1 / 6), atol=1e-6)


def test_global_attention_is_the_written_formula():
    net, x = layer().train(), batch()
    with torch.no_grad():
        f = net.features(x).numpy()
        u, c, tau, w = (v.numpy() for v in (net.u, net.bias, net.tau, net.weight))
        got = net(x).numpy()
    assert tau == pytest.approx(np.sqrt(6))
    for r in range(2):
        for b in range(9):
            scores = np.array([(f[r, b, i] @ u[r])[0] + c[r, 0, 0] for i in range(6)]) / max(tau[r, 0, 0], 1)
            al = np.exp(scores - scores.max())
            h = al / al.sum() * f[r, b].sum(-1)
            h = (h - h.mean()) / np.sqrt(h.var() + 1e-5)
            h = h / (1 + np.exp(-h))
            np.testing.assert_allclose(got[r, b], h @ w[r], atol=1e-4)


def test_tau_below_one_counts_as_one():
    net = layer().eval()
    f = torch.rand(2, 9, 6, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        net.tau.fill_(1.0)
        at_one = net.attention(f)
        net.tau.fill_(0.2)
        assert torch.equal(net.attention(f), at_one)
        net.tau.fill_(2.0)
        assert not torch.allclose(net.attention(f), at_one, atol=1e-3)


def test_spatial_attention_is_a_depthwise_convolution_along_inputs():
    net = layer("spatial attention")
    f = torch.rand(2, 4, 6, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for r in range(2):
            channels = torch.nn.functional.conv1d(
                f[r].transpose(1, 2), net.kernel[r][:, None], net.bias[r, 0], padding=1, groups=8
            )
            weights = (channels / net.tau[r]).softmax(1).transpose(1, 2)
            assert torch.allclose(net.reduce(f)[r], (f[r] * weights).sum(-1), atol=1e-5)


def test_multistep_is_linear_in_the_features_of_an_input():
    net = layer("multistep")
    f = torch.rand(2, 4, 6, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        net.bias.fill_(0.5)
        expected = torch.einsum("rbij,rj->rbi", f, net.u[..., 0]) + 0.5
        assert torch.allclose(net.reduce(f), expected, atol=1e-5)


def test_all_features_are_a_loop_over_bumps():
    rng = streams([[0], [1]], 1)
    net, x = ReLUKANLayer(rng, 6, 3, 5, 3), batch()
    with torch.no_grad():
        got, w = net(x).numpy(), net.weight.numpy()
    start, end = (v.numpy() for v in bounds(5, 3))
    expected = np.zeros((2, 9, 3))
    for i in range(6):
        for j in range(8):
            a, b = (np.maximum(v, 0) for v in (x[:, :, i].numpy() - start[j], end[j] - x[:, :, i].numpy()))
            bump = (a * b) ** 2 * 16 / (end[j] - start[j]) ** 4
            expected += bump[:, :, None] * w[:, None, i * 8 + j]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_bounds_are_shared_and_trainable():
    net = layer()
    assert net.start.shape == (2, 1, 1, 8)
    net(batch()).square().sum().backward()
    assert (net.start.grad.abs() > 0).any() and (net.end.grad.abs() > 0).any()


# ---- function norm


def test_training_norm_is_l2_then_min_max_of_the_whole_batch():
    f = torch.randn(2, 5, 6, 8, generator=torch.Generator().manual_seed(0)) * 7 + 3
    got = FunctionNorm(2).train()(f)
    for r in range(2):
        unit = torch.nn.functional.normalize(f[r], p=2, dim=None)
        expected = (unit - unit.min()) / (unit.max() - unit.min())
        assert torch.allclose(got[r], expected, atol=1e-5)
        # the min-max step forgets the scale: the L2 step before it is idle
        assert torch.allclose(got[r], (f[r] - f[r].min()) / (f[r].max() - f[r].min()), atol=1e-5)


def test_constant_features_are_not_divided_by_zero():
    assert FunctionNorm(1).train()(torch.full((1, 3, 2, 4), 0.7)).eq(0).all()


@pytest.mark.parametrize("reduction", get_args(Reduction))
def test_a_prediction_does_not_depend_on_its_neighbours(reduction):
    net = layer(reduction)
    net.train()
    for seed in range(5):
        net(batch(seed=seed))
    x = batch(seed=8)
    with torch.no_grad():
        together = net.eval()(x)
        alone = torch.cat([net(x[:, b : b + 1]) for b in range(9)], 1)
        assert torch.allclose(together, alone, atol=1e-5)
        net.train()
        published = torch.cat([net(x[:, b : b + 1]) for b in range(9)], 1)
    assert (published - together).abs().max() > 1e-3  # scaled by its own batch, the answer does depend on it


def test_networks_at_the_batch_they_trained_on():
    """Running values of equal batches are those of the batch: both modes agree."""
    net, x = layer(), batch()
    with torch.no_grad():
        for _ in range(3):
            trained = net.train()(x)
        assert torch.allclose(net.eval()(x), trained, atol=1e-4)


# ---- experiments


def test_relu_answers_inside_its_bounds_only_and_silu_everywhere():
    relu, silu = bumps.run(act="relu", x=0.5), bumps.run(act="silu", x=0.5)
    assert relu.active.sum() == 4 and (relu.active == relu.inside).all()
    assert silu.active.sum() == 8 and silu.inside.sum() == 4
    assert "4 of the 8" in relu.reading and "8 of the 8" in silu.reading


@pytest.mark.parametrize("x", [0.05, 0.33, 0.61, 0.93])
@pytest.mark.parametrize(("grid", "k"), [(5, 3), (10, 1), (3, 5)])
def test_k_plus_one_bumps_cover_a_point(x, grid, k):
    assert bumps.run(x=x, grid=grid, k=k).inside.sum() == k + 1


def test_moving_a_bound_moves_one_bump():
    before, after = bumps.run(j=2), bumps.run(j=2, end_by=-0.3)
    changed = np.abs(before.feature - after.feature).max("x") > 1e-9
    assert float(after.end[2] - before.end[2]) == pytest.approx(-0.3)
    assert bool(changed[2])
    # the others only through the common scale
    ratio = after.feature.values[5] / np.maximum(before.feature.values[5], 1e-12)
    assert np.ptp(ratio[before.feature.values[5] > 0.01]) < 1e-9


def test_one_curve_is_left():
    frame = bumps.run(act="gelu", combination="sum_prod")
    np.testing.assert_allclose(frame.merged, frame.feature.sum("bump"))
    weights = np.random.default_rng(0).normal(size=8)
    np.testing.assert_allclose(frame.full, weights @ frame.feature.values)


@pytest.mark.parametrize("act", ACTIVATIONS)
def test_corners_of_the_instant_experiment(act):
    for combination in COMBINATIONS:
        for values in (
            dict(grid=1, k=1, j=14),
            dict(grid=10, k=1, start_by=0.5, end_by=-0.5),
            dict(grid=10, k=5, x=-0.5),
        ):
            assert np.isfinite(bumps.run(act=act, combination=combination, **values).feature).all()


@pytest.mark.parametrize("reduction", get_args(Reduction))
def test_every_reduction_learns(reduction):
    frame = digits.run(n_seeds=1, steps=100, reduction=reduction)
    assert float(frame.loss[0, 0, -1]) < 0.75 * float(frame.loss[0, 0, 0])
    assert float(frame.attention.sum()) == pytest.approx(1, abs=1e-5)
    assert (np.ptp(frame.attention.values) > 1e-6) == (reduction == "global attention")


def test_equal_size_means_equal_size():
    for hidden in (16, 32, 64):
        params = digits.run(n_seeds=1, steps=50, hidden=hidden).params.values
        assert abs(params[1] / params[0] - 1) < 0.25
        assert params[2] > 5 * params[0]


@pytest.mark.parametrize(
    "values", [dict(act="selu", combination="cubic2", lr=0.05, grid=1, k=1), dict(act="elu", lr=0.05, grid=10)]
)
def test_rough_corners_end_finite(values):
    frame = digits.run(n_seeds=1, steps=60, hidden=4, **values)
    assert np.isfinite(frame.loss).all() and frame.progress == 1


def test_frames_grow_and_repeat():
    frames = list(digits.frames(n_seeds=1, steps=60))
    assert all(a.sizes["time"] < b.sizes["time"] for a, b in zip(frames, frames[1:], strict=False))
    assert frames[-1].identical(digits.run(n_seeds=1, steps=60))


def test_a_step_of_the_mlp_takes_the_products_that_it_takes_by_hand():
    """Both matrices forward, both for their gradients, and the second once more for the hidden layer's."""
    products = 2 * 64 * (2 * (64 * 32 + 32 * 10) + 32 * 10)
    assert products < step_operations("MLP") < 1.15 * products


@pytest.mark.parametrize(
    ("answer", "right"), [("4", True), (" 4,0 ", True), ("8/2", True), ("0.4e1", True), ("3", False), ("5", False)]
)
def test_an_answer_about_the_overlap(answer, right):
    assert (all_respond(answer) is True) == right


@pytest.mark.parametrize("answer", ["", "four", "9"])
def test_an_overlap_that_cannot_be_tried(answer):
    with pytest.raises(ValueError):
        all_respond(answer)
