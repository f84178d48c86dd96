"""Parallel retrieval: theory in its limits, networks against theory, the loss identity, examples, claims."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from labcore.experiment import ParameterError
from labcore.hebbian.multitasking_hebbian import (
    cue,
    draw_patterns,
    energy,
    examples,
    hebbian,
    mattis,
    pattern_sums,
    serves,
)
from labcore.hebbian.multitasking_hebbian.exercises import ladder_breaks, only_one_left, second_is_a_third
from labcore.hebbian.multitasking_hebbian.experiments import landscape, learn, phase_diagram, retrieve
from labcore.hebbian.multitasking_hebbian.mechanism import losses

# ---- theory


def enumerated(m, d, t):
    """F(m) and f(m) by a plain sum over all 3^K columns."""
    pull, free = np.zeros(len(m)), 0.5 * np.sum(m**2)
    for column in itertools.product((-1, 0, 1), repeat=len(m)):
        weight = np.prod([d if x == 0 else (1 - d) / 2 for x in column])
        field = float(np.dot(column, m))
        pull += weight * np.array(column) * (np.tanh(field / t) if t else np.sign(field))
        free -= weight * (t * np.log(2 * np.cosh(field / t)) if t else abs(field))
    return pull, free


@pytest.mark.parametrize(("d", "t"), [(0.3, 0.1), (0.0, 0.5), (0.7, 0.05), (0.4, 0.0)])
def test_half_of_the_columns_say_what_all_say(d, t):
    m = np.array([0.41, -0.22, 0.13, 0.05])
    pull, free = enumerated(m, d, t)
    np.testing.assert_allclose(mattis.mean_field(torch.tensor(m), d, t), pull, atol=1e-12)
    assert float(mattis.free_energy(torch.tensor(m), d, t)) == pytest.approx(free, abs=1e-8)


def test_the_flow_is_the_steepest_descent_of_the_free_energy():
    m = torch.tensor([0.3, 0.2, -0.1], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(mattis.free_energy(m, 0.4, 0.15), m)
    np.testing.assert_allclose(mattis.mean_field(m, 0.4, 0.15).detach() - m.detach(), -slope, atol=1e-12)
    course = mattis.flow(m.detach(), 0.4, 0.15, torch.linspace(0.1, 20, 100))
    assert (torch.diff(mattis.free_energy(course, 0.4, 0.15)) <= 1e-12).all()
    end = mattis.fixed_point(m.detach(), 0.4, 0.15)
    np.testing.assert_allclose(mattis.flow(m.detach(), 0.4, 0.15, torch.tensor([200.0]))[0], end, atol=1e-6)


def test_flow_is_of_fourth_order():
    m, at = torch.tensor([0.3, 0.2]), torch.tensor([2.0])
    exact = mattis.flow(m, 0.3, 0.3, at, longest=0.002)
    wide, narrow = ((mattis.flow(m, 0.3, 0.3, at, longest=h) - exact).abs().max() for h in (0.4, 0.2))
    assert 8 < wide / narrow < 32


def test_without_blanks_it_is_the_curie_weiss_magnet():
    t = np.linspace(0.05, 0.95, 10)
    start = torch.eye(3, dtype=torch.float64)[0].expand(10, 3)
    m = mattis.fixed_point(start, 0.0, torch.tensor(t)).numpy()
    np.testing.assert_allclose(m[:, 0], np.tanh(m[:, 0] / t), atol=1e-8)
    assert m[0, 0] > 0.999 and np.abs(m[:, 1:]).max() < 1e-12


@pytest.mark.parametrize(("k", "critical"), [(3, 0.618), (4, 0.5437), (5, 0.5188)])
def test_the_hierarchy_at_zero_temperature_is_a_fixed_point_up_to_d_c(k, critical):
    for d, holds in ((critical - 0.002, True), (critical + 0.002, False)):
        level = mattis.hierarchy(k, d)
        assert (1 - 2 * d + d**k > 0) is holds
        moved = float((mattis.mean_field(level, d, 0.0) - level).abs().max())
        assert moved < 1e-12 if holds else moved > 1e-3


def test_two_patterns_never_lose_their_hierarchy():
    d = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
    level = mattis.hierarchy(2, d)
    np.testing.assert_allclose(mattis.fixed_point(level, d, 0.0), level, atol=1e-12)


@pytest.mark.parametrize(("d", "leading", "others"), [(0.62, 0.169, 0.0), (0.68, 0.0855, 0.0855)])
def test_pure_or_symmetric_just_below_the_critical_temperature(d, leading, others):
    start = torch.tensor([0.15, 0.145, 0.14])
    m = mattis.fixed_point(start, d, 0.93 * (1 - d), 20_000, 1e-13).abs().sort(descending=True).values
    assert m.tolist() == pytest.approx([leading, others, others], abs=5e-4)


def test_nothing_is_recalled_above_the_critical_temperature():
    m = mattis.fixed_point(mattis.hierarchy(3, 0.3), 0.3, 0.75)
    assert float(m.abs().max()) < 1e-6
    frame = retrieve.run(N=50_000, d=0.3, T=0.75, K=3, start="hierarchy", sweeps=60)
    assert np.abs(frame.overlap[-1]).max() < 0.03


def test_theory_refuses_what_makes_no_sense():
    for d, t, word in (
        (1.0, 0.1, "d = 1.0"),
        (-0.1, 0.1, "d = -0.1"),
        (np.nan, 0.1, "d = nan"),
        (0.1, -0.1, "T = -0.1"),
        (0.1, np.nan, "T = nan"),
        (0.1, np.inf, "T = inf"),
    ):
        with pytest.raises(ValueError, match=word):
            mattis.mean_field(torch.ones(2), d, t)
    for solve in (mattis.mean_field, mattis.free_energy, mattis.fixed_point):
        with pytest.raises(ValueError, match="m = nan"):
            solve(torch.tensor([1.0, torch.nan]), 0.1, 0.1)


# ---- networks


def test_patterns_are_blank_with_probability_d():
    patterns = draw_patterns(200_000, 3, 0.35, np.random.default_rng(0))
    share = [(patterns == x).mean(0) for x in (-1, 0, 1)]
    assert set(np.unique(patterns)) == {-1, 0, 1}
    for seen, expected in zip(share, (0.325, 0.35, 0.325), strict=True):
        assert np.abs(seen - expected).max() < 5 * 0.5 / np.sqrt(200_000)
    assert np.abs(np.corrcoef(patterns.T) - np.eye(3)).max() < 0.015


@pytest.mark.parametrize("start", ["pattern 1", "hierarchy", "mixture", "random"])
def test_cues_are_what_they_say(start):
    rng = np.random.default_rng(0)
    patterns = draw_patterns(20_000, 3, 0.4, rng)
    m = patterns.T.astype(float) @ cue(patterns, start, 0.0, rng) / 20_000
    noisy = patterns.T.astype(float) @ cue(patterns, start, 0.2, rng) / 20_000
    expected = {
        "pattern 1": [0.6, 0, 0],
        "hierarchy": mattis.hierarchy(3, 0.4).tolist(),
        "mixture": enumerated(np.ones(3), 0.4, 0.0)[0].tolist(),
        "random": [0, 0, 0],
    }[start]
    assert m == pytest.approx(expected, abs=0.025)
    assert noisy == pytest.approx(0.6 * np.array(expected), abs=0.025)


@pytest.mark.parametrize(
    ("d", "t", "k", "start"),
    [(0.3, 0.05, 3, "hierarchy"), (0.2, 0.3, 2, "pattern 1"), (0.5, 0.03, 4, "hierarchy"), (0.8, 0.1, 3, "mixture")],
)
def test_networks_follow_the_theory_all_the_way(d, t, k, start):
    n = 50_000
    frame = retrieve.run(N=n, d=d, T=t, K=k, start=start, sweeps=20)
    assert np.abs(frame.overlap - frame.theory).max() < 4 / np.sqrt(n) + 0.005
    fixed = mattis.fixed_point(torch.tensor(frame.overlap.values[0]), d, t).numpy()
    assert np.abs(frame.overlap[-1] - fixed).max() < 4 / np.sqrt(n) + 0.005


def test_energy_and_losses_say_the_same():
    rng = np.random.default_rng(1)
    patterns = draw_patterns(300, 4, 0.3, rng)
    spins = cue(patterns, "mixture", 0.1, rng)
    sums = pattern_sums(patterns, spins)
    plus, minus = losses(patterns, sums[None])
    wide = patterns.astype(float)
    for side, loss in ((-1, plus), (1, minus)):
        direct = ((wide + side * spins[:, None]) ** 2).sum(0) / 600
        np.testing.assert_allclose(loss[0], direct, atol=1e-12)
    filled, m = (wide**2).mean(0), sums / 300
    assert (plus * minus).sum() == pytest.approx((((1 + filled) / 2) ** 2).sum() - (m**2).sum(), abs=1e-12)
    constant = (((1 + filled) / 2) ** 2).sum() - filled.sum() / 300
    assert energy(patterns, sums) / 300 == pytest.approx(0.5 * ((plus * minus).sum() - constant), abs=1e-12)


def test_frames_grow_and_their_loss_falls_with_the_energy():
    frames = list(retrieve.frames(N=5000))
    assert len(frames) >= 15 and all(
        a.sizes["time"] < b.sizes["time"] for a, b in zip(frames, frames[1:], strict=False)
    )
    end = frames[-1]
    total = end.loss_pm.sum("pattern").values
    np.testing.assert_allclose(np.diff(total), 2 * np.diff(end.energy), atol=1e-12)
    assert end.share.sum() == pytest.approx(1) and end.field_hist.sum() == pytest.approx(1)
    assert end.time[-1] == 20 and len(np.unique(end.state)) > 3


def test_neurons_serve_the_strongest_pattern_that_they_agree_with():
    patterns = np.array([[1, 1, 0], [-1, 1, 0], [0, -1, 1], [0, 0, 0], [-1, -1, 1]], np.int8)
    spins = np.array([1, 1, 1, -1, 1], np.int8)
    assert serves(patterns, spins, np.array([0.9, -0.3, 0.1])).tolist() == [1, 0, 2, 0, 2]
    frame = retrieve.run(N=100_000, d=0.4, T=0.0, K=3, start="hierarchy", sweeps=5)
    np.testing.assert_allclose(frame.share, [0.4**3, 0.6, 0.24, 0.096], atol=0.006)


def test_ordinary_hopfield_recalls_one_pattern_from_a_noisy_cue():
    frame = retrieve.run(N=5000, d=0.0, T=0.02, start="pattern 1", cue_noise=0.3)
    m = np.abs(frame.overlap.values)
    assert m[0, 0] < 0.5 and m[-1, 0] > 0.99 and m[-1, 1:].max() < 0.05
    assert "recalls 1 of 5" in frame.reading


@pytest.mark.parametrize(
    "values", [dict(d=0.95, N=1000, K=8), dict(d=0.0, T=1.0), dict(d=0.95, T=0.0, start="random"), dict(cue_noise=0.5)]
)
def test_corners_are_legal(values):
    frame = retrieve.run(**{"N": 5000, "sweeps": 5, **values})
    assert np.abs(frame.overlap).max() <= 1 and frame.progress == 1


def test_chance_is_not_recall():
    hot = retrieve.run(d=0.95, N=1000, K=8, T=1.0, start="random", sweeps=100)
    assert np.abs(hot.overlap[-1]).max() > 0.1 * 0.05  # a tenth of the most possible is less than chance gives
    assert "recalls 0 of 8" in hot.reading


def test_nonsense_is_refused():
    for name, value in (("T", -0.1), ("d", 1.0), ("K", 9)):
        with pytest.raises(ParameterError, match=f"{name} = {value}"):
            retrieve.run(**{name: value})


# ---- the map


def test_the_map_has_its_regimes_where_they_belong():
    frame = phase_diagram.run(d=0.3, T=0.02, grid=21)

    def at(d, t):
        return int(frame.regime.sel(dilution=d, temperature=t, method="nearest"))

    assert at(0.05, 0.4) == 1 and at(0.3, 0.05) == 2 and at(0.76, 0.1) == 3 and at(0.7, 0.6) == 0
    hot = frame.temperature > 1 - frame.dilution + 0.03
    assert (np.abs(frame.m_scf).max("pattern").values[hot.transpose("temperature", "dilution").values] < 0.01).all()
    assert (frame.n_retrieved == 3).values[frame.regime.values == 3].all()
    np.testing.assert_allclose(frame.ratio[0, 1:8], frame.dilution[1:8], atol=1e-9)
    # the state that the hierarchy relaxes to is never beaten by the pure or the symmetric branch
    free = frame.free_energy
    assert (free.sel(branch="hierarchical") <= free.sel(branch=["pure", "symmetric"]).min("branch") + 1e-6).all()


@pytest.mark.parametrize(
    ("d", "t", "said"),
    [
        (0.8, 0.1, "three branches is hierarchical and symmetric, a tie"),
        (0.0, 0.1, "three branches is pure and hierarchical, a tie"),
        (0.9, 0.9, "0.000, 0.000, 0.000, and all three branches have the same free energy"),
        (0.4, 0.1, "three branches is hierarchical."),
    ],
)
def test_branches_that_reach_one_state_tie(d, t, said):
    assert said in phase_diagram.run(d=d, T=t, grid=7, N=1000, sweeps=10).reading


def test_networks_lie_on_the_cuts():
    frame = phase_diagram.run(d=0.3, T=0.05, grid=15, N=50_000)
    d = frame.point_d.values
    theory = mattis.fixed_point(mattis.hierarchy(3, torch.tensor(d)), d, 0.05).abs().numpy()
    # a network fluctuates strongly where the second (d = 0.05) and the third pattern (d = 0.26) begin to be recalled
    calm = ((d > 0.1) & (d < 0.2)) | ((d > 0.3) & (d < 0.6))
    assert calm.sum() == 4
    assert np.abs(frame.network_d.values - theory)[calm].max() < 4 / np.sqrt(50_000) + 0.005
    assert np.abs(frame.network_d.values - theory)[d < 0.6, 0].max() < 4 / np.sqrt(50_000) + 0.005
    cold = frame.point_T.values < 0.15
    theory = mattis.fixed_point(mattis.hierarchy(3, torch.full((9,), 0.3)), 0.3, frame.point_T.values)
    assert np.abs(frame.network_T - np.abs(theory.numpy()))[cold].max() < 4 / np.sqrt(50_000) + 0.005


def test_networks_roll_down_the_steepest_path():
    frame = landscape.run(N=20_000, n_starts=6, T=0.15, sweeps=6)
    assert np.abs(frame.path - frame.theory).max() < 0.05
    heights = mattis.free_energy(torch.tensor(frame.path.values), 0.3, 0.15).numpy()
    assert (heights[:, -1] < heights[:, 0]).all()
    lowest = np.unravel_index(frame.free_energy.values.argmin(), (61, 61))
    bottom = sorted(abs(float(axis[i])) for axis, i in zip((frame.m2, frame.m1), lowest, strict=True))
    np.testing.assert_allclose(np.sort(np.abs(frame.path[:, -1]), -1).mean(0), bottom, atol=0.04)


def test_one_hot_network_does_not_fall_by_a_negative_number():
    reading = landscape.run(T=1.0, d=0.5, n_starts=1, strength=0.1, N=500, sweeps=2, seed=3).reading
    assert "free energy of 1 network rose by 0.0004" in reading


# ---- learning from examples


def test_memories_are_the_hebbian_sums():
    rng = np.random.default_rng(0)
    patterns = draw_patterns(400, 2, 0.25, rng)
    eta, r, m = examples(patterns, 8, 0.3, rng), 0.3, 8
    assert (eta[patterns == 0] == 0).all() and (np.abs(eta[patterns != 0]) == 1).all()
    rho = (1 - r**2) / (m * r**2)
    column = eta.mean(2) / (r * np.sqrt(1 + rho))
    single = eta.reshape(400, -1) / (r * np.sqrt(m * (1 + rho)))
    for teacher, wanted in ((True, column), (False, single)):
        p, gain = hebbian(eta, r, teacher)
        np.testing.assert_allclose(gain * p.astype(float) @ p.T, wanted @ wanted.T, atol=1e-10)


def test_examples_agree_with_probability():
    rng = np.random.default_rng(0)
    patterns = draw_patterns(4000, 1, 0.0, rng)
    chi = examples(patterns, 50, 0.2, rng) * patterns[:, :, None]
    assert chi.mean() == pytest.approx(0.2, abs=4 / np.sqrt(200_000))
    assert (examples(patterns, 3, 1.0, rng) == patterns[:, :, None]).all()


def test_overloaded_and_worthless_memories_are_refused():
    rng = np.random.default_rng(0)
    eta = examples(draw_patterns(100, 3, 0.2, rng), 4, 0.5, rng)
    with pytest.raises(ValueError, match="K M = 12 is not allowed"):
        hebbian(eta, 0.5, True)
    with pytest.raises(ValueError, match="r = 0 is not allowed"):
        hebbian(eta[:, :, :1], 0, True)


def test_examples_of_full_quality_are_the_patterns():
    frame = learn.run(M=20, r=1.0, n_seeds=2)
    np.testing.assert_array_equal(frame.overlap.sel(learning="teacher"), frame.overlap.sel(learning="no teacher"))
    np.testing.assert_allclose(
        frame.overlap.mean("repeat")[:, 0], np.tile(frame.ideal, (frame.sizes["count"], 1)), atol=0.02
    )


def test_more_examples_recall_better():
    lead = learn.run().overlap[:, :, 0].mean("repeat").values
    assert (lead[-1] > 0.9 * 0.75).all() and (lead[0] < 0.25).all()


def test_one_example_is_singular():
    first = next(learn.frames(N=1000, M=2, n_seeds=1))
    assert first.reading.startswith("With 1 example of each")


def test_counts_end_at_low_storage():
    frame = learn.run(N=1000, K=5, M=130)
    assert int(frame["count"][-1]) == 20


# ---- exercises


@pytest.mark.parametrize(
    ("check", "answer", "right"),
    [
        (second_is_a_third, "1/3", True),
        (second_is_a_third, " 0,33 ", True),
        (second_is_a_third, "3.4e-1", True),
        (second_is_a_third, "0.3", False),
        (second_is_a_third, "0.4", False),
        (only_one_left, "0,45", True),
        (only_one_left, "0.02", False),
        (only_one_left, "0.9", False),
        (ladder_breaks, "0.544", True),
        (ladder_breaks, " 54,4 % ", True),
        (ladder_breaks, "0.6", False),
        (ladder_breaks, "0.5", False),
    ],
)
def test_answers_about_the_ladder(check, answer, right):
    assert (check(answer) is True) == right


def test_where_no_ladder_breaks_is_refused():
    with pytest.raises(ValueError, match="blank share d = '1' is not allowed; it must be from 0.5 to 0.7"):
        ladder_breaks("1")
