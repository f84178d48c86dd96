"""Geometry of hidden layers: gradients as autograd has them, pushes in closed form, measures by brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from labcore.generalization.representational_geometry import (
    activate,
    cka,
    cross_context,
    draw,
    expected_push,
    expected_slope,
    follow,
    off_labels,
    parallelism,
    push,
    train,
)
from labcore.generalization.representational_geometry import experiments as papers
from labcore.generalization.representational_geometry.clusters import NORM, bits_of
from labcore.generalization.representational_geometry.exercises import one_cluster_alone, where_relu_wins

KINDS = ("tanh", "erf", "shifted tanh", "leaky", "relu", "linear")


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_slopes_are_derivatives(kind):
    z = torch.linspace(-3, 3, 61, dtype=torch.float64, requires_grad=True)  # without 0, where ReLU has none
    z = (z + 0.01).detach().requires_grad_()
    h, slope = activate(kind, z)
    assert torch.autograd.grad(h.sum(), z)[0].numpy() == pytest.approx(slope.detach().numpy(), abs=1e-12)
    assert float(activate(kind, torch.zeros(1, dtype=torch.float64))[0]) == pytest.approx(0)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", ["tanh", "relu", "shifted tanh"])
def test_networks_train_as_autograd_does(kind, bias):
    tasks = [draw(4, 2, 1.0, 0.3, rng(s)) for s in (0, 1)]
    found = list(train(tasks, kind, 7, 0.8, 0.5, range(26), [rng(5), rng(6)], bias))
    for i, task in enumerate(tasks):
        w, v = (torch.tensor(found[0][1 + j][i], requires_grad=True) for j in (0, 1))
        b, c = (torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in (7, 2))
        learned = (w, v, b, c) if bias else (w, v, c)
        rule = torch.optim.SGD(learned, lr=0.5)
        x, target = torch.tensor(task.x), torch.tensor((task.y + 1) / 2)
        for look in found:
            h = activate(kind, x @ w + b)[0]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(h @ v + c, target)
            assert look.loss[i] == pytest.approx(loss.item(), rel=1e-9)
            assert look.w[i] == pytest.approx(w.detach().numpy(), rel=1e-8, abs=1e-10)
            rule.zero_grad()
            loss.backward()
            rule.step()


def test_a_network_is_the_same_whatever_is_trained_beside_it():
    tasks = [draw(8, 2, 1.0, 0.0, rng(s)) for s in (0, 1, 2)]
    alone = next(train(tasks[1:2], "relu", 9, 0.3, 0.3, [50], [rng(7)]))
    among = next(train(tasks, "relu", 9, 0.3, 0.3, [50], [rng(6), rng(7), rng(8)]))
    assert among.w[1] == pytest.approx(alone.w[0], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_expected_push_is_the_mean_of_many(kind):
    """Ten places, 200,000 points; four standard errors."""
    draws = rng(1)
    centres, wanted, noise = draws.normal(size=(3, 5)), np.array([1.0, -1.0, 0.5]), 0.4
    w = draws.normal(size=(10, 5))
    known = expected_push(w, centres, wanted, noise, kind)
    cluster = draws.integers(0, 3, 200_000)
    x = centres[cluster] + noise * draws.normal(size=(len(cluster), 5))
    slope = activate(kind, torch.tensor(x @ w.T))[1].numpy()
    for i in range(10):
        each = x * (slope[:, i] * wanted[cluster])[:, None]
        error = each.std(0) / np.sqrt(len(x))
        assert np.all(np.abs(each.mean(0) - known[i]) < 4.5 * error)
    summed = push(torch.tensor(x), torch.tensor(slope), torch.tensor(wanted[cluster])[:, None]).numpy().T
    assert summed / len(x) == pytest.approx(known, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_without_noise_and_length_the_push_is_plain(kind):
    mean, none = np.array([-0.7, 0.3, 1.2]), np.zeros(3)
    slope, bend = expected_slope(kind, mean, none)
    assert slope == pytest.approx(activate(kind, torch.tensor(mean))[1].numpy(), abs=1e-12)
    assert bend == pytest.approx(0, abs=1e-12)
    assert np.isfinite(expected_push(np.zeros((1, 2)), np.eye(2), np.ones(2), 0.5, kind)).all()


def test_relu_grows_on_its_own_side_and_tanh_on_both():
    """Weights above the line of A hear A alone, and never turn to B; tanh turns to the class."""
    centres, wanted = NORM * np.eye(4), np.array([1.0, 1.0, -1.0, -1.0])
    start = np.array([[0.3, -0.2, 0.0, 0.0]])
    relu, tanh = (follow(start, centres, wanted, 0.02, kind, 4.0, 400)[-1, 0] for kind in ("relu", "tanh"))
    assert relu[0] - start[0, 0] == pytest.approx(4 * 3 / 4, rel=1e-3), "the push of one cluster of four"
    assert relu[1] == pytest.approx(-0.2, abs=1e-3)
    assert abs(tanh[0] - tanh[1]) < 0.05 * (tanh[0] + tanh[1]) and tanh[1] > 0.5
    assert tanh[2:] == pytest.approx(-tanh[:2].mean() * np.ones(2), rel=0.1)


def test_small_tanh_is_linear_and_a_linear_layer_grows_as_many_directions_as_it_has_outputs():
    task = [draw(8, 2, 1.0, 0.0, rng(0))]
    tanh, linear = (next(train(task, kind, 50, 1e-3, 0.3, [15], [rng(1)])) for kind in ("tanh", "linear"))
    assert tanh.w == pytest.approx(linear.w, rel=1e-3, abs=1e-6)
    start, end = (look.w[0] for look in train(task, "linear", 50, 1e-2, 0.1, [0, 600], [rng(1)]))
    sizes = np.linalg.svd(end - start, compute_uv=False)
    assert sizes[2] < 0.05 * sizes[1], "two outputs, two directions"
    found = [look for look in train(task, "linear", 50, 0.3, 1e-3, [0, 2000], [rng(1)])]
    balance = [look.w[0].T @ look.w[0] - look.v[0] @ look.v[0].T for look in found]
    moved = np.abs(found[1].w[0].T @ found[1].w[0] - found[0].w[0].T @ found[0].w[0]).max()
    assert np.abs(balance[1] - balance[0]).max() < 0.01 * moved, "kept by gradient flow"


def test_alignment_by_its_definition():
    a, b = rng(0).normal(size=(6, 4)), rng(1).normal(size=(6, 3))
    centre = np.eye(6) - 1 / 6
    hsic = lambda p, q: np.trace(centre @ p @ p.T @ centre @ q @ q.T) / 25  # noqa: E731
    assert cka(a, b) == pytest.approx(hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b)), rel=1e-12)
    turn = np.linalg.qr(rng(2).normal(size=(4, 4)))[0]
    assert cka(a, 3 * a @ turn + 7) == pytest.approx(1, abs=1e-12)
    assert cka(a @ turn, b) == pytest.approx(cka(a, b), abs=1e-12)
    assert cka(a, np.ones((6, 2))) == 0
    with pytest.raises(ValueError, match="a has 6 rows and b has 5"):
        cka(a, b[:5])


def test_parallel_codes():
    cube = bits_of(8, 3) @ np.linalg.qr(rng(0).normal(size=(20, 20)))[0][:3]
    assert [parallelism(cube, bit) for bit in range(3)] == pytest.approx([1, 1, 1])
    drawn = [parallelism(rng(s).normal(size=(8, 400)), 0) for s in range(20)]
    assert abs(np.mean(drawn)) < 0.05 and np.abs(drawn).max() < 0.1


def test_readers_in_new_contexts_one_by_one():
    """By loops over halves, and with noise by drawing it; a cube is read anywhere, an XOR of bits nowhere."""
    draws = rng(0)
    cluster = np.repeat(np.arange(8), 3)
    h = draws.normal(size=(8, 5))[cluster] + 0.3 * draws.normal(size=(24, 5)) + 4
    low = [c for c in range(8) if not c & 2]
    spread = 0.5 * np.sqrt(((h - h.mean(0)) ** 2).sum(1).mean())
    clean, noisy = [], []
    for half in combinations(low, 2):
        zero, one = (np.mean([h[cluster == (c | bit)].mean(0) for c in half], 0) for bit in (0, 2))
        new = np.flatnonzero(~np.isin(cluster & ~2, half))
        sign = np.where(cluster[new] & 2, 1, -1)
        clean.append((sign * ((h[new] - (zero + one) / 2) @ (one - zero)) > 0).mean())
        seen = h[new] + spread * draws.normal(size=(4000, len(new), 5))
        noisy.append((sign * ((seen - (zero + one) / 2) @ (one - zero)) > 0).mean())
    assert cross_context(h, cluster, 1, (0.0, 0.5)) == pytest.approx([np.mean(clean), np.mean(noisy)], abs=0.003)
    cube = bits_of(8, 3)
    assert cross_context(cube, np.arange(8), 0) == 1
    hidden = np.prod(cube[:, :2], 1, keepdims=True)  # bit 0 turned over by bit 1
    assert cross_context(hidden, np.arange(8), 0)[0] < 0.5


def test_growth_off_the_labels():
    task = draw(8, 2, 1.0, 0.0, rng(0))
    labels = task.labels.T @ task.centres
    assert off_labels(labels.T @ rng(1).normal(size=(2, 5)), task.centres, task.labels) == pytest.approx(0, abs=1e-12)
    one = task.centres[:1].T  # of eight directions two are labels: a centre has a quarter of its square there
    assert off_labels(one, task.centres, task.labels) == pytest.approx(0.75)
    assert off_labels(np.zeros((40, 5)), task.centres, task.labels) == 0


def test_the_task():
    task = draw(8, 2, 0.5, 0.0, rng(0))
    assert task.centres @ task.centres.T == pytest.approx(NORM**2 * np.eye(8), abs=1e-10)
    assert np.linalg.norm(task.x - task.centres[task.cluster], axis=1).mean() == pytest.approx(0.5, rel=0.1)
    a, b = task.pair
    assert (task.labels[a] == task.labels[b]).all() and a != b
    assert task.across @ task.along == pytest.approx(0, abs=1e-12)
    assert np.linalg.norm([task.across @ task.centres[a], task.along @ task.centres[a]]) == pytest.approx(NORM)
    same = draw(8, 2, 0.5, 1.0, rng(0))
    assert same.centres[a] == pytest.approx(same.centres[b]), "mixed to the end, clusters of equal labels coincide"
    for wrong, named in ((dict(clusters=6), "clusters = 6"), (dict(k=4), "k = 4"), (dict(clusters=4, k=3), "k = 3")):
        with pytest.raises(ValueError, match=named):
            draw(**(dict(clusters=8, k=2, noise=1.0, mixed=0.0, rng=rng()) | wrong))


def test_both_see_what_the_card_saw():
    """Wide networks after long training: tanh at the labels, ReLU between labels and inputs."""
    end = papers.alignment.run(steps=1000, n_seeds=2).isel(step=-1)
    tanh, relu = (end.sel(activation=name) for name in ("tanh", "ReLU"))
    assert float(end.loss.max()) < 0.01
    for seen, to_labels, to_inputs in ((tanh, 0.98, 0.59), (relu, 0.93, 0.72)):
        assert seen.to_labels.values == pytest.approx(to_labels, abs=0.02)
        assert seen.to_inputs.values == pytest.approx(to_inputs, abs=0.04)
    assert (tanh.clusters_to_labels > 0.99).all() and (end.silent < 0.2).all()


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert one_cluster_alone("0.1, -0.8") is one_cluster_alone("across = 0,2; within = -1/2") is True
    assert "speaks for A too" in one_cluster_alone("0.5, 0") and "does not speak for B" in one_cluster_alone(
        "-0.5 -0.2"
    )
    assert where_relu_wins("1.2") is where_relu_wins("size = 6/5") is True
    assert "tanh's alignment" in where_relu_wins("0.3")
    for nonsense in ("", "abc", "7"):
        with pytest.raises(ValueError):
            where_relu_wins(nonsense)
        with pytest.raises(ValueError):
            one_cluster_alone(nonsense)
