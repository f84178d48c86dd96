"""What several spiking papers use: codes, events, operations, staircases; each against a loop or a closed form."""

import numpy as np
import pytest
import torch

from labcore.data import digits_split
from labcore.primitives.spiking import operations as ops
from labcore.primitives.spiking.encoders import latency, latency_steps, poisson
from labcore.primitives.spiking.events import CHANNELS, digit_events
from labcore.primitives.spiking.staircase import staircase


def test_a_bright_pixel_spikes_often_and_early():
    x = np.array([0.0, 0.25, 1.0])
    spikes = poisson(x, 4000, np.random.default_rng(0))
    assert spikes.dtype == np.float32 and spikes.shape == (4000, 3)
    np.testing.assert_allclose(spikes.mean(0), x, atol=4 * 0.5 / 4000**0.5)
    np.testing.assert_array_equal(latency_steps(x, 8), [8, 6, 0])
    assert latency(x, 8).sum(0).tolist() == [0, 1, 1] and latency(x, 8)[6, 1] == 1
    # k / T spikes in step T - k for every T: 1 - x is rounded, the step is not
    for steps in range(1, 65):
        k = np.arange(1, steps + 1)
        np.testing.assert_array_equal(latency_steps(k / steps, steps), steps - k)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: poisson(np.array([1.5]), 4, np.random.default_rng(0)), "from 0 to 1"),
        (lambda: poisson(np.array([np.nan]), 4, np.random.default_rng(0)), "from 0 to 1"),
        (lambda: latency(np.array([0.5]), 0), "steps = 0"),
        (lambda: poisson(np.array([0.5]), 4, np.random.default_rng(0), -1), "gain = -1"),
        (lambda: digit_events(np.zeros((2, 64)), "film", 8, np.random.default_rng(0)), "rate, scan, moving"),
        (lambda: digit_events(np.zeros((2, 64)), "scan", 7, np.random.default_rng(0)), "at least 8"),
        (lambda: digit_events(np.zeros((2, 63)), "rate", 7, np.random.default_rng(0)), r"\(2, 63\)"),
        (lambda: digit_events(np.full((2, 64), 2.0), "moving", 7, np.random.default_rng(0)), "from 0 to 1"),
        (lambda: ops.dense(np.array([0.5]), 3), "kind='analog'"),
        (lambda: ops.dense(np.array([-1.0]), 3), "kind='analog'"),
        (lambda: ops.dense(np.array([1.0]), 0), "fan_out = 0"),
        (lambda: ops.dense(np.array([1.0]), 1, "ternary"), "spikes, analog"),
        (lambda: ops.conv(np.ones((2, 4, 4)), (4, 3, 3, 3)), "does not fit"),
        (lambda: ops.conv(np.ones((2, 2, 2)), (4, 2, 3, 3)), "finds no place"),
        (lambda: ops.Work().energy("int4"), "float32, int8"),
        (lambda: staircase(torch.ones(1), torch.ones(1), 2, 1), "low = 2"),
    ],
)
def test_what_is_not_allowed_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize("mode", CHANNELS)
def test_events_are_zeros_and_ones_and_follow_their_seed(mode):
    x = digits_split(1, 20, 0).x_test
    a, b, c = (digit_events(x, mode, 12, np.random.default_rng(s)) for s in (0, 0, 1))
    assert a.shape == (12, 20, CHANNELS[mode]) and set(np.unique(a)) == {0.0, 1.0}
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    # a black image has nothing to say
    assert not digit_events(np.zeros_like(x), mode, 12, np.random.default_rng(0)).any()


def test_a_scan_shows_one_column_at_a_time():
    x = np.zeros((1, 8, 8))
    x[0, 2, 5] = 1
    spikes = digit_events(x.reshape(1, 64), "scan", 26, np.random.default_rng(0))
    assert np.argwhere(spikes[:, 0]).tolist() == [[15, 2], [16, 2], [17, 2]]


def test_a_moving_pixel_lights_where_it_arrives_and_darkens_where_it_was():
    x = np.zeros((1, 8, 8))
    x[0, 3, 3] = 1
    spikes = digit_events(x.reshape(1, 64), "moving", 30, np.random.default_rng(3))[:, 0].reshape(30, 2, 12, 12)
    assert (spikes.sum((2, 3)) == 1).all()
    arrived, left = (np.argwhere(spikes[:, k])[:, 1:] for k in range(2))
    np.testing.assert_array_equal(arrived[:-1], left[1:])
    # a step is one pixel along each axis, and the digit stays in the frame
    assert (np.abs(np.diff(arrived, axis=0)) == 1).all() and arrived.min() == 3 and arrived.max() == 7


def loop(x, weight, stride, padding, groups):
    """Additions of a convolution, one by one."""
    out, per, kh, kw = weight
    channels, height, width = x.shape
    n = 0.0
    for o in range(out):
        for c in range(per):
            channel = o // (out // groups) * per + c
            for r in range((height + 2 * padding - kh) // stride + 1):
                for s in range((width + 2 * padding - kw) // stride + 1):
                    for i in range(kh):
                        for j in range(kw):
                            a, b = r * stride - padding + i, s * stride - padding + j
                            n += x[channel, a, b] if 0 <= a < height and 0 <= b < width else 0
    return n


@pytest.mark.parametrize(
    ("channels", "weight", "stride", "padding", "groups"),
    [(2, (3, 2, 3, 3), 1, 1, 1), (2, (4, 2, 3, 3), 2, 1, 1), (4, (4, 1, 3, 3), 1, 0, 4), (4, (2, 2, 1, 1), 1, 0, 2)],
)
def test_additions_are_those_of_a_loop(channels, weight, stride, padding, groups):
    x = np.random.default_rng(0).integers(0, 3, (channels, 5, 6)).astype(float)
    assert ops.conv(x, weight, stride, padding, groups).additions == loop(x, weight, stride, padding, groups)
    every = ops.conv(x, weight, stride, padding, groups, "analog")
    assert every.products == loop(np.ones_like(x), weight, stride, padding, groups)


def test_work_adds_up_and_memory_costs_more_than_adding():
    spikes = np.array([[1.0, 0, 1, 0], [0, 0, 2, 0]])
    work = ops.dense(spikes, 3) + ops.neurons(3, 2)
    assert work == ops.Work(0, 12, 12 + 12)
    assert work.energy(memory=False) == pytest.approx(12 * 0.9) and work.energy() == pytest.approx(12 * 0.9 + 24 * 5)
    assert ops.dense(spikes, 3, "analog") == ops.Work(24, 0, 24)
    assert (work + work).each(2) == work
    with pytest.raises(ValueError, match="n = 0"):
        work.each(0)


def test_a_staircase_is_flat_forward_and_straight_backward():
    z = torch.tensor([-1.0, 0.24, 0.25, 0.8, 5.0], dtype=torch.float64, requires_grad=True)
    theta = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    out = staircase(z, theta, 0, 3)
    assert out.tolist() == [0, 0, 0.5, 1.0, 1.5]
    out.sum().backward()
    assert z.grad.tolist() == [0, 1, 1, 1, 0]
    # the clipped end moves with theta, the rest by its rounding error (in steps)
    assert theta.grad.item() == pytest.approx(0 - 0.48 + 0.5 + 0.4 + 3)
