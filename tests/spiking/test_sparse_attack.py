"""Attacks on spiking networks: against the closed form, loops written by hand, and all flips of a tiny network."""

from __future__ import annotations

import importlib
import itertools
import math

import numpy as np
import pytest
import torch

from labcore.primitives.spiking.steps import lif_compiled
from labcore.spiking.sparse_attack import FITTED, Guess, Victim, neurons, pgd, reduced, sparse, trained
from labcore.spiking.sparse_attack.exercises import fewest, top_of_the_bell, wide_enough
from labcore.spiking.sparse_attack.experiments import membrane
from labcore.spiking.sparse_attack.flips import by_chance, flipped, lead, leads
from labcore.spiking.sparse_attack.neurons import THETA


def currents(steps=5, batch=3, n=8, seed=0):
    return torch.tensor(np.random.default_rng(seed).normal(1, 2, (steps, batch, n)))


def test_the_guess_changes_no_spike_and_the_neuron_is_the_shelfs():
    now = currents()
    truth = lif_compiled(now.numpy(), 0.5, THETA, "hard", decay_input=True)
    for guess in (FITTED, Guess("rectangle", 0.1), Guess("gauss", 3.0, 1.0)):
        spikes, potentials, _ = neurons(now, guess)
        assert np.array_equal(spikes.numpy(), truth.spikes) and np.array_equal(potentials.numpy(), truth.potential)


def test_widths_are_the_spread_of_each_inputs_potentials_so_far():
    now = currents()
    _, h, widths = neurons(now, FITTED)
    for t in range(5):
        for b in range(3):
            assert float(widths[t, b]) == pytest.approx(h[: t + 1, b].numpy().std())
    alone = neurons(now[:, 1:2], FITTED)[2]
    assert torch.allclose(alone[:, 0], widths[:, 1]), "what else is attacked must not matter"
    assert neurons(torch.full((2, 1, 4), 2.0), FITTED)[2][0, 0] == 1, "no spread: 1"


