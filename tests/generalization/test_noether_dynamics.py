"""Symmetries under real steps: Pythagoras, torch's optimizer, predictions in closed form, charges to the last digit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.data import digits_split
from labcore.generalization.noether_dynamics import (
    charges,
    descend,
    flow_norm,
    ring,
    settled_rate,
    velocity_norm,
)
from labcore.generalization.noether_dynamics import experiments as papers
from labcore.generalization.noether_dynamics import view as pictures
from labcore.generalization.noether_dynamics.exercises import a_decay_for_a_turn, a_hundred_times_the_loss
from labcore.generalization.noether_dynamics.normalized_net import ARMS, Start, train


def drawn(steps, d=6, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=d), rng.normal(size=d), noise * rng.normal(size=(steps, d))


def test_the_loss_sees_only_the_direction():
    """The compiled gradient is that of 1/2 u.(A + N) u, across q, and half as long for q twice as long."""
    start, bend, grain = drawn(1)
    path = descend(start, bend, grain, 1e-3, 0.0)
    gradient = (path.q[0] - path.q[1]) / 1e-3
    # a symmetric N with N u = grain on what lies across u: u g' + g u'
    u = start / np.linalg.norm(start)
    across = grain[0] - u * (u @ grain[0])
    n = torch.tensor(np.outer(u, across) + np.outer(across, u))
    q = torch.tensor(start, requires_grad=True)
    v = q / q.norm()
    (0.5 * v @ (torch.diag(torch.tensor(bend)) + n) @ v).backward()
    assert gradient == pytest.approx(q.grad.numpy(), rel=1e-9, abs=1e-9)
    assert abs(gradient @ start) < 1e-10
    assert path.gradient[0] == pytest.approx(gradient @ gradient, rel=1e-9)
    twice = descend(2 * start, bend, grain, 1e-3, 0.0)
    assert (twice.q[0] - twice.q[1]) / 1e-3 == pytest.approx(gradient / 2, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("eta", "decay"), [(0.05, 0.02), (0.3, 0.0), (0.5, 0.1)])
def test_every_step_is_a_right_triangle(eta, decay):
    start, bend, grain = drawn(2000)
    path = descend(start, bend, grain, eta, decay)
    rho = np.empty(2001)
    rho[0] = path.length[0]
    for t in range(2000):
        rho[t + 1] = (1 - eta * decay) ** 2 * rho[t] + eta**2 * path.gradient[t]
    assert rho == pytest.approx(path.length, rel=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_descent_is_torchs(momentum):
    start, bend, grain = drawn(300)
    ours = descend(start, bend, grain, 0.05, 0.02, momentum, 3.0).q
    q = torch.tensor(start, requires_grad=True)
    rule = torch.optim.SGD([q], lr=0.05, momentum=momentum, weight_decay=0.02)
    a, grain = torch.tensor(bend), torch.tensor(grain)
    for t in range(300):
        rule.zero_grad()
        u = q / q.norm()
        across = grain[t] - u.detach() * (u.detach() @ grain[t])
        loss = 3 * (0.5 * (u * a) @ u + u @ across)
        loss.backward()
        rule.step()
        assert ours[t + 1] == pytest.approx(q.detach().numpy(), rel=1e-10, abs=1e-12)


def test_predictions_are_the_integral():
    """For a constant speed the integral is known; without decay it is a sum; without speed decay is all there is."""
    eta, k, m, v2, steps = 0.1, 0.05, 0.6, 2.0, 400
    t, friction, mass = eta * np.arange(steps + 1), 1 - m, eta * (1 + m) / 2
    known = 3.0 * np.exp(-2 * k * t / friction) + mass * v2 / k * (1 - np.exp(-2 * k * t / friction))
    assert velocity_norm(3.0, np.full(steps, v2), eta, k, m) == pytest.approx(known, rel=1e-10)
    speed = np.random.default_rng(0).random((50, 3))
    summed = np.array([1.0, 2.0, 3.0]) + eta**2 * np.vstack([np.zeros(3), np.cumsum(speed, 0)])
    assert velocity_norm(np.array([1.0, 2.0, 3.0]), speed, eta, 0.0) == pytest.approx(summed, rel=1e-12)
    still = velocity_norm(2.0, np.zeros(50), eta, k)
    assert still == pytest.approx(flow_norm(2.0, 50, eta, k)) and still[-1] == pytest.approx(
        2 * np.exp(-2 * k * eta * 50)
    )


def test_the_ring_is_where_steps_and_decay_balance():
    eta, k, g2 = 0.05, 0.02, 0.7
    rho = ring(eta, k, g2)
    assert (1 - eta * k) ** 2 * rho + eta**2 * g2 / rho == pytest.approx(rho, rel=1e-3)
    assert settled_rate(eta, k, g2) == pytest.approx(eta / rho)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (dict(eta=0.0), "eta = 0.0"),
        (dict(eta=20.0, decay=0.05), "decay < 1"),
        (dict(momentum=1.0), "momentum = 1.0"),
        (dict(start=np.zeros(6)), "a length of 0"),
        (dict(bend=np.full(6, np.nan)), "bend"),
    ],
)
def test_the_descent_refuses_what_has_no_answer(wrong, named):
    start, bend, grain = drawn(5)
    with pytest.raises(ValueError, match=named):
        descend(**(dict(start=start, bend=bend, grain=grain, eta=0.1, decay=0.01) | wrong))


def small_start(steps=40, n=60, hidden=5, seed=0):
    split, rng = digits_split(n, 1, seed), np.random.default_rng(seed)
    w, a = rng.normal(size=(64, hidden)) / 8, rng.normal(size=(hidden, 10)) / 2
    return Start(split.x_train, split.y_train.argmax(1), w, a, rng.integers(0, n, (steps, 16)))


@pytest.mark.parametrize("arm", ["normalized, decay", "normalized", "plain, decay"])
def test_networks_train_as_autograd_does(arm):
    start, eta, decay, size = small_start(), 0.1, 0.03, 2.0
    found = train(start, arm, eta, decay, size)
    w, a = (torch.tensor(v, requires_grad=True) for v in (start.w, start.a))
    b, c = (
        torch.zeros(5, dtype=torch.float64, requires_grad=True),
        torch.zeros(10, dtype=torch.float64, requires_grad=True),
    )
    x, y = torch.tensor(start.x), torch.tensor(start.labels)
    for t, batch in enumerate(start.batches):
        assert found.rho[t] == pytest.approx((w**2).sum(0).detach().numpy(), rel=1e-9)
        u = w / w.norm(dim=0) if arm != "plain, decay" else w
        loss = torch.nn.functional.cross_entropy(torch.relu(x[batch] @ u + b) @ a + c, y[batch])
        assert found.loss[t] == pytest.approx(loss.item(), rel=1e-9)
        slopes = torch.autograd.grad(loss, (w, a, b, c))
        with torch.no_grad():
            if arm != "plain, decay":
                assert found.unit_gradient[t] == pytest.approx(
                    ((size * slopes[0] * w.norm(dim=0)) ** 2).sum(0).numpy(), rel=1e-8, abs=1e-12
                )
            w -= eta * (size * slopes[0] + (0 if arm == "normalized" else decay) * w)
            for tensor, slope in zip((a, b, c), slopes[1:], strict=True):
                tensor -= eta * slope


def test_the_spherical_rule_is_rmsprop_and_follows_the_norm():
    """Its stand-in for rho obeys rho^2 = average of squared gradients, and stays near the real one for small steps."""
    start = small_start(300)
    real, stand_in = (train(start, arm, 0.02, 0.05) for arm in ("normalized, decay", "length 1, RMSProp"))
    beta = np.exp(-4 * 0.05 * 0.02)
    rho2 = stand_in.rho**2
    followed = beta * rho2[:-1] + (1 - beta) * 0.02 / (2 * 0.05) * stand_in.unit_gradient[:-1]
    assert rho2[1:] == pytest.approx(followed, rel=1e-10)
    assert stand_in.rho == pytest.approx(real.rho, rel=0.02) and stand_in.loss == pytest.approx(real.loss, rel=0.02)


def test_an_arm_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="arm = 'batch norm' is not allowed"):
        train(small_start(2), "batch norm", 0.1, 0.1)


def test_charges_are_predicted_from_gradients_and_kept_by_flow():
    split, rng = digits_split(100, 1, 0), np.random.default_rng(0)
    w, a = rng.normal(size=(65, 7)) / 8, rng.normal(size=(7, 10)) / 3
    given = split.x_train, split.y_train.argmax(1), w, a
    for decay in (0.0, 0.05):
        found = charges(*given, 0.5, decay, 200)
        assert found.sums == pytest.approx(found.sums_predicted, abs=1e-12)
        assert found.balance == pytest.approx(found.balance_predicted, abs=1e-12)
        assert found.sums[-1] == pytest.approx((1 - 0.5 * decay) ** 200 * a.sum(1), abs=1e-12)
    small, smaller = (charges(*given, eta, 0.0, round(10 / eta)) for eta in (0.1, 0.05))
    moved = [np.abs(c.balance[-1] - c.balance[0]).max() for c in (small, smaller)]
    assert moved[1] == pytest.approx(moved[0] / 2, rel=0.1), "what steps move of a balance is of first order in them"
    assert found.loss[0] == pytest.approx(
        torch.nn.functional.cross_entropy(
            torch.tensor(np.maximum(np.column_stack([given[0], np.ones(100)]) @ w, 0) @ a), torch.tensor(given[1])
        ).item()
    )


def test_charges_end_where_training_runs_away():
    split, rng = digits_split(50, 1, 0), np.random.default_rng(0)
    found = charges(
        split.x_train, split.y_train.argmax(1), rng.normal(size=(65, 4)), rng.normal(size=(4, 10)), 1e150, 0.0, 30
    )
    assert len(found.loss) < 31 and len(found.balance) == len(found.loss)


def test_ten_times_the_loss_changes_the_ring_and_not_the_rate():
    one, ten = (papers.spiral.run(d=10, size=s, steps=8000) for s in (1.0, 10.0))
    late = slice(len(one.step) // 2, None)
    ratio = float(ten.length[late].mean() / one.length[late].mean())
    assert ratio == pytest.approx(10, rel=0.02)
    assert float(ten.settled / one.settled) == pytest.approx(0.1, rel=0.02), "gradients ten times, rate a tenth"


def test_arms_are_told_apart_by_their_turn():
    frame = papers.neurons.run(steps=1500)
    late = frame.turn.isel(step=-1)
    assert float(late.sel(arm=ARMS[0])) == pytest.approx(float(frame.settled), rel=0.2)
    assert float(late.sel(arm=ARMS[1])) < 0.4 * float(frame.settled)


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert a_decay_for_a_turn("0.1") is True and "rad" in a_decay_for_a_turn("0.02")
    with pytest.raises(ValueError, match="weight decay k = '-1'"):
        a_decay_for_a_turn("-1")
    assert a_hundred_times_the_loss("10") is True and a_hundred_times_the_loss("100") is not True


def test_the_plane_says_how_far_the_last_step_turns():
    frame = papers.spiral.run(steps=400, decay=0.05)
    words = next(n["text"] for n in pictures.spiral(frame)["layout"]["annotations"] if "turn" in n["text"])
    angle = np.angle((frame.x[-1] + 1j * frame.y[-1]) / (frame.x[-2] + 1j * frame.y[-2]))
    assert words == f"the last step turns it by {abs(float(angle)):.2g} rad"
    sparse = papers.spiral.run(steps=3000)
    words = next(n["text"] for n in pictures.spiral(sparse)["layout"]["annotations"] if "turn" in n["text"])
    assert words.startswith(f"the last {int(sparse.step[-1] - sparse.step[-2])} steps turn it by ")
