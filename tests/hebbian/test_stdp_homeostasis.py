"""One-shot STDP detectors: the acceptance rule by enumeration, closed forms, invariances, what sharing does, claims."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from labcore.hebbian.stdp_homeostasis import (
    accepts,
    draw,
    fires,
    homeostasis,
    learned,
    respond,
    teach,
)
from labcore.hebbian.stdp_homeostasis.exercises import tolerant, wide_enough
from labcore.hebbian.stdp_homeostasis.experiments import detect, detector
from labcore.hebbian.stdp_homeostasis.line_patterns import edits, random_sets

GAIN = np.exp(-5 / 20)  # five steps of 1 ms, tau = 20 ms


@pytest.mark.parametrize("active", [1, 3, 5, 9])
@pytest.mark.parametrize(("h", "kappa"), [(1.0, 0.5), (0.8, 0.5), (0.6, 1.0), (0.5, 0.0), (1.0, 0.0), (0.75, 0.25)])
def test_every_input_obeys_the_rule(active, h, kappa):
    """All 1024 inputs of ten lines, membrane against whole-number arithmetic."""
    pattern = draw(1, 10, active, 0.0, np.random.default_rng(active))
    _, w, inhibition = learned(pattern, kappa)
    inputs = np.array(list(itertools.product([False, True], repeat=10)))
    spoke = fires(w[:, None], np.array([inhibition]), h, inputs)[:, 0]
    o, e = (inputs & pattern).sum(1), (inputs & ~pattern).sum(1)
    rule = 100 * o - round(100 * kappa) * e >= round(100 * h) * active
    np.testing.assert_array_equal(spoke, rule)
    np.testing.assert_array_equal(accepts(pattern[0], inputs, h, kappa), rule)


def test_teaching_is_the_closed_form():
    pattern = np.array([True, False, True, False])
    w = np.full((4, 1), 0.9)
    teach(w, pattern, 0.7, 0.4)
    np.testing.assert_allclose(w[pattern, 0], 0.9 + 0.7 * GAIN, rtol=1e-13)
    np.testing.assert_allclose(w[~pattern, 0], 0.9 - 0.4 * GAIN, rtol=1e-13)
    teach(w, pattern, 0.7, 4.0)
    assert (w[~pattern, 0] == 0).all()


def test_the_trained_pattern_delivers_exactly_s():
    patterns = draw(3, 64, 16, 0.0, np.random.default_rng(0))
    _, w, inhibition = learned(patterns, 0.5)
    drive = patterns @ (w - inhibition)
    assert drive.min() == pytest.approx(1, abs=1e-12)
    _, trace = respond(w[:, None], np.array([inhibition]), 9.0, patterns[[drive.argmin()]], np.full(64, 3), 8)
    assert trace[4, 0] == pytest.approx(1, abs=1e-12) and trace[5, 0] == pytest.approx(np.exp(-1 / 20), abs=1e-12)


@pytest.mark.parametrize("c", [1e-3, 0.5, 1.0, 7.0])
def test_homeostasis_forgets_the_scale(c):
    patterns = draw(4, 64, 16, 0.0, np.random.default_rng(1))
    raw, w, inhibition = learned(patterns, 0.5)
    np.testing.assert_allclose(homeostasis(c * raw, patterns, 0.5, inhibition), w, rtol=1e-12)


@pytest.mark.parametrize("begin", [0.0, 0.01, 0.7])
def test_where_the_weights_began_does_not_matter_for_one_pattern(begin):
    """As long as one pass of the other lines brings them to zero, begin <= exp(-delta/tau-) = 0.78."""
    patterns = draw(1, 64, 16, 0.0, np.random.default_rng(2))
    np.testing.assert_allclose(
        learned(patterns, 0.5, start=begin)[1], learned(patterns, 0.5)[1], rtol=1e-12, atol=1e-15
    )


def test_renaming_the_lines_renames_the_weights():
    rng = np.random.default_rng(3)
    patterns, order = draw(5, 64, 12, 0.3, rng), rng.permutation(64)
    np.testing.assert_allclose(learned(patterns[:, order], 0.4)[1], learned(patterns, 0.4)[1][order], rtol=1e-12)


def test_without_inhibition_every_superset_is_accepted():
    rng = np.random.default_rng(4)
    pattern = draw(1, 64, 16, 0.0, rng)
    supersets = pattern | random_sets(200, 64, 20, rng)
    for kappa, expected in ((0.0, True), (0.5, False)):
        _, w, inhibition = learned(pattern, kappa)
        spoke = fires(w[:, None], np.array([inhibition]), 1.0, supersets[(supersets != pattern).any(1)])
        assert (spoke == expected).all()


def test_spikes_that_arrive_apart_leak_away():
    pattern = draw(1, 64, 16, 0.0, np.random.default_rng(5))
    _, w, inhibition = learned(pattern, 0.5)
    arrive = np.zeros(64, np.int64)
    late = np.flatnonzero(pattern[0])[:8]
    arrive[late] = 10
    spikes, trace = respond(w[:, None], np.array([inhibition]), 1.0, pattern, arrive, 30)
    assert spikes[0, 0] == 0
    assert trace[:, 0].max() == pytest.approx(0.5 + 0.5 * np.exp(-10 / 20), abs=1e-12)


def test_the_teacher_is_gone_in_a_test():
    _, w, inhibition = learned(draw(1, 64, 16, 0.0, np.random.default_rng(6)), 0.5)
    assert not fires(w[:, None], np.array([inhibition]), 0.5, np.zeros((1, 64), bool)).any()


def test_later_patterns_weaken_earlier_ones_and_homeostasis_saves_the_weakest():
    patterns = np.zeros((2, 10), bool)
    patterns[0, :4], patterns[1, 2:6] = True, True
    raw, w, inhibition = learned(patterns, 0.5, forget=0.5)
    first = np.r_[[0.1 + GAIN - 0.5 * GAIN] * 2, [0.1 + 2 * GAIN] * 2, [GAIN] * 2, [0] * 4]
    np.testing.assert_allclose(raw, first, atol=1e-12)
    drives = patterns @ (w - inhibition)
    assert drives.min() == pytest.approx(1) and drives[1] > 1


def test_a_pattern_that_was_erased_stays_forgotten():
    patterns = np.zeros((2, 10), bool)
    patterns[0, :3], patterns[1, 5:8] = True, True
    _, w, inhibition = learned(patterns, 0.5, forget=2.0)
    assert fires(w[:, None], np.array([inhibition]), 1.0, patterns)[:, 0].tolist() == [False, True]


@pytest.mark.parametrize("size", [0, 10])
def test_empty_and_full_patterns_are_refused(size):
    with pytest.raises(ValueError, match=r"patterns of \[" + str(size)):
        learned(np.arange(10)[None] < size, 0.5)


def test_drawn_patterns():
    rng = np.random.default_rng(7)
    patterns = draw(20, 64, 16, 0.5, rng)
    assert (patterns.sum(1) == 16).all() and patterns.all(0).sum() >= 8
    assert (draw(3, 64, 16, 1.0, rng).std(0) == 0).all()
    assert (random_sets(50, 64, 9, rng).sum(1) == 9).all()
    assert ((edits(patterns[0]) ^ patterns[0]).sum(1) == 1).all()


def test_the_map_is_the_rule_and_the_dot_is_on_it():
    frame = detector.run(h=0.8, kappa=0.5, off=2, extra=1)
    missing, strangers = np.meshgrid(frame.missing, frame.strangers, indexing="ij")
    np.testing.assert_array_equal(frame.accepted.astype(bool), 2 * (16 - missing) - strangers >= 2 * 0.8 * 16 - 1e-6)
    assert frame.attrs["detected"] == frame.accepted.sel(missing=2, strangers=1)
    assert (frame.state == 2).sum() == 2 and (frame.state == 3).sum() == 1 and (frame.state == 1).sum() == 14
    assert frame.potential.max() == pytest.approx((14 - 0.5) / 16)


@pytest.mark.parametrize(("h", "seen"), [(1.0, 0), (0.9, 1)])
def test_one_lamp_off(h, seen):
    assert detector.run(h=h, off=1).attrs["detected"] == seen


def test_jitter_lowers_the_peak():
    peaks = [float(detector.run(jitter=j, off=0).potential.max()) for j in (0.0, 5.0, 20.0)]
    assert peaks[0] == pytest.approx(1) and peaks[0] > peaks[1] > peaks[2]


@pytest.mark.parametrize(
    "values",
    [
        dict(active=4, off=32, extra=60),
        dict(active=32, off=32, extra=60, kappa=1.0, h=0.5),
        dict(active=32, kappa=0.0, jitter=20.0),
    ],
)
def test_detector_corners(values):
    assert "etected" in detector.run(**values).reading


@pytest.mark.parametrize("mode", ["one neuron each", "shared"])
@pytest.mark.parametrize(
    "values",
    [
        dict(similarity=1.0, n_patterns=20),
        dict(h=0.5, kappa=0.0, active=32),
        dict(forget=0.0),
        dict(data="digits", n_patterns=20),
    ],
)
def test_detect_corners(mode, values):
    frames = list(detect.frames(probes=300, mode=mode, **values))
    assert len(frames) == frames[-1].attrs["patterns"]
    # trained patterns are always accepted, whatever else is, unless one was erased
    if mode == "one neuron each":
        assert (np.diag(frames[-1].confusion) == 1).all()


def test_nothing_to_reject_is_no_success_at_rejecting():
    """At h = 0.5, without inhibition, half of all lines taught in turn: every input is one to accept."""
    shared = dict(probes=100, mode="shared", active=32, h=0.5, kappa=0.0, n_patterns=20)
    assert "there are no others to reject" in detect.run(**shared).reading
    frames = list(detect.frames(probes=100, mode="shared", active=4, kappa=0.0, forget=2.0, n_patterns=2))
    assert "of the others 0.00%" in frames[-1].reading and frames[0].reading.startswith(
        "One neuron for all, 1 pattern "
    )


def test_confusions_are_where_the_rule_puts_them():
    frame = detect.run(probes=300, mode="one neuron each", n_patterns=20, similarity=0.75, h=0.8)
    rng = np.random.default_rng([0, 0])
    patterns = draw(20, 64, 16, 0.75, rng)
    overlap = patterns.astype(int) @ patterns.T.astype(int)
    # (o - (a - o)/2)/a >= 0.8 in whole numbers
    np.testing.assert_array_equal(frame.confusion.values, (10 * (3 * overlap - 16) >= 16 * 16).astype(int))
    off_diagonal = frame.confusion.values.sum() - 20
    assert 0 < off_diagonal < 20 * 19


@pytest.mark.parametrize(
    ("check", "answer", "right"),
    [
        (tolerant, "0,8", True),
        (tolerant, " 4/5 ", True),
        (tolerant, "80 %", True),
        (tolerant, "8.1e-1", True),
        (tolerant, "0.83", False),
        (tolerant, "0.78", False),
        (wide_enough, "3", True),
        (wide_enough, " 3.0 ", True),
        (wide_enough, "2", False),
        (wide_enough, "12", False),
    ],
)
def test_answers_about_tolerance_and_sharing(check, answer, right):
    assert (check(answer) is True) == right


def test_patterns_are_drawn_with_the_seed_of_the_lesson():
    runs = [detect.run(n_patterns=4, mode="shared", probes=500, seed=s) for s in range(15, 20)]
    mean = np.mean([float(f.accuracy[-1]) for f in runs])
    assert f"{mean:.2f}" in wide_enough("4", 15) and f"{mean:.2f}" not in wide_enough("4", 0)
