"""The theta-gamma buffer counted by hand, STDP of single pairs, and Kuramoto oscillators against closed forms."""

from __future__ import annotations

import math
from functools import lru_cache, partial
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from labcore.hebbian.dynamical_intelligence import (
    advance,
    capacity,
    exercises,
    modular_graph,
    neighbours,
    order,
    readiness,
    replay,
    stdp,
    theta_gamma,
)
from labcore.hebbian.dynamical_intelligence.experiments import buffer, learn_order, modules
from labcore.hebbian.dynamical_intelligence.kuramoto import velocity
from labcore.hebbian.dynamical_intelligence.sines import sines

EVERYONE = None, None


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("slow", "fast", "slots"), [(6, 40, 6), (6, 60, 9), (8, 40, 5), (5, 60, 11), (9, 50, 5), (10, 100, 9), (4, 25, 6)]
)
def test_capacity_is_the_formula_and_what_the_buffer_does(slow, fast, slots):
    # several of these have whole quotients: a slot that would begin as the phase ends does not count
    assert capacity(slow, fast) == slots == math.ceil(round(0.9 * fast / slow, 9))
    for n, works in ((slots, True), (slots + 1, False)):
        frame = buffer.run(n_items=n, f_theta=slow, f_gamma=fast)
        assert bool(frame.recall_ok.all()) == bool(frame.recall_ok.any()) == works
        assert ((frame.fired > 0).sum("place") == min(n, slots)).all()


def test_rules_of_firing():
    who, when, ready = theta_gamma(6, 6.0, 40.0, 400.0, 0.01, 22, 0.0, rng())
    period = 1000 / 6
    cycle, fires = np.floor(when / period + 1e-9), ready > 0
    assert (ready[fires] > 0.2).all()
    phase = when - cycle * period
    assert (phase[fires] < 0.9 * period - 1e-9).all() and phase[~fires] == pytest.approx(np.full(6, 0.95 * period))
    for c in range(22):
        now = fires & (cycle == c)
        assert len(set(who[now])) == now.sum()  # once a cycle
        assert (np.diff(when[now]) >= 25 - 1e-9).all()  # a fast period apart
    assert cycle[~fires].tolist() == [0, 2, 4, 6, 8, 10] and who[~fires].tolist() == list(range(6))


@pytest.mark.parametrize(
    ("slow", "fast", "named"), [(1e-300, 40.0, "f_theta"), (5000.0, 40.0, "f_theta"), (6.0, 5000.0, "f_gamma")]
)
def test_a_rhythm_that_steps_of_a_millisecond_cannot_follow_is_refused(slow, fast, named):
    with pytest.raises(ValueError, match=f"{named} = .* is not allowed; it must be from 0.01 to 1000"):
        theta_gamma(3, slow, fast, 400.0, 0.0, 1, 0.0, rng())


def test_readiness_peaks_at_tau():
    u = np.linspace(0, 2000, 20_001)
    a = np.array([readiness(x, 400.0) for x in u])
    assert u[a.argmax()] == pytest.approx(400) and a.max() == pytest.approx(1) and a[0] == 0


def test_moving_time_by_whole_cycles_changes_nothing():
    first, *_, ready = theta_gamma(5, 6.0, 40.0, 400.0, 0.002, 20, 0.0, rng())
    _, begin, _ = theta_gamma(5, 6.0, 40.0, 400.0, 0.002, 20, 0.0, rng())
    who, when, again = theta_gamma(5, 6.0, 40.0, 400.0, 0.002, 20, 3 * 1000 / 6, rng())
    np.testing.assert_array_equal(who, first)
    np.testing.assert_allclose(when - 500, begin, atol=1e-6)
    np.testing.assert_allclose(again, ready, atol=1e-6)


def test_the_oldest_must_be_the_readiest():
    """With tau below half a slow cycle the last to fire is readiest in the next cycle, and the order is lost."""
    assert buffer.run(tau=400.0).recall_ok.all()
    frame = buffer.run(tau=50.0)
    assert not frame.recall_ok.any()
    assert readiness(166.0, 50.0) < readiness(66.0, 50.0)


def test_noise_breaks_the_order():
    assert buffer.run(noise=0.1, n_items=6).recall_ok.mean() < 0.8


