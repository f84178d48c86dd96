"""Soft neurons: another way to the same sums, the homomorphism, gradcheck, brute force at the limit, and symmetries."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from labcore.primitives.spiking.steps import lif
from labcore.spiking.ultra_lif import (
    KINDS,
    Network,
    around,
    fire,
    log_sum,
    membrane,
    sigmoid_lif,
    soft_spike,
    tropical_lif,
    ultra_dlif,
    ultra_lif,
)
from labcore.spiking.ultra_lif import experiments as papers
from labcore.spiking.ultra_lif.exercises import half_and_half, nothing_plus_nothing, soft_enough
from labcore.spiking.ultra_lif.landscapes import Neuron, counts, pushes, sharpness


def drawn(*shape, seed=0, mean=0.3, std=0.8):
    return torch.from_numpy(np.random.default_rng(seed).normal(mean, std, shape))


# ---- one sum


@pytest.mark.parametrize("eps", [1e-4, 0.03, 1.0, 20.0])
def test_a_soft_maximum_is_the_maximum_and_a_little_more(eps):
    """By max and log1p, by torch.logsumexp, and between its bounds; no overflow at e^(30000)."""
    a, b = drawn(200, std=3), drawn(200, seed=1, std=3)
    found = log_sum(a, b, eps)
    split = torch.maximum(a, b) + eps * torch.log1p(torch.exp(-(a - b).abs() / eps))
    summed = eps * torch.logsumexp(torch.stack([a, b]) / eps, 0)
    for other in (split, summed):
        assert found.numpy() == pytest.approx(other.numpy(), abs=1e-12)
    assert (found >= torch.maximum(a, b) - 1e-12).all()
    assert (found <= torch.maximum(a, b) + eps * math.log(2) + 1e-12).all()
    assert torch.equal(found, log_sum(b, a, eps))


def test_it_is_addition_in_another_arithmetic():
    x, y, z = drawn(3, 50).exp()
    for eps in (0.1, 1.0):
        read = lambda n, e=eps: e * n.log()  # noqa: E731
        assert log_sum(read(x), read(y), eps).numpy() == pytest.approx(read(x + y).numpy(), abs=1e-12)
        both = log_sum(read(x) + read(z), read(y) + read(z), eps)
        assert both.numpy() == pytest.approx((log_sum(read(x), read(y), eps) + read(z)).numpy(), abs=1e-12)


def test_a_step_of_ultralif_is_a_step_of_the_leaky_equation():
    """v' = leak v + i in positive numbers, seen through eps log: no spike, as the threshold is far away."""
    eps, leak = 0.4, 0.8
    i = drawn(10, 3)
    v, course = torch.ones(3).double(), ultra_lif(i, eps, leak, theta=1e3)
    for t in range(10):
        # in these units V + log(leak) is v times leak^(1 / eps)
        v = leak ** (1 / eps) * v + (i[t] / eps).exp()
        assert course.potential[t].numpy() == pytest.approx((eps * v.log()).numpy(), abs=1e-12)


def test_the_spike_and_its_slope():
    h = torch.linspace(-3, 3, 61, dtype=torch.float64, requires_grad=True)
    for eps in (0.2, 1.0):
        s = soft_spike(h, 0.5, eps)
        (slope,) = torch.autograd.grad(s.sum(), h)
        assert slope.numpy() == pytest.approx((s * (1 - s) / eps).detach().numpy(), abs=1e-14)
        assert (slope > 0).all() and slope.max() <= 1 / (4 * eps)


def test_the_gradient_is_shared_as_a_softmax():
    v, i = (drawn(40, seed=k).requires_grad_() for k in (1, 2))
    g = torch.autograd.grad(membrane(v, i, 0.3, 0.9).sum(), (v, i))
    both = torch.softmax(torch.stack([v + math.log(0.9), i]).detach() / 0.3, 0)
    assert torch.stack(g).numpy() == pytest.approx(both.numpy(), abs=1e-12)


