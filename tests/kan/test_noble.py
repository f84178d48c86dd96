"""NOBLE: the branch against loops and limits, what can be merged and what cannot, and the networks that carry it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from labcore.experiment import ParameterError
from labcore.kan.noble import (
    MLP,
    CosNet,
    NobleLinear,
    TinyLM,
    bundled_text,
    merged,
    sharp_target,
)
from labcore.kan.noble.exercises import learned_by_all, silent_branch
from labcore.kan.noble.experiments import MODELS, language, layer, sharp
from labcore.kan.noble.mechanism import thin
from labcore.kan.noble.sharp_regression import affine_residual, uniform_cube
from labcore.primitives.contest.equal_size import matched_width
from labcore.primitives.runs.layers import Linear, streams
from labcore.primitives.runs.training import adamw, cosine_rate, count

SEEDS = [[0, 0], [0, 1]]


def make(sigma="cosnet", rank=3, d_in=5, d_out=4, runs=2, **more):
    return NobleLinear(streams([[1, i] for i in range(runs)], 0), d_in, d_out, rank, sigma, **more).double()


def inputs(d=5, runs=2, m=6, seed=0):
    return torch.as_tensor(np.random.default_rng(seed).normal(size=(runs, m, d)))


# ---- the branch


def test_a_thin_map_is_the_product_with_its_first_and_second_gradients():
    x, w = inputs().requires_grad_(), torch.linspace(-1, 1, 20, dtype=torch.float64).reshape(2, 5, 2).requires_grad_()
    assert torch.allclose(thin(x, w), x @ w, rtol=0, atol=1e-14)
    assert torch.autograd.gradcheck(thin, (x, w)) and torch.autograd.gradgradcheck(thin, (x, w))
    assert torch.autograd.grad(thin(x.detach(), w).sum(), w)[0].shape == w.shape


def test_cosnet_is_two_cosine_layers():
    """Written out in loops: cos, the matrix M, cos, each with its own frequencies and phases."""
    net = CosNet(streams(SEEDS, 0), 3).double()
    z = inputs(d=3)
    out = net(z).detach()
    w1, p1, w2, p2 = (p.detach()[:, 0].numpy() for p in (net.frequency1, net.phase1, net.frequency2, net.phase2))
    z, mix = z.numpy(), net.mix.detach().numpy()
    for s in range(2):
        for m in range(6):
            u = [np.cos(w1[s, q] * z[s, m, q] + p1[s, q]) for q in range(3)]
            for q in range(3):
                v = sum(u[k] * mix[s, k, q] for k in range(3))
                assert float(out[s, m, q]) == pytest.approx(np.cos(w2[s, q] * v + p2[s, q]), abs=1e-12)


def test_output_is_main_part_plus_branch():
    net, x = make(up=0.5), inputs()
    torch.testing.assert_close(net(x), net.main(x) + net.branch(x), rtol=0, atol=1e-13)
    assert net.branch(x).abs().max() > 0.1


def test_silent_branch_is_torch_linear_with_its_gradients():
    net, x = make(runs=1), inputs(runs=1)
    nn.init.zeros_(net.up)
    plain = nn.Linear(5, 4).double()
    with torch.no_grad():
        plain.weight.copy_(net.main.weight[0].T)
        plain.bias.copy_(net.main.bias[0, 0])
    torch.testing.assert_close(net(x)[0], plain(x[0]), rtol=0, atol=1e-13)
    (net(x) ** 2).sum().backward()
    (plain(x[0]) ** 2).sum().backward()
    torch.testing.assert_close(net.main.weight.grad[0].T, plain.weight.grad, rtol=0, atol=1e-12)
    torch.testing.assert_close(net.main.bias.grad[0, 0], plain.bias.grad, rtol=0, atol=1e-12)
    # W_up = 0 stops what is before it, not itself: the branch can wake up
    assert (net.up.grad != 0).any() and (net.down.grad == 0).all()


def test_still_frequencies_make_a_constant_branch():
    net = make(up=1.0)
    nn.init.zeros_(net.sigma.frequency1)
    nn.init.zeros_(net.sigma.frequency2)
    out = net.branch(inputs())
    torch.testing.assert_close(out, out[:, :1].expand_as(out), rtol=0, atol=1e-14)
    expected = torch.cos(net.sigma.phase2) @ net.up
    torch.testing.assert_close(out[:, :1], expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("rank", [1, 4])
@pytest.mark.parametrize(("d_in", "d_out"), [(3, 48), (48, 48), (32, 64)])
def test_parameter_formula(rank, d_in, d_out):
    def extra(sigma):
        return count(NobleLinear(streams(SEEDS, 0), d_in, d_out, rank, sigma), 2) - d_in * d_out - d_out

    assert extra("cosnet") == rank * (d_in + d_out) + rank**2 + 4 * rank
    assert extra("cos1") == rank * (d_in + d_out) + 2 * rank
    assert extra("relu") == extra("gelu") == extra("linear") == rank * (d_in + d_out)


@pytest.mark.parametrize("sigma", ["cosnet", "cos1", "gelu", "linear"])
def test_gradients(sigma):
    net = make(sigma, up=0.5, runs=1)
    names, values = zip(*net.named_parameters())
    run = lambda x, *p: torch.func.functional_call(net, dict(zip(names, p)), (x,))  # noqa: E731
    assert torch.autograd.gradcheck(run, (inputs(runs=1).requires_grad_(), *values))


# ---- merging


def test_linear_branch_is_one_matrix():
    net, x = make("linear", up=0.7), inputs()
    weight, bias = merged(net)
    torch.testing.assert_close(x @ weight + bias, net(x), rtol=0, atol=1e-13)
    assert (weight - net.main.weight).abs().max() > 0.1


@pytest.mark.parametrize("sigma", ["cosnet", "cos1", "relu", "gelu"])
def test_other_branches_are_not(sigma):
    net = make(sigma, up=0.7)
    with pytest.raises(TypeError, match="cannot be merged"):
        merged(net)
    x = inputs(m=500)
    assert (affine_residual(x, net(x)) > 0.01).all()
    assert (affine_residual(x, make("linear", up=0.7)(x)) < 1e-20).all()


def test_affine_residual_is_least_squares():
    x, y = inputs(m=80), inputs(d=2, m=80, seed=1)
    for s in range(2):
        design = np.c_[x[s].numpy(), np.ones(80)]
        rest = y[s].numpy() - design @ np.linalg.lstsq(design, y[s].numpy(), rcond=None)[0]
        share = (rest**2).sum() / ((y[s] - y[s].mean(0)) ** 2).sum()
        assert float(affine_residual(x, y)[s]) == pytest.approx(float(share), rel=1e-9)


# ---- networks


def test_budgets_of_the_regression():
    nets = [MLP(streams(SEEDS, 1), 48, linear) for linear in (Linear, partial(NobleLinear, rank=4))]
    assert [count(net, 2) for net in nets] == [2593, 3473]
    wide = matched_width(3473, lambda width: width * width + 6 * width + 1)
    assert wide == 56 and count(MLP(streams(SEEDS, 1), wide), 2) == 3473


def test_same_main_weights_with_and_without_branches():
    plain, branched = TinyLM(streams(SEEDS, 1), 50), TinyLM(streams(SEEDS, 1), 50, NobleLinear)
    others = {name.replace(".main", ""): p for name, p in branched.named_parameters()}
    for name, p in plain.named_parameters():
        assert torch.equal(p, others[name]), name
    for module in branched.modules():
        if isinstance(module, NobleLinear):
            nn.init.zeros_(module.up)
    tokens = torch.randint(50, (2, 3, 32), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(plain(tokens), branched(tokens), rtol=1e-4, atol=1e-5)


def test_every_linear_map_of_a_block_has_a_branch():
    lm = TinyLM(streams(SEEDS, 1), 50, partial(NobleLinear, rank=4))
    for block in lm.blocks:
        for linear in (block.attention.qkv, block.attention.out, block.up, block.down):
            assert isinstance(linear, NobleLinear)
        assert len(block.attention.qkv.down) == 3 * 2  # q, k and v of two runs, each with its own branch
        q, k, v = block.attention.qkv.up[:3]
        assert not torch.equal(q, k) and not torch.equal(k, v)
    extra = count(lm, 2) - count(TinyLM(streams(SEEDS, 1), 50), 2)
    sizes = [(32, 32)] * 4 + [(32, 64), (64, 32)]
    assert extra == 2 * sum(4 * (a + b) + 16 + 16 for a, b in sizes)


def test_language_model_sees_the_past_only():
    lm = TinyLM(streams(SEEDS, 1), 50, NobleLinear)
    tokens = torch.randint(50, (2, 3, 32), generator=torch.Generator().manual_seed(0))
    other = tokens.clone()
    other[..., 20:] = (other[..., 20:] + 7) % 50
    a, b = lm(tokens), lm(other)
    # what is masked adds zeros to sums of at most 64 terms, six layers deep
    atol = 6 * 64 * torch.finfo(a.dtype).eps * float(a.detach().abs().max())
    torch.testing.assert_close(a[:, :, :20], b[:, :, :20], rtol=0, atol=atol)
    assert ((a - b)[:, :, 20:].abs() > 100 * atol).any()


def test_runs_use_their_own_embedding():
    lm = TinyLM(streams(SEEDS, 1), 50)
    tokens = torch.zeros(2, 1, 32, dtype=torch.long)
    alone = TinyLM(streams(SEEDS[1:], 1), 50)
    torch.testing.assert_close(lm(tokens)[1], alone(tokens[1:])[0], rtol=1e-4, atol=1e-5)


def test_decay_spares_frequencies_and_phases():
    net = make()
    optimizer = adamw(net, 0.1, decay=0.5)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    for p in net.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for name, p in net.named_parameters():
        decayed = name in ("main.weight", "down", "up", "sigma.mix")
        torch.testing.assert_close(p.detach(), before[name] * (0.95 if decayed else 1.0), rtol=1e-12, atol=0)


def test_cosine_schedule():
    optimizer = adamw(make(), 0.1)
    rates = []
    for step in range(11):
        cosine_rate(optimizer, 0.1, step, 10)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates[0] == 0.1 and rates[5] == pytest.approx(0.05) and rates[10] == pytest.approx(0)


def test_held_out_text_is_never_trained_on():
    ids, starts, kept, letters = bundled_text()
    window = torch.arange(TinyLM.CONTEXT + 1)
    seen = torch.zeros(len(ids), dtype=torch.bool)
    seen[(starts[:, None] + window).flatten()] = True
    assert not seen[(kept[:, None] + window).flatten()].any()
    assert len(starts) > 30_000 and len(kept) > 2_000 and int(ids.max()) == letters - 1


def test_target_is_sharp_along_one_direction_only():
    target = sharp_target(streams(SEEDS, 5), 8.0)
    assert torch.allclose(target.w.norm(dim=1), torch.ones(2, 1))
    x = uniform_cube(streams(SEEDS, 0), 50)
    assert x.abs().max() <= 1
    smooth = target(x) - 0.5 * torch.sin(8 * (x @ target.w))[..., 0]
    for s in range(2):
        torch.testing.assert_close(smooth[s], torch.tanh(x[s] @ target.a[s]).sum(-1) / 3)


# ---- experiments


def test_one_unit_is_what_the_sliders_say():
    v = dict(rank=1, frequency=3.0, phase=0.4, mixing=1.7, frequency2=2.2, phase2=-0.3, up=0.6)
    frame = layer.run(**v)
    inner = np.cos(3.0 * frame.t.values + 0.4)
    shapes = [np.cos(2.2 * sign * 1.7 * inner - 0.3) for sign in (1, -1)]  # a rotation of one dimension is 1 or -1
    ratios = [frame.branch.values / shape for shape in shapes]
    assert min(np.ptp(r) / np.abs(r).max() for r in ratios) < 1e-9


def test_limits_of_the_layer():
    np.testing.assert_allclose(layer.run(up=0.0).output, layer.run(up=0.0).main)
    for still in (dict(mixing=0.0), dict(frequency=0.0), dict(frequency2=0.0)):
        frame = layer.run(**still)
        assert np.ptp(frame.branch.values) < 1e-12 and frame.attrs["left"] < 1e-12
    linear = layer.run(sigma="linear")
    assert linear.attrs["left"] < 1e-12 and "holds all" in linear.reading
    np.testing.assert_allclose(linear.merged, linear.output, atol=1e-12)
    assert layer.run().attrs["left"] > 0.01 and "misses" in layer.run().reading


def test_main_part_is_straight():
    frame = layer.run()
    assert np.abs(np.diff(frame.main.values, 2)).max() < 1e-12 and np.abs(np.diff(frame.branch.values, 2)).max() > 1e-4
    np.testing.assert_allclose(frame.output, frame.main + frame.branch, atol=1e-12)


def test_phase_moves_the_wiggle():
    """A phase is a shift: cos(w t + p) at t is cos(w t) at t + p / w."""
    still, moved = (layer.run(rank=1, sigma="cos1", frequency=2.0, phase=p) for p in (0.0, 0.8))
    np.testing.assert_allclose(moved.branch[:-20], still.branch[20:], atol=1e-12)


@pytest.mark.parametrize(
    "values",
    [dict(rank=1, up=1e-3, frequency=0.5), dict(rank=16, up=1.0, frequency=4.0), dict(lr=3e-2, omega=16.0)],
)
def test_corners_are_legal(values):
    frame = sharp.run(steps=100, n_seeds=1, **values)
    assert frame.progress == 1 and frame.sizes["unit"] == values.get("rank", 4)
    linear, _, cosnet = frame.left.values
    assert linear.max() < 1e-6 < cosnet.min()


def test_what_cannot_be_merged_does_not_hang_on_how_loud_a_branch_is():
    quiet, loud = (next(iter(sharp.frames(n_seeds=2, up=up))).left for up in (0.01, 1.0))
    np.testing.assert_allclose(quiet[1:], loud[1:], rtol=1e-3)
    assert quiet.sizes["repeat"] == 2 and float(quiet[0].max()) < 1e-6


def test_corner_of_the_language_model():
    frame = language.run(steps=100, batch=4, rank=16, up=1.0, frequency=4.0, lr=3e-2, smoothing=0.5)
    assert frame.progress == 1 and frame.sizes["time"] >= 2


def test_frames_grow():
    for experiment, size in ((sharp, {}), (language, dict(batch=4))):
        frames = list(experiment.frames(n_seeds=1, steps=100, **size))
        assert len(frames) >= 9
        assert all(a.sizes["time"] < b.sizes["time"] for a, b in zip(frames, frames[1:]))
        assert frames[-1].time[-1] == 100


def test_smooth_target_needs_no_branch():
    frame = sharp.run(n_seeds=1, omega=0.5, steps=300)
    last = frame.error.isel(time=-1).mean("repeat")
    assert float(last.sel(model="wider")) < 0.005


def test_controls_do_not_move_with_the_branch():
    a, b = (sharp.run(n_seeds=1, steps=100, frequency=f) for f in (1.0, 2.0))
    for name in MODELS[:4]:
        np.testing.assert_array_equal(a.error.sel(model=name), b.error.sel(model=name))
    assert not np.array_equal(a.error.sel(model="CosNet branch"), b.error.sel(model="CosNet branch"))


def test_language_loss_is_the_cross_entropy_of_the_next_character():
    """Before training every model is near the uniform guess or worse; after it, better than letter frequencies."""
    frame = language.run(steps=100, batch=8)
    ids, *_, letters = bundled_text()
    shares = torch.bincount(ids).double() / len(ids)
    entropy = float(-(shares * shares.log()).sum())
    assert (frame.train[..., 0] > 0.9 * np.log(letters)).all()
    assert (frame.held_out[..., -1] < entropy).all()
    assert frame.parameters.values.argmax() == 1  # the wider model has the most


def test_rank_out_of_range_is_refused():
    with pytest.raises(ParameterError, match="rank = 17"):
        sharp.run(rank=17)


# ---- exercises


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("mixing = 0", True),
        (" frequency=0.0 ", True),
        ("frequency2 = 0e0", True),
        ("up = 0", False),
        ("phase = 1", False),
        ("mixing = 0,1", False),
        ("First frequency w₁ = 0", True),
        ("w1=0", True),
        ("mixing size = 0", True),
        ("branch size = 0", False),
        ("colour = 0", False),
    ],
)
def test_an_answer_about_the_silent_branch(answer, right):
    assert (silent_branch(answer) is True) == right


@pytest.mark.parametrize(
    ("answer", "right"), [(" 4/2 ", True), pytest.param("8,0", False, marks=pytest.mark.nightly), ("1.9", False)]
)
def test_an_answer_about_the_sharp_target(answer, right):
    assert (learned_by_all(answer) is True) == right


def test_nothing_cannot_be_read():
    with pytest.raises(ValueError):
        learned_by_all("")
    assert silent_branch("").startswith("Write one of these, with its value: first frequency w₁, ")
