"""Networks that never met: known permutations, brute force, the lasso's own conditions, planted groups, spaces."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import special_ortho_group
from sklearn.cluster import SpectralClustering
from sklearn.linear_model import Lasso
from sklearn.metrics import adjusted_rand_score, mutual_info_score

from labcore.generalization.convergent_learning import (
    Turning,
    best_partner,
    canonical_correlations,
    clusters,
    correlations,
    dimensions,
    mutual_information,
    one_to_one,
    predict,
    sparse_maps,
    standardize,
)
from labcore.generalization.convergent_learning import experiments as papers
from labcore.generalization.convergent_learning.digit_nets import activations, pictures, train
from labcore.generalization.convergent_learning.exercises import four_partners, what_a_turn_leaves, who_gives_way
from labcore.generalization.convergent_learning.sparse_maps import RIDGE, heard


def said(n=200, m=12, seed=0, noise=0.0):
    """Activations of correlated units, as ReLU networks have them."""
    rng = np.random.default_rng(seed)
    return np.maximum(rng.normal(size=(n, m)) @ rng.normal(size=(m, m)) + noise * rng.normal(size=(n, m)), 0)


def test_a_permuted_and_rescaled_network_is_recognized():
    a, rng = said(), np.random.default_rng(1)
    order = rng.permutation(12)
    b = a[:, order] * rng.uniform(0.1, 9, 12) + rng.normal(size=12)
    alike = correlations(standardize(a).z, standardize(b).z)
    rows, columns = one_to_one(alike)
    assert order[columns].tolist() == rows.tolist()
    assert alike[rows, columns] == pytest.approx(np.ones(12), abs=1e-10)
    assert alike == pytest.approx(np.corrcoef(a.T, b.T)[:12, 12:], abs=1e-12)


def test_the_matching_is_the_best_of_all_permutations():
    for seed in range(5):
        alike = np.random.default_rng(seed).normal(size=(6, 6))
        best = max(alike[range(6), p].sum() for p in itertools.permutations(range(6)))
        rows, columns = one_to_one(alike)
        assert alike[rows, columns].sum() == pytest.approx(best, abs=1e-12)
        assert sorted(columns) == list(range(6))
        assert alike[range(6), best_partner(alike)].sum() >= best  # whoever else has it
    wide = np.random.default_rng(0).normal(size=(3, 5))
    best = max(wide[range(3), p].sum() for p in itertools.permutations(range(5), 3))
    assert wide[one_to_one(wide)].sum() == pytest.approx(best) == pytest.approx(wide.T[one_to_one(wide.T)].sum())


def test_units_that_never_change_are_left_out_and_told():
    a = said()
    a[:, 3], a[:, 7] = 0.0, 2.5
    found = standardize(a)
    assert found.living.tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10, 11]
    assert found.z.mean(0) == pytest.approx(np.zeros(10), abs=1e-12) and found.z.var(0) == pytest.approx(np.ones(10))


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda a: standardize(a[:1]), r"activations has shape \(1, 12\)"),
        (lambda a: standardize(np.ones((5, 4))), "4 units, none of which changes"),
        (lambda a: standardize(np.where(a > 1, np.nan, a)), "not finite"),
        (lambda a: correlations(a, a[1:]), "a has 200 inputs and b 199"),
        (lambda a: one_to_one(np.array([[np.nan, 1.0]])), "likeness has an entry"),
        (lambda a: mutual_information(a, a, 1), "bins = 1"),
        (lambda a: canonical_correlations(a, a, 13), "top = 13 is not allowed for a; it has 12"),
        (lambda a: canonical_correlations(a, a[1:], 2), "the same inputs"),
        (lambda a: clusters(-np.ones((2, 2)), 2, 0), "below 0"),
        (lambda a: clusters(np.ones((2, 2)), 5, 0), "groups = 5"),
        (lambda a: clusters(np.diag([1.0, 0.0]), 2, 0), "like no other"),
        (lambda a: predict(a[:3], a[:3], np.array([0.1])), "4 or more"),
        (lambda a: sparse_maps(np.zeros((2, 2)), np.ones((1, 2)), np.array([0.1])), "without variance"),
        (lambda a: sparse_maps(np.eye(2), np.ones((1, 3)), np.array([0.1])), "cross"),
        (lambda a: sparse_maps(np.eye(2), np.ones((1, 2)), np.array([-0.1])), "penalties"),
        (lambda a: sparse_maps(-np.eye(2) + 2 * np.ones((2, 2)), np.ones((1, 2)) * [1, -1], np.zeros(1)), "run away"),
        (lambda a: sparse_maps(np.ones((2, 2)), np.array([[1.0, -1.0]]), np.zeros(1)), "20,000 sweeps"),
        (lambda a: dimensions(np.ones((5, 4))), "none of which changes"),
        (lambda a: activations(train(16, 0, 0).after, np.zeros((1, 3, 64)), 3), "layer = 3"),
    ],
)
def test_what_has_no_answer_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call(said())


def test_information_is_scikit_learns_less_its_bias():
    a, b = said(300, 3), said(300, 4, seed=1)
    b[:, 0] = a[:, 1] ** 2  # tells all about it, whatever the scale
    found = mutual_information(a, b, 6)
    for i, j in itertools.product(range(3), range(4)):
        bins = [(v[:, None] > np.quantile(v, np.arange(1, 6) / 6)).sum(1) for v in (a[:, i], b[:, j])]
        bias = np.prod([len(np.unique(v)) - 1 for v in bins]) / 600
        assert found[i, j] == pytest.approx((mutual_info_score(*bins) - bias) / np.log(2), abs=1e-12)
    assert found[:, 0].argmax() == 1
    independent = np.random.default_rng(2).normal(size=(1000, 30))
    assert abs(mutual_information(independent[:, :15], independent[:, 15:]).mean()) < 0.002


def problem(n=150, m=20, targets=7, seed=0):
    rng = np.random.default_rng(seed)
    z = standardize(rng.normal(size=(n, m)) @ rng.normal(size=(m, m))).z
    y = standardize(z[:, :targets] + rng.normal(size=(n, targets))).z
    return z, y, z.T @ z / n, y.T @ z / n


def test_maps_are_optimal_and_scikit_learns():
    z, y, gram, cross = problem()
    penalties = np.array([0.5, 0.1, 0.01])
    found = sparse_maps(gram, cross, penalties)
    for weights, penalty in zip(found, penalties, strict=True):
        slope = cross - weights @ gram
        assert np.abs(slope).max() <= penalty + 1e-6
        used = weights != 0
        assert slope[used] == pytest.approx(penalty * np.sign(weights[used]), abs=1e-6)
        for t in range(7):
            peer = Lasso(alpha=penalty, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(z, y[:, t])
            assert weights[t] == pytest.approx(peer.coef_, abs=1e-6)
    alone = sparse_maps(gram, cross, penalties[2:])
    assert alone[0] == pytest.approx(found[2], abs=1e-6), "a warm start changes the way, not the end"
    assert not sparse_maps(gram, cross, np.array([np.abs(cross).max() * 1.001])).any()


def test_predictions_are_measured_on_inputs_that_nothing_was_fitted_to():
    z, y, _, _ = problem(400)
    found = predict(z, y, np.array([0.1]))
    x, t, x_new, t_new = z[:200], y[:200], z[200:], y[200:]
    peer = np.stack([Lasso(alpha=0.1, fit_intercept=False, tol=1e-12).fit(x, v).coef_ for v in t.T], 1)
    assert found.sparse[0] == pytest.approx(((t_new - x_new @ peer) ** 2).mean(0), abs=1e-6)
    full = np.linalg.lstsq(np.vstack([x, np.sqrt(200 * RIDGE) * np.eye(20)]), np.vstack([t, np.zeros((20, 7))]))[0]
    assert found.full == pytest.approx(((t_new - x_new @ full) ** 2).mean(0), abs=1e-9)
    errors = []  # of each unit alone, by fit and by what it leaves of the first half
    for k in range(7):
        slopes = x.T @ t[:, k] / (x**2).sum(0)
        at = ((t[:, [k]] - x * slopes) ** 2).mean(0).argmin()
        errors.append(((t_new[:, k] - x_new[:, at] * slopes[at]) ** 2).mean())
    assert found.single == pytest.approx(errors)
    a = said()
    a[:100, 2], a[100:, 5] = 0, 1
    assert heard(a).tolist() == [0, 1, 3, 4, 6, 7, 8, 9, 10, 11]


def test_canonical_correlations_are_of_spaces_and_not_of_axes():
    a = said(300)
    assert canonical_correlations(a, a @ special_ortho_group.rvs(12, random_state=0) + 3, 5) == pytest.approx(
        np.ones(5)
    )
    b = a + 3 * np.random.default_rng(1).normal(size=a.shape)
    for top in (12, 4):
        # by covariances of principal components: the eigenvalues of Saa^-1 Sab Sbb^-1 Sba are their squares
        p, q = (v @ np.linalg.eigh(np.cov(v.T))[1][:, -top:] for v in (a, b))
        joint = np.cov(p.T, q.T)
        saa, sab, sbb = joint[:top, :top], joint[:top, top:], joint[top:, top:]
        squares = np.linalg.eigvals(np.linalg.solve(saa, sab) @ np.linalg.solve(sbb, sab.T)).real
        assert canonical_correlations(a, b, top) == pytest.approx(np.sqrt(np.sort(squares)[::-1]), abs=1e-9)
    assert canonical_correlations(a, b @ Turning(12, 3)(0.4), 5) == pytest.approx(canonical_correlations(a, b, 5))


def test_a_turn_can_be_made_in_parts():
    turning = Turning(9, 0)
    whole = turning(1.0)
    assert turning(0.0) == pytest.approx(np.eye(9), abs=1e-12)
    assert whole @ whole.T == pytest.approx(np.eye(9), abs=1e-12) and np.linalg.det(whole) == pytest.approx(1)
    assert turning(0.3) @ turning(0.7) == pytest.approx(whole, abs=1e-10)
    entries = np.array([Turning(9, s)(1.0)[0] for s in range(300)])  # a row of a uniform turn is uniform on the sphere
    assert abs(entries.mean()) < 0.03 and (9 * entries**2).mean() == pytest.approx(1)
    assert 9 * (entries**2).mean(0) == pytest.approx(np.ones(9), abs=0.4)
    assert dimensions(np.vstack([np.eye(4), -np.eye(4)])) == pytest.approx(4)
    assert dimensions(np.outer([1, -1, 2], np.ones(3))) == pytest.approx(1)


def test_planted_groups_are_found():
    rng = np.random.default_rng(0)
    of_a, of_b = rng.permutation([0] * 7 + [1] * 5 + [2] * 4), rng.permutation([0] * 3 + [1] * 6 + [2] * 8)
    exact = (of_a[:, None] == of_b) * rng.uniform(0.4, 1, (16, 17))
    truth = np.concatenate([of_a, of_b])
    assert adjusted_rand_score(truth, clusters(exact, 3, 0)) == 1
    noisy = exact + rng.uniform(0, 0.15, exact.shape)
    found = clusters(noisy, 3, 0)
    graph = np.zeros((33, 33))
    graph[:16, 16:], graph[16:, :16] = noisy, noisy.T
    peer = SpectralClustering(3, affinity="precomputed", random_state=0).fit_predict(graph)
    assert adjusted_rand_score(truth, found) == adjusted_rand_score(peer, found) == 1


def test_networks_train_as_each_would_alone():
    found = train(16, 30, 0, 3, 2)
    assert np.abs(found.after.w1 - found.before.w1).max() > 0.01
    later = train(16, 30, 0, 3, 1, 1)
    assert later.after.w2[0] == pytest.approx(found.after.w2[1], abs=1e-4)
    assert np.array_equal(later.held_out[0], found.held_out[1])
    apart = [np.abs(found.before.w1[0, 0] - w).max() for w in (found.before.w1[0, 1], found.before.w1[1, 0])]
    assert min(apart) > 0.1
    layers = [
        torch.nn.Linear(64, 16),
        torch.nn.ReLU(),
        torch.nn.Linear(16, 16),
        torch.nn.ReLU(),
        torch.nn.Linear(16, 10),
    ]
    net = torch.nn.Sequential(*layers).double()
    nets = found.after
    with torch.no_grad():
        for at, w, b in ((0, nets.w1, nets.b1), (2, nets.w2, nets.b2), (4, nets.w3, nets.b3)):
            net[at].weight.copy_(torch.tensor(w[1, 2].T))
            net[at].bias.copy_(torch.tensor(b[1, 2, 0]))
        x = torch.tensor(found.held_out[1])
        assert activations(nets, found.held_out, 1)[1, 2] == pytest.approx(net[:2](x).numpy(), abs=1e-12)
        assert activations(nets, found.held_out, 2)[1, 2] == pytest.approx(net[:4](x).numpy(), abs=1e-12)
    ink = found.held_out[1].std(0)
    seen = pictures(nets, found.held_out, 1)[1, 2, 5].ravel()
    assert np.abs(seen).max() == pytest.approx(1) and np.corrcoef(seen, nets.w1[1, 2, :, 5] * ink)[0, 1] > 0.999999
    assert not seen[ink == 0].any()


def test_pulling_the_line_sorts_the_matrix():
    frames = [papers.meet.run("quick", matched=share) for share in (0, 50, 100)]
    sums = [float(f.diagonal.sum()) for f in frames]
    assert sums[0] < sums[1] < sums[2]
    first, half, last = frames
    pairs = last.sizes["pair"]
    assert (np.diff(last.diagonal) <= 1e-12).all(), "best pairs first"
    assert (last.best.values >= last.diagonal.values - 1e-12).all()
    for frame in frames:  # the same units in another order
        order = np.argsort(frame.unit_b.values)
        assert frame.likeness.values[:, order] == pytest.approx(first.likeness.values)
    made = round(pairs / 2)
    rest = half.unit_b.values[made:]
    assert (np.diff(rest) > 0).all() and (np.diff(first.unit_b.values) > 0).all()


def test_a_turn_moves_units_and_not_spaces():
    frame = papers.turn.run("quick", turned=60.0)
    assert np.ptp(frame.canonical.values) < 1e-10 and np.ptp(frame.matched.values) > 0.005
    still = papers.turn.run("quick", turned=0.0)
    twin = papers.meet.run("quick")
    assert float(still.matched[0]) == pytest.approx(float(twin.diagonal.mean()))


def test_a_higher_price_leaves_fewer_partners():
    frame = papers.partners.run("quick", penalty=0.2)
    assert (np.diff(frame.used) <= 0).all() and float(frame.used[0]) > 2 * float(frame.used[-1])
    at = frame.sel(penalty=0.2)
    assert float(at.error) == pytest.approx(float(frame.error_each.mean()))
    assert float(at.used) == pytest.approx(float(frame.used_each.mean()))


def test_sets_are_measured_one_by_one_and_reported_as_they_come():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frames = list(papers.turn.frames("quick", sets=4))
    assert [f.sizes["repeat"] for f in frames] == [3, 4]
    first, last = frames[0].matched_each.values, frames[1].matched_each.values
    assert first == pytest.approx(last[:3])
    kinds = frames[1].matched_each.mean(("repeat", "depth"))
    assert float(kinds.sel(kind="inputs shuffled")) < 0.5 * float(kinds.sel(kind="trained"))
    first_set = frames[1].sel(depth=1, repeat=1, kind="trained")
    assert float(frames[1].matched[0]) == pytest.approx(float(first_set.matched_each), abs=1e-4)


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert who_gives_way("0,825") is who_gives_way("1.65/2") is True
    assert "the same partner" in who_gives_way("0.875") and "both matchings" in who_gives_way("0.1")
    assert four_partners("0.33") is True and "units on average" in four_partners("0.05")
    assert what_a_turn_leaves("92") is True and what_a_turn_leaves("40") is not True
    with pytest.raises(ValueError, match="share left"):
        what_a_turn_leaves("120")