@pytest.mark.parametrize("run", [ultra_lif, ultra_dlif, lambda *a: ultra_dlif(*a, variant="code"), sigmoid_lif])
def test_every_gradient_is_that_of_finite_differences(run):
    """Of the spikes in the currents, the softness, the leak and the threshold, over six steps."""
    given = [drawn(6, 4), torch.tensor(0.7).double(), torch.tensor(0.8).double(), torch.tensor(0.6).double()]
    assert torch.autograd.gradcheck(lambda *x: run(*x).spikes, [x.requires_grad_() for x in given])


# ---- the limit


def test_the_limit_is_a_maximum_by_brute_force():
    """In plain Python: the largest of what is left and what comes, a step, and back to 0."""
    now, leak, theta = drawn(30, 5), 0.85, 0.9
    course = tropical_lif(now, leak, theta)
    for j in range(5):
        v = 0.0
        for t in range(30):
            h = max(v + math.log(leak), float(now[t, j]))
            assert float(course.potential[t, j]) == h and float(course.spikes[t, j]) == (h >= theta)
            v = 0.0 if h >= theta else h


def test_small_softness_comes_to_the_limit_and_not_to_the_leaky_neuron():
    now = drawn(50, 2000)
    soft, hard, plain = ultra_lif(now, 1e-4), tropical_lif(now), lif(now, 0.9).spikes
    assert float((soft.potential - hard.potential).abs().mean()) < 1e-3
    assert float(((soft.spikes >= 0.5) != (hard.spikes > 0)).double().mean()) < 1e-3
    assert float((hard.spikes != plain).double().mean()) > 0.05


def test_the_limit_forgets_the_smaller_of_two_inputs():
    """Any input that is below what is left of the one before changes nothing; the ordinary neuron fires."""
    for second in (-5.0, 0.0, 0.5):
        now = torch.tensor([0.7, second, 0.1], dtype=torch.float64)
        assert float(tropical_lif(now).potential[1]) == 0.7 + math.log(0.9)
    assert lif(torch.tensor([0.7, 0.5]), 0.9).spikes.tolist() == [0, 1]


def test_inhibition_cannot_subtract():
    """However negative a current is, what is left of the potential stays; the ordinary membrane falls."""
    now = torch.tensor([0.9, -50.0]).double()
    assert float(ultra_lif(now, 0.1, theta=3.0).potential[1]) >= 0.9 + math.log(0.9)
    assert float(sigmoid_lif(now, 0.1, theta=3.0).potential[1]) < -40


# ---- neighbours


def test_turning_the_ring_turns_the_answer():
    now = drawn(8, 3, 7)
    for variant in ("paper", "code"):
        course = ultra_dlif(now, 0.5, 0.9, 0.8, variant=variant)
        turned = ultra_dlif(now.roll(2, -1), 0.5, 0.9, 0.8, variant=variant)
        assert turned.spikes.numpy() == pytest.approx(course.spikes.roll(2, -1).numpy(), abs=1e-14)


def test_diffusion_without_its_third_drifts_upward():
    """Equal neurons without input: each step adds eps log 3, as the equation leaves out the factor 1/3."""
    course = ultra_dlif(torch.zeros(5, 6).double(), 0.4, theta=1e3)
    expected = 0.4 * math.log(3) * np.arange(1, 6)
    assert course.potential.numpy() == pytest.approx(np.repeat(expected[:, None], 6, 1), abs=1e-12)
    assert around(torch.tensor([1.0, 2.0, 0.0, -1.0]).double(), 1e-4).tolist() == pytest.approx([2, 2, 2, 1], abs=1e-3)


def test_the_variants_differ_where_they_say():
    """Code: the leak and the current come before the neighbours, and the reset acts on what was not smoothed."""
    now, eps = drawn(2, 5), 0.6
    v = now[0]
    s = soft_spike(around(v, eps), 0.5, eps)
    kept = 0.9 * v * (1 - s) + now[1]
    course = ultra_dlif(now, eps, 0.9, 0.5, variant="code")
    assert course.potential[1].numpy() == pytest.approx(around(kept, eps).numpy(), abs=1e-12)
    assert float((course.spikes - ultra_dlif(now, eps, 0.9, 0.5).spikes).abs().max()) > 0.01


# ---- networks


