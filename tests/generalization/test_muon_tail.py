"""A memory of rare facts: its gradient, the optimizers beside torch's, codes that turn, and what the answers say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.generalization.muon_tail import (
    CUBIC,
    QUINTIC,
    chances,
    code,
    frequencies,
    gradient,
    isotropy,
    lifted,
    newton_schulz,
    polar,
    rotation,
    rule,
    signs,
    spectrum,
    train,
    turned,
)
from labcore.generalization.muon_tail import experiments as papers
from labcore.generalization.muon_tail.exercises import a_tail_for_adam, steps_of_muon
from labcore.generalization.muon_tail.updates import RULES

LEVELS = np.linspace(0.1, 0.95, 20)


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def codes(n, turn=1.0, seed=0, mixing="all"):
    rng = np.random.default_rng(seed)
    return code(n, turn, mixing, rng), code(n, turn, mixing, rng)


def test_the_gradient_is_autograds():
    n, p = 9, frequencies(9, 1.0)
    keys, answers = codes(n)
    w = torch.tensor(drawn(n, n), requires_grad=True)
    scores = torch.tensor(answers).T @ w @ torch.tensor(keys)
    # column k holds the scores of key k
    loss = (torch.tensor(p) * torch.nn.functional.cross_entropy(scores.T, torch.arange(n), reduction="none")).sum()
    loss.backward()
    found = chances(w.detach().numpy(), keys, answers)
    assert found == pytest.approx(torch.softmax(scores, 0).detach().numpy(), abs=1e-14)
    assert gradient(found, p, keys, answers) == pytest.approx(w.grad.numpy(), abs=1e-12)
    assert np.linalg.matrix_rank(gradient(found, p, keys, answers)) == n - 1, "all scores may move together"


def test_equalising_keeps_outer_products_and_drops_what_is_not_there():
    a, b = rotation(7, np.random.default_rng(0)), rotation(7, np.random.default_rng(1))
    size = np.array([5.0, 3.0, 1.0, 0.1, 1e-3, 0.0, 1e-14])
    g = (a * size) @ b.T
    assert polar(g) == pytest.approx(a[:, :5] @ b[:, :5].T, abs=1e-9)
    assert polar(np.zeros((3, 2))) == pytest.approx(np.zeros((3, 2)))
    q, r = rotation(6, np.random.default_rng(2)), rotation(4, np.random.default_rng(3))
    g = drawn(6, 4)
    assert polar(q @ g @ r) == pytest.approx(q @ polar(g) @ r, abs=1e-12)


@pytest.mark.parametrize("shape", [(5, 5), (4, 9), (9, 4)])
def test_newton_schulz_is_a_polynomial_of_the_singular_values(shape):
    g = drawn(*shape)
    u, s, vt = np.linalg.svd(g, full_matrices=False)
    for steps, polynomial in ((0, QUINTIC), (1, QUINTIC), (5, QUINTIC), (3, CUBIC)):
        after = lifted(s / np.linalg.norm(s), steps, polynomial)[-1]
        assert newton_schulz(g, steps, polynomial) == pytest.approx((u * after) @ vt, abs=1e-11)
    assert newton_schulz(g, 30, CUBIC) == pytest.approx(polar(g), abs=1e-6), "the cubic one converges"
    late = lifted(np.geomspace(0.01, 1, 500), 5)[-1]
    assert 0.67 < late.min() < 0.72 and 1.1 < late.max() < 1.21, "Muon's own does not"


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has Muon from 2.9 on")
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_step_of_muon_is_torchs(momentum):
    """torch averages its gradients, which gives them another size only, and multiplies matrices in 16 bits."""
    w, parameter = np.zeros((12, 12)), torch.nn.Parameter(torch.zeros(12, 12))
    peer = torch.optim.Muon([parameter], lr=0.1, momentum=momentum, nesterov=False, weight_decay=0.0)
    update = rule("Muon, Newton-Schulz", 0.1, momentum)
    for step in range(3):
        g = drawn(12, 12, seed=step)
        update(w, g)
        parameter.grad = torch.tensor(g, dtype=torch.float32)
        peer.step()
        assert np.linalg.norm(w - parameter.detach().numpy()) <= 2e-2 * np.linalg.norm(w)


def test_the_other_updates_are_torchs():
    for name, peer in (
        ("Adam", lambda p: torch.optim.Adam(p, 0.01)),
        ("gradient descent", lambda p: torch.optim.SGD(p, 0.01, momentum=0.5)),
    ):
        w, parameter = drawn(4, 6), torch.nn.Parameter(torch.tensor(drawn(4, 6)))
        update, optimizer = rule(name, 0.01, 0.5), peer([parameter])
        for step in range(20):
            g = drawn(4, 6, seed=step + 1)
            update(w, g)
            parameter.grad = torch.tensor(g)
            optimizer.step()
        assert w == pytest.approx(parameter.detach().numpy(), abs=1e-12)


def test_the_sign_of_rounding_is_none():
    assert signs(np.array([[3.0, -1e-5], [1e-17, 0.0]])) == pytest.approx(np.array([[1.0, -1.0], [0.0, 0.0]]))


def test_muon_goes_the_same_way_in_every_code_and_signs_do_not():
    """The weights in turned codes are A W E^T, with W those in one-hot codes: at every moment, for Muon alone."""
    n, p = 12, frequencies(12, 1.0)
    one_hot, (keys, answers) = np.eye(n), codes(12)
    for name, eta in (("Muon", 0.1), ("Muon, Newton-Schulz", 0.1), ("gradient descent", 1.0), ("SignGD", 0.02)):
        plain = train(p, one_hot, one_hot, rule(name, eta, 0.5), LEVELS, 2000)
        mixed = train(p, keys, answers, rule(name, eta, 0.5), LEVELS, 2000)
        off = np.abs(mixed.weights - answers @ plain.weights @ keys.T).max()
        assert off > 0.1 if name == "SignGD" else off < 1e-8


def test_equal_facts_are_learned_in_closed_form():
    """Muon's step is then I - 1/n in the codes, so that t steps put the right answer eta t above the others."""
    n, eta = 10, 0.1
    keys, answers = codes(n)
    run = train(np.full(n, 1 / n), keys, answers, rule("Muon", eta), LEVELS, 500)
    lead = eta * run.step
    assert run.known == pytest.approx(np.tile(np.exp(lead) / (np.exp(lead) + n - 1), (n, 1)).T, abs=1e-9)