def test_stdp_of_one_pair_and_of_all_pairs():
    for gap in (1.0, 20.0, 75.0):
        np.testing.assert_allclose(
            stdp(np.array([0, 1]), np.array([5.0, 5.0 + gap]), 2), [[0, np.exp(-gap / 20)], [0, 0]]
        )
    who, when = rng().integers(0, 4, 60), np.sort(rng(1).uniform(0, 400, 60))
    expected = np.zeros((4, 4))
    for i, a in zip(who, when, strict=True):
        for j, b in zip(who, when, strict=True):
            if b > a and i != j:
                expected[i, j] += np.exp(-(b - a) / 20)
    np.testing.assert_allclose(stdp(who, when, 4), expected)


def test_replay_follows_the_links_whatever_they_are():
    patterns = np.where(rng().random((5, 400)) < 0.5, -1.0, 1.0)
    turn = [0, 3, 1, 4, 2]
    w = np.zeros((5, 5))
    for a, b in zip(turn, turn[1:], strict=False):
        w[a, b] = 1
    assert replay(w, patterns, 0.0, rng()).argmax(1).tolist() == turn
    # an asymmetric Hopfield step written out
    s = patterns[0]
    for k in turn[1:]:
        s = np.where(
            sum(np.outer(patterns[b], patterns[a]) * w[a, b] for a in range(5) for b in range(5)) @ s < 0, -1, 1
        )
        assert s @ patterns[k] == 400


def test_order_is_learned_only_when_events_are_close_or_compressed():
    far, near = (learn_order.run(spacing=x) for x in (1000.0, 25.0))
    last = {"step": -1, "post": -1}
    assert abs(far.overlap[0].isel(last)) < 0.2 and far.overlap[1].isel(last) > 0.99
    assert near.overlap[0].isel(last) > 0.99
    np.testing.assert_allclose(np.diagonal(near.W[0], 1), np.exp(-25 / 20), rtol=1e-9)
    assert np.diagonal(near.W[1], 1) == pytest.approx(np.full(4, np.exp(-25 / 20)), rel=1e-3)  # and pairs across cycles


def test_no_overlap_reads_minus_nothing():
    frame = learn_order.run(noise=0.5, n_items=2, neurons=2000, seed=33)
    end = frame.overlap[0].isel({"step": -1, "post": -1})
    assert -0.005 < float(end) < 0 and "overlap 0.00 and" in frame.reading


# ---- oscillators


