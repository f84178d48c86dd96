"""S-KAN: families against other people's code, the gate against each family alone, pruning, and the claims."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.interpolate import BSpline

from labcore.kan.s_kan import SelectableConv, SelectableLayer, SelectableNet, temperature
from labcore.kan.s_kan.basis_bank import FAMILIES, PLANTED_POOL, BasisBank, features
from labcore.kan.s_kan.convolution import ConvNet, PlainNet
from labcore.kan.s_kan.exercises import fourier_loses, too_soft
from labcore.kan.s_kan.experiments import digits, families, select, seven_tasks

X = torch.linspace(-1, 1, 301, dtype=torch.float64)


def rngs(n=3, seed=0):
    return [np.random.default_rng([seed, i]) for i in range(n)]


def inputs(n=3, samples=50, d=2, seed=9):
    return torch.as_tensor(np.random.default_rng(seed).uniform(-1, 1, (n, samples, d)))


# ---- the families


def raw(family, size, x=X):
    bank = BasisBank(family, size)
    return (bank.phi(x) / bank.scale).numpy()


@pytest.mark.parametrize("size", [4, 7, 16])
def test_chebyshev_is_numpy_s(size):
    np.testing.assert_allclose(
        raw("chebyshev", size), np.polynomial.chebyshev.chebvander(X.numpy(), size - 1), atol=1e-11
    )


@pytest.mark.parametrize("size", [4, 8, 16])
def test_spline_is_scipy_s(size):
    h = 2 / (size - 3)
    knots = -1 + h * np.arange(-3, size + 1)
    inner = X.numpy()[1:-1]
    expected = BSpline.design_matrix(inner, knots, 3).toarray()
    np.testing.assert_allclose(raw("spline", size)[1:-1], expected, atol=1e-12)


def test_fourier_rbf_and_wavelet_are_their_formulas():
    x = X.numpy()
    waves = [f(g * np.pi * x) for g in (1, 2, 3) for f in (np.cos, np.sin)]
    np.testing.assert_allclose(raw("fourier", 5), np.stack(waves[:5], 1), atol=1e-12)
    centres = np.linspace(-1, 1, 6)
    u = (x[:, None] - centres) / (centres[1] - centres[0])
    np.testing.assert_allclose(raw("rbf", 6), np.exp(-(u**2)), atol=1e-12)
    np.testing.assert_allclose(raw("wavelet", 6), (1 - u**2) * np.exp(-(u**2) / 2), atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_is_louder(family):
    x = torch.as_tensor(np.random.default_rng(0).uniform(-1, 1, 40_000))
    np.testing.assert_allclose((BasisBank(family, 8).phi(x) ** 2).mean(0), 1, atol=0.06)


@pytest.mark.parametrize("family", FAMILIES)
def test_slopes_and_far_inputs(family):
    x = torch.tensor([-0.83, -0.2, 0.41, 0.97], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(BasisBank(family, 8).phi, (x,))
    far = BasisBank(family, 8).phi(torch.tensor([-30.0, 30.0], dtype=torch.float64))
    assert torch.isfinite(far).all() and far.abs().max() < 3


def test_bad_banks_are_refused():
    with pytest.raises(ValueError, match="sinc"):
        BasisBank("sinc")
    with pytest.raises(ValueError, match="size = 3"):
        BasisBank("fourier", 3)


# ---- the gate


@pytest.mark.parametrize("p", range(len(FAMILIES)))
def test_one_hot_gate_is_that_family_alone(p):
    full = SelectableLayer(rngs(), FAMILIES, 2, 3)
    alone = SelectableLayer(rngs(seed=1), (FAMILIES[p],), 2, 3)
    with torch.no_grad():
        full.theta[:, :, p] = 1000.0
        alone.coefficients.copy_(full.coefficients[:, :, p : p + 1])
        assert full.alpha(1.0)[:, :, p].eq(1).all()
        x = inputs()
        ours, theirs = full(full.features(x)), alone(alone.features(x))
        # the same 2 x 8 terms, summed once alone and once between the zeros of the other families
        atol = 2 * 8 * torch.finfo(ours.dtype).eps * float(theirs.abs().max())
        torch.testing.assert_close(ours, theirs, rtol=0, atol=atol)


@pytest.mark.parametrize("per_edge", [False, True])
def test_layer_is_the_written_sum(per_edge):
    layer = SelectableLayer(rngs(1), FAMILIES, 2, 3, size=6, per_edge=per_edge)
    with torch.no_grad():
        layer.theta.copy_(torch.as_tensor(np.random.default_rng(4).normal(size=layer.theta.shape)))
        layer.bias.fill_(0.3)
    x, tau = inputs(1, 7), 0.5
    theta, c = layer.theta.detach().numpy()[0, :, :, 0], layer.coefficients.detach().numpy()[0]
    phi = features(FAMILIES, x, 6).numpy()[0]
    expected = np.full((7, 3), 0.3)
    for o in range(3):
        for i in range(2):
            gate = np.exp(theta[i, :, o if per_edge else 0] / tau)
            gate /= gate.sum()
            for p in range(len(FAMILIES)):
                expected[:, o] += gate[p] * phi[:, i, p] @ c[i, p, :, o]
    np.testing.assert_allclose(layer(layer.features(x), tau).detach().numpy()[0], expected, atol=1e-12)


@pytest.mark.parametrize("per_edge", [False, True])
def test_pruning_a_decided_net_changes_nothing(per_edge):
    net = SelectableNet(rngs(), FAMILIES, (2, 4, 1), per_edge=per_edge)
    with torch.no_grad():
        for k, layer in enumerate(net.layers):
            pick = np.random.default_rng(k).integers(0, len(FAMILIES), layer.theta[:, :, :1].shape)
            layer.theta.scatter_(2, torch.as_tensor(pick), 1000.0)
        x = inputs()
        first = net.layers[0].features(x)
        before = net(first)
        sizes = [layer.count() for layer in net.layers]
        net.prune(1.0)
        assert (net(first) - before).abs().max() < 1e-7
    weights = [size - bias for size, bias in zip(sizes, (4, 1), strict=True)]
    left = [layer.count() - bias for layer, bias in zip(net.layers, (4, 1), strict=True)]
    assert left == [w / len(FAMILIES) for w in weights]
    assert sum(p.numel() for p in net.parameters()) == 3 * (sum(left) + 5)


def test_pruning_keeps_what_the_chosen_family_did():
    layer = SelectableLayer(rngs(1), FAMILIES, 1, 1)
    with torch.no_grad():
        layer.theta[0, 0, 2] = 1.0
        pruned = layer.prune(0.5)
        alpha = float(layer.alpha(0.5)[0, 0, 2])
        assert 0.3 < alpha < 0.9
        x = inputs(1, d=1)
        phi = layer.features(x)[2]
        assert torch.allclose(pruned(layer.features(x)), alpha * phi @ layer.coefficients[:, 0, 2] + layer.bias)


def test_closed_inputs_have_no_say():
    layer = SelectableLayer(rngs(2), FAMILIES, 2, 1, open_=torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    x = inputs(2)
    moved = x.clone()
    moved[:, :, 1] *= -0.5
    with torch.no_grad():
        change = (layer(layer.features(x)) - layer(layer.features(moved))).abs().amax((1, 2))
    assert change[0] == 0 and change[1] > 0.01
    assert layer.count() == 1.5 * len(FAMILIES) * 8 + 1


def test_entropy_and_temperature():
    layer = SelectableLayer(rngs(1), FAMILIES, 3, 2)
    assert layer.entropy(1.0).item() == pytest.approx(3 * np.log(5), rel=1e-9)
    with torch.no_grad():
        layer.theta[:, :, 1] = 1.0
    assert layer.entropy(0.1).item() < layer.entropy(0.3).item() < layer.entropy(1.0).item()
    stages = (400, 500, 300)
    assert [temperature(s, stages, 0.1) for s in (0, 400, 900, 1200)] == pytest.approx([1, 1, 0.1, 0.1])
    assert temperature(650, stages, 0.1) == pytest.approx(0.1**0.5)


# ---- the convolution


def pictures(runs=2, n=3, channels=2, seed=5):
    return torch.as_tensor(np.random.default_rng(seed).uniform(-1, 1, (runs, n, channels, 7, 8)))


def lively_conv(stride=1, **more):
    conv = SelectableConv(rngs(2), FAMILIES, 2, 3, side=3, stride=stride, size=6, **more)
    draw = np.random.default_rng(1)
    with torch.no_grad():
        for p in (conv.entries.theta, conv.entries.bias):
            p.copy_(torch.as_tensor(draw.normal(size=p.shape)))
    return conv


@pytest.mark.parametrize(("stride", "per_edge"), [(1, False), (2, False), (2, True)])
def test_convolution_is_the_dense_layer_on_every_patch(stride, per_edge):
    conv, x, tau = lively_conv(stride, per_edge=per_edge), pictures(), 0.5
    y = conv(conv.features(x), tau)
    patches = F.unfold(x.flatten(0, 1), 3, stride=stride).transpose(1, 2)  # (S N, places, C 9)
    flat = patches.reshape(2, -1, 18)
    dense = conv.entries(conv.entries.features(flat), tau).view(2, 3, -1, 3).transpose(2, 3)
    torch.testing.assert_close(y, dense.reshape(y.shape), rtol=0, atol=1e-12)
    assert y.shape == (2, 3, 3, (7 - 3) // stride + 1, (8 - 3) // stride + 1)


def test_linear_functions_make_an_ordinary_convolution():
    """T_1(x) = x: with its coefficients alone the kernel entries are numbers."""
    conv, x = lively_conv(stride=2), pictures()
    chebyshev = FAMILIES.index("chebyshev")
    with torch.no_grad():
        conv.entries.theta.zero_()
        conv.entries.theta[:, :, chebyshev] = 1000.0
        others = torch.arange(6) != 1
        conv.entries.coefficients[:, :, chebyshev, others] = 0
    scale = BasisBank("chebyshev", 6).scale[1]
    for run in range(2):
        kernel = scale * conv.entries.coefficients[run, :, chebyshev, 1].T.reshape(3, 2, 3, 3)
        plain = F.conv2d(x[run], kernel, conv.entries.bias[run, 0], stride=2)
        torch.testing.assert_close(conv(conv.features(x))[run], plain, rtol=0, atol=1e-12)


def test_functions_of_a_kernel_are_the_same_at_every_place():
    conv, x = lively_conv(), pictures()
    y, moved = conv(conv.features(x)), conv(conv.features(x.roll(1, -1)))
    torch.testing.assert_close(moved[..., 1:], y[..., :-1], rtol=0, atol=1e-12)
    # and they bend: twice the picture is not twice the answer
    assert (conv(conv.features(x / 2)) - y / 2 - conv.entries.bias[:, 0, None, :, None, None] / 2).abs().max() > 0.1


def test_pruning_a_decided_convolution_changes_nothing():
    conv, x = lively_conv(), pictures()
    with torch.no_grad():
        conv.entries.theta.mul_(1e4)
    before, size = conv(conv.features(x)), conv.entries.count()
    conv.prune(1.0)
    torch.testing.assert_close(conv(conv.features(x)), before, rtol=0, atol=1e-12)
    assert size - 3 == len(FAMILIES) * (conv.entries.count() - 3) == len(FAMILIES) * 18 * 6 * 3


def test_networks_on_pictures_share_all_but_the_kernel():
    """A network of curves with straight ones is the plain network."""
    curves, plain = ConvNet(rngs(2), ("chebyshev",), 3, 6, 1.0), PlainNet(rngs(2), 3)
    c = curves.conv.entries.coefficients
    with torch.no_grad():
        c[:, :, 0, torch.arange(6) != 1] = 0
        plain.conv.weight.copy_(c[:, :, 0, 1] * BasisBank("chebyshev", 6).scale[1])
        plain.head.load_state_dict(curves.head.state_dict())
    x = torch.rand(2, 4, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    torch.testing.assert_close(curves(curves.conv.features(x[:, :, None])), plain(x), rtol=0, atol=2e-5)


# ---- the experiments


@pytest.mark.parametrize(
    ("parts", "winner"), [(dict(wave=1.0, frequency=4.0), "fourier"), (dict(wave=0.0, poly=1.0), "chebyshev")]
)
def test_each_family_wins_at_home(parts, winner):
    frame = families.run(noise=0.0, n=400, **parts)
    order = frame.family.values[np.argsort(frame.rmse.values)]
    assert order[0] == winner
    assert winner in frame.reading


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (dict(wave=0.0, noise=0.0), "all families come equally close"),
        (dict(wave=1.0, frequency=8.0, size=4), "no family comes much nearer to this target than its mean does"),
        (dict(wave=1.0), "fourier comes closest"),
    ],
)
def test_nobody_wins_a_tie_or_among_failures(values, said):
    assert said in families.run(**values).reading


def test_a_choice_is_named_when_it_is_one():
    first, last = (list(select.frames("quick", n_seeds=1))[k].reading for k in (0, -1))
    assert first.count("no family yet") == 2 and "no family" not in last
    assert "lean to one family: 0." in next(iter(digits.frames("quick"))).reading


def test_half_a_wave_does_not_repeat_so_fourier_is_last():
    frame = families.run(noise=0.0, frequency=0.5, n=400)
    assert frame.family.values[int(frame.rmse.values.argmax())] == "fourier"


def test_a_target_in_the_family_is_fitted_exactly():
    frame = families.run(noise=0.0, wave=1.0, frequency=4.0, seed=3)
    rmse = dict(zip(frame.family.values, frame.rmse.values, strict=True))
    assert rmse["fourier"] < 1e-9 < 0.1 < min(v for k, v in rmse.items() if k != "fourier")


@pytest.mark.parametrize("values", [dict(size=16, n=20), dict(size=4, noise=0.5), dict(wave=0.0), dict(frequency=8.0)])
def test_corners_of_the_instant_experiment(values):
    assert np.isfinite(families.run(**values).fit).all()


def test_the_choice_is_made_by_a_start_near_zero_and_not_by_chance():
    frame = select.run(n_seeds=4)
    assert frame.alpha[:, 0].values == pytest.approx(1 / len(PLANTED_POOL))
    np.testing.assert_allclose(frame.alpha.sum("family"), 1)
    end = frame.time.values.tolist().index(frame.attrs["stages"][1])
    assert (frame.alpha[:, end:].max("family") == 1).all()  # after pruning
    assert frame.counts.values.tolist() == [2 * 4 * 8 + 1, 2 * 4 * 8 + 1, 2 * 8 + 1]


def test_single_families_are_least_squares():
    frame = select.run(n_seeds=1, full=50, selective=50, tune=50, noise=0.0)
    single = dict(zip(frame.family.values, frame.single.values[:, 0], strict=True))
    # T_5 is in chebyshev and cos 4 pi x in fourier: what is left is the other half
    assert 0.4 < single["chebyshev"] < 0.8 and single["fourier"] < 0.4
    both = select.run(n_seeds=1, full=50, selective=50, tune=50, noise=0.0, task="two polynomials")
    assert dict(zip(both.family.values, both.single.values[:, 0], strict=True))["chebyshev"] < 1e-10


def test_without_sharpening_the_choice_stays_soft():
    soft = select.run(n_seeds=1, penalty=0.0, tau_end=1.0)
    hard = select.run(n_seeds=1)
    before = -1 - (soft.time.values > soft.attrs["stages"][1]).sum()
    assert float(soft.alpha[0, before - 1].max("family").min()) < float(hard.alpha[0, before - 1].max("family").min())


def test_too_high_a_rate_ends_finite():
    frame = select.run(n_seeds=1, lr=0.3, start=1.0, tau_end=0.05)
    assert np.isfinite(frame.rmse).all() and frame.progress == 1


def test_seven_tasks_count_what_they_compare():
    frame = seven_tasks.run(full=50, selective=50, tune=50)
    d = 8 / 7
    assert frame.counts.values == pytest.approx([5 * 8 * 4 * (d + 1) + 5, 8 * 4 * (d + 1) + 5])
    assert frame.chosen.sum("family").values.tolist() == [5, 5, 5, 5, 5, 5, 6]
    assert (np.sort(frame["rank"].values, axis=0) == np.arange(1, 8)[:, None]).all()
    assert (frame.gap.values[1:-1].min(0) == 0).all()


def test_kernels_learn_the_digits_and_are_counted():
    frame = digits.run(n_seeds=1, full=60, selective=40, tune=40)
    assert (frame.accuracy[:, :, 0] < 0.3).all() and (frame.accuracy[:, :, -1] > 0.85).all()
    chosen = frame.alpha.values
    assert chosen.shape == (1, 3, 3, 4) and set(np.unique(chosen)) == {0.0, 1.0}  # pruned
    head = 9 * 4 * 10 + 10
    assert frame.params.values.tolist() == [9 * 8 * 4 + 4 + head] * 2 + [10 * 7 + 90 * 7 + 10]
    soft = list(digits.frames(n_seeds=1, full=10, selective=10, tune=10, size=4, rival="rbf"))
    assert soft[0].alpha.values == pytest.approx(1 / 4) and soft[0].params[0] > 3 * (soft[-1].params[0] - head)


@pytest.mark.parametrize(
    ("answer", "right"), [("0.5", True), ("0,5", True), ("1/2", True), (" 5e-1 ", True), ("4", False), ("3,5", False)]
)
def test_an_answer_about_fourier(answer, right):
    assert (fourier_loses(answer) is True) == right


@pytest.mark.parametrize(("answer", "right"), [(" 100% ", True), ("0,05", False)])
def test_an_answer_about_the_temperature(answer, right):
    assert (too_soft(answer) is True) == right


@pytest.mark.parametrize("exercise", [fourier_loses, too_soft])
@pytest.mark.parametrize("answer", ["", "hot", "1000"])
def test_what_cannot_be_tried_says_so(exercise, answer):
    with pytest.raises(ValueError):
        exercise(answer)
