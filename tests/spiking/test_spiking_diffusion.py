"""A spiking denoiser: against a loop by hand, a scaling identity, and the exact noise of a Gaussian."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.spiking.spiking_diffusion import Denoiser, ddim, frechet
from labcore.spiking.spiking_diffusion import experiments as papers
from labcore.spiking.spiking_diffusion.diffusion import KEPT, TIMES, noised, schedule
from labcore.spiking.spiking_diffusion.exercises import fires_at, last_counts
from labcore.spiking.spiking_diffusion.networks import readout, waves
from labcore.spiking.spiking_diffusion.training import digits, error, samples, train


def network(kind="spikes", bits=4, width=12):
    net = Denoiser(kind, width, bits, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for norm in net.norms:  # as after training: means and variances that matter
        norm.running_mean.copy_(torch.as_tensor(rng.normal(size=width)))
        norm.running_var.copy_(torch.as_tensor(rng.uniform(0.2, 2, width)))
        norm.weight.data.copy_(torch.as_tensor(rng.uniform(0.5, 2, width)))
    net.weights[-1].data.copy_(torch.as_tensor(rng.normal(size=(width, 64))))
    for b in net.biases:
        b.data.copy_(torch.as_tensor(rng.normal(size=len(b))))
    net.p.data.copy_(torch.as_tensor(rng.uniform(0.5, 1.5, net.p.shape)))
    x = torch.as_tensor(rng.normal(size=(7, 64)))
    return net.double().eval(), x, torch.as_tensor(rng.integers(0, TIMES, 7))


def by_hand(net, x, time, theta):
    """One neuron's rule, written step by step in NumPy."""
    w, b = ([v.detach().numpy() for v in vs] for vs in (net.weights, net.biases))
    p, steps = net.p.detach().numpy(), net.steps

    def normed(h, k):
        n = net.norms[k]
        scaled = (h - n.running_mean.numpy()) / np.sqrt(n.running_var.numpy() + n.eps)
        return scaled * n.weight.detach().numpy() + n.bias.detach().numpy()

    def fire(now):
        v, out = 0.0, []
        for t in range(steps):
            v = v + now[t]
            out.append((v >= theta).astype(float))
            v = np.where(v >= theta, 0.0, v)
        return out

    def layer(sent, k):
        return [p[k, t] * (sent[t] @ w[k] + b[k]) for t in range(steps)]

    hidden = waves(time).double() @ net.clock[0]
    clock = ((hidden * torch.sigmoid(hidden)) @ net.clock[1]).detach().numpy()
    stream = [normed(h, 0) for h in layer([x.numpy()] * steps, 0)]
    for k in range(2):
        h = [normed(h, 2 * k + 1) + clock[:, 12 * k : 12 * k + 12] for h in layer(fire(stream), 2 * k + 1)]
        branch = [normed(h, 2 * k + 2) for h in layer(fire(h), 2 * k + 2)]
        stream = [a + c for a, c in zip(stream, branch, strict=True)]
    v = 0.0
    for y in layer(stream, 5):
        v = 0.8 * v + y
    return v


@pytest.mark.parametrize("theta", [0.7, 1.0, 1.4])
def test_the_network_is_the_loop_by_hand(theta):
    net, x, time = network()
    assert net(x, time, theta).detach().numpy() == pytest.approx(by_hand(net, x, time, theta), abs=1e-9)


def test_no_potential_outlives_a_call():
    net, x, time = network()
    first = net(x, time)
    net(3 * x, time)
    assert torch.equal(first, net(x, time))


def test_gains_of_one_are_the_plain_network_bit_for_bit():
    net, x, time = network()
    net.p.data.fill_(1)
    with_gains = net(x, time)
    net.weigh = lambda sent, layer: sent @ net.weights[layer] + net.biases[layer]
    assert torch.equal(with_gains, net(x, time))


