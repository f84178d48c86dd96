"""Pulsed devices and training on them: the staircase, the rounding, the refresh, and the limit that is plain SGD."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from labcore.data import digits_split
from labcore.hebbian.electronic_synapse import (
    depress,
    exercises,
    experiments,
    fabricate,
    gradient,
    mechanism,
    potentiate,
    refresh,
    rounded,
    step,
    train,
    write,
)
from labcore.hebbian.electronic_synapse.experiments import METHODS, cancel, hwtrain
from labcore.hebbian.electronic_synapse.perceptron import HIDDEN, INPUTS, WEIGHTS, accuracy, initial
from labcore.hebbian.electronic_synapse.pulsed_device import pulses_to

DEVICES = [METHODS.index(m) for m in ("unidirectional", "pair", "halved pair", "single")]
CURVATURES = (0.0, 1e-9, 0.025, 0.1, 0.33)


@pytest.mark.parametrize("c", CURVATURES)
@pytest.mark.parametrize("steps", [8.0, 64.0, 512.0])
def test_staircase_is_the_closed_form(c, steps):
    n = np.arange(steps + 1)
    curve = n / steps if c < 1e-6 else (1 - np.exp(-n * c)) / (1 - np.exp(-steps * c))
    np.testing.assert_allclose([potentiate(0.0, k, c, steps) for k in n], curve, atol=1e-6)
    np.testing.assert_allclose([depress(1.0, k, c, steps) for k in n], 1 - curve, atol=1e-6)
    assert potentiate(0.0, steps, c, steps) == pytest.approx(1, abs=1e-12)
    if c * steps < 30:
        np.testing.assert_allclose([pulses_to(g, c, steps) for g in curve], n, atol=1e-4)


@pytest.mark.parametrize("move", [potentiate, depress])
@pytest.mark.parametrize("c", CURVATURES)
def test_many_pulses_at_once_are_many_single_pulses(move, c):
    for g in (0.0, 0.2, 0.9, 1.0):
        one = g
        for k in np.arange(1.0, 100.0):  # past both ends too
            one = move(one, 1.0, c, 64.0)
            assert move(g, k, c, 64.0) == pytest.approx(one, abs=1e-12)
            assert 0 <= one <= 1


def test_up_then_down_returns_only_on_the_straight_device():
    for c in CURVATURES:
        back = depress(potentiate(0.3, 5.0, c, 64.0), 5.0, c, 64.0)
        assert (abs(back - 0.3) < 1e-7) == (c < 1e-6)
    frame = cancel.run(curvature=0.0, ups=30, downs=30)
    assert frame.path[-1] == pytest.approx(0, abs=1e-12) and frame.path[30] == pytest.approx(30 / 64)
    # a long way up the stairs are small there, and large on the way down
    high = potentiate(0.9, 1.0, 0.1, 64.0) - 0.9, 0.9 - depress(0.9, 1.0, 0.1, 64.0)
    assert high[1] > 5 * high[0]


def test_rounding_is_right_on_average():
    u = (np.arange(10_000) + 0.5) / 10_000
    for request in (0.0, 0.013, 0.5, 1.999, 2.25):
        assert np.mean([rounded(request, 3.0, x) for x in u]) == pytest.approx(request, abs=1e-4)
    assert max(rounded(7.0, 3.0, x) for x in u) == 3


@pytest.mark.parametrize("method", DEVICES)
def test_a_straight_device_moves_by_the_request_on_average(method):
    """The plain pair moves by twice the request: the reason for the halved one."""
    n, rng = 200_000, np.random.default_rng(0)
    c = np.zeros((2, n))
    g = np.full((2, n), 0.5)
    step(method, np.full(n, 0.004), g, c, 64.0, 3.0, rng, np.zeros(4))
    moved = (g[0] - g[1]).mean() / 0.004
    assert moved == pytest.approx(2 if METHODS[method] == "pair" else 1, rel=0.02)


@pytest.mark.parametrize("c", CURVATURES)
def test_writing_lands_on_a_stair_and_on_average_on_the_target(c):
    steps = 64.0
    for g in (0.0, potentiate(0.0, 3.0, c, steps), potentiate(0.0, 40.0, c, steps), 1.0):
        for u in (0.0, 0.5, 0.999):
            assert write(g, c, steps, u)[0] == pytest.approx(g, abs=1e-9)
    u = (np.arange(10_000) + 0.5) / 10_000
    written = np.array([write(0.333, c, steps, x) for x in u])
    assert written[:, 0].mean() == pytest.approx(0.333, abs=1e-4)
    assert len(np.unique(written[:, 1])) == 2 and np.ptp(written[:, 1]) == 1


def test_refresh_keeps_what_can_be_represented_and_counts():
    steps, c = 64.0, 0.0
    high, low = np.array([60, 20, 50, 49]) / steps, np.array([50, 10, 58, 20]) / steps
    g, before, count = np.stack([high, low]), high - low, np.zeros(4)
    refresh(g, np.full((2, 4), c), steps, np.random.default_rng(0), count)
    np.testing.assert_allclose(g[0] - g[1], before, rtol=0, atol=1e-12)
    assert (g.min(0)[[0, 2, 3]] == 0).all() and g[0, 1] == 20 / steps  # one pair was not full
    assert count.tolist() == [0, 0, 3, (10 + 2) + (8 + 2) + (29 + 2)]
    curved, n = np.full((2, 2000), 0.1), 2000
    g = np.tile([[0.9], [0.8]], n)
    refresh(g, curved, steps, np.random.default_rng(0), count)
    assert (g[0] - g[1]).mean() == pytest.approx(0.1, abs=1e-3)  # between two stairs: on average


def test_unidirectional_never_steps_down():
    rng = np.random.default_rng(1)
    g = rng.random((2, 500)) * 0.7
    before, count = g.copy(), np.zeros(4)
    step(METHODS.index("unidirectional"), rng.normal(size=500), g, np.full((2, 500), 0.1), 64.0, 3.0, rng, count)
    assert (g >= before).all() and (g > before).any() and count[1] == 0
    assert ((g > before).sum(0) <= 1).all()  # one device of each pair
    frame = hwtrain.run(epochs=2, n_seeds=2)
    assert frame.spent.sel({"use": "down", "method": "unidirectional"}) == 0
    assert frame.spent.sel({"use": "refresh", "method": "unidirectional"}) > 0
    assert (frame.spent.sel({"method": "software"}) == 0).all()


def torch_gradient(x, y, w):
    w = torch.tensor(w, requires_grad=True)
    w1, w2 = w[: INPUTS * HIDDEN].reshape(INPUTS, HIDDEN), w[INPUTS * HIDDEN :].reshape(HIDDEN, 10)
    out = torch.relu(torch.tensor(x) @ w1) @ w2
    torch.nn.functional.cross_entropy(out, torch.tensor(y)).backward()
    return w.grad.numpy(), out.detach().argmax(1).numpy()


def test_gradient_is_torchs():
    split, w, g = digits_split(100, 50, 0), initial(np.random.default_rng(0)), np.empty(WEIGHTS)
    gradient(split.x_train, split.y_train, w, g)
    expected, answers = torch_gradient(split.x_train, split.y_train, w)
    np.testing.assert_allclose(g, expected, atol=1e-12)
    assert accuracy(split.x_train, split.y_train, w) == (answers == split.y_train.argmax(1)).mean()


@pytest.mark.parametrize("method", [m for m in DEVICES if METHODS[m] != "pair"])
def test_straight_devices_with_tiny_steps_are_sgd(method):
    steps, lr = 1e6, 0.01
    split = digits_split(1000, 50, 1)
    rng = np.random.default_rng(2)
    w = np.clip(initial(rng), -0.25, 0.25)  # a single device reaches only +-0.5
    c = np.zeros((2, WEIGHTS))
    g = fabricate(method, w, c, steps, rng)
    ours, g0 = g[0] - g[1], g.copy()
    np.testing.assert_allclose(ours, w, atol=3e-6)
    train(method, split.x_train, split.y_train, ours, g, c, steps, lr, 1e9, 20, 0, rng, np.zeros(4))
    for t in range(100):
        rows = slice(10 * t, 10 * t + 10)
        w = w - lr * torch_gradient(split.x_train[rows], split.y_train[rows], w)[0]
    assert np.abs(w).max() < 0.5  # no device came to an end
    assert np.abs(ours - w).max() < 1e-3
    assert np.abs(w - (g0[0] - g0[1])).max() > 0.02  # thirty times further than they differ


def test_without_refresh_every_pair_fills_up_and_nothing_is_learned():
    split, score = digits_split(1300, 400, 0), {}
    for every in (20, 10**9):
        noise, c = np.random.default_rng(1), np.full((2, WEIGHTS), 0.1)
        g = fabricate(1, initial(np.random.default_rng(0)), c, 64.0, noise)
        w = g[0] - g[1]
        for epoch in range(20):
            train(1, split.x_train, split.y_train, w, g, c, 64.0, 0.1, 3.0, every, 130 * epoch, noise, np.zeros(4))
        score[every] = accuracy(split.x_test, split.y_test, w)
    assert score[20] > 0.75 and score[10**9] < 0.5


@pytest.mark.parametrize("curvature", [0.03, 0.1])
def test_cancelling_requests_shrink_weights_as_the_theory_says(curvature):
    frame = cancel.run(curvature=curvature, pulses=128)
    early = slice(0, 20)  # before refresh and ends matter
    np.testing.assert_allclose(frame.weight[:, early], frame.theory[:, early], atol=0.03)
    q, end = np.exp(-curvature), frame.theory[:, 19] / frame.theory[:, 0]
    assert float(end.sel({"method": "unidirectional"})) == pytest.approx(((1 + q) / 2) ** 19)
    assert float(end.sel({"method": "pair"})) == pytest.approx(q**19)


def test_a_straight_device_forgets_nothing():
    frame = cancel.run(curvature=0.0, pulses=512)
    assert (frame.weight[:, -1] / frame.weight[:, 0]).values == pytest.approx(np.ones(4), abs=0.02)


def test_what_is_left_within_the_noise_is_about_nothing():
    frame = cancel.run(curvature=0.1, seed=1)
    end = frame.weight[:, -1]
    assert -0.01 < float(end.sel({"method": "pair"})) < 0 and "pair about 0%, halved pair" in frame.reading
    assert "unidirectional 4%" in frame.reading and "-" not in frame.reading


@pytest.mark.parametrize(
    "values",
    [
        dict(curvature=0.33, sigma=0.6, pulses=512),
        dict(curvature=0.33, sigma=0.6, pulses=8),
        dict(curvature=0.0, pulses=8, lr=1.0, refresh_every=5),
    ],
)
def test_corners_are_legal(values):
    frame = hwtrain.run(epochs=2, n_seeds=2, **values)
    assert frame.progress == 1 and (frame.accuracy >= 0).all()
    assert frame.devices.sum("level").values == pytest.approx(np.ones(2))


def test_a_diverging_network_says_so(monkeypatch):
    def explode(method, x, y, w, *rest):
        if method == mechanism.SOFTWARE:
            w[:] = np.nan

    monkeypatch.setattr(experiments, "train", explode)
    frames = list(hwtrain.frames(n_seeds=2, epochs=8))
    assert "diverged before step 65." in frames[-1].reading and frames[-1].progress == 1 and len(frames) == 2


# ---- exercises


def test_an_answer_about_the_pair(monkeypatch):
    run = lru_cache(maxsize=None)(hwtrain.run)  # once a rate
    monkeypatch.setattr(exercises, "hwtrain", SimpleNamespace(run=run))
    for text in ("0.02", "0,02", " 2e-2 ", "2 %", "1/50"):
        assert exercises.pair_repaired(text) is True
    assert "the plain pair reaches" in exercises.pair_repaired("0.1")
    with pytest.raises(ValueError, match="is not a number"):
        exercises.pair_repaired("")


@pytest.mark.parametrize("text", ["0.0234", "0,0234", " 2.34 % ", "234e-4", "3/128"])
def test_an_answer_about_what_is_left(text):
    assert exercises.half_forgotten(text) is True


@pytest.mark.parametrize("text", ["0.03", "0.018", "0"])
def test_a_wrong_answer_about_what_is_left(text):
    assert exercises.half_forgotten(text).startswith("With this curvature ")
