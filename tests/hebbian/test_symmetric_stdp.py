"""Symmetric STDP: the window, who drives the class layer, what a test may change, scaling, claims."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.data import digits_split
from labcore.hebbian.symmetric_stdp import Network, answers, present, start, votes
from labcore.hebbian.symmetric_stdp.exercises import no_drift
from labcore.hebbian.symmetric_stdp.experiments import train, window
from labcore.primitives.spiking.lif import decay
from labcore.primitives.spiking.stdp import follow


def small(n=16, images=20, seed=0):
    data = digits_split(images, 20, seed)
    return start(n, np.random.default_rng(seed)), data.x_train, data.y_train.argmax(1)


def slow_follow(pre, post, at_pre, at_post, tau, step=0.1):
    """The same weight from the sum over all pairs of spikes, without traces."""
    t = np.arange(len(pre)) * 0.5
    a, b = t[pre], t[post]
    gap = b[None] - a[:, None]
    window = np.where(gap >= 0, at_post, at_pre) * step * np.exp(-np.abs(gap) / tau)
    return window.sum()


@pytest.mark.parametrize(("at_pre", "at_post"), [(1.0, 1.0), (-1.0, 1.0), (0.3, -0.7)])
def test_traces_are_the_sum_over_all_pairs(at_pre, at_post):
    pre, post = np.random.default_rng(1).random((2, 5, 300)) < 0.06
    weight = follow(pre, post, at_pre, at_post, decay(20, 0.5), 0.1)[:, -1]
    expected = [slow_follow(p, q, at_pre, at_post, 20) for p, q in zip(pre, post, strict=True)]
    np.testing.assert_allclose(weight, expected, atol=1e-12)


def test_window_is_even_when_symmetric_and_odd_when_classical():
    change = window.run().change.values
    lag = window.run().lag.values
    np.testing.assert_allclose(change, change[::-1], atol=1e-15)
    np.testing.assert_allclose(change, 0.1 * np.exp(-np.abs(lag) / 20), atol=1e-12)
    classical = window.run(before=-1.0).change.values
    np.testing.assert_allclose(classical[lag < 0], -change[lag < 0])
    np.testing.assert_allclose(classical[lag >= 0], change[lag >= 0])


def test_a_random_teacher_moves_only_a_window_with_an_area():
    def moved(**values):
        frames = [window.run(seed=s, **values) for s in range(5)]
        means = np.array([f["mean"].values[-1] for f in frames])
        return means.mean(), means.std(ddof=1) / np.sqrt(5)

    up, error = moved()
    # rate x rate x T x area of the window, less what the ends of the 150 ms cut off
    tau, t, rates = 0.02, 0.15, 40 * 200
    expected = rates * 0.1 * 2 * tau * (t - tau * (1 - np.exp(-t / tau)))
    assert up == pytest.approx(expected, abs=4 * error + 0.05 * expected)
    even, error = moved(before=-1.0)
    # the pairs in one step all count as pre before post: half a step of the window
    assert abs(even) < 4 * error + rates * 0.1 * t * 0.0005


def test_other_rules_are_refused():
    net, x, y = small(images=1)
    with pytest.raises(ValueError, match="rule = 'oja' is not allowed; it must be one of symmetric, classical"):
        present(net, x, y, np.random.default_rng(0), True, rule="oja")


def test_the_window_s_reading_says_what_differs_from_chance():
    up, odd = window.run().reading, window.run(before=-1.0).reading
    assert "moves 400 weights by +4" in up and "moves 400 weights nowhere on average" in odd
    # a lag of less than half a step is none
    assert window.run(lag=-0.2).reading.startswith("A teacher's spike at the same time as the other")
    assert "-0.000" not in window.run(lag=-60.0, tau=5.0, before=-1.0).reading


def test_a_test_changes_nothing():
    net, x, y = small()
    before = [part.copy() for part in net]
    present(net, x, y, np.random.default_rng(0), False)
    for old, new in zip(before, net, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_test_does_not_know_the_label():
    net, x, y = small()
    first, second = (present(net, x, labels, np.random.default_rng(3), False) for labels in (y, (y + 1) % 10))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_in_training_only_the_teacher_fires_in_the_class_layer():
    net, x, y = small(images=200)
    _, spoken, _ = present(net, x, y, np.random.default_rng(0), True)
    other = np.ones_like(spoken, bool)
    other[np.arange(len(y)), y] = False
    assert spoken[other].sum() == 0
    own = spoken[~other]
    assert own.mean() == pytest.approx(200 * 0.15, abs=4 * np.sqrt(30 / len(y)))


def test_sums_are_scaled_before_each_image_and_weights_only_grow_within_it():
    net, x, y = small(images=1)
    present(net, x * 0, y, np.random.default_rng(0), True)  # a dark image: nothing fires below, only scaling is left
    np.testing.assert_allclose(net.w1.sum(0), 0.25 * 64, rtol=1e-12)
    np.testing.assert_allclose(net.w2.sum(0), 0.1 * 8 * 16, rtol=1e-12)
    scaled = Network(*(part.copy() for part in net))
    fired, *_ = present(net, x, y, np.random.default_rng(0), True)
    assert fired.sum() > 0
    assert (net.w1 - scaled.w1).min() > -1e-12 and (net.w1 - scaled.w1).max() > 1e-3
    assert (net.w2 - scaled.w2).min() > -1e-12 and net.w1.max() <= 1 and net.w2.max() <= 8
    others = np.arange(10) != y[0]
    np.testing.assert_allclose(net.w2[:, others], scaled.w2[:, others], rtol=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_class_layer_speaks_whatever_the_number_of_classes(classes):
    data, rng = digits_split(900, 600, 0), np.random.default_rng(0)
    (x, y), (x_test, y_test) = (
        (images[rows := labels.argmax(1) < classes], labels[rows].argmax(1))
        for images, labels in ((data.x_train, data.y_train), (data.x_test, data.y_test))
    )
    net = start(36, rng, classes)
    present(net, x[:150], y[:150], rng, True)
    before = net.w2.sum()
    _, spoken, raster = present(net, x_test[:60], y_test[:60], rng, False)
    assert spoken.shape == (60, classes) and raster.shape == (36 + classes, 300) and net.w2.sum() == before
    assert (spoken.max(1) > 0).mean() > 0.9
    assert (answers(spoken) == y_test[:60]).mean() > 2 / (classes + 1)
    # all weights together are the same in the mean: each class has its share
    present(net, 0 * x[:1], y[:1], rng, True)
    np.testing.assert_allclose(net.w2.sum(0), 8 * 36 / classes, rtol=1e-12)


def test_only_a_neuron_that_spikes_tires():
    net, x, y = small(images=3)
    fired, *_ = present(net, x, y, np.random.default_rng(0), True, alpha=1.0)
    course = [20.0]
    for _ in range(fired.sum(0).max()):
        course.append(course[-1] + 10 / abs(course[-1] - 10))
    assert fired.sum() > 10
    # the decay of theta over these three images is 7.5e-5
    np.testing.assert_allclose(net.theta, np.array(course)[fired.sum(0)], rtol=3e-4)


def test_inhibition_makes_neurons_fire_apart():
    net, x, y = small()
    alone, held = (present(net, x, y, np.random.default_rng(0), False, inhibition=g)[0].sum() for g in (0.0, 30.0))
    assert held < 0.7 * alone


def test_votes_and_answers():
    counts = np.array([[9, 0, 0], [8, 1, 0], [0, 7, 0], [0, 9, 0]])
    assert votes(counts, np.array([4, 4, 2, 2]), np.array([[5, 1, 9], [0, 3, 0], [0, 0, 9]])).tolist() == [4, 2, -1]
    assert answers(np.array([[0, 0], [1, 3]])).tolist() == [-1, 1]


def test_training_is_repeatable_and_its_frames_grow():
    frames = list(train.frames(n_train=300, N_E=36))
    assert len(frames) == 12 and [f.sizes["images"] for f in frames] == list(range(1, 13))
    assert frames[-1].identical(train.run(n_train=300, N_E=36))
    raster = frames[-1].raster.values
    others = np.delete(raster[0, -10:], frames[-1].attrs["label"], axis=0)
    assert raster[0, -10:].sum() > 10 and others.sum() == 0


@pytest.mark.parametrize(
    "values",
    [
        dict(alpha=5.0),
        dict(rate=60.0, scale1=0.4, inhibition=0.0),
        dict(rate=5.0, scale1=0.1),
        dict(n_train=60, N_E=16),
    ],
)
def test_corners_are_legal(values):
    frame = train.run(**{"n_train": 300, "N_E": 36, **values})
    assert 0 <= frame.acc_supervised[-1] <= 1


@pytest.mark.parametrize(
    ("answer", "right"),
    [("0,5", True), ("1/2", True), (" 5e-1 ", True), ("50 %", True), ("0", False), ("0.6", False), ("-0.5", False)],
)
def test_an_answer_about_the_window(answer, right):
    assert (no_drift(answer) is True) == right


def test_the_window_is_tried_with_the_seed_of_the_lesson():
    drift = np.mean([float(window.run(before=-0.5, after=0.6, seed=s)["mean"][-1]) for s in range(10, 15)])
    assert f"{drift:+.2f}" in no_drift("0.6", 10) and f"{drift:+.2f}" not in no_drift("0.6", 0)