def test_a_threshold_and_all_currents_have_one_common_scale():
    net, x, time = network()
    before, after = [], []
    net(x, time, 0.5, before)
    for norm in net.norms:  # all that is in the stream and in the branches doubles, so every current does
        norm.weight.data.mul_(2)
        norm.bias.data.mul_(2)
    net.clock[1].data.mul_(2)
    net(x, time, 1.0, after)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    spikes = torch.cat(before).detach()
    assert 0.02 < float(spikes.mean()) < 0.98 and set(spikes.unique().tolist()) == {0.0, 1.0}


def test_learning_and_looking_see_the_same_spikes():
    net, x, time = network()
    with torch.no_grad():
        looked = net(x, time, 1.1)
    learned = net(x, time, 1.1)
    assert learned.requires_grad and torch.equal(learned, looked)


def test_a_higher_threshold_never_brings_a_first_spike_earlier():
    net, x, time = network()
    low, high = [], []
    net(x, time, 0.8, low), net(x, time, 1.2, high)
    first = [torch.cumsum(s[0], 0).clamp(max=1) for s in (low, high)]
    assert (first[1] <= first[0]).all() and (first[1] < first[0]).any()


def test_the_readout_is_a_leaky_neuron_that_never_fires():
    y = torch.tensor([[[1.0]], [[10.0]], [[100.0]]], dtype=torch.float64)
    assert float(readout(y)) == pytest.approx(0.64 + 8 + 100)


def test_twins_send_what_they_say():
    for kind, levels in (("staircase", 7), ("ReLU", None)):
        net, x, time = network(kind, 3)
        sent = []
        net(x, time, 1.0, sent)
        assert len(sent) == 4 and sent[0].shape == (1, 7, 12) and all(float(s.detach().min()) >= 0 for s in sent)
        if levels:
            counts = torch.stack(sent) / net.heights.exp()[:, None, None, None]
            assert torch.allclose(counts, counts.round(), atol=1e-9) and counts.max() <= levels + 1e-9
    with pytest.raises(ValueError, match="kind = 'tanh' is not allowed"):
        Denoiser("tanh", 8, 2, np.random.default_rng(0))


def test_the_way_back_with_the_exact_noise_of_a_gaussian_gives_its_mean_and_covariance():
    rng = np.random.default_rng(3)
    mean, root = torch.tensor([0.5, -1.0]), torch.tensor([[1.0, 0.0], [0.6, 0.4]])
    cov = (root @ root.T).double()

    def predict(x, time):
        a = KEPT[time[0]]
        inverse = torch.linalg.inv(a * cov + (1 - a) * torch.eye(2, dtype=torch.float64))
        return (1 - a).sqrt() * (x - a.sqrt() * mean) @ inverse

    a = KEPT[-1]  # not quite 0: the noise that one begins with knows a little of the mean
    begin = torch.linalg.cholesky(a * cov + (1 - a) * torch.eye(2, dtype=torch.float64))
    start = a.sqrt() * mean + torch.as_tensor(rng.standard_normal((40_000, 2))) @ begin.T
    ends = [list(ddim(predict, start, steps, hold=1e9))[-1][0] for steps in (100, 12)]
    assert ends[0].mean(0).numpy() == pytest.approx(mean.numpy(), abs=0.03)
    off = [np.abs(np.cov(x.numpy().T) - cov.numpy()).max() for x in ends]
    assert off[0] < 0.04 < 3 * off[0] < off[1], "what is left is the length of the steps"


def test_a_guess_of_the_truth_is_reached_and_held():
    truth = torch.linspace(-3, 3, 5, dtype=torch.float64)[None]
    predict = lambda x, time: (x - KEPT[time[0]].sqrt() * truth) / (1 - KEPT[time[0]]).sqrt()  # noqa: E731
    pairs = list(ddim(predict, torch.randn(1, 5, generator=torch.Generator().manual_seed(0)).double(), 12))
    assert len(pairs) == 13 and torch.allclose(pairs[-1][0], truth.clamp(-1, 1))
    assert all(float(g.abs().max()) <= 1 for _, g in pairs)
    assert schedule(5) == [99, 74, 50, 25, 0]
    with pytest.raises(ValueError, match="steps = 1 is not allowed"):
        schedule(1)