def by_hand(now, seed_gradient):
    """Gradient of sum(w s) with respect to currents, chain rule written out, one input, one neuron at a time."""
    steps, _, n = now.shape
    s, h, _ = (a[:, 0].numpy() for a in neurons(now, FITTED))
    out = np.zeros((steps, n))
    for i in range(n):
        from_v = 0.0  # of what comes later, with respect to V_t
        for t in reversed(range(steps)):
            sigma, u = h[: t + 1].std(), h[t, i] - THETA
            g = math.exp(-((u - sigma / 2) ** 2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)
            from_h = seed_gradient[t, i] * g + from_v * ((1 - s[t, i]) - h[t, i] * g)
            out[t, i] = from_h / 2
            from_v = from_h / 2
    return out


def test_the_gradient_is_the_closed_form_and_passes_the_reset():
    now = currents(batch=1).requires_grad_()
    w = np.random.default_rng(1).normal(size=(5, 8))
    (ours,) = torch.autograd.grad((neurons(now, FITTED)[0][:, 0] * torch.tensor(w)).sum(), now)
    assert ours[:, 0].numpy() == pytest.approx(by_hand(now.detach(), w), rel=1e-9)


def test_without_spikes_in_the_way_potentials_have_the_gradient_of_finite_differences():
    now = -currents(batch=1).abs()
    w, d = torch.tensor(np.random.default_rng(2).normal(size=(5, 8))), 1e-6
    given = now.clone().requires_grad_()
    # a rectangle of no width: what is left of the gradient is that of the leak
    (ours,) = torch.autograd.grad((neurons(given, Guess("rectangle", 1e-9))[1][:, 0] * w).sum(), given)
    for t, i in ((0, 0), (2, 3), (4, 7)):
        up, down = now.clone(), now.clone()
        up[t, 0, i] += d
        down[t, 0, i] -= d
        f = [(neurons(a, FITTED)[1][:, 0] * w).sum() for a in (up, down)]
        assert float(ours[t, 0, i]) == pytest.approx(float(f[0] - f[1]) / 2 / d, rel=1e-5)


def test_the_fitted_gradient_has_the_victims_own_scale(monkeypatch):
    file = importlib.import_module("labcore.spiking.sparse_attack.neurons")  # the package has a function of that name
    now, signs = currents(batch=1), []
    for c in (1.0, 8.0):
        monkeypatch.setattr(file, "THETA", c)
        given = (c * now).requires_grad_()
        (g,) = torch.autograd.grad(file.neurons(given, FITTED)[0].sum(), given)
        signs.append(c * g)
    assert torch.equal(*signs), "a power of 2: exact"


def toy(seed):
    """A victim of 16 events, 2 steps of 8, whose answers are 0, 1, 2, and an input."""
    rng = np.random.default_rng(seed)
    w = [torch.tensor(rng.normal(0, s, shape), dtype=torch.float32) for s, shape in ((1.5, (8, 12)), (1, (12, 3)))]
    net = Victim(w, [torch.full((12,), 0.3), torch.zeros(3)])
    x = torch.tensor(rng.random((2, 8)) < 0.5, dtype=torch.float32)
    return net, x, int(net(x[:, None], FITTED).argmax())


def best_of_all(net, x, y):
    """The fewest flips of any kind that make it wrong, up to four."""
    for n in range(1, 5):
        if (leads(net, x, y, [np.array(c) for c in itertools.combinations(range(16), n)]) < 0).any():
            return n
    raise AssertionError("a toy that is too robust")


def test_flips_are_near_the_best_of_all():
    more, drawn = [], []
    for seed in range(12):
        net, x, y = toy(seed)
        end = reduced(net, x, y, sparse(net, x, y, np.random.default_rng(0), first=1))
        assert end.wrong and leads(net, x, y, [end.flips])[0] < 0
        out = flipped(x, end.flips)
        assert int(net(out[:, None], FITTED).argmax()) != y and int((out != x).sum()) == len(end.flips)
        best = best_of_all(net, x, y)
        more.append(len(end.flips) - best)
        drawn.append(len(by_chance(net, x, y, np.random.default_rng(seed), 16)) - best)
    # the search may be led astray, and once it is
    assert min(more) == 0 and np.mean(more) <= 1 and np.mean(np.array(more) <= 2) >= 0.9, more
    assert np.mean(drawn) > 2 * np.mean(more) + 1, "by chance it takes more"


def test_changes_of_all_flips_in_one_pass_are_those_of_one_by_one():
    net, x, y = toy(3)
    one = [float(lead(net(flipped(x, np.array([i]))[:, None], FITTED), y)) for i in range(16)]
    assert leads(net, x, y, [np.array([i]) for i in range(16)]) == pytest.approx(one, abs=1e-6)
    order = by_chance(net, x, y, np.random.default_rng(0), 16)
    early = leads(net, x, y, [order[:k] for k in range(1, len(order))])
    assert (early >= 0).all() and leads(net, x, y, [order])[0] < 0


def test_what_is_not_an_event_is_refused():
    net, x, y = toy(0)
    with pytest.raises(ValueError, match="must be 0 or 1"):
        sparse(net, x + 0.5, y, np.random.default_rng(0))


def test_an_attack_stays_in_its_box_and_a_folded_victim_learned():
    rng = np.random.default_rng(0)
    y = torch.tensor(rng.integers(0, 2, 200))
    x = torch.tensor(rng.random((200, 6)) * 0.5, dtype=torch.float32)
    x[:, 0] += 0.5 * y
    net = trained(x.expand(3, 200, 6), y, [12], 4.0, 80, [0])
    assert float((net(x.expand(3, 200, 6), FITTED).argmax(1) == y).float().mean()) > 0.9
    near = pgd(net, x, y, 3, FITTED, 0.2, 5, torch.Generator().manual_seed(0))
    assert float((near - x).abs().max()) <= 0.2 + 1e-6 and near.min() >= 0 and near.max() <= 1
    assert float((net(near.expand(3, 200, 6), FITTED).argmax(1) == y).float().mean()) < 0.8


def test_no_change_breaks_nothing():
    assert float(membrane.run("quick", eps=0.0).success.max()) == 0


def test_an_answer_is_right_however_it_is_written():
    assert top_of_the_bell("0.0997") is top_of_the_bell("0,1") is top_of_the_bell("1/10") is True
    assert "width 1" in top_of_the_bell("0.4") and top_of_the_bell("0.7") is False
    assert wide_enough("24") is wide_enough("48/2") is wide_enough("24,0") is True
    assert "made wrong" in wide_enough("0.1")
    assert "still" in fewest("0") and "Fewer" in fewest("40")
