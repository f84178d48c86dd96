"""The sliding memory: against polynomials, sines, a held signal and brute force; networks all at once and streamed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.polynomial import legendre as polynomials
from scipy.signal import cont2discrete

from labcore.primitives.spiking.steps import lif
from labcore.spiking.lmu_former import Reader, curve, parallel, step, streamed
from labcore.spiking.lmu_former.exercises import early_and_right, enough_numbers, of_a_constant
from labcore.spiking.lmu_former.experiments import pixels
from labcore.spiking.lmu_former.memory import legendre, pulse
from labcore.spiking.lmu_former.scan import fire

SEEDS = [[7, 0], [7, 1]]


def remembered(u, d, theta):
    return streamed(u[:, None], np.zeros((1, d)), *step(d, theta))[:, 0]


def test_a_and_b_of_three_numbers_by_hand():
    a, b = legendre(3)
    assert a.tolist() == [[-1, -1, -1], [3, -3, -3], [-5, 5, -5]] and b.tolist() == [1, -3, 5]


@pytest.mark.parametrize(("d", "theta"), [(1, 5.0), (6, 20.0), (16, 64.0)])
def test_a_step_is_the_differential_equation_with_the_input_held(d, theta):
    a, b = legendre(d)
    keep, take, *_ = cont2discrete((a / theta, b[:, None] / theta, np.eye(d), np.zeros((d, 1))), 1.0, "zoh")
    assert step(d, theta).keep == pytest.approx(keep, abs=1e-12)
    assert step(d, theta).take == pytest.approx(take[:, 0], abs=1e-12)


@pytest.mark.parametrize(("d", "theta"), [(4, 16.0), (16, 64.0), (64, 8.0), (64, 128.0)])
def test_what_stays_the_same_is_one_number(d, theta):
    m = remembered(np.full(1200, 0.7), d, theta)[-1]
    assert m == pytest.approx(0.7 * np.eye(d)[0], abs=1e-9)
    assert np.abs(np.linalg.eigvals(step(d, theta).keep)).max() < 1


def test_a_polynomial_of_low_degree_comes_back_whole():
    # in continuous time: if u is a polynomial of degree below d, m holds its coefficients over the window exactly
    d = 5
    inside = np.random.default_rng(0).normal(size=d)  # coefficients in P_i(2 r - 1), of u(t - r theta)
    a, b = legendre(d)
    slide = -2 * polynomials.legder(inside)  # theta d/dt of them, as r moves by -dt / theta
    now = polynomials.legval(-1.0, inside)
    assert a @ inside + b * now == pytest.approx(np.append(slide, 0.0))


@pytest.mark.parametrize("period", [40, 90])
def test_sines_are_remembered_half_a_sample_late(period):
    t, theta = np.arange(400.0), 64.0
    m = remembered(np.sin(2 * np.pi * t / period), 16, theta)[200:]
    r = np.linspace(0.25, 1, 7)
    past = np.sin(2 * np.pi * (t[200:, None] - (r * theta - 0.5)) / period)
    assert np.sqrt(np.mean((curve(m, r) - past) ** 2, 0) * 2).max() < 0.01


def test_all_at_once_is_one_after_another():
    u = np.random.default_rng(1).normal(size=(3, 50, 4))
    for d, theta in ((1, 3.0), (8, 10.0), (32, 64.0)):
        want = np.stack([streamed(x, np.zeros((4, d)), *step(d, theta)) for x in u])
        assert parallel(torch.tensor(u), d, theta).numpy() == pytest.approx(want, abs=1e-12)
    by_hand, m = step(8, 10.0), np.zeros(8)
    for x in u[0, :, 2]:
        m = by_hand.keep @ m + by_hand.take * x
    assert streamed(u[0], np.zeros((4, 8)), *by_hand)[-1, 2] == pytest.approx(m, abs=1e-13)


def test_a_stream_goes_on_where_it_stood_and_nothing_comes_from_the_future():
    u, by = np.random.default_rng(2).normal(size=(60, 2)), step(6, 20.0)
    whole = streamed(u, np.zeros((2, 6)), *by)
    assert np.array_equal(streamed(u[25:], np.ascontiguousarray(whole[24]), *by), whole[25:])
    changed = u.copy()
    changed[40] += 100
    early = parallel(torch.tensor(u), 6, 20.0) - parallel(torch.tensor(changed), 6, 20.0)
    assert float(early[:40].abs().max()) < 1e-11 < float(early[40].abs().max())


def test_a_pulse_has_not_wrapped_around():
    u = torch.zeros(30, 1, dtype=torch.float64)
    u[-1] = 1.0
    m = parallel(u, 5, 12.0)[:, 0].numpy()
    assert np.abs(m[:-1]).max() < 1e-13 and m[-1] == pytest.approx(pulse(5, 12.0, 30)[0])


@pytest.mark.parametrize("wrong", [dict(d=0, theta=5.0), dict(d=3, theta=0.0)])
def test_sizes_are_refused_in_words(wrong):
    with pytest.raises(ValueError, match="is not allowed"):
        step(**wrong)
    with pytest.raises(ValueError, match="from 0 to 1"):
        curve(np.zeros(3), np.array([1.5]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_neurons_fire_and_learn_as_those_of_the_shelf(dtype):
    current = torch.tensor(np.random.default_rng(3).normal(0.3, 1, (40, 9)), dtype=dtype, requires_grad=True)
    weight = torch.tensor(np.random.default_rng(4).normal(size=(40, 9)), dtype=dtype)
    ours, last = fire(current, torch.zeros(9, dtype=dtype))
    theirs = lif(current)
    assert torch.equal(ours, theirs.spikes) and 0.1 < float(ours.detach().mean()) < 0.9
    assert torch.equal(last, (theirs.potential * (1 - theirs.spikes))[-1])
    a, b = (torch.autograd.grad((s * weight).sum(), current)[0] for s in (ours, theirs.spikes))
    assert torch.allclose(a, b, rtol=1e-4 if dtype == torch.float32 else 1e-10)
    with pytest.raises(ValueError, match="must be"):
        fire(current, torch.zeros(3, dtype=dtype))


def reader(neuron, mixer="memory"):
    net = Reader(SEEDS, 8, 6, 20.0, neuron, mixer).double()
    x = torch.tensor(np.random.default_rng(5).random((2, 30, 7)))
    net.train()
    for _ in range(60):  # the batch norms learn what is usual
        net(x)
    return net.eval(), x


@pytest.mark.parametrize("neuron", ["relu", "lif", "one bit"])
def test_a_network_streamed_is_the_network_at_once(neuron):
    net, x = reader(neuron)
    whole = net(x)
    for pieces in ([1] * 30, [7, 1, 22]):
        state, parts = {}, []
        for part in x.split(pieces, 1):
            parts.append(net(part, state))
        assert torch.allclose(torch.cat([p.logits for p in parts], 1), whole.logits, atol=1e-12)
        for name, (got, _) in whole.into.items():
            streamed_in = torch.cat([p.into[name][0] for p in parts], 1)
            same = torch.allclose(got, streamed_in, atol=1e-12) if neuron == "relu" else torch.equal(got, streamed_in)
            assert same or name == "first", name
    if neuron != "relu":
        assert all(set(got.unique().tolist()) == {0.0, 1.0} for name, (got, _) in whole.into.items() if name != "first")


@pytest.mark.parametrize("mixer", ["memory", "none", "attention"])
def test_no_guess_looks_ahead_and_only_memory_looks_far_back(mixer):
    net, x = reader("relu", mixer)
    changed, early = x.clone(), x.clone()
    changed[:, 20] += 1
    early[:, 0] += 1
    assert torch.allclose(net(x).logits[:, :20], net(changed).logits[:, :20], atol=1e-12)
    assert not torch.allclose(net(x).logits[:, 20], net(changed).logits[:, 20], atol=1e-6)
    far = net(x).into["head"][0][:, 15:] - net(early).into["head"][0][:, 15:]
    assert (float(far.abs().max()) > 1e-6) == (mixer != "none")


def test_a_run_is_the_same_alone_and_beside_others():
    both, alone = Reader(SEEDS, 8, 6, 20.0, "lif"), Reader(SEEDS[1:], 8, 6, 20.0, "lif")
    x = torch.rand(2, 12, 5, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(both(x).logits[1], alone(x[1:]).logits[0], atol=1e-5)


def test_what_a_network_refuses():
    net, x = reader("relu", "attention")
    with pytest.raises(ValueError, match="cannot go on"):
        net(x, {})
    with pytest.raises(ValueError, match="at least one sample"):
        net(x[:, :0])
    with pytest.raises(ValueError, match="neuron = 'tanh'"):
        Reader(SEEDS, 8, 6, 20.0, "tanh")


def test_an_answer_is_right_however_it_is_written():
    assert of_a_constant("0.6") is of_a_constant("3/5") is of_a_constant("0,6") is True
    assert "flat at 1" in of_a_constant("1")
    assert enough_numbers("18") is enough_numbers("36/2") is enough_numbers("d = 20") is True
    assert "the error is" in enough_numbers("8") and "more than 24" in enough_numbers("40")


def test_a_network_that_is_graded_early_guesses_early():
    early, late = (pixels.run(graded=graded, sure=0.5) for graded in ("every", "last"))
    assert early.accuracy[31] > late.accuracy[31] + 0.1 and early.accuracy[-1] < late.accuracy[-1]
    assert early.stopped > 0.45 and late.stopped < 0.3
    assert early_and_right("0.7") is early_and_right("7/10") is early_and_right("sure above = 0,7") is True
    assert "it reads" in early_and_right("0.95") and "it reads" in early_and_right("0.3")
