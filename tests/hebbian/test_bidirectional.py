"""One stack of weights used both ways: tied gradients, the limits that have a closed form, FGSM, the claims."""

from __future__ import annotations

from collections import deque
from functools import lru_cache, partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import solve_sylvester

from labcore.experiment import ParameterError
from labcore.hebbian.bidirectional import (
    TiedStack,
    classifier_loss,
    exercises,
    experiments,
    fgsm,
    forward,
    generator_loss,
    input_gradient,
    learn,
    mechanism,
    reverse,
    tied_stack,
)
from labcore.hebbian.bidirectional.experiments import attack, train
from labcore.primitives.runs.descend import adam, descend


def double(net):
    return TiedStack(*([p.double() for p in part] for part in net))


def stack(sizes, count=2, seed=0, std=0.5):
    rngs = [np.random.default_rng([seed, i]) for i in range(count)]
    net = double(tied_stack(sizes, rngs, std))
    rng = np.random.default_rng(seed + 1)
    for b in (*net.c, *net.g):
        b.copy_(torch.tensor(rng.normal(size=b.shape)))
    return net


def last(*args):
    return deque(learn(*args), maxlen=1)[0]


def test_both_directions_are_the_equations():
    net = stack((6, 5, 4, 3))
    rng = np.random.default_rng(3)
    x, z = rng.random((2, 7, 6)), rng.normal(size=(2, 7, 3))
    up, down = forward(net, torch.tensor(x), torch.sigmoid), reverse(net, torch.tensor(z), torch.sigmoid)
    for s in range(2):
        w, c, g = ([p[s].numpy() for p in part] for part in net)
        a, b = x[s], z[s]
        for k in range(3):
            a = a @ w[k] + c[k]
            a = a if k == 2 else 1 / (1 + np.exp(-a))
        for k in (2, 1, 0):
            b = b @ w[k].T + g[k]
            b = b if k == 0 else 1 / (1 + np.exp(-b))
        np.testing.assert_allclose(up[s], a, atol=1e-12)
        np.testing.assert_allclose(down[s], b, atol=1e-12)


def test_gradient_of_the_tied_weights_by_finite_differences():
    net = stack((5, 4, 10), count=1)
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.random((1, 6, 5)))
    labels = torch.tensor(rng.integers(0, 10, (1, 6)))
    y = F.one_hot(labels, 10).double()

    def loss():
        up = classifier_loss(net, x, labels, torch.sigmoid)
        return up, generator_loss(net, y, x, torch.sigmoid)

    for w in net.w:
        w.requires_grad_()
        parts = [torch.autograd.grad(part, w)[0] for part in loss()]
        assert all(p.abs().max() > 1e-3 for p in parts)  # both losses pull at every matrix
        w.requires_grad_(False)
        for i, j in ((0, 0), (1, 3), (3, 2)):
            ends = []
            for move in (1e-5, -2e-5, 1e-5):
                w[0, i, j] += move
                ends.append(sum(loss()).item())
            assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(
                sum(p[0, i, j].item() for p in parts), rel=1e-5, abs=1e-8
            )


def test_without_generator_steps_it_is_backpropagation_bit_for_bit():
    _, (one, two) = last((64, 16, 10), "BL", 0.0, True, "sigmoid", 60, [[0, 0], [0, 1]])
    for a, b in zip([*one.w, *one.c, *one.g], [*two.w, *two.c, *two.g], strict=True):
        assert torch.equal(a, b)
    _, (_, half) = last((64, 16, 10), "BL", 0.5, True, "sigmoid", 60, [[0, 0], [0, 1]])
    assert not torch.equal(half.w[0], two.w[0])


def test_one_way_training_is_plain_adam():
    """The reference trains a separate torch network on the same batches."""
    _, (one, _) = last((64, 16, 10), "BL", 1.0, True, "sigmoid", 40, [[0, 0]])
    start = tied_stack((64, 16, 10), [np.random.default_rng([0, 0, 1])])
    net = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.Sigmoid(), torch.nn.Linear(16, 10))
    with torch.no_grad():
        for layer, w in zip((net[0], net[2]), start.w, strict=True):
            layer.weight.copy_(w[0].T)
            layer.bias.zero_()
    x, labels, *_ = experiments.stacked_digits(mechanism.N_TRAIN, mechanism.N_TEST, [[0, 0]])
    optimiser, batches = torch.optim.Adam(net.parameters(), lr=mechanism.RATE), np.random.default_rng([0, 0, 2])
    for _ in range(40):
        pick = torch.tensor(batches.integers(0, mechanism.N_TRAIN, mechanism.BATCH))
        optimiser.zero_grad()
        F.cross_entropy(net(x[0, pick]), labels[0, pick]).backward()
        optimiser.step()
    torch.testing.assert_close(one.w[0][0].detach(), net[0].weight.detach().T, atol=2e-5, rtol=1e-4)


