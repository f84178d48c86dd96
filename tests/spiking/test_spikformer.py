"""Attention between spikes: against counting by hand, in both orders, and whatever the order of the tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.training import adamw, train_step
from labcore.primitives.spiking.operations import Work
from labcore.primitives.spiking.steps import lif, lif_compiled
from labcore.spiking.spikformer import order_work, spiking_attention
from labcore.spiking.spikformer.attention import softmax_attention, softmax_work
from labcore.spiking.spikformer.exercises import enough_tokens, least_scale
from labcore.spiking.spikformer.experiments import orders, tally
from labcore.spiking.spikformer.networks import ARMS, Former, patches

SEEDS = [[7, 0], [7, 1]]


def spikes(*shape, rate=0.4, seed=1):
    rng = np.random.default_rng(seed)
    return [(rng.random(shape) < rate).astype(np.float32) for _ in range(3)]


def by_hand(q, k, v):
    """(Q K^T) V spike by spike, and the additions of both orders."""
    n, d = q.shape
    counts = [[sum(1 for f in range(d) if q[i, f] and k[j, f]) for j in range(n)] for i in range(n)]
    pairs = [[sum(1 for j in range(n) if k[j, f] and v[j, g]) for g in range(d)] for f in range(d)]
    out = [[sum(counts[i][j] for j in range(n) if v[j, g]) for g in range(d)] for i in range(n)]
    tokens = sum(map(sum, counts)) + sum(
        1 for i in range(n) for j in range(n) for g in range(d) if v[j, g] and counts[i][j]
    )
    features = sum(map(sum, pairs)) + sum(
        1 for i in range(n) for f in range(d) for g in range(d) if q[i, f] and pairs[f][g]
    )
    return out, tokens, features


@pytest.mark.parametrize("shape", [(5, 3), (3, 6), (1, 4), (4, 1)])
def test_both_orders_are_what_counting_by_hand_gives(shape):
    q, k, v = spikes(*shape)
    out, tokens, features = by_hand(q, k, v)
    made = [torch.tensor(x) for x in (q, k, v)]
    for order, additions in (("tokens", tokens), ("features", features)):
        assert spiking_attention(*made, order).tolist() == out
        assert order_work(q, k, v, order) == Work(additions=additions, moved=additions)


def test_the_orders_agree_bit_for_bit_on_many_heads_and_have_one_gradient():
    q, k, v = (torch.tensor(x) for x in spikes(2, 3, 4, 50, 24))
    first, second = (spiking_attention(q, k, v, order) for order in ("tokens", "features"))
    assert torch.equal(first, second) and torch.equal(0.125 * first, 0.125 * second) and first.max() > 50
    made = [x.double().requires_grad_() for x in (q, k, v)]
    grads = [
        torch.autograd.grad((spiking_attention(*made, order) ** 2).sum(), made) for order in ("tokens", "features")
    ]
    assert all(torch.allclose(a, b, rtol=1e-12) and float(a.abs().sum()) > 0 for a, b in zip(*grads, strict=True))
    assert not torch.allclose(softmax_attention(q, k, v), first), "a softmax is another thing"


def test_tokens_in_another_order_are_answers_in_that_order():
    q, k, v = (torch.tensor(x) for x in spikes(9, 7))
    p = torch.tensor([3, 1, 8, 0, 2, 7, 5, 4, 6])
    assert torch.equal(spiking_attention(q[p], k[p], v[p]), spiking_attention(q, k, v)[p])
    assert torch.equal(spiking_attention(q, k[p], v[p]), spiking_attention(q, k, v)), "those who answer have no order"


def test_queries_that_always_fire_weigh_values_by_the_spikes_of_their_keys():
    _, k, v = (torch.tensor(x) for x in spikes(6, 5))
    want = (k.sum(1, keepdim=True) * v).sum(0)
    assert torch.equal(spiking_attention(torch.ones(6, 5), k, v), want.expand(6, 5))


def test_a_scale_is_a_threshold():
    currents = torch.tensor(np.random.default_rng(0).integers(0, 20, (4, 30)), dtype=torch.float32)
    scaled = lif(currents / 8, 0.5, 0.5, "hard", decay_input=True).spikes.numpy()
    assert np.array_equal(scaled, lif_compiled(currents.numpy(), 0.5, 4.0, "hard", decay_input=True).spikes)
    assert 0 < scaled.mean() < 1


def test_a_softmax_pays_for_each_pair():
    q, k, v = spikes(5, 3)
    coincidences = float((q @ k.T).sum())
    work = softmax_work(q, k, v)
    assert work.products == 2 * 25 and work.additions == coincidences + 5 * v.sum()


def test_what_is_no_spike_is_refused():
    q, k, v = spikes(4, 4)
    with pytest.raises(ValueError, match="must hold spikes"):
        order_work(q / 2, k, v)
    with pytest.raises(ValueError, match="order ="):
        order_work(q, k, v, "other")
    with pytest.raises(ValueError, match="order ="):
        spiking_attention(*map(torch.tensor, (q, k, v)), "other")
    with pytest.raises(ValueError, match="heads ="):
        Former(SEEDS, "spikes", 8, 3, 1, 0.5)


@torch.no_grad()
def test_the_scale_of_counts_moves_no_rival():
    x = digit_batches(SEEDS, 1).x[:, :30]
    for arm in ARMS:
        one, other = (Former(SEEDS, arm, 16, 2, 2, scale).train()(x) for scale in (0.5, 2.0**-8))
        assert torch.equal(one, other) == (arm != "spikes"), arm


def test_tokens_are_squares_of_four_pixels():
    x = torch.arange(64.0).view(1, 1, 64)
    assert patches(x)[0, 0, 0].tolist() == [0, 1, 8, 9] and patches(x)[0, 0, 5].tolist() == [18, 19, 26, 27]


def test_between_layers_there_are_whole_numbers_only():
    net, seen = Former(SEEDS, "spikes", 16, 2, 2, 0.5), {}
    layer = net._layer
    net._layer = lambda name, x, *more: seen.setdefault(name, x) is None or layer(name, x, *more)
    net.train()(torch.rand(2, 10, 64, generator=torch.Generator().manual_seed(0)))
    assert set(seen) == {"embed", "q", "k", "v", "out", "up", "down"}
    for name in ("q", "k", "v", "out", "up", "down"):
        assert torch.equal(seen[name], seen[name].round()) and seen[name].min() >= 0


def test_a_run_is_the_same_alone_and_beside_others():
    both, alone = (digit_batches(s, 3, 16) for s in (SEEDS, SEEDS[1:]))
    for arm in ARMS:
        nets = [Former(s, arm, 16, 2, 2, 0.5) for s in (SEEDS, SEEDS[1:])]
        for net, data in zip(nets, (both, alone), strict=True):
            net.fit_threshold(data.x[:, :50])
            step = adamw(net, 1e-3)
            for i in range(3):
                train_step(net.train(), step, *data.batch(i))
        a, b = (net.eval()(d.x_test[:, :40]) for net, d in zip(nets, (both, alone), strict=True))
        assert torch.allclose(a[1], b[0], atol=1e-4), arm


def test_the_threshold_of_a_softmax_lets_it_fire():
    data = digit_batches(SEEDS, 1)
    net = Former(SEEDS, "softmax", 32, 2, 2, 0.5)
    net.train()(data.x[:, :100])
    before = net.rate.clone()
    net.fit_threshold(data.x[:, :100])
    net.train()(data.x[:, :100])
    assert (before < 0.05).all() and (net.rate > 0.05).all() and (net.rate < 0.4).all()


def test_the_orders_cost_what_is_counted_and_a_token_finds_itself():
    frame = orders.run("quick")
    assert float(frame.difference) == 0 and (frame.products.sel(way=["tokens", "features"]) == 0).all()
    tallied = tally.run("quick", rate=1.0)
    assert (tallied.met == tallied.sizes["feature"]).all()


def test_an_answer_is_right_however_it_is_written():
    assert least_scale("-1") is True and least_scale(" -1,0 ") is True and least_scale("-2/2") is True
    assert "silent" in least_scale("-4") and "smaller" in least_scale("2")
    assert enough_tokens("80") is enough_tokens("160/2") is enough_tokens("80,0") is True
    assert "additions" in enough_tokens("8")


@torch.no_grad()
def test_each_run_is_charged_for_its_own_spikes():
    data, net = digit_batches(SEEDS, 1), Former(SEEDS, "spikes", 16, 2, 2, 0.5)
    net.train()(data.x[:, :50])
    sent, layer = [], net._layer
    net._layer = lambda name, x, *more: sent.append((name, x)) or layer(name, x, *more)
    net.work = [Work(), Work()]
    net(data.x[:, :20])
    work, net.work = net.work, []
    fan_out = {name: w.shape[2] for name, w in net.weights.items()}
    for i in range(2):
        spikes = sum(float(x[i].sum()) * fan_out[name] for name, x in sent if name != "embed")
        heads = [net._split(layer(name, dict(sent)["q"]))[i].numpy(force=True) for name in "qkv"]
        assert work[i].additions == spikes + order_work(*heads, "features").additions
        assert work[i].products == 20 * 16 * 4 * 16
    assert work[0].additions != work[1].additions