def test_training_is_looked_at_where_the_best_known_fact_first_is_that_good():
    n, p = 8, frequencies(8, 1.0)
    keys, answers = codes(n)
    run = train(p, keys, answers, rule("gradient descent", 0.5), LEVELS, 1000)
    w, best, first = np.zeros((n, n)), [], []
    for _ in range(run.step[-1] + 1):
        chance = chances(w, keys, answers)
        best.append(np.diag(chance).max())
        w = w - 0.5 * gradient(chance, p, keys, answers)
    first = [int(np.argmax(np.array(best) >= level)) for level in LEVELS]
    assert list(run.step) == first and run.reached == len(LEVELS)
    assert run.known.max(1) == pytest.approx(np.array(best)[first])
    short = train(p, keys, answers, rule("gradient descent", 0.5), LEVELS, 20)
    assert short.step[-1] == 20 and 0 < short.reached < len(LEVELS)
    assert (short.known[short.reached :] == short.known[-1]).all() and short.known[-1].max() < LEVELS[-1]


def test_a_reading_says_who_did_not_get_there():
    p, (keys, answers) = frequencies(8, 1.0), codes(8)
    names = ("gradient descent", "Adam", "Muon")
    runs = [train(p, keys, answers, rule(n, papers.ETA[n]), LEVELS, 100) for n in names]
    said = papers._reading(names, runs, len(LEVELS) - 1, 0.95)
    assert [int(run.reached) == len(LEVELS) for run in runs] == [True, False, True]
    assert f"with Adam (100 steps, its best known at {runs[1].known[-1].max():.0%} only)" in said
    assert said.count("only") == 1 and f"with Muon ({runs[2].step[-1]} steps)." in said


def test_a_reading_names_what_was_run():
    frames = papers.memory.frames(n_facts=24, adam="signs", muon="newton-schulz")
    said = next(frames).attrs["reading"]
    frames.close()
    assert "with SignGD (" in said and "with Muon by Newton-Schulz (" in said and "Adam" not in said


