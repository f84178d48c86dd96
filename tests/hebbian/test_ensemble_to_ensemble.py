"""Wiring in groups and edges that move: masks, rewiring and its measures against brute force, and the claims."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
import torch

from labcore.experiment import ParameterError
from labcore.hebbian.ensemble_to_ensemble import (
    activities,
    correlations,
    exercises,
    group_mask,
    groups_of,
    learn,
    masked_stack,
    mechanism,
    modularity,
    rewire,
    scattered_mask,
    wire,
)
from labcore.hebbian.ensemble_to_ensemble.experiments import grow, train
from labcore.hebbian.ensemble_to_ensemble.mechanism import HEBB, SET


def generators(count=2, seed=0):
    return [np.random.default_rng([seed, i]) for i in range(count)]


def course(**changes):
    values = dict(groups=4, p_inter=0.14, zeta=0.3, n_train=100, noise=0.3, epochs=10, hidden=32, seeds=[[0, 0]])
    return learn(**(values | changes))


def test_density_is_its_formula():
    for p, groups in ((0.0, 8), (0.14, 8), (0.5, 4)):
        rho = 1 / groups + p * (1 - 1 / groups)
        density = np.mean([group_mask(128, 128, groups, p, g).mean() for g in generators(20)])
        # only pairs of different groups are drawn
        sigma = np.sqrt(p * (1 - p) * (1 - 1 / groups) / (20 * 128**2))
        assert abs(density - rho) <= 3 * sigma


def test_groups_are_full_inside():
    mask = group_mask(12, 8, 4, 0.0, np.random.default_rng(0))
    np.testing.assert_array_equal(mask, np.kron(np.eye(4), np.ones((3, 2))).astype(bool))
    assert np.bincount(groups_of(30, 4)).tolist() in ([8, 7, 8, 7], [8, 8, 7, 7])


def test_random_wiring_has_the_same_budget():
    for layer in wire(8, 0.14, 64, generators(3)):
        edges = layer.sum((-2, -1))
        assert (edges[0] == 64**2).all() and (edges[1:] == edges[2]).all()
        assert not torch.equal(layer[1], layer[2])
    assert scattered_mask(10, 20, 37, np.random.default_rng(0)).sum() == 37


def test_p_of_one_is_the_dense_network():
    """With every edge there all five networks are the same; a batched product may round differently at each place."""
    rngs = generators()
    net = masked_stack((64, 32, 32, 32, 10), wire(4, 1.0, 32, rngs), [1.0] * 5, rngs)
    assert all(torch.equal(t, t[:1].expand_as(t)) for t in [*net.w, *net.mask])
    x = torch.tensor(np.random.default_rng(5).random((2, 9, 64)), dtype=torch.float32)
    for w in net.w:
        w.requires_grad_()
    scores = activities(net, x)[-1]
    gradients = torch.autograd.grad(scores.square().sum(), net.w)
    # sums of 64 and 32 terms on the way up, of 32 on the way down, of 9 over the images: each term rounds once
    ulps = (64 + 3 * 32 + 2 * 32 + 9) * torch.finfo(torch.float32).eps
    for t in (scores, *gradients):
        t = t.detach()
        torch.testing.assert_close(t, t[:1].expand_as(t), rtol=0, atol=ulps * float(t.abs().max()))
    # zeta = 0: nothing moves
    *_, (_, net, _, moved) = course(p_inter=1.0, zeta=0.0, epochs=1)
    assert moved is None
    for t in net.w:
        # 5 steps of Adam, each of about its rate; where the gradient is rounding noise their signs may differ
        assert (t - t[:1]).abs().max() <= 2 * 5 * 1.1 * mechanism.RATE


def test_p_of_zero_is_g_separate_networks():
    rngs = generators()
    net = masked_stack((64, 32, 32, 32, 10), wire(4, 0.0, 32, rngs), [1.0, *[0.25] * 4], rngs)
    x = torch.tensor(np.random.default_rng(5).random((2, 9, 64)), dtype=torch.float32)
    seen = activities(net, x)
    part = seen[0][2]
    for k in (1, 2):
        blocks = []
        for group in range(4):
            own = slice(8 * group, 8 * group + 8)
            blocks.append(torch.relu(part[..., own] @ net.w[k][2][:, own, own].mT + net.b[k][2][..., own]))
        part = torch.cat(blocks, -1)
    torch.testing.assert_close(part, seen[2][2], atol=1e-6, rtol=0)


def test_start_keeps_the_size_of_activities():
    rngs = generators(4)
    net = masked_stack((64, 128, 128, 128, 10), wire(8, 0.14, 128, rngs), [1.0, *[0.2475] * 4], rngs)
    x = torch.tensor(np.random.default_rng(5).random((4, 200, 64)), dtype=torch.float32)
    size = activities(net, x)[2].pow(2).mean((1, 2, 3)).sqrt()
    assert ((size / size[0] - 1).abs() < 0.25).all()  # without the rescaling it would be a quarter


def test_missing_edges_have_no_gradient_and_no_weight():
    edges = None
    for epoch, net, _, moved in course():
        for k in (1, 2):
            assert (net.w[k].detach()[net.mask[k] == 0] == 0).all()
            assert (net.w[k].grad[:3][net.mask[k][:3] == 0] == 0).all()  # these masks never moved
        now = torch.stack([m.sum((-2, -1)) for m in net.mask[1:-1]])
        edges = now.clone() if edges is None else edges
        assert torch.equal(now, edges), f"the number of edges changed in epoch {epoch}"
        assert (moved is not None) == (epoch in (2, 4, 6))
    assert not torch.equal(net.mask[1][SET], net.mask[1][HEBB])


def test_rewire_by_brute_force():
    rng = np.random.default_rng(0)
    for n in (0, 1, 7):
        mask, w, score = rng.random((9, 11)) < 0.4, rng.normal(size=(9, 11)), rng.random((9, 11))
        live = [tuple(e) for e in np.argwhere(mask)]
        dead = [tuple(e) for e in np.argwhere(~mask)]
        weakest = set(sorted(live, key=lambda e: abs(w[e]))[:n])
        strongest = set(sorted(dead, key=lambda e: -score[e])[:n])
        new, died, born = rewire(torch.tensor(mask).float(), torch.tensor(w), torch.tensor(score), n)
        assert {tuple(e) for e in np.argwhere(died.numpy())} == weakest
        assert {tuple(e) for e in np.argwhere(born.numpy())} == strongest
        assert {tuple(e) for e in np.argwhere(new.numpy())} == (set(live) - weakest) | strongest


def test_rewire_never_brings_back_what_it_dropped():
    mask = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    new, died, born = rewire(mask, torch.tensor([[0.1, 2.0, 0.0, 0.0]]), torch.tensor([[9.0, 9.0, 1.0, 0.0]]), 1)
    assert new.tolist() == [[0, 1, 1, 0]] and died.tolist() == [[True, False, False, False]] and not (died & born).any()
    full, *_ = rewire(torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 2), 3)
    assert full.sum() == 4  # nowhere to grow


def test_moments_of_moved_edges_start_from_nothing():
    rngs = generators(1)
    net = masked_stack((64, 32, 32, 32, 10), wire(4, 0.14, 32, rngs), [1.0, *[0.355] * 4], rngs)
    before = [m.clone() for m in net.mask]
    moments = {w: {m: torch.ones_like(w) for m in ("exp_avg", "exp_avg_sq")} for w in net.w}
    x = torch.tensor(np.random.default_rng(5).random((1, 50, 64)), dtype=torch.float32)
    mechanism.move_edges(net, moments, x, 0.2, generators(1, 7))
    for k in (1, 2):
        moved = before[k] != net.mask[k]
        assert moved[[SET, HEBB]].any() and not moved[:SET].any()
        for kept in (net.w[k], *moments[net.w[k]].values()):
            assert (kept[moved] == 0).all()
        assert (moments[net.w[k]]["exp_avg"][~moved] == 1).all()


def test_hebbian_growth_takes_the_largest_correlations():
    rngs = generators(1)
    net = masked_stack((64, 32, 32, 32, 10), wire(4, 0.14, 32, rngs), [1.0, *[0.355] * 4], rngs)
    before = net.mask[1][HEBB, 0].bool().clone()
    moments = {w: {m: torch.ones_like(w) for m in ("exp_avg", "exp_avg_sq")} for w in net.w}
    x = torch.tensor(np.random.default_rng(5).random((1, 50, 64)), dtype=torch.float32)
    seen = [a[HEBB, 0] for a in activities(net, x)]
    agree = correlations(seen[0], seen[1]).abs().numpy()
    grown, chance = mechanism.move_edges(net, moments, x, 0.2, generators(1, 7))
    born = (net.mask[1][HEBB, 0].bool() & ~before).numpy()
    dead = ~before.numpy()
    assert born.sum() == round(0.2 * float(before.sum()))
    assert agree[born].min() >= agree[dead & ~born].max()
    assert grown[1, 0, 0] == pytest.approx(agree[born].mean(), abs=1e-12)
    assert chance[1, 0, 0] == pytest.approx(agree[dead].mean(), abs=1e-12)


def test_correlation_is_numpys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 5)), np.maximum(rng.normal(size=(40, 7)), 0)
    b[:, 3] = 0  # a unit that never fires
    found = correlations(torch.tensor(a), torch.tensor(b)).numpy()
    alive = np.arange(7) != 3
    expected = np.corrcoef(a.T, b[:, alive].T)[5:, :5]
    np.testing.assert_allclose(found[alive], expected, atol=1e-10)
    assert (found[3] == 0).all()


@pytest.mark.parametrize(("p", "groups"), [(0.0, 4), (0.2, 4), (0.5, 3)])
def test_modularity_is_networkx(p, groups):
    mask = group_mask(20, 16, groups, p, np.random.default_rng(1))
    graph = nx.Graph()
    graph.add_nodes_from([("post", i) for i in range(20)] + [("pre", j) for j in range(16)])
    graph.add_edges_from((("post", i), ("pre", j)) for i, j in np.argwhere(mask))
    sides = (("post", groups_of(20, groups)), ("pre", groups_of(16, groups)))
    communities = [{(s, i) for s, of in sides for i in np.flatnonzero(of == k)} for k in range(groups)]
    assert modularity(mask, groups) == pytest.approx(nx.community.modularity(graph, communities), abs=1e-12)


def test_modularity_of_extremes():
    assert modularity(np.ones((8, 8), bool), 4) == pytest.approx(0, abs=1e-12)
    assert modularity(group_mask(8, 8, 4, 0.0, np.random.default_rng(0)), 4) == pytest.approx(0.75)
    assert modularity(np.zeros((8, 8), bool), 4) == 0


def test_frames_agree_with_the_networks():
    frame = grow.run(epochs=10, hidden=32)
    change = frame.change.values
    # as many came as went, and both rules started from the same edges
    assert (change == 2).sum((1, 2)).tolist() == (change == 3).sum((1, 2)).tolist()
    np.testing.assert_array_equal((change[0] % 2) == 1, (change[1] % 2) == 1)
    assert frame.move.values.tolist() == [2, 4, 6]
    np.testing.assert_allclose(frame.spread.sum("size"), 1, atol=1e-12)
    five = train.run(epochs=10, hidden=32, n_seeds=2)
    assert (five.edges[1:] == five.edges[1]).all() and (five.edges[0] == 2 * 32**2).all()
    assert abs(five.modularity[0]).max() < 1e-12
    np.testing.assert_array_equal(five.mask.sum(("post", "pre"))[2:], [int(five.mask[2].sum())] * 3)


@pytest.mark.parametrize(
    "values",
    [
        dict(p_inter=0.0, groups=16, hidden=32),
        dict(p_inter=0.5, groups=2, zeta=0.5),
        dict(groups=7, hidden=33, noise=0.6),
    ],
)
def test_corners_are_legal(values):
    sizes = dict(epochs=10, hidden=64) | values
    assert train.run(n_seeds=2, **sizes).attrs["progress"] == 1
    assert grow.run(**sizes).attrs["progress"] == 1


def test_reading_says_when_no_edge_moved():
    still = grow.run(zeta=0.02, hidden=32, groups=16, p_inter=0.0, epochs=10)
    assert not still.grown[:, -1].any() and "no edge moved in the last of them" in still.reading
    first = next(grow.frames(epochs=10, hidden=32)).reading
    assert "1 rewiring, the edges grown last" in first


def test_bad_wiring_is_refused():
    with pytest.raises(ValueError, match="p_inter = 1.5"):
        group_mask(8, 8, 2, 1.5, np.random.default_rng(0))
    with pytest.raises(ValueError, match="groups = 9"):
        groups_of(8, 9)
    with pytest.raises(ParameterError, match="groups = 1"):
        train.run(groups=1)


def test_an_answer_about_a_quarter(monkeypatch):
    run = lru_cache(maxsize=None)(train.run)  # once a probability
    monkeypatch.setattr(exercises, "train", SimpleNamespace(run=run))
    for text in ("0.2", "0,2", " 20 % ", "1/5", "2e-1"):
        assert exercises.a_quarter(text) is True
    assert exercises.a_quarter("0.14").endswith("% of the edges exist.")
    for text in ("", "a fifth"):
        with pytest.raises(ValueError, match="is not a number"):
            exercises.a_quarter(text)
