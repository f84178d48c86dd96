"""Four roads to a spiking classifier: closed forms, a scan over all of time, operations counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.primitives.spiking.encoders import latency
from labcore.spiking.spiking_review import count, events, first_spikes, learn, roads
from labcore.spiking.spiking_review.conversion import scale_of, staircase
from labcore.spiking.spiking_review.costs import costs, fired, said, timed
from labcore.spiking.spiking_review.exercises import as_much_as_products, close_enough, how_often
from labcore.spiking.spiking_review.networks import OneHidden, rounded
from labcore.spiking.spiking_review.plasticity import Events, apart, first_weights

SETTING = roads.Setting(20, 100, "float32", ((3, 0), (3, 1)))


def held(current: np.ndarray, steps: int) -> np.ndarray:
    return np.repeat(current[None], steps, 0)


def test_a_constant_current_is_counted_and_rounded():
    a = np.arange(65) / 64  # whole 64ths, so that no sum is rounded
    fired_so_far = count(held(a, 64)).spikes.cumsum(0)
    for steps in range(1, 65):
        assert np.array_equal(fired_so_far[steps - 1], np.floor(a * steps + 0.5))
        assert np.array_equal(fired_so_far[steps - 1] / steps, staircase(a, steps))
    outside = np.array([-0.5, 1.5])
    assert count(held(outside, 16)).spikes.mean(0).tolist() == staircase(outside, 16).tolist() == [0, 1]


def test_a_spike_that_empties_the_neuron_loses_what_was_above():
    a = np.array([0.6, 0.9, 0.5])
    assert count(held(a, 64), 0.5, hard=True).spikes.mean(0) == pytest.approx([0.5, 0.5, 0.5], abs=1 / 64)
    assert count(held(a, 64)).spikes.mean(0) == pytest.approx(a, abs=1 / 128)


def test_the_scale_is_a_percentile_of_what_is_above_zero():
    assert scale_of(np.array([[0.0, 0, 0, 1], [2, 3, 4, 5]]), 50) == 3
    assert scale_of(np.zeros((2, 2)), 99) == 1


def test_the_converted_network_is_its_closed_form():
    ends, data = roads.converted(SETTING, 12, 0.5, 99.9), roads.data_of(100, SETTING.seeds)
    net = roads._trained(SETTING)
    for i in range(2):
        w, b, v, c = (p.detach().numpy()[i] for p in (net.hidden.weight, net.hidden.bias, net.out.weight, net.out.bias))
        scale = scale_of(np.maximum(data.x[i].numpy() @ w + b, 0), 99.9)
        current = (data.x_test[i].numpy() @ w + b) / scale
        for steps in (1, 5, 12):
            rate = staircase(current.astype(float), steps)
            right = ((scale * rate @ v + c).argmax(-1) == data.y_test[i].numpy()).mean()
            assert ends[steps - 1].right[i] == pytest.approx(right, abs=0.005)
            # a rate at the edge of a step may be rounded either way
            assert ends[steps - 1].work[i].additions == pytest.approx(10 * steps * rate.sum() / 500, rel=2e-3)
    ordinary = roads.network(SETTING)
    assert abs(ends[-1].right - ordinary.right).max() < 0.05 and ordinary.right.min() > 0.8


def scan(weights, thresholds, x, steps, plus, minus, floor):
    """The same rule as a scan over every step, pixel and neuron; returns the winners and their steps."""
    out = []
    for image in x:
        spikes, v = latency(image, steps), np.zeros(weights.shape[1])
        who = when = -1
        for t in range(steps):
            v = v + spikes[t] @ weights
            if (v >= thresholds).any():
                who, when = int((v - thresholds).argmax()), t
                before = spikes[: t + 1].sum(0) > 0
                w = weights[:, who].copy()
                weights[:, who] += np.where(before, plus, -minus) * w * (1 - w)
                break
        thresholds -= 1 / weights.shape[1]
        if who >= 0:
            thresholds[who] += 1
        np.maximum(thresholds, floor, out=thresholds)
        out.append((who, when))
    return np.array(out).T


def images(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.random((n, 20)) * (rng.random((n, 20)) < 0.7)
    x[n // 2] = 0
    return x


@pytest.mark.parametrize(("steps", "minus"), [(1, 0.1), (5, 0.05), (16, 0.2)])
def test_the_list_of_events_is_the_scan_over_time(steps, minus):
    x, start = images(150), first_weights(np.random.default_rng(1), 20, 7)
    ours, theirs = (start.copy(), np.full(7, 2.0)), (start.copy(), np.full(7, 2.0))
    got = learn(*ours, events(x, steps), 0.1, minus, 2.0)
    want = scan(*theirs, x, steps, 0.1, minus, 2.0)
    assert np.array_equal(got, want) and (got[0] >= 0).sum() > 50 and len(np.unique(got[0])) == 8
    assert ours[0] == pytest.approx(theirs[0], abs=1e-12) and ours[1] == pytest.approx(theirs[1], abs=1e-12)
    # shown in two parts it is the same
    parts, both = (start.copy(), np.full(7, 2.0)), events(x, steps)
    for a, b in ((0, 40), (40, 150)):
        learn(*parts, both.of(a, b), 0.1, minus, 2.0)
    assert np.array_equal(parts[0], ours[0])


def test_one_image_by_hand():
    w = np.array([[0.5, 0.25], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]])
    thresholds = np.array([1.0, 1.0])
    x = np.array([[1.0, 0.75, 0.5, 0.0]])  # pixels 0, 1, 2 spike in steps 0, 1, 2; pixel 3 never
    winner, step = learn(w, thresholds, events(x, 4), 0.1, 0.2, 0.5)
    assert winner.tolist() == [0] and step.tolist() == [1]
    assert w[:, 0] == pytest.approx([0.525, 0.525, 0.45, 0.45]) and w[:, 1].tolist() == [0.25, 0.5, 0.5, 0.5]
    assert thresholds == pytest.approx([1 + 1 - 0.5, 0.5])


def test_only_the_order_of_spikes_counts():
    x, start = images(80), first_weights(np.random.default_rng(1), 20, 7)
    seen = events(x, 8)
    stretched = Events(seen.pixels, seen.steps**2 + 3, seen.starts)
    backward = events(np.where(x > 0, 1 - x + 1e-3, 0).clip(0, 1), 8)  # the same pixels, the dark ones first
    made = []
    for shown in (seen, stretched, backward):
        w, thresholds = start.copy(), np.full(7, 2.0)
        learn(w, thresholds, shown, 0.1, 0.1, 2.0)
        made.append(w)
    assert np.array_equal(made[0], made[1])
    assert abs(made[0] - made[2]).max() > 0.1, "a rule of who is bright with whom would not see the difference"


def test_weights_stay_inside_and_nobody_answers_a_black_image():
    w, thresholds = first_weights(np.random.default_rng(1), 20, 7), np.full(7, 2.0)
    for _ in range(40):
        winner, step = learn(w, thresholds, events(images(100), 8), 0.9, 0.9, 2.0)
    assert 0 <= w.min() < 0.01 and 0.99 < w.max() <= 1
    assert winner[50] == step[50] == -1
    black = np.zeros((3, 20))
    before = w.copy()
    assert learn(w, thresholds, events(black, 8), 0.1, 0.1, 2.0)[0].tolist() == [-1] * 3 and np.array_equal(w, before)
    assert (roads.earliness(w, thresholds, black, 8) == 0).all()


def test_without_silence_all_who_reach_their_threshold_learn():
    x, start = images(1), first_weights(np.random.default_rng(1), 20, 7)
    x[0] = 1.0
    alone, all_of_them = start.copy(), start.copy()
    learn(alone, np.full(7, 2.0), events(x, 8), 0.1, 0.1, 2.0)
    learn(all_of_them, np.full(7, 2.0), events(x, 8), 0.1, 0.1, 2.0, compete=False)
    assert (alone != start).any(0).sum() == 1 and (all_of_them != start).any(0).sum() == 7


def test_first_spikes_are_where_the_sum_reaches_the_threshold():
    x, w = images(60), first_weights(np.random.default_rng(1), 20, 7)
    thresholds = np.linspace(1, 6, 7)
    v = (latency(x, 9).astype(float) @ w).cumsum(0)
    reached = v >= thresholds
    want = np.where(reached.any(0), reached.argmax(0), 9)
    assert np.array_equal(first_spikes(w, thresholds, events(x, 9), 9), want) and len(np.unique(want)) > 5


@pytest.mark.parametrize(
    ("change", "said_so"),
    [
        (dict(pixels=np.array([0, 9])), "pixels"),
        (dict(starts=np.array([0, 3])), "starts"),
        (dict(steps=np.array([0, 1, 2])), "steps"),
    ],
)
def test_events_that_would_read_past_an_end_are_refused(change, said_so):
    good = Events(np.array([0, 1]), np.array([0, 1]), np.array([0, 2]))._replace(**change)
    with pytest.raises(ValueError, match=said_so):
        learn(np.full((4, 2), 0.5), np.ones(2), good, 0.1, 0.1, 1.0)


def test_distance_is_zero_for_equal_fields_and_one_for_fields_that_share_nothing():
    assert apart(np.ones((4, 3))) == pytest.approx(0) and apart(np.eye(4)) == pytest.approx(1)


def test_operations_are_counted_one_by_one():
    rng = np.random.default_rng(0)
    x, spikes = rng.random((3, 4)), (rng.random((5, 3, 6)) < 0.4).astype(np.float32)
    for t, work in enumerate(fired(x, spikes)):
        additions = sum(10 for s in range(t + 1) for b in range(3) for k in range(6) if spikes[s, b, k])
        assert work.products == 4 * 6 and work.additions == pytest.approx(additions / 3)
        assert work.moved == pytest.approx(4 * 6 + additions / 3 + 2 * (6 + 10) * (t + 1))
    plain = said(x, rng.random((3, 6)))
    assert tuple(plain) == (4 * 6 + 6 * 10, 0, 4 * 6 + 6 * 10 + 2 * 16)
    x[0, :3] = 0
    early = timed(x, rng.random((3, 6)), 7)
    assert early.additions == pytest.approx((12 - 3) * 6 / 3) and early.products == 60
    assert early.moved == pytest.approx(early.additions + 60 + 2 * 6 * 7 + 2 * 10)
    assert costs(plain, "float32") == pytest.approx((84, 84 * 4.6e-3, 84 * 4.6e-3 + 116 * 5e-3))


def test_units_of_one_bit_say_all_or_nothing_and_of_two_four_things():
    net = OneHidden([[0, 0]], 30)
    current = torch.linspace(-1, 4, 101)[None, :, None]
    levels = [torch.unique(net.few_bits(b)(current)).tolist() for b in (1, 2)]
    assert levels[0] == pytest.approx([0, 2]) and levels[1] == pytest.approx([0, 2 / 3, 4 / 3, 2])


def test_eight_bits_are_whole_numbers_up_to_127():
    w = torch.tensor(np.random.default_rng(0).normal(size=(2, 5, 4)))
    unit = w.abs().amax((1, 2), keepdim=True) / 127
    whole = rounded(w) / unit
    assert torch.allclose(whole, whole.round(), atol=1e-9) and whole.abs().amax() == pytest.approx(127)
    assert (rounded(w) - w).abs().max() <= unit.max() / 2 + 1e-12


def test_an_answer_is_right_however_it_is_written():
    assert how_often("2") is how_often("2,0") is how_often("4/2") is True
    assert "rounded" in how_often("1")
    assert close_enough("50") is close_enough("50.0") is close_enough("100/2") is True
    assert "fewer" in close_enough("100") and "off by" in close_enough("10")
    assert as_much_as_products("1627") is as_much_as_products("1.627e3") is as_much_as_products("9600/5.9") is True
    assert "memory" in as_much_as_products("5111") and as_much_as_products("1000") is False
