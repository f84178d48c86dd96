"""Utilities learned from rivals: torch's gradients, enumeration, orders that no map changes, and decisions by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from labcore.data import digits_split
from labcore.generalization.utility_duality import experiments as papers
from labcore.generalization.utility_duality import gibbs, learn, least_risk, rival_gradient
from labcore.generalization.utility_duality.decisions import agreement, fitted, read
from labcore.generalization.utility_duality.digit_choices import train
from labcore.generalization.utility_duality.exercises import half_of_the_sentences, the_mean_rise


def table(n=6, k=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, k))


def test_all_options_at_once_are_torchs_cross_entropy():
    u, shown = table(), np.array([0, 1, 2, 3, 4, 0])
    tensor = torch.tensor(u, requires_grad=True)
    torch.nn.functional.cross_entropy(tensor, torch.tensor(shown), reduction="sum").backward()
    ours = rival_gradient(u, shown, 0, np.random.default_rng(0))
    assert ours == pytest.approx(-tensor.grad.numpy(), abs=1e-12)


def test_rivals_by_their_probabilities_are_the_gradient():
    """Each rival in turn, and each pair of two, counted by its probability."""
    u, shown, k = table(1), np.array([2]), 5
    p, eye = gibbs(u)[0], np.eye(5)
    exact = rival_gradient(u, shown, 0, np.random.default_rng(0))[0]
    one = sum(p[r] * (eye[2] - eye[r]) for r in range(k))
    two = sum(p[r] * p[s] * (eye[2] - (eye[r] + eye[s]) / 2) for r, s in itertools.product(range(k), repeat=2))
    assert one == pytest.approx(exact, abs=1e-14) and two == pytest.approx(exact, abs=1e-14)


def test_drawn_rivals_have_that_mean_and_cancel_when_they_were_shown():
    u, shown, rng = table(), np.array([0, 1, 2, 3, 4, 0]), np.random.default_rng(1)
    drawn = np.mean([rival_gradient(u, shown, 2, rng) for _ in range(20_000)], 0)
    exact = rival_gradient(u, shown, 0, rng)
    assert np.abs(drawn - exact).max() < 5 * 0.5 / np.sqrt(40_000)
    sure = np.array([[50.0, 0, 0]])
    assert (rival_gradient(sure, np.array([0]), 1, rng) == 0).all(), "the learner would have chosen it itself"
    with pytest.raises(ValueError, match="rivals = -1 is not allowed"):
        rival_gradient(u, shown, -1, rng)


def test_the_compiled_learner_is_the_same_steps_one_by_one():
    rng = np.random.default_rng(2)
    asked, shown, luck = rng.integers(0, 4, 300), rng.integers(0, 3, 300), rng.random((300, 2))
    for exact in (False, True):
        u, v = np.zeros((4, 3)), np.zeros((4, 3))
        learn(u, asked, shown, luck, 0.1, exact)
        for x, y, draw in zip(asked, shown, luck, strict=True):
            p = gibbs(v[x])
            rivals = p if exact else np.bincount(np.searchsorted(np.cumsum(p), draw), minlength=3) / 2
            v[x] += 0.1 * (np.eye(3)[y] - rivals)
        assert u == pytest.approx(v, abs=1e-9)
    assert u.sum(1) == pytest.approx(0, abs=1e-9), "what goes up and what goes down balance"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (dict(asked=np.array([0, 4])), "asked"),
        (dict(shown=np.array([0, 3])), "shown"),
        (dict(luck=np.full((2, 1), 1.5)), "luck"),
        (dict(lr=np.nan), "lr"),
    ],
)
def test_the_learner_refuses_what_would_read_past_its_table(change, named):
    good = dict(u=np.zeros((4, 3)), asked=np.array([0, 1]), shown=np.array([0, 1]), luck=np.zeros((2, 1)), lr=0.1)
    with pytest.raises(ValueError, match=named):
        learn(**(good | change), exact=False)


@pytest.mark.parametrize("reading", ["doubled", "squashed", "ranks"])
def test_no_rising_map_changes_the_order(reading):
    u = table(40, 20, 3)
    other = read(u, reading)
    assert (np.argsort(-other, 1) == np.argsort(-u, 1)).all() and not np.allclose(gibbs(other), gibbs(u))
    with pytest.raises(ValueError, match="reading = 'halved' is not allowed"):
        read(u, "halved")


def test_temperature_one_is_the_model_and_zero_its_best():
    u = table()
    assert gibbs(u) == pytest.approx(torch.softmax(torch.tensor(u), 1).numpy(), abs=1e-12)
    assert gibbs(u, 1e-3) == pytest.approx(np.eye(5)[u.argmax(1)], abs=1e-6)
    with pytest.raises(ValueError, match="tau = 0 is not allowed"):
        gibbs(u, 0)


def test_agreement_is_the_share_of_sampled_sentences():
    u, rng = table(6, 5, 4), np.random.default_rng(5)
    asked = rng.integers(0, 6, (1, 3))
    said = u.argmax(1)[asked]
    p = gibbs(u)
    drawn = np.stack([rng.choice(5, 40_000, p=p[x]) for x in asked[0]], 1)
    share, exact = (drawn == said[0]).all(1).mean(), agreement(p, asked, said)[0]
    assert abs(share - exact) < 5 * np.sqrt(exact * (1 - exact) / 40_000)


def test_the_likeliest_temperature_of_a_models_own_sentences_is_one():
    u, rng = table(20, 20, 6) * 2, np.random.default_rng(7)
    asked = rng.integers(0, 20, (4000, 12))
    said = (rng.random((4000, 12, 1)) > np.cumsum(gibbs(u), 1)[asked][..., :-1]).sum(-1)
    taus = np.array([0.8, 0.95, 1.0, 1.05, 1.2])
    assert fitted(u, asked, said, taus, "likelihood") == pytest.approx(1.0, abs=0.051)
    assert fitted(u, asked, said, taus, "sampling") == 0.8, (
        "even sentences of the model itself are hit more often colder"
    )


def test_least_risk_is_the_sample_nearest_to_the_others():
    u, rng = table(6, 5, 8), np.random.default_rng(9)
    p, asked, luck = gibbs(u), rng.integers(0, 6, (10, 4)), rng.random((10, 7, 4))
    chosen = least_risk(p, asked, luck)
    for i in range(10):
        drawn = (luck[i][..., None] > np.cumsum(p, 1)[asked[i]][None, :, :-1]).sum(-1)
        risk = (drawn[:, None] != drawn[None]).sum((1, 2))
        assert (chosen[i] == drawn[risk.argmin()]).all()
    with pytest.raises(ValueError, match="asked"):
        least_risk(p, asked + 6, luck)


def test_digits_are_learned_with_torchs_steps():
    split = digits_split(100, 50, 0)
    at = np.array([0, 1, 5])
    exact, rivals = train(split, 0, 0.5, at, 0), train(split, 4, 0.5, at, 0)
    assert exact.cosine == pytest.approx(1, abs=1e-12) and (rivals.cosine < 1).all() and rivals.cosine[0] > 0.5
    rng = np.random.default_rng([0, 1])
    w, a = rng.normal(size=(64, 32)) / 8, rng.normal(size=(32, 10)) / np.sqrt(32)
    parts = [torch.tensor(v, requires_grad=True) for v in (w, np.zeros(32), a, np.zeros(10))]
    for step in range(6):
        chosen = rng.integers(0, 100, 32)
        w, b, a, c = parts
        if step in at:
            new = torch.relu(torch.tensor(split.x_test) @ w + b) @ a + c
            right = (new.argmax(1).numpy() == split.y_test.argmax(1)).mean()
            assert exact.test[list(at).index(step)] == pytest.approx(right)
        u = torch.relu(torch.tensor(split.x_train[chosen]) @ w + b) @ a + c
        loss = torch.nn.functional.cross_entropy(u, torch.tensor(split.y_train[chosen].argmax(1)))
        slopes = torch.autograd.grad(loss, parts)
        parts = [(p - 0.5 * g).detach().requires_grad_() for p, g in zip(parts, slopes, strict=True)]


def test_without_faults_there_is_nothing_to_gain():
    frame = papers.sentences.run(error=0.0, tau=1.0)
    assert float(frame.whole.sel(rule="sampling").sel(tau=1.0, method="nearest")) > 0.9


def test_the_learner_comes_to_choose_what_it_is_shown():
    frame = papers.tug.run(steps=20_000, lr=0.01, rivals=4)
    assert float(frame.apart[-1]) < 0.06 < float(frame.apart[0])
    assert frame.utility.values == pytest.approx(frame.exact.values, abs=0.25)


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert the_mean_rise("0.9") is True and the_mean_rise("0.1") is False
    assert "third option itself" in the_mean_rise("1")
    with pytest.raises(ValueError, match="mean rise = '7'"):
        the_mean_rise("7")
    assert half_of_the_sentences("0.8") is True and "%" in half_of_the_sentences("0.3")
    with pytest.raises(ValueError, match="temperature"):
        half_of_the_sentences("warm")
