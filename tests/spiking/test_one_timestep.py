"""Networks that lose their time steps: against thresholds by hand, another form of the neuron, and brute counting."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.spiking.surrogate import spike
from labcore.spiking.one_timestep import Deep, schedule
from labcore.spiking.one_timestep import experiments as papers
from labcore.spiking.one_timestep.exercises import adds_up, without_training
from labcore.spiking.one_timestep.routes import ANALOG, analog, look, looks, spiking, trained

SEEDS = [[7, 0], [7, 1]]


def network(depth=3, width=12, double=True):
    net = Deep(SEEDS, depth, width, 0.3)
    net = net.double() if double else net
    x = torch.tensor(np.random.default_rng(1).random((2, 20, 64)), dtype=net.weights[0].dtype)
    net.calibrate(x, 3, 80)
    return net, x


def test_one_step_is_a_network_of_thresholds():
    net, x = network()
    logits, spikes = net(x, 1)
    h = x.numpy()
    for w, threshold, fired in zip(net.weights, net.thresholds, spikes, strict=False):
        h = (h @ w.detach().numpy() >= threshold.detach().numpy()).astype(float)
        assert np.array_equal(fired[0].detach().numpy(), h) and 0 < h.mean() < 1
    assert logits.detach().numpy() == pytest.approx(h @ net.weights[-1].detach().numpy())


def in_volts(net, x, steps):
    """The neuron as the paper writes it: potentials and resets in units of the currents, z = U / threshold - 1."""
    o = [x] * steps
    for w, threshold, leak in zip(net.weights, net.thresholds, net.leaks, strict=False):
        u, out = torch.zeros(()), []
        for t in range(steps):
            u = leak * u + o[t] @ w
            s = spike(u / threshold - 1, "triangle", net.gamma)
            u = u - threshold * s.detach()
            out.append(s)
        o = out
    return sum(s @ net.weights[-1] for s in o)


def test_the_papers_form_of_the_neuron_has_the_same_answers_and_gradients():
    net, x = network()
    for leak in net.leaks:
        leak.data.fill_(0.8)
    assert torch.allclose(net(x, 4)[0], in_volts(net, x, 4), atol=1e-10)
    for steps in (1, 4):
        parameters = [*net.weights, *net.thresholds, *(net.leaks if steps > 1 else ())]
        ours = torch.autograd.grad((net(x, steps)[0] ** 2).sum(), parameters)
        theirs = torch.autograd.grad((in_volts(net, x, steps) ** 2).sum(), parameters)
        assert all(torch.allclose(a, b, rtol=1e-9) for a, b in zip(ours, theirs, strict=True))
        assert all(float(g.abs().sum()) > 0 for g in ours)


def test_currents_add_up_and_a_spike_takes_one_threshold():
    net = Deep([[0, 0]], 1, 3, 0.3).double()
    net.weights[0].data.zero_()
    net.weights[0].data[0, 0, :] = torch.tensor([0.5, 1.25, -1.0])
    net.weights[1].data.zero_()
    net.weights[1].data[0, :, 0] = torch.tensor([1.0, 10.0, 100.0])
    x = torch.zeros(1, 1, 64, dtype=torch.float64)
    x[..., 0] = 1
    logits, (spikes,) = net(x, 4)
    assert spikes[:, 0, 0].tolist() == [[0, 1, 0], [1, 1, 0], [0, 1, 0], [1, 1, 0]]
    assert float(logits[0, 0, 0].detach()) == 2 * 1 + 4 * 10
    net.leaks[0].data.fill_(0.5)
    assert net(x, 4)[1][0][:, 0, 0, 0].tolist() == [0, 0, 0, 0], "0.5 and a half of what was there never reach 1"


def test_weights_and_thresholds_have_one_common_scale():
    net, x = network()
    before = net(x, 4)[1]
    for w, threshold in zip(net.weights, net.thresholds, strict=False):
        w.data.mul_(4)
        threshold.data.mul_(4)
    assert all(torch.equal(a, b) for a, b in zip(before, net(x, 4)[1], strict=True))


def test_thresholds_are_percentiles_of_what_arrives():
    net, x = network(depth=2)
    net.calibrate(x, 5, 90)
    first = (x @ net.weights[0]).detach().numpy()
    want = [np.percentile(first[s], 90) for s in range(2)]
    assert net.thresholds[0].detach().numpy().ravel() == pytest.approx(want)
    second = (net(x, 5)[1][0] @ net.weights[1]).detach().numpy()
    want = [np.percentile(second[:, s], 90) for s in range(2)]
    assert net.thresholds[1].detach().numpy().ravel() == pytest.approx(want)


def test_what_is_silent_has_no_gradient():
    net, x = network(depth=4)
    for threshold in list(net.thresholds)[1:]:
        threshold.data.mul_(100)
    logits, spikes = net(x, 1)
    assert [float(s.sum()) > 0 for s in spikes] == [True, False, False, False]
    logits.logsumexp(-1).sum().backward()
    assert all(float(w.grad.abs().sum()) == 0 for w in net.weights), "not even the layer that fires can learn"


@pytest.fixture(scope="module")
def data():
    return digit_batches(SEEDS, ANALOG + 60)


def test_a_run_is_the_same_alone_and_beside_others(data):
    both, alone = Deep(SEEDS, 2, 16, 0.3), Deep(SEEDS[1:], 2, 16, 0.3)
    own = digit_batches(SEEDS[1:], ANALOG + 60)
    *_, both = trained(spiking(both, data, 3, 90), data, [3, 3, 2, 2, 1, 1], 1e-3, [6])
    *_, alone = trained(spiking(alone, own, 3, 90), own, [3, 3, 2, 2, 1, 1], 1e-3, [6])
    assert look(both, data, 1).accuracy[1] == look(alone, own, 1).accuracy[0]
    assert torch.allclose(both.thresholds[1][1], alone.thresholds[1][0], atol=1e-5)


def test_additions_are_spikes_times_fan_out(data):
    net = spiking(Deep(SEEDS, 2, 16, 0.3), data, 3, 90)
    x = data.x_test[:, :300]
    _, (first, second) = net(x, 3)
    count = [sum(16 for v in first[:, s].flatten() if v) + sum(10 for v in second[:, s].flatten() if v) for s in (0, 1)]
    assert look(net, data, 3).additions == pytest.approx(np.array(count) / 300)


def test_stages_are_equally_long_and_looked_at_around_each_change():
    plan = schedule(3, 32)
    assert [plan.count(t) for t in (3, 2, 1)] == [10, 10, 12] and plan == sorted(plan, reverse=True)
    seen = looks(plan)
    assert {0, 9, 10, 19, 20, 31, 32} <= set(seen) and seen == sorted(set(seen))
    assert schedule(8, 50)[-1] == 1


def test_training_wakes_a_network_whose_thresholds_fit_and_no_other(data):
    start = analog(Deep(SEEDS, 6, 32, 0.3), data)
    kept, anew = (spiking(start, data, t, 90) for t in (5, 1))
    plan = [1] * 60
    before = look(kept, data, 1)
    (*_, kept), (*_, anew) = (trained(net, data, plan, 2e-3, [60]) for net in (kept, anew))
    assert (before.rate[:, -1] == 0).all() and (look(kept, data, 1).rate[:, -1] == 0).all()
    assert look(anew, data, 1).accuracy.min() > 0.4 > look(kept, data, 1).accuracy.max()


def test_a_look_at_other_thresholds_leaves_the_network_as_it_was():
    first = papers.lever.run("quick")
    papers.lever.run("quick", factor=0.5)
    assert first.identical(papers.lever.run("quick"))


def test_an_answer_is_right_however_it_is_written():
    assert adds_up("2") is adds_up("2,0") is adds_up("4/2") is True
    assert "not lost" in adds_up("1") and adds_up("5") is False
    assert without_training("0.5") is without_training("1/2") is without_training("0,5") is True
    assert "it reads" in without_training("1")