def test_noise_has_the_share_that_it_should():
    x, e = torch.ones(2, 3), torch.full((2, 3), 5.0)
    out = noised(x, e, torch.tensor([0, 99]))
    assert out[0].numpy() == pytest.approx(np.sqrt(0.999) + 5 * np.sqrt(0.001))
    kept = np.prod(1 - np.linspace(1e-3, 0.08, 100))
    assert out[1].numpy() == pytest.approx(np.sqrt(kept) + 5 * np.sqrt(1 - kept), rel=1e-5)


def test_frechet_distance_by_its_closed_forms():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(300, 3))
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet(a, a + [1, 2, 2]) == pytest.approx(9)
    assert frechet(a, 2 * a) == pytest.approx((a.mean(0) ** 2).sum() + np.trace(np.cov(a.T)))
    b = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3))
    scipy = pytest.importorskip("scipy.linalg")
    both = scipy.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    want = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * both)
    assert frechet(a, b) == pytest.approx(want) == frechet(b, a)
    with pytest.raises(ValueError, match="not enough"):
        frechet(a[:3], b)


def test_gains_stay_at_one_until_they_are_trained():
    data, net = digits(0), Denoiser("spikes", 16, 3, np.random.default_rng(0))
    list(train(net, data, 3, [0]))
    assert bool((net.p == 1).all()) and net.p.grad is None
    list(train(net, data, 3, [0], gains=True))
    assert bool((net.p != 1).all())


def test_training_and_looking_leave_the_rest_alone():
    data, net = digits(0), Denoiser("spikes", 32, 2, np.random.default_rng(0))
    before = error(net, data, 0)
    losses = list(train(net, data, 60, [0]))
    after = error(net, data, 0)
    assert losses[-1] < losses[0] and after < 0.75 * before
    *_, low = samples(net, 5, 4, [1], 0.5)
    kept = {k: v.clone() for k, v in net.state_dict().items()}
    *_, same = samples(net, 5, 4, [1], 0.5)
    assert np.array_equal(low, same) and all(torch.equal(v, kept[k]) for k, v in net.state_dict().items())
    *_, few = samples(net, 3, 4, [1], 0.5)
    assert few == pytest.approx(low[:3], abs=1e-5), "fewer pictures are the first of many"


def test_the_same_noise_and_frozen_weights_are_behind_every_threshold():
    first = papers.knob.run("quick", done=0)
    other = papers.knob.run("quick", done=0, theta=1.4)
    assert np.array_equal(first.picture, other.picture)
    assert not np.array_equal(papers.knob.run("quick").picture, papers.knob.run("quick", theta=1.4).picture)
    before = papers.knob.run("quick")
    papers.gains.run("quick")
    papers.knob.run("quick", theta=0.5)
    assert before.identical(papers.knob.run("quick")), "fine-tuning works on a copy"


def test_energy_is_counted_by_hand():
    data, net = digits(0), Denoiser("spikes", 8, 3, np.random.default_rng(0))
    energy, bare, share = papers._cost(net, data, 0)
    sent, _ = papers._told(net, data, 0)
    spikes, products = sum(float(s.sum()) for s in sent) / 200, 2 * 64 * 8
    assert bare == pytest.approx((4.6 * products + 0.9 * 8 * spikes) / 1000)
    assert energy == pytest.approx(bare + 5 * (products + 8 * spikes + 2 * 4 * 8 * 3) / 1000)
    assert share == pytest.approx(spikes / (4 * 8 * 3))


def test_an_answer_is_right_however_it_is_written():
    assert fires_at("4") is fires_at("8/2") is fires_at("4,0") is True
    assert "enough" in fires_at("2") and "lost" in fires_at("5")
    assert last_counts("1.95") is last_counts("1,95") is last_counts("125/64") is True
    assert "other way" in last_counts("0.51") and last_counts("4") is False