def test_velocity_is_the_formula_and_the_flow_is_scipys():
    adjacency = modular_graph(60, 6, 5, 2, rng())
    w, theta = rng(1).normal(size=60), rng(2).uniform(0, 6, (1, 60))
    degree = np.maximum(adjacency.sum(1), 1)

    def slope(_, x, k=1.7):
        return w + k / degree * (adjacency * np.sin(x[None] - x[:, None])).sum(1)

    graph = neighbours(adjacency)
    np.testing.assert_allclose(velocity(theta[0], w, 1.7, *graph), slope(0, theta[0]), atol=1e-12)
    for tolerance, near in ((1e-6, 1e-4), (1e-10, 1e-8)):
        moved = theta.copy()
        advance(moved, w, np.array([1.7]), *graph, 5.0, tolerance, np.zeros(1))
        tight = solve_ivp(slope, (0, 5), theta[0], method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        np.testing.assert_allclose(moved[0], tight, atol=near)


def test_the_steps_are_those_of_scipys_pair():
    """The same first step, the same tries, and the same answer to rounding, far from the exact one."""
    graph, k = neighbours(modular_graph(60, 6, 5, 2, rng())), 4.0
    w, theta, tolerance = 3 * rng(1).normal(size=60), rng(2).uniform(0, 6, (1, 60)), 1e-3
    seen = solve_ivp(lambda _, x: velocity(x, w, k, *graph), (0, 20), theta[0], rtol=tolerance, atol=tolerance)
    tight = solve_ivp(lambda _, x: velocity(x, w, k, *graph), (0, 20), theta[0], rtol=1e-10, atol=1e-10).y[:, -1]
    advance(theta, w, np.array([k]), *graph, 20.0, tolerance, np.zeros(1))
    off = np.abs(theta[0] - tight).max()
    assert off > 1e-3 and np.abs(theta[0] - seen.y[:, -1]).max() < 1e-6 * off


def test_a_step_found_once_is_taken_up_and_a_cut_one_does_not_shorten_it():
    graph, k = neighbours(modular_graph(60, 6, 5, 2, rng())), np.array([2.0])
    w, theta, step = rng(1).normal(size=60), rng(2).uniform(0, 6, (1, 60)), np.zeros(1)
    whole = theta.copy()
    advance(whole, w, k, *graph, 10.0, 1e-8, np.zeros(1))
    for _ in range(400):
        advance(theta, w, k, *graph, 0.025, 1e-8, step)
    np.testing.assert_allclose(theta, whole, atol=1e-6)
    assert step[0] > 0.05


def test_sines_are_those_of_numpy():
    x = np.concatenate([rng().uniform(-m, m, 5000) for m in (1e-9, 1, 10, 1e3, 1e6)] + [np.arange(-40, 40) * np.pi / 4])
    for mine, theirs in zip(sines(x), (np.sin(x), np.cos(x)), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=2.3e-16)
    far = np.array([1e9, -1e12])  # an error of the angle's own last place
    assert np.abs(sines(far)[0] - np.sin(far)).max() < np.spacing(1e12)


def test_what_no_step_is_short_enough_for_is_refused():
    theta = np.array([[0.0, 1.0]])
    with pytest.raises(ValueError, match="steps became too short"):
        advance(theta, np.array([1e300, -1e300]), np.array([1e308]), *EVERYONE, 1.0, 1e-6, np.zeros(1))


def test_complete_graph_without_a_list_is_the_complete_graph():
    full = np.ones((30, 30), bool)  # with itself: the sine of 0 adds nothing, and the degree is N
    w, theta = rng(1).normal(size=30), rng(2).uniform(0, 6, 30)
    np.testing.assert_allclose(
        velocity(theta, w, 2.0, *neighbours(full)), velocity(theta, w, 2.0, *EVERYONE), atol=1e-12
    )


def test_a_graph_without_edges_is_not_the_complete_one():
    alone = neighbours(np.zeros((3, 3), bool))
    theta, w = np.array([0.0, 1.0, 3.0]), np.array([0.5, -1.0, 2.0])
    np.testing.assert_array_equal(velocity(theta, w, 2.0, *alone), w)
    assert np.abs(velocity(theta, w, 2.0) - w).max() > 0.1
    with pytest.raises(ValueError, match="E is not known"):
        velocity(theta, w, 2.0, alone[0])


def test_whole_frequencies_lose_no_digits():
    theta, w = np.array([0.0, 1.0]), np.array([1, -2])
    pair = neighbours(np.array([[False, True], [True, False]]))
    np.testing.assert_allclose(velocity(theta, w, 0.7, *pair), w + 0.7 * np.sin(theta[::-1] - theta), atol=1e-15)


@pytest.mark.parametrize("bad", [np.array([[0, 2], [2, 0]]), np.zeros((2, 3), bool), np.zeros(4, bool)])
def test_neighbours_are_those_of_a_square_of_true_and_false(bad):
    with pytest.raises(ValueError, match="adjacency = .* is not allowed"):
        neighbours(bad)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(w=np.zeros(2)), r"w has shape \(2,\); it must be \(N,\) with N = 3"),
        (dict(starts=np.array([0, 1, 2])), r"starts has shape \(3,\)"),
        (dict(starts=np.array([0, 1, 2, 9])), r"starts\[3\] = 9 .* from 0 to 2"),
        (dict(indices=np.array([1, 3])), r"indices\[1\] = 3 is not allowed; it must be from 0 to 2"),
        (dict(k=np.nan), "k.* = nan is not allowed"),
    ],
)
@pytest.mark.parametrize("function", [velocity, advance])
def test_a_graph_that_does_not_fit_is_refused(function, change, words):
    given = dict(theta=np.zeros(3), w=np.zeros(3), k=1.0, starts=np.array([0, 1, 2, 2]), indices=np.array([1, 0]))
    given |= change
    if function is advance:
        given |= dict(theta=np.zeros((1, 3)), k=np.array([given["k"]]), time=0.1, tolerance=1e-3, step=np.zeros(1))
    with pytest.raises(ValueError, match=words):
        function(**given)


def test_lorentzian_frequencies_reach_the_closed_form():
    n, coupling = 5000, 4.0
    w = np.tan(np.pi * ((np.arange(n) + 0.5) / n - 0.5))
    theta, step, seen = rng().uniform(0, 2 * np.pi, (1, n)), np.zeros(1), []
    for t in range(60):
        advance(theta, w, np.array([coupling]), *EVERYONE, 0.5, 1e-4, step)
        if t >= 30:
            seen.append(order(theta)[0])
    assert np.mean(seen) == pytest.approx(np.sqrt(1 - 2 / coupling), abs=0.03)