def test_networks_side_by_side_are_each_as_if_alone():
    x = drawn(3, 2, 5, 6).float()
    for kind in KINDS:
        both = Network(kind, [[0], [1]], 6, 7, 4, 1.0, leak=0.9, theta=0.5)
        for k in range(2):
            alone = Network(kind, [[k]], 6, 7, 4, 1.0, leak=0.9, theta=0.5)
            assert torch.allclose(alone(x[:, k : k + 1])[0][0], both(x)[0][k], atol=1e-6)


def test_inputs_that_stay_may_be_given_once():
    x = drawn(1, 2, 5, 6).float()
    net = Network("UltraLIF", [[0], [1]], 6, 7, 4, 1.0, leak=0.9, theta=0.5)
    assert torch.equal(net(x.expand(4, -1, -1, -1))[0], net(x.repeat(4, 1, 1, 1))[0])


def test_the_softness_learns_within_its_bounds():
    net = Network("UltraLIF", [[0]], 6, 7, 4, 1.0, leak=0.9, theta=0.5)
    net(drawn(3, 1, 5, 6).float())[0].square().sum().backward()
    assert net.log_eps.grad.abs() > 0
    with torch.no_grad():
        net.log_eps.fill_(-9.0)
    assert float(net.eps.detach()) == pytest.approx(0.1)


def test_a_surrogate_bends_arrows_and_never_counts():
    """Counts know no surrogate; arrows turn up where the box is wide and vanish where it is narrow."""
    neuron = Neuron(np.random.default_rng(0).random((12, 2)), 0.8, 6)
    w = np.random.default_rng(1).uniform(-0.5, 2, (60, 2))
    wide, narrow = (pushes(neuron, w, "rectangle", sharpness("rectangle", width)) for width in (4.0, 0.05))
    wrong = counts(neuron, w) != 6
    assert (np.hypot(*wide[wrong].T) > 0).all() and (np.hypot(*narrow[wrong].T) == 0).mean() > 0.4
    assert (wide[~wrong] == 0).all()
    low = counts(neuron, w) < 6
    assert (wide[low] > 0).all() and (wide[wrong & ~low] < 0).all()


def test_a_width_is_that_at_half_height():
    from labcore.primitives.spiking.surrogate import slope

    for kind in ("atan", "sigmoid", "gauss"):
        for width in (0.3, 2.0):
            top, half = slope(torch.tensor([0.0, width / 2]).double(), kind, sharpness(kind, width))
            assert float(half / top) == pytest.approx(0.5)


def test_two_pulses_fire_the_ordinary_neuron_alone():
    frame = papers.limit.run("quick")
    assert frame.fires.sum("time").values.round() == pytest.approx([0, 0, 1])
    soft = papers.limit.run("quick", eps=0.9)
    assert (soft.fires.sel(neuron="UltraLIF") >= 0.5).any()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: ultra_lif(drawn(2, 3), 0.0), "eps = 0.0"),
        (lambda: ultra_lif(drawn(2, 3), torch.tensor([0.5, -0.5, 1.0])), "eps"),
        (lambda: ultra_dlif(drawn(2, 3), 1.0, 0.0), "leak = 0.0"),
        (lambda: tropical_lif(drawn(2, 3), 1.5), "leak = 1.5"),
        (lambda: sigmoid_lif(drawn(0, 3), 1.0), "current has shape"),
        (lambda: ultra_dlif(drawn(2, 3), 1.0, variant="other"), "variant = 'other'"),
        (lambda: fire("UltraLIF", drawn(2, 3), -1.0, 0.9, 1.0), "eps = -1.0"),
    ],
)
def test_what_cannot_be_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert half_and_half("0.295") is half_and_half("I = 0,3") is half_and_half(" 3/10 ") is True
    assert "79% of the gradient" in half_and_half("0.7")
    found = next(e for e in np.geomspace(0.05, 1, 60) if soft_enough(f"{e:.4f}") is True)
    assert soft_enough(f"ε = {found:.4f}") is True
    assert "does not fire" in soft_enough("0.05") and "with less" in soft_enough("0.95")
    assert nothing_plus_nothing("0.3466") is nothing_plus_nothing("0,35") is nothing_plus_nothing("0.35") is True
    assert "1 + 1" in nothing_plus_nothing("0")
    for wrong in ("many", "", "7"):
        with pytest.raises(ValueError):
            half_and_half(wrong)
