"""Two tails of one spectrum: brute force, closed forms, autograd, and what the training of a network makes of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.data import digits_split
from labcore.generalization.setol import eigenvalues, erg_cut, power_law, tail_from
from labcore.generalization.setol import experiments as papers
from labcore.generalization.setol.exercises import above_the_cut, where_tails_meet
from labcore.generalization.setol.sgd_training import accuracy, scores, start, step, train, with_middle
from labcore.generalization.setol.spectrum import LEAST, pareto_share, random_share, scan


def pareto(alpha, n, seed=0):
    return (1 - np.random.default_rng(seed).random(n)) ** (-1 / (alpha - 1))


def test_eigenvalues_are_those_of_the_products():
    w = np.random.default_rng(0).normal(size=(30, 12))
    assert eigenvalues(w) == pytest.approx(np.linalg.eigvalsh(w.T @ w / 30), rel=1e-10)
    assert eigenvalues(w.T) == pytest.approx(eigenvalues(w), rel=1e-10)
    assert len(eigenvalues(w[:, :5] @ w[:5])) == 5, "zeros are left out"


def test_the_scan_is_the_definition_word_by_word():
    lam = np.sort(np.random.default_rng(1).lognormal(size=60))
    alphas, distances = scan(np.log(lam), LEAST)
    best = (np.inf, 0, 0.0)
    for i in range(60 - LEAST + 1):
        tail = lam[i:]
        alpha = 1 + len(tail) / np.log(tail / tail[0]).sum()
        law = 1 - (tail / tail[0]) ** (1 - alpha)
        distance = np.abs(law - np.arange(len(tail)) / len(tail)).max()
        assert (alphas[i], distances[i]) == pytest.approx((alpha, distance), rel=1e-9)
        best = min(best, (distance, i, alpha))
    found = power_law(lam)
    assert (found.distance, found.n, found.alpha) == pytest.approx((best[0], 60 - best[1], best[2]))
    assert tail_from(lam, found.start) == pytest.approx(found, rel=1e-9)
    assert power_law(np.random.default_rng(0).permutation(lam)) == found
    assert power_law(7 * lam).alpha == pytest.approx(found.alpha), "a power law has no unit"
    assert np.isinf(distances[60 - LEAST + 1 :]).all()


def test_no_exponent_is_likelier():
    lam = pareto(3.5, 500)
    for at in (1.0, 2.0):
        excess, alpha = np.log(lam[lam >= at] / lam[lam >= at].min()), tail_from(lam, lam[lam >= at].min()).alpha
        less, best, more = (len(excess) * np.log(a - 1) - a * excess.sum() for a in (alpha - 0.01, alpha, alpha + 0.01))
        assert best > max(less, more)


@pytest.mark.parametrize("alpha", [3.0, 4.0, 6.0])
def test_a_power_law_is_found_again(alpha):
    lam = pareto(alpha, 200_000)
    assert tail_from(lam, 1.0).alpha == pytest.approx(alpha, abs=0.05)
    assert erg_cut(lam).n / len(lam) == pytest.approx(pareto_share(alpha), abs=0.01)
    assert power_law(lam[:3000]).alpha == pytest.approx(alpha, rel=0.1)


def test_the_closed_form_of_the_cut_is_where_the_mean_logarithm_vanishes():
    """By quadrature over the quantiles of the law, away from any random number."""
    for alpha in (2.5, 3.0, 6.0):
        a = alpha - 1
        f = pareto_share(alpha)
        q = (np.arange(200_000) + 0.5) / 200_000 * f
        assert np.mean(-np.log(q) / a) - np.log(a / (a - 1)) == pytest.approx(0, abs=1e-4)
    with pytest.raises(ValueError, match="alpha = 2.0 is not allowed"):
        pareto_share(2.0)


def test_the_cut_keeps_a_volume_and_has_no_unit():
    lam = eigenvalues(np.random.default_rng(2).normal(size=(80, 80)))
    cut = erg_cut(lam)
    scaled = np.sort(lam / lam.mean())[::-1]
    assert np.prod(scaled[: cut.n]) >= 1 > np.prod(scaled[: cut.n + 1])
    assert cut.start == pytest.approx(np.sort(lam)[::-1][cut.n - 1])
    assert erg_cut(1000 * lam).n == cut.n and erg_cut(1e-3 * lam).n == cut.n
    assert erg_cut(np.ones(20)).n == 20, "a layer that turns and does not stretch keeps all"


def test_many_eigenvalues_do_not_overflow():
    assert 0 < erg_cut(np.geomspace(1, 1e12, 5000)).n < 5000


def test_a_random_layer_has_marchenkos_edges_and_curve():
    lam = eigenvalues(np.random.default_rng(0).normal(size=(600, 600)))
    lam /= lam.mean()
    assert lam[-1] == pytest.approx(4, rel=0.05)
    for at in (0.1, 0.5, 1.0, 2.0, 3.0):
        assert (lam >= at).mean() == pytest.approx(random_share(at), abs=0.01)
    assert random_share(np.array([0.0, 4.0, 9.0])) == pytest.approx([1, 0, 0], abs=1e-12)


def test_steps_are_autograds():
    rng, split = np.random.default_rng(0), digits_split(64, 1, 0)
    layers = start(12, rng)
    x, y = split.x_train[:16].astype("f4"), split.y_train[:16].argmax(1)
    tensors = [[torch.tensor(p.astype(float), requires_grad=True) for p in layer] for layer in layers]
    h = torch.tensor(x.astype(float))
    for k, (w, b) in enumerate(tensors):
        h = h @ w + b
        h = torch.relu(h) if k < 2 else h
    assert scores(layers, x) == pytest.approx(h.detach().numpy(), abs=1e-5)
    torch.nn.functional.cross_entropy(h, torch.tensor(y)).backward()
    step(layers, x, y, 0.5)
    for layer, slopes in zip(layers, tensors, strict=True):
        for p, t in zip(layer, slopes, strict=True):
            assert p == pytest.approx((t - 0.5 * t.grad).detach().numpy(), abs=1e-6)


def test_training_learns_and_ends_where_weights_run_away():
    split = digits_split(300, 500, 0)
    seen = [
        accuracy(net.layers, split.x_test, split.y_test.argmax(1))
        for net in train(split, 32, 0.3, 8, 4, np.random.default_rng(0))
    ]
    assert len(seen) == 5 and seen[0] < 0.3 and seen[-1] > 0.6
    assert len(list(train(split, 32, 1e8, 8, 4, np.random.default_rng(0)))) < 5
    with pytest.raises(ValueError, match="batch = 301 is not allowed"):
        next(train(split, 32, 0.1, 301, 1, np.random.default_rng(0)))


def test_a_layer_is_put_in_place_of_the_middle_one():
    layers = start(9, np.random.default_rng(0))
    other = with_middle(layers, np.zeros((9, 9), "f4"))
    assert (other[1][0] == 0).all() and layers[1][0].any() and other[0] is layers[0]
    assert np.ptp(scores(other, np.random.default_rng(1).random((5, 64))), axis=0) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: eigenvalues(np.zeros((3, 3))), r"w \(3, 3\)"),
        (lambda: eigenvalues(np.full((3, 3), np.nan)), "finite"),
        (lambda: power_law(np.ones(5)), "10 or more positive"),
        (lambda: power_law(np.ones(50)), "lam = 1"),
        (lambda: erg_cut(np.r_[0.0, np.ones(30)]), "positive"),
        (lambda: tail_from(pareto(3.0, 50), 1e9), "start = 1e[+]09"),
        (lambda: tail_from(pareto(3.0, 50), 1.0, 1.0), "alpha = 1.0"),
    ],
)
def test_what_has_no_tail_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_the_line_by_hand_is_judged_as_the_fit_is():
    fitted = papers.gauge.run()
    again = papers.gauge.run(start=float(fitted.start) * (1 - 1e-9), slope=float(fitted.alpha))
    assert float(again.hand_distance) == pytest.approx(float(fitted.distance), rel=1e-6)
    assert float(fitted.hand_distance) > float(fitted.distance)
    assert float(fitted.off.min()) == pytest.approx(float(fitted.distance), rel=1e-9)
    far = papers.gauge.run(start=20.0, source="random matrix")
    assert int(far.hand_n) == 2, "a line beyond all eigenvalues begins at the last but one"


def test_eigenvalues_and_marks_share_a_unit():
    for frame in (papers.gauge.run(), papers.training.run(budget="quick")):
        lam = frame.eigenvalue.values
        assert lam.mean() == pytest.approx(1, rel=1e-6) and (np.diff(lam) <= 0).all()
        n, erg_n = (int(np.atleast_1d(frame[name].values)[-1]) for name in ("n", "erg_n"))
        start, erg = (float(np.atleast_1d(frame[name].values)[-1]) for name in ("start", "erg"))
        assert (start, erg) == pytest.approx((lam[n - 1], lam[erg_n - 1]), rel=1e-6)


def test_training_grows_a_tail_and_random_labels_pass_two():
    clean, noisy = (papers.training.run(noise=noise, epochs=25) for noise in (0.0, 0.5))
    assert float(clean.alpha[0]) > 3 > float(clean.alpha[-1]) > 1.95
    assert float(noisy.alpha[-1]) < 1.9 and float(noisy.test[-1]) < float(noisy.test.max()) - 0.05


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert above_the_cut("680") is True and above_the_cut("500") is False
    assert "mean" in above_the_cut("1000")
    with pytest.raises(ValueError, match="eigenvalues above the cut"):
        above_the_cut("many")
    assert where_tails_meet("0.42") is True or where_tails_meet("0.47") is True
    assert "the cut 1" in where_tails_meet("0.05")
    with pytest.raises(ValueError, match="learning rate"):
        where_tails_meet("")
