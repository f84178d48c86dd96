"""Spikes that are taken back: every short current by brute force, a slow network, and the bounds at their edge."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.spiking.staircase import staircase
from labcore.spiking.crnn_conversion import (
    KINDS,
    Range,
    Weights,
    count_range,
    enough,
    pour,
    quantise,
    quantised,
    spiking,
    sure,
)
from labcore.spiking.crnn_conversion import experiments as papers
from labcore.spiking.crnn_conversion.digits import Quantised, train, twins
from labcore.spiking.crnn_conversion.exercises import before_it_fires, certainly, in_the_end

RANGES = [Range(0, 3), Range(0, 1), Range(-2, 1), Range(-1, 2), Range(0, 7)]


def padded(currents, steps):
    """Currents (n, L) as columns of `steps` rows."""
    out = np.zeros((steps, len(currents)))
    out[: currents.shape[1]] = currents.T
    return out


@pytest.mark.parametrize("levels", RANGES)
def test_every_short_current_ends_on_its_rounded_sum(levels):
    theta = 0.5
    currents = theta * np.array(list(product([-1, -0.5, 0, 0.5, 1], repeat=4)))
    spikes, charge = pour(padded(currents, enough(4, *levels)), theta, *levels)
    assert np.array_equal(theta * spikes.sum(0), quantise(currents.sum(1), theta, *levels))
    assert np.array_equal(charge[-1], theta / 2 + currents.sum(1) - theta * spikes.sum(0)), "no charge is lost"


@pytest.mark.parametrize("levels", RANGES[:4])
@pytest.mark.parametrize("arrives", [1, 2, 3, 4])
def test_enough_steps_are_enough_and_one_less_is_not(levels, arrives):
    currents = np.array(list(product(np.arange(-6.0, 7), repeat=arrives)))[:: 1 + 4 * (arrives > 3)]
    flood = np.array([[*[v] * (arrives - 1), -v * 10] for v in (-6, 0, 6)] + [[0] * (arrives - 1) + [9]])
    currents, steps = np.concatenate([currents, flood]), enough(arrives, *levels)
    wanted = quantise(currents.sum(1), 1.0, *levels)

    def right(n):
        return np.array_equal(pour(padded(currents, max(n, arrives))[:n], 1.0, *levels)[0].sum(0), wanted)

    assert right(steps) and right(steps + 5)
    assert steps == 1 or not right(steps - 1)


def test_any_order_leaves_the_same_count():
    rng = np.random.default_rng(0)
    current = rng.integers(-32, 40, (12, 1)) / 16
    levels = count_range(4, signed=True)
    shuffled = np.stack([rng.permutation(current[:, 0]) for _ in range(200)])
    ends = pour(padded(shuffled, enough(12, *levels)), 1.0, *levels)[0].sum(0)
    assert len(set(ends)) == 1
    ordinary = pour(padded(shuffled, enough(12, *levels)), 1.0, *levels, "soft")[0].sum(0)
    assert len(set(ordinary)) > 1, "without -1 the order would not matter either"


def test_a_constant_current_is_fired_as_a_rate():
    current = np.tile(np.arange(65) / 64, (40, 1))
    fired = pour(current, 1.0, 0, 4096, "soft")[0].cumsum(0)
    assert np.array_equal(fired, np.floor(current.cumsum(0) + 0.5))


def test_the_three_neurons_step_by_step():
    current = np.array([[2.25], [-3.0], [0.0], [0.5]])
    spikes, charge = pour(current, 1.0, 0, 3)
    assert spikes[:, 0].tolist() == [1, -1, 0, 0] and charge[:, 0].tolist() == [1.75, -0.25, -0.25, 0.25]
    spikes, charge = pour(current, 1.0, 0, 3, "soft")
    assert spikes[:, 0].tolist() == [1, 0, 0, 0] and charge[:, 0].tolist() == [1.75, -1.25, -1.25, -0.75]
    spikes, charge = pour(current, 1.0, 0, 3, "hard")
    assert spikes[:, 0].tolist() == [1, 0, 0, 0] and charge[:, 0].tolist() == [0, -3, -3, -2.5]
    full, _ = pour(np.full((9, 1), 2.0), 1.0, 0, 3)
    assert full.sum() == 3, "it counts to its highest and no further"


def test_halves_are_rounded_up():
    z = np.array([-1.5, -0.5, 0.5, 1.5, 2.5])
    assert quantise(z, 1.0, -3, 3).tolist() == [-1, 0, 1, 2, 3]
    assert torch.round(torch.tensor(z)).tolist() != [-1, 0, 1, 2, 3], "that of torch rounds halves to even numbers"


def slowly(front, drive, weights, front_range, state_range, steps, spread, canonical):
    """One sequence as the text says it: lists of spikes, no kernel."""
    states, sent, before = [], 0, np.zeros((steps, len(weights.u)))
    for n in range(len(drive)):
        v, v_front = np.full(len(weights.u), weights.theta / 2), np.full(len(weights.w), weights.theta_front / 2)
        s, s_front, now = np.zeros(len(v)), np.zeros(len(v_front)), []
        for t in range(steps):
            share = 1 / spread if t < spread else 0
            h = v_front + share * front[n]
            o = np.where((h >= weights.theta_front) & (s_front < front_range.high), 1,
                         np.where((h < 0) & (s_front > 0), -1, 0))  # fmt: skip
            v_front, s_front = h - weights.theta_front * o, s_front + o
            current = share * drive[n] + weights.theta_front * o @ weights.w + weights.theta * before[t] @ weights.u
            sent += np.abs(o).sum() + np.abs(before[t]).sum()
            h = v + current
            o = np.where((h >= weights.theta) & (s < state_range.high), 1,
                         np.where((h < 0) & (s > state_range.low), -1, 0))  # fmt: skip
            v, s = h - weights.theta * o, s + o
            now.append(o)
        before = np.array(now)
        if canonical:
            before = np.array([np.where(np.abs(s) > t, np.sign(s), 0) for t in range(steps)])
        states.append(s)
    return np.array(states), sent


def network(rng, signed, n_front=5, units=9, elements=12):
    levels = count_range(3, signed)
    weights = Weights(rng.integers(-700, 700, (n_front, units)) / 1024, rng.integers(-500, 500, (units, units)) / 1024,
                      0.25, 0.5)  # fmt: skip
    front = rng.integers(-500, 1800, (2, elements, n_front)) / 1024
    return front, rng.integers(-900, 900, (2, elements, units)) / 1024, weights, count_range(2), levels


@pytest.mark.parametrize("hand_over", ["canonical", "replay"])
@pytest.mark.parametrize("signed", [False, True])
def test_the_kernel_is_the_slow_network_at_every_number_of_steps(hand_over, signed):
    front, drive, *rest = network(np.random.default_rng(1), signed)
    for steps in (1, 3, 6, 11):
        got = spiking(front, drive, *rest, steps, spread=2, hand_over=hand_over)
        slow = [slowly(f, d, *rest, steps, 2, hand_over == "canonical") for f, d in zip(front, drive, strict=True)]
        assert np.array_equal(got.state, [s for s, _ in slow])
        assert got.front_spikes + got.state_spikes == sum(n for _, n in slow)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("spread", [1, 2, 4])
def test_with_enough_steps_the_twins_are_equal_bit_for_bit(signed, spread):
    for seed in range(8):
        front, drive, weights, low, high = network(np.random.default_rng([seed, 2]), signed, units=24, elements=60)
        q, h = quantised(front, drive, weights, low, high)
        got = spiking(front, drive, weights, low, high, sure(low, high, spread), spread=spread)
        assert np.array_equal(weights.theta_front * got.front, q)
        assert np.array_equal(weights.theta * got.state, h)
        assert len(np.unique(got.state)) > 5, "the states say something"


def test_one_step_less_than_sure_is_not_enough():
    levels = count_range(3)
    # two units hold 6 and 7; what they hand on cancels in the third, until the seventh spike comes alone
    u = np.zeros((3, 3))
    u[0, 2], u[1, 2] = -8, 8
    drive = np.zeros((1, 2, 3))
    drive[0, 0] = 6, 7, 0
    weights = Weights(np.zeros((0, 3)), u, 1.0, 1.0)
    none = np.zeros((1, 2, 0))
    _, h = quantised(none, drive, weights, Range(0, 1), levels)
    steps = sure(None, levels)
    assert h[0, 1, 2] == 7 and steps == 13
    assert spiking(none, drive, weights, Range(0, 1), levels, steps).state[0, 1, 2] == 7
    assert spiking(none, drive, weights, Range(0, 1), levels, steps - 1).state[0, 1, 2] == 6


def test_replay_takes_longer_with_every_element():
    frame = papers.sequence.run(hand_over="replay", length=100, seed=3)
    first_right = [int(np.flatnonzero(frame.wrong[:, n].values).max(initial=-1)) + 2 for n in (0, 30, 99)]
    assert first_right[0] < first_right[1] < first_right[2]


def test_backward_is_a_learned_step_size():
    z = torch.tensor([-1.0, 0.3, 0.9, 5.0], dtype=torch.float64, requires_grad=True)
    theta = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    out = staircase(z, theta, 0, 3)
    assert out.tolist() == [0, 0.5, 1.0, 1.5] == quantise(z.detach().numpy(), 0.5, 0, 3).tolist()
    out.sum().backward()
    assert z.grad.tolist() == [0, 1, 1, 0]
    inside = sum(np.floor(v / 0.5 + 0.5) - v / 0.5 for v in (0.3, 0.9))
    assert float(theta.grad) == pytest.approx(0 + inside + 3)


@pytest.fixture(scope="module")
def trained():
    data = digit_batches([[3, 0]], 60)
    *_, (_, net) = train(data, np.random.default_rng(3), units=24, bits=3, signed=False, rate=3e-3, every=60)
    return net, data.x_test[0, :80]


def test_the_twins_are_the_trained_network(trained):
    net, x = trained
    both = twins(net)
    copy = Quantised(24, 3, False, np.random.default_rng(0)).double()
    numbers = dict(filters=both.filters.reshape(8, 4, 8)[:3, :, 1], filters_b=both.filters_b[::8], b=both.b,
                   w=both.weights.w, u=both.weights.u, out=both.out, out_b=both.out_b)  # fmt: skip
    numbers |= dict(log_front=np.log(both.weights.theta_front), log_state=np.log(both.weights.theta))
    copy.load_state_dict({name: torch.tensor(v) for name, v in numbers.items()})
    rows = F.conv1d(x.double().view(-1, 1, 8), copy.filters.T[:, None], copy.filters_b, padding=1)
    front, _ = both.currents(x.double().numpy())
    assert front == pytest.approx(rows.detach().numpy().reshape(front.shape), abs=1e-12)
    states, read = both.quantised(x.double().numpy())
    assert np.array_equal(copy(x.double()).argmax(1).numpy(), read)
    assert np.array_equal((1024 * both.weights.u).round(), 1024 * both.weights.u), "sums are exact in any order"


def test_additions_and_products_are_counted_one_by_one(trained):
    net, x = trained
    both, x = twins(net), x[:3].double().numpy()
    _, _, got = both.spiking(x, 16, "bipolar", "canonical")
    front, drive = both.currents(x)
    sent = sum(slowly(f, d, both.weights, both.front_range, both.state_range, 16, 1, True)[1]
               for f, d in zip(front, drive, strict=True))  # fmt: skip
    assert both.additions(got, 3) == pytest.approx((24 * sent + 10 * np.abs(got.state[:, -1]).sum()) / 3)
    q, h = quantised(front, drive, both.weights, both.front_range, both.state_range)
    count = 24 * sum(v != 0 for v in [*q.ravel(), *h[:, :-1].ravel()]) + 10 * sum(v != 0 for v in h[:, -1].ravel())
    assert both.products(x) == pytest.approx(count / 3)


def test_what_is_not_allowed_is_named():
    with pytest.raises(ValueError, match="theta = 0"):
        quantise(np.zeros(1), 0, 0, 1)
    with pytest.raises(ValueError, match="theta"):
        pour(np.zeros((2, 1)), 0.0, 0, 3)
    with pytest.raises(ValueError, match="low, high = 1, 3"):
        quantise(np.zeros(1), 1.0, 1, 3)
    with pytest.raises(ValueError, match="kind = 'leaky'"):
        pour(np.zeros((2, 1)), 1.0, 0, 3, "leaky")
    with pytest.raises(ValueError, match="current"):
        pour(np.full((2, 1), np.nan), 1.0, 0, 3)
    with pytest.raises(ValueError, match="bits = 1"):
        count_range(1, signed=True)
    with pytest.raises(ValueError, match="arrives = 0"):
        enough(0, 0, 3)
    front, drive, weights, low, high = network(np.random.default_rng(0), False)
    with pytest.raises(ValueError, match="hand_over = 'later'"):
        spiking(front, drive, weights, low, high, 4, hand_over="later")
    with pytest.raises(ValueError, match="front_range"):
        spiking(front, drive, weights, Range(-1, 2), high, 4)
    with pytest.raises(ValueError, match="steps"):
        spiking(front, drive, weights, low, high, 0)
    with pytest.raises(ValueError, match="u"):
        spiking(front, drive, weights._replace(u=weights.u[:3]), low, high, 4)
    assert len(KINDS) == 3


def test_an_answer_is_right_however_it_is_written():
    assert in_the_end("2") is in_the_end("2,0") is in_the_end("4/2") is True
    assert "cannot take" in in_the_end("4") and in_the_end("1") is False
    assert before_it_fires("3") is before_it_fires("step = 3") is before_it_fires("6/2") is True
    assert "later" in before_it_fires("1") and "fired 3 times" in before_it_fires("9")
    assert certainly("18") is certainly("18,0") is certainly("36/2") is True
    assert "too early" in certainly("15") and "fewer" in certainly("30")
