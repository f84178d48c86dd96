"""Networks that only add: folds against their parts, the counter against loops, attention against brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.primitives.runs.layers import streams
from labcore.spiking.spike_driven import Met, Meta, RepConv, binary, work
from labcore.spiking.spike_driven.exercises import corner, quarter
from labcore.spiking.spike_driven.experiments import fold, pipe
from labcore.spiking.spike_driven.network import LAYERS, attend

SEEDS = [[7, 0], [7, 1]]


def digits(n=12):
    return torch.tensor(np.random.default_rng(1).random((2, n, 64)))


def network(**more):
    net = Meta(SEEDS, 8, **more).double()
    with torch.no_grad():
        for _ in range(20):
            net(digits(), 2)
    return net.eval()


@pytest.mark.parametrize("shortcut", ["membrane", "spikes", "vanilla"])
def test_the_folded_network_answers_and_fires_as_before(shortcut):
    net, parts, one = network(shortcut=shortcut), [], []
    with torch.no_grad():
        before, after = net(digits(), 2, parts), net.fold()(digits(), 2, one)
    assert torch.allclose(before, after, atol=1e-10)
    first = {m.layer: m.into for m in reversed(parts)}
    assert all(torch.equal(first[m.layer], m.into) for m in one if m.layer != "stem")


@pytest.mark.parametrize("zeros", [False, True])
def test_a_fold_is_right_on_the_border_only_with_what_the_norm_makes_of_nothing(zeros):
    conv = RepConv(streams(SEEDS, 1), 3, 5, zeros).double()
    x = (torch.rand(4, 6, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) < 0.3).double()
    conv.inner.bias.data.fill_(0.7)
    with torch.no_grad():
        conv(x)
        apart = (conv.eval()(x) - conv.fold()(x)).abs().amax((0, 1))
    assert float(apart[1:-1, 1:-1].max()) < 1e-12
    assert (float(apart.max()) > 0.1) is zeros


@pytest.mark.parametrize("attention", ["SDSA-3", "SDSA-1", "none"])
def test_with_membrane_shortcuts_all_weights_meet_spikes(attention):
    met = []
    with torch.no_grad():
        network(attention=attention).fold()(digits(), 3, met)
    assert {m.layer for m in met if not binary(m)} == {"stem"}
    assert [m.layer for m in met] == [name for name in LAYERS if name in {m.layer for m in met}]


def test_spikes_on_spikes_and_parts_that_are_not_folded_bring_numbers():
    for net in (network(shortcut="spikes").fold(), network()):
        met = []
        with torch.no_grad():
            net(digits(), 2, met)
        assert len({m.layer for m in met if not binary(m)}) > 3


def test_attention_is_the_sum_over_places_in_either_order():
    rng = np.random.default_rng(2)
    q, k, v = (torch.tensor((rng.random((2, 6, 2, 2)) < 0.5).astype(float)) for _ in range(3))
    found = attend(q, k, v, 2, lambda u: u, 0.5).reshape(2, 2, 3, 4).numpy()
    a, b, c = (z.reshape(2, 2, 3, 4).numpy() for z in (q, k, v))
    want = np.zeros_like(found)
    for n, h, i, t, s, j in np.ndindex(2, 2, 3, 4, 4, 3):
        want[n, h, i, t] += 0.5 * a[n, h, j, t] * b[n, h, j, s] * c[n, h, i, s]
    assert found == pytest.approx(want)


def test_operations_of_attention_are_counted_as_loops_count_them():
    rng = np.random.default_rng(3)
    k, v = (torch.tensor((rng.random((3, 2, 4, 5)) < 0.4).astype(float)) for _ in range(2))
    pairs = sum(int(k[n, 1, i, t] and v[n, 1, j, t]) for n, i, j, t in np.ndindex(3, 4, 4, 5))
    assert work(Met("KᵀV", k, v, how="product"), 1, 2) == (0, pairs, pairs)
    rows = 4 * int(k[:, 0].sum())
    assert work(Met("Q(KᵀV)", k, v, how="product"), 0, 2).additions == rows
    assert work(Met("KᵀV", 2 * k, v, how="product"), 0, 2).products == 3 * 4 * 4 * 5


def test_a_run_is_the_same_alone_and_beside_others():
    both, alone = Meta(SEEDS, 8), Meta(SEEDS[1:], 8)
    with torch.no_grad():
        assert torch.allclose(both(digits().float(), 2)[1], alone(digits()[1:].float(), 2)[0], atol=1e-4)


def test_a_wider_mlp_makes_up_for_attention():
    with_it, without = (sum(p.numel() for p in Meta(SEEDS, 16, attention=a).parameters()) for a in ("SDSA-3", "none"))
    assert abs(with_it / without - 1) < 0.01
    with pytest.raises(ValueError, match="width"):
        Meta(SEEDS, 7)


def test_more_spikes_cost_more_and_a_look_leaves_the_network_as_it_was():
    first = pipe.run()
    assert float(pipe.run(threshold=0.5).total) > float(first.total) > float(pipe.run(threshold=2).total)
    assert first.identical(pipe.run()) and float(fold.run().apart.max()) < 1e-10


def test_an_answer_is_right_however_it_is_written():
    assert corner("64") is corner("64,0") is corner("128/2") is True
    assert "outside" in corner("144") and corner("9") is False
    assert quarter("2") is quarter("2,0") is quarter("4/2") is True
    assert "fire" in quarter("1") and "fire" in quarter("4")