def test_biases_stay_out_when_switched_off():
    for bias in (False, True):
        _, nets = last((64, 8, 10), "BL", 1.0, bias, "relu", 20, [[0, 0]])
        assert any(p.abs().max() > 0 for p in nets[1].c) is bias
        assert any(p.abs().max() > 0 for p in nets[1].g) is bias
        assert not any(p.abs().max() > 0 for p in nets[0].g)  # nobody trains the way down


def test_the_critic_changes_the_weights_and_does_not_read_labels():
    _, (one, two) = last((64, 16, 10), "HAN", 1.0, True, "sigmoid", 30, [[0, 0]])
    assert not torch.equal(one.w[0], two.w[0])
    assert two.g[0].abs().max() > 0


def test_two_way_linear_regression_is_a_sylvester_equation():
    """No hidden layer, linear, squared loss both ways: Sxx W + W Syy = 2 Sxy where the tied gradient vanishes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6)) * [1, 2, 0.5, 1, 1, 0.7]
    y = x @ rng.normal(size=(6, 3)) + 0.5 * rng.normal(size=(200, 3))
    sxx, syy, sxy = x.T @ x / 200, y.T @ y / 200, x.T @ y / 200
    w = solve_sylvester(sxx, syy, 2 * sxy)
    net = TiedStack([torch.tensor(w[None])], [torch.zeros(1, 1, 3).double()], [torch.zeros(1, 1, 6).double()])
    x, y = torch.tensor(x[None]), torch.tensor(y[None])

    def loss():
        return ((forward(net, x, torch.sigmoid) - y) ** 2).sum() + ((reverse(net, y, torch.sigmoid) - x) ** 2).sum()

    net.w[0].requires_grad_()
    assert torch.autograd.grad(loss() / 200, net.w[0])[0].abs().max() < 1e-12
    net.w[0].data.zero_()
    optimiser = adam(net.w, 0.02)
    for _ in range(1500):
        descend(optimiser, loss() / 200)
    np.testing.assert_allclose(net.w[0].detach()[0], w, atol=1e-6)


@pytest.mark.parametrize("n", [3, 8])
def test_a_threshold_unit_draws_its_best_input(n):
    """w in {-1, 1}^n: the 0/1 input that excites the unit most is max(0, w), and the transpose returns it."""
    rng = np.random.default_rng(n)
    w = rng.choice([-1.0, 1.0], n)
    inputs = np.array(np.meshgrid(*[[0.0, 1.0]] * n)).reshape(n, -1).T
    best = inputs[(inputs @ w).argmax()]
    net = TiedStack([torch.tensor(w[None, :, None])], [torch.zeros(1, 1, 1)], [torch.zeros(1, 1, n)])
    drawn = (reverse(net, torch.ones(1, 1, 1).double(), torch.relu) > 0).double()[0, 0].numpy()
    np.testing.assert_array_equal(drawn, best)
    np.testing.assert_array_equal(best, np.maximum(0, w))


def test_fgsm():
    net = stack((6, 5, 3), count=1)
    rng = np.random.default_rng(1)
    x, labels = torch.tensor(rng.random((1, 9, 6))), torch.tensor(rng.integers(0, 3, (1, 9)))

    def scores(v):
        return forward(net, v, torch.sigmoid)

    assert torch.equal(fgsm(scores, x, labels, 0.0), x)
    near = fgsm(scores, x, labels, 0.1)
    assert (near - x).abs().max() <= 0.1 + 1e-12 and near.min() >= 0 and near.max() <= 1

    def loss(v):
        return F.cross_entropy(scores(v).flatten(0, 1), labels.flatten(), reduction="none")

    assert (loss(fgsm(scores, x, labels, 1e-4)) > loss(x)).all()
    bump = torch.zeros_like(x)
    bump[0, 2, 4] = 1e-6
    slope = (loss(x + bump)[2] - loss(x - bump)[2]) / 2e-6
    assert input_gradient(scores, x, labels)[0, 2, 4].item() == pytest.approx(slope.item(), rel=1e-5)


def test_frame_says_what_was_measured():
    frame = train.run(steps=100, n_seeds=1)
    again = train.run(steps=100, n_seeds=1, share=0.0)
    for name in ("fgsm", "noisy", "likeness", "drawn", "w1"):
        one, two = again[name].values
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, frame[name].values[0])  # the one-way network does not know its twin
    # eps = sigma = 0: clean digits, at other places of other batches; a near tie of two scores, one digit at most
    np.testing.assert_allclose(frame.fgsm[:, :, 0], frame.noisy[:, :, 0], rtol=0, atol=1 / 497 + 1e-9)
    assert (frame.fgsm[:, :, -1] < frame.fgsm[:, :, 0]).all()


def test_likeness_is_the_correlation():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 10, 64)), rng.random((2, 10, 64))
    expected = [np.mean([np.corrcoef(a[s, k], b[s, k])[0, 1] for k in range(10)]) for s in range(2)]
    np.testing.assert_allclose(experiments._likeness(a, b), expected, atol=1e-12)
    assert experiments._likeness(np.ones((1, 10, 64)), b[:1]) == 0


def test_no_likeness_reads_minus_nothing(monkeypatch):
    monkeypatch.setattr(experiments, "_likeness", lambda drawn, means: np.full(len(drawn), -1e-4))
    reading = train.run(steps=100, layers=0, n_seeds=1).reading
    assert "correlate 0.000 with the mean digits, those of the one-way network 0.000." in reading


def test_attack_uses_the_label_and_grows_with_eps():
    still, strong = attack.run(eps=0.0, steps=500), attack.run(eps=0.5, steps=500)
    np.testing.assert_array_equal(still.attacked, np.stack([still.original] * 2))
    np.testing.assert_allclose(still.belief[:, 0], still.belief[:, 1], rtol=1e-5, atol=1e-8)
    assert (strong.here <= still.here).all() and strong.here.max() < 0.2
    label = still.attrs["label"]
    assert (strong.belief[:, 1, label] < still.belief[:, 0, label]).all()
    # two places of a batch may round differently: a near tie of two scores, one digit at most
    np.testing.assert_allclose(still.here, still.accuracy[:, 0], rtol=0, atol=1 / 497 + 1e-9)


@pytest.mark.parametrize(
    "values",
    [dict(layers=0, method="HAN"), dict(layers=3, width=8, bias=False), dict(layers=3, width=128, act="relu")],
)
def test_corners_are_legal(values):
    frame = train.run(steps=100, n_seeds=1, **values)
    assert frame.attrs["progress"] == 1 and frame.drawn.min() >= 0 and frame.drawn.max() <= 1


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match=r"sizes = \[64\]"):
        tied_stack((64,), [np.random.default_rng(0)])
    with pytest.raises(ParameterError, match="share = 2"):
        train.run(share=2)


# ---- exercises


def kept(monkeypatch, experiment):
    """Exercises run this experiment at a third of its steps, and each run once a test: the answers are the same."""
    run = lru_cache(maxsize=None)(partial(experiment.run, steps=500))
    monkeypatch.setattr(exercises, experiment.name, SimpleNamespace(run=run))
    return run


def test_an_answer_about_the_fooled_digit(monkeypatch):
    """The right answers are found from the networks themselves."""
    run, said = kept(monkeypatch, attack), {}
    for image in range(20):
        frame = run(image=image, eps=0.1, seed=0)
        one, two = (frame.belief[:, 1].argmax("digit") == frame.label).values
        said.setdefault((bool(one), bool(two)), image)
    right = said[False, True]
    for text in (f"{right}", f" {right} ", f"{right}.0", f"{right / 10:g}e1"):
        assert exercises.fools_one_only(text) is True
    assert exercises.fools_one_only(str(said[True, True])) == "The one-way network still knows this digit."
    assert exercises.fools_one_only(str(said[False, False])) == "Both networks are fooled on this digit."
    with pytest.raises(ParameterError, match="test digit = '497'"):
        exercises.fools_one_only("497")


def test_an_answer_about_the_share(monkeypatch):
    kept(monkeypatch, train)
    for text in ("0.9", "0,9", " 9e-1 ", "90 %", "9/10"):
        assert exercises.draws_with_less(text) is True
    assert "end at a likeness of 0." in exercises.draws_with_less("0.1")
    assert exercises.draws_with_less("1") == "That is all of the training. Find a share below 1."
    for text in ("", "most"):
        with pytest.raises(ValueError, match="is not a number"):
            exercises.draws_with_less(text)