@pytest.mark.parametrize(("ratio", "locks"), [(0.95, True), (1.05, False)])
def test_two_oscillators_lock_up_to_twice_the_coupling(ratio, locks):
    """With the sum divided by the degree, d(difference)/dt = dw - 2 K sin(difference): locking iff |dw| <= 2 K."""
    graph = neighbours(np.array([[False, True], [True, False]]))
    w, theta = np.array([0.5, -0.5]) * 2 * ratio, np.zeros((1, 2))
    advance(theta, w, np.array([1.0]), *graph, 100.0, 1e-8, np.zeros(1))
    before = theta[0, 0] - theta[0, 1]
    advance(theta, w, np.array([1.0]), *graph, 50.0, 1e-8, np.zeros(1))
    slip = abs(theta[0, 0] - theta[0, 1] - before)
    assert slip < 1e-3 if locks else slip > 2 * np.pi


def test_on_a_regular_graph_drifts_add_up_to_the_frequencies():
    ring = np.zeros((40, 40), bool)
    for k in (1, 2):
        ring |= np.roll(np.eye(40, dtype=bool), k, 1) | np.roll(np.eye(40, dtype=bool), -k, 1)
    w, theta = rng(3).normal(size=40), rng(4).uniform(0, 6, 40)
    assert velocity(theta, w, 3.0, *neighbours(ring)).sum() == pytest.approx(w.sum(), abs=1e-12)


def test_graph_has_the_degrees_asked_for():
    a = np.mean([modular_graph(240, 6, 12, 2, rng(s)) for s in range(5)], 0)
    block = np.arange(240) // 40
    same, half = block[:, None] == block, (block // 3)[:, None] == block // 3
    degree = [(a * part).sum(1).mean() for part in (same, half & ~same, ~half)]
    assert degree == pytest.approx([12, 1.6, 0.4], rel=0.1)
    one = modular_graph(240, 6, 12, 2, rng())
    assert (one == one.T).all() and not one.diagonal().any()


def test_modules_come_before_halves_and_halves_before_all():
    sweep = np.mean([modules.run(N=120, duration=40, seed=s).sweep for s in range(3)], 0)
    assert (sweep[2] >= sweep[1]).all() and (sweep[1] >= sweep[0]).all()
    first = [int((r > 0.6).argmax()) for r in sweep]
    assert first[2] < first[1] <= first[0]


def test_without_modules_there_is_no_such_gap():
    gap = []
    for k_in, k_out in ((12.0, 1.0), (2.0, 8.0)):
        sweep = modules.run(N=120, duration=40, k_in=k_in, k_out=k_out).sweep
        gap.append(float((sweep[2] - sweep[0]).max()))
    assert gap[1] < gap[0] - 0.1


@pytest.mark.parametrize(
    "values", [dict(k_out=0.0, k_in=1.0), dict(spread=3.0, K=0.0), dict(k_in=19.0, k_out=8.0, K=6.0)]
)
def test_corners_of_the_modules_are_legal(values):
    frame = modules.run(N=120, duration=20, **values)
    assert frame.progress == 1 and (frame.sweep <= 1 + 1e-12).all()


@pytest.mark.parametrize(
    "values",
    [
        dict(n_items=24, f_theta=10.0, f_gamma=25.0),
        dict(n_items=24, f_theta=4.0, f_gamma=100.0, tau=600.0),
        dict(n_items=1, tau=50.0, noise=0.1),
    ],
)
def test_corners_of_the_buffer_are_legal(values):
    assert buffer.run(**values).progress == 1


# ---- exercises


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("70", True),
        (" 65 ", True),
        ("66,5", True),
        ("1.4 * 50", True),
        ("7e1", True),
        ("62", "With this fast rhythm nine items come back in order in 0 of 10 cycles."),
        ("80", "Ten fit as well."),
    ],
)
def test_an_answer_about_nine_words(answer, right):
    assert exercises.nine_words(answer) == right


def test_an_answer_about_the_gap(monkeypatch):
    """With a shorter run of fewer oscillators the answers are the same."""
    small = lru_cache(maxsize=None)(partial(modules.run, N=120, duration=40))
    monkeypatch.setattr(exercises, "modules", SimpleNamespace(run=small))
    for text in ("2", " 2.0 ", "4/2", "20e-1"):
        assert exercises.widest_gap(text) is True
    assert exercises.widest_gap("0.1").startswith("At this K modules have r = 0.")
    for text in ("", "strong"):
        with pytest.raises(ValueError, match="is not a number"):
            exercises.widest_gap(text)