def test_a_turn_is_a_share_of_every_angle():
    q = rotation(9, np.random.default_rng(0))
    assert np.linalg.det(q) == pytest.approx(1) and q @ q.T == pytest.approx(np.eye(9), abs=1e-12)
    assert turned(q, 0.0) == pytest.approx(np.eye(9), abs=1e-12) and turned(q, 1.0) == pytest.approx(q, abs=1e-12)
    half = turned(q, 0.5)
    assert half @ half == pytest.approx(q, abs=1e-11) and half @ half.T == pytest.approx(np.eye(9), abs=1e-12)
    blocks = code(18, 1.0, "blocks", np.random.default_rng(0))
    assert blocks @ blocks.T == pytest.approx(np.eye(18), abs=1e-12)
    assert sorted((np.abs(blocks) > 1e-9).sum(0)) == [2] * 2 + [4] * 16


def test_the_rarest_fact_is_as_rare_in_both_shapes():
    for shape in ("power law", "two groups"):
        p = frequencies(64, 1.5, shape)
        assert p.sum() == pytest.approx(1) and p[-1] / p[0] == pytest.approx(64**-1.5) and (np.diff(p) <= 0).all()
    assert (np.diff(frequencies(64, 1.5, "two groups")) < 0).sum() == 1


def test_spectra_leave_out_what_a_softmax_does_not_see():
    n = 10
    keys, answers = codes(n)
    # what signs make of one-hot codes: the right answer up, all others down
    w = answers @ (2 * np.eye(n) - np.ones((n, n))) @ keys.T
    assert spectrum(w, keys, answers) == pytest.approx(np.full(n - 1, 2.0))
    even = isotropy(np.ones(20))
    assert even == pytest.approx((1, 1, 20, 0.1))
    uneven = isotropy(np.r_[1.0, np.full(19, 1e-9)])
    assert uneven.rank == pytest.approx(1) and uneven.top == pytest.approx(1) and uneven.flatness < 1e-8


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: polar(np.full((2, 2), np.nan)), "finite numbers"),
        (lambda: newton_schulz(np.zeros((2, 2))), "g = 0"),
        (lambda: newton_schulz(np.ones((2, 2)), -1), "steps = -1"),
        (lambda: signs(np.ones(3)), r"shape \(3,\)"),
        (lambda: rule("Lion", 0.1), "name = 'Lion'"),
        (lambda: rule("Muon", 0.0), "eta = 0.0"),
        (lambda: rule("Muon", 0.1, 1.0), "momentum = 1.0"),
        (lambda: frequencies(1, 1.0), "n = 1"),
        (lambda: frequencies(8, 1.0, "bell"), "shape = 'bell'"),
        (lambda: code(8, 1.0, "some", np.random.default_rng(0)), "mixing = 'some'"),
        (lambda: train(np.ones(3) / 3, np.eye(4), np.eye(3), print, LEVELS, 5), r"keys \(4, 4\)"),
        (lambda: train(np.ones(3) / 3, np.eye(3), np.eye(3), print, np.array([0.5, 1.0]), 5), "levels"),
        (lambda: isotropy(np.zeros(4)), "not all 0"),
    ],
)
def test_what_has_no_answer_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_pictures_compare_at_the_same_level():
    frames = list(papers.memory.frames(n_facts=24))
    assert [float(f.level) for f in frames] == sorted(float(f.level) for f in frames)
    for frame in frames:
        assert (frame.known.max("fact") >= frame.level - 1e-12).all()
    three = ["gradient descent", "Adam", "Muon"]
    few, many = (papers.evenness.run(grid=grid, n_codes=1, n_facts=24) for grid in (2, 3))
    ends = [f.balance.sel(rule=three).isel(place=-1, repeat=0).values for f in (few, many)]
    assert ends[0] == pytest.approx(ends[1]), "the same codes, however many places there are"
    assert list(few.rule.values) == list(RULES)


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert steps_of_muon("142") is True and steps_of_muon("7.09/0.05") is True
    assert "not known so well" in steps_of_muon("71") and "better than that" in steps_of_muon("300")
    assert a_tail_for_adam("0.7") is a_tail_for_adam("7/10") is True
    assert "knows the rarest" in a_tail_for_adam("1")
    with pytest.raises(ValueError, match="tail exponent s = '-1'"):
        a_tail_for_adam("-1")
    for garbage in ("banana", "", "1e999"):
        with pytest.raises(ValueError, match="steps"):
            steps_of_muon(garbage)
