"""Outliers with opposing signals: moments, gradients and Hessian by brute force, the flip, the invariant, the edge."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.generalization.opposing_signals import draw, ends, follow, gradients, hessian, losses, moments, sharpness
from labcore.generalization.opposing_signals import view as pictures
from labcore.generalization.opposing_signals.descent import CLIP, MOMENTUM
from labcore.generalization.opposing_signals.digit_outliers import BORDER, framed_digits, train
from labcore.generalization.opposing_signals.exercises import a_leap_that_ends, the_largest_calm_rate
from labcore.generalization.opposing_signals.experiments import (
    START,
    crossing,
    digit_outliers,
    edge,
    opposed,
    predicted,
    valley,
)
from labcore.generalization.opposing_signals.outliers import PULL, D, merged

SAMPLE = dict(n=300, size=8.0, share=0.1, imbalance=0.2, beta=2.0, signals="opposing")


def model(**changes):
    sample = draw(**(SAMPLE | changes), seed=3)
    return sample, moments(sample)


def literal(sample, weights, group=None):
    """The loss of points of one group, or of all, by its definition, in torch."""
    a, y, groups = sample
    at = slice(None) if group is None else groups == group
    out = weights[-1] * (torch.tensor(a[at]) @ weights[:-1])
    return 0.5 * ((out - torch.tensor(y[at])) ** 2).mean()


def test_points_are_as_described():
    sample, m = model()
    assert np.bincount(sample.group).tolist() == [18, 12, 270] and m.share.tolist() == [0.06, 0.04, 0.9]
    assert set(sample.inputs[sample.group == 0, -1]) == {8.0} and set(sample.inputs[sample.group == 1, -1]) == {-8.0}
    direction = np.linalg.lstsq(sample.inputs[sample.group == 2, :D], sample.target[sample.group == 2], rcond=None)[0]
    assert np.linalg.norm(direction) == pytest.approx(2.0)
    asked = sample.target - sample.inputs[:, :D] @ direction
    assert asked == pytest.approx(PULL * np.abs(sample.inputs[:, -1]))
    agreeing, removed = (draw(**(SAMPLE | {"signals": s}), seed=3) for s in ("agreeing", "removed"))
    assert (agreeing.inputs[:, -1] >= 0).all() and agreeing.target == pytest.approx(sample.target)
    assert not removed.inputs[:, -1].any() and removed.target == pytest.approx(sample.inputs[:, :D] @ direction)
    with pytest.raises(ValueError, match="signals = 'both' is not allowed; it must be one of opposing, agreeing"):
        draw(**(SAMPLE | {"signals": "both"}), seed=0)


def test_losses_gradients_and_hessian_are_those_of_the_points():
    sample, m = model()
    w = np.random.default_rng(0).normal(size=D + 2)
    weights = torch.tensor(w, requires_grad=True)
    for group in range(3):
        loss = literal(sample, weights, group)
        assert losses(m, w)[group] == pytest.approx(loss.item(), rel=1e-12)
        slope = torch.autograd.grad(loss, weights)[0].numpy()
        assert gradients(m, w)[group] == pytest.approx(slope, rel=1e-10, abs=1e-10)
    one = merged(m)
    assert losses(one, w)[0] == pytest.approx(literal(sample, weights).item(), rel=1e-12)
    bent = torch.autograd.functional.hessian(lambda v: literal(sample, v), weights.detach()).numpy()
    assert hessian(one.second[0], one.cross[0], w) == pytest.approx(bent, rel=1e-10, abs=1e-10)
    assert sharpness(bent) == pytest.approx(np.linalg.eigvalsh(bent).max())
    assert np.isnan(sharpness(np.full((2, 2), np.nan)))


def test_a_group_without_points_has_no_loss():
    _, m = model(share=0.0)
    assert losses(m, START)[:2].tolist() == [0, 0] and not gradients(m, START)[:2].any()


def test_the_curvature_across_the_valley_is_the_outliers_own():
    """Entry (b_o, b_o) of the Hessian is c^2 q s^2, exactly, whatever the other weights."""
    _, m = model()
    one, w = merged(m), np.random.default_rng(1).normal(size=D + 2)
    assert hessian(one.second[0], one.cross[0], w)[D, D] == pytest.approx(w[-1] ** 2 * 0.1 * 8.0**2, rel=1e-12)


def literal_path(sample, eta, steps, step_of):
    weights, path = torch.tensor(START, requires_grad=True), [START]
    for _ in range(steps):
        slope = torch.autograd.grad(literal(sample, weights), weights)[0]
        with torch.no_grad():
            weights -= eta * step_of(slope)
        path.append(weights.detach().numpy().copy())
    return np.array(path)


def clipped(slope):
    return slope / max(1.0, float(slope.norm()) / CLIP)


class Heavy:
    speed = 0.0

    def __call__(self, slope):
        self.speed = MOMENTUM * self.speed + slope
        return self.speed


@pytest.mark.parametrize(("optimizer", "rule"), [("gd", lambda g: g), ("clip", clipped), ("momentum", Heavy())])
def test_the_compiled_descent_is_the_literal_one(optimizer, rule):
    sample, m = model()
    one = merged(m)
    path = follow(one.second[0], one.cross[0], START, 0.02, 60, optimizer)
    assert path == pytest.approx(literal_path(sample, 0.02, 60, rule), rel=1e-9, abs=1e-12)


def test_adam_is_torchs():
    sample, m = model()
    one, weights = merged(m), torch.tensor(START, requires_grad=True)
    adam = torch.optim.Adam([weights], lr=0.02)
    for _ in range(60):
        adam.zero_grad()
        literal(sample, weights).backward()
        adam.step()
    path = follow(one.second[0], one.cross[0], START, 0.02, 60, "adam")
    assert path[-1] == pytest.approx(weights.detach().numpy(), rel=1e-9)


def test_with_the_output_weight_held_each_step_multiplies_the_weight_of_the_large_feature():
    """b_o -> (1 - eta c^2 q s^2) b_o in balanced groups without ordinary features: the flip, exactly."""
    eta, c, q, s = 0.15, 1.5, 0.1, 8.0
    second, cross = np.array([[q * s**2]]), np.zeros(1)  # balanced: both groups cancel in r
    path = np.array([[0.3, c], [0, 0]])
    for _ in range(5):
        before = path[0, 0]
        path = follow(second, cross, np.array([before, c]), eta, 1)
        assert path[1, 0] == pytest.approx((1 - eta * c**2 * q * s**2) * before, rel=1e-13)
        path = path[1:].copy()


def test_small_steps_keep_what_gradient_flow_keeps():
    """c^2 - |w|^2 moves by O(eta) over a fixed time."""
    _, m = model()
    one = merged(m)
    drift = []
    for eta in (4e-4, 2e-4):
        path = follow(one.second[0], one.cross[0], START, eta, round(2 / eta))
        kept = path[:, -1] ** 2 - (path[:, :-1] ** 2).sum(1)
        drift.append(abs(kept[-1] - kept[0]))
    assert drift[0] < 5e-3 and drift[1] == pytest.approx(drift[0] / 2, rel=0.05)


def test_the_map_holds_the_single_descents():
    _, m = model()
    one, etas = merged(m), np.array([0.02, 0.3, 0.6])
    weights, rises = ends(one.second, one.cross, one.power, START, etas, 100)
    for e, eta in enumerate(etas):
        path = follow(one.second[0], one.cross[0], START, eta, 100)
        if len(path) <= 100:
            assert np.isinf(rises[0, e])
            continue
        loss = losses(one, path)[:, 0]
        assert weights[0, e] == pytest.approx(path[-1], rel=1e-12)
        assert rises[0, e] == pytest.approx((loss - np.minimum.accumulate(loss)).max() / loss[0], abs=1e-12)
    assert np.isinf(rises[0, -1]) and rises[0, 0] < rises[0, 1] < np.inf


def test_the_descent_refuses_what_it_cannot_do():
    s, r = np.eye(D + 1), np.ones(D + 1)
    with pytest.raises(
        ValueError, match="optimizer = 'sgd' is not allowed; it must be one of gd, momentum, adam, clip"
    ):
        follow(s, r, START, 0.1, 5, "sgd")
    with pytest.raises(ValueError, match="eta"):
        follow(s, r, START, 0.0, 5)
    with pytest.raises(ValueError, match="one column more"):
        follow(s, r, START[1:], 0.1, 5)
    with pytest.raises(ValueError, match="one number more"):
        ends(s[None], r[None], np.ones(1), START[1:], np.array([0.1]), 5)


def test_the_phases_of_the_valley():
    frame = valley.run()
    at = crossing(frame.sharpness.values, float(frame.threshold))
    each = frame.group_loss.values.T
    assert opposed(each, at) > 0.9 and frame.cosine[at] < -0.9
    assert float(frame.sharpness[-1]) < float(frame.threshold) < float(frame.sharpness.max())
    calm = valley.run(eta=0.02, steps=400)
    assert float(calm.sharpness[-1]) == pytest.approx(predicted(0.04, 12.0, 3.0), rel=0.1)
    assert np.diff(calm.loss.values).max() < 1e-9
    assert crossing(calm.sharpness.values, None) is None


def test_training_that_runs_away_says_so_and_keeps_its_last_frame():
    frame = valley.run(eta=0.3)
    assert "diverged before step" in frame.reading and frame.progress == 1 and frame.sizes["step"] < 81


def test_the_line_parts_the_map():
    frame = edge.run(grid=20)
    over = frame.eta.values > 1.1 * frame.line.values[:, None]
    under = frame.eta.values < 0.9 * frame.line.values[:, None]
    leaps = frame.ran_away.values | (frame.rise.values > 1e-3)
    assert leaps[over].all() and not leaps[under].any()


def test_a_frame_is_on_some_threes_and_eights():
    data = framed_digits(500, 0.2, 7.0, 0)
    x = data.x.numpy()
    wearing = data.group < 2
    assert (x[wearing][:, BORDER] == 7).all() and (x[~wearing] <= 1).all() and BORDER.sum() == 28
    labels = data.labels.numpy()
    assert set(labels[data.group == 0]) == {3} and set(labels[data.group == 1]) == {8}
    assert (data.group == 0).sum() == round(0.2 * (labels == 3).sum())


def test_looks_see_the_network_as_it_is():
    """The sharpness is the top of the whole Hessian, and moves are what the next step does."""
    data = framed_digits(200, 0.3, 6.0, 0)
    looks = list(train(data, 3, 0.2, 6, [0, 4, 5], 0))
    assert [look.step for look in looks] == [0, 4, 5]
    assert looks[1].losses + looks[1].moves == pytest.approx(looks[2].losses)
    order = np.argsort(looks[1].moves)
    assert looks[1].falling.tolist() == order[:6].tolist() and looks[1].rising.tolist() == order[:-7:-1].tolist()

    g = torch.Generator().manual_seed(0)  # the start, as `train` draws it
    w, v = (torch.randn(s, generator=g, dtype=torch.float64) / s[0] ** 0.5 for s in ((64, 3), (3, 10)))
    flat = torch.cat([w.reshape(-1), torch.zeros(3), v.reshape(-1), torch.zeros(10)]).double()

    def loss(p):
        w, b, v, c = (part.reshape(s) for part, s in zip(p.split([192, 3, 30, 10]), ((64, 3), (3,), (3, 10), (10,))))
        return torch.nn.functional.cross_entropy(torch.tanh(data.x @ w + b) @ v + c, data.labels)

    assert looks[0].losses.mean() == pytest.approx(float(loss(flat)))
    top = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat)).max()
    assert looks[0].sharpness == pytest.approx(float(top), rel=0.02)


def test_the_sharpness_is_the_largest_eigenvalue_also_where_the_lowest_is_larger_in_size():
    data, width, eta = framed_digits(300, 0.1, 8.0, 0), 8, 0.3
    late = {look.step: look.sharpness for look in train(data, width, eta, 147, [*range(0, 148, 3)], 0)}
    g = torch.Generator().manual_seed(0)  # the start, as `train` draws it
    shapes = ((64, width), (width,), (width, 10), (10,))
    w, v = (torch.randn(s, generator=g, dtype=torch.float64) / s[0] ** 0.5 for s in shapes[::2])
    flat = torch.cat([w.reshape(-1), torch.zeros(width), v.reshape(-1), torch.zeros(10)])

    def loss(p):
        w, b, v, c = (part.reshape(s) for part, s in zip(p.split([64 * width, width, 10 * width, 10]), shapes))
        return torch.nn.functional.cross_entropy(torch.tanh(data.x @ w + b) @ v + c, data.labels)

    for step in range(148):
        if step in (105, 147):
            eigenvalues = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat))
            assert late[step] == pytest.approx(float(eigenvalues[-1]), rel=1e-3)
        flat = flat - eta * torch.autograd.functional.jacobian(loss, flat)
    assert -eigenvalues[0] > 1.2 * eigenvalues[-1]


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert a_leap_that_ends("0.08") is True
    assert "only falls" in a_leap_that_ends("1/40") and "runs away" in a_leap_that_ends("0.25")
    assert the_largest_calm_rate("2/0.04/64/3") is True
    assert "Larger" in the_largest_calm_rate("0.1") and "not fall at every step" in the_largest_calm_rate("0.4")


def test_a_valley_that_runs_away_stays_in_its_picture():
    frame = valley.run(eta=0.3)
    assert float(frame.sharpness.max()) > 1000 and abs(float(frame.across[-1])) > 3, "it did run away"
    layout = pictures.valley(frame)["layout"]
    assert layout["yaxis2"]["range"][1] < 100
    assert layout["yaxis3"]["range"][1] < 20 * float(frame.group_loss[:2, 0].max())
    assert layout["yaxis4"]["range"][1] < 5 * float(frame.loss[0])
    name = next(note for note in layout["annotations"] if note["text"] == "the network")
    for letter in "xy":
        low, high = layout[f"{letter}axis"]["range"]
        assert low <= name[letter] <= high


def test_frames_are_drawn_in_a_colour_that_no_page_has():
    """From the darkest ink on, the border has another colour: black would be lost on a dark page."""
    frame = digit_outliers.run("quick")
    strong = [
        trace["colorscale"][-1][1] for trace in pictures.digit_outliers(frame)["data"] if trace["type"] == "heatmap"
    ]
    assert len(strong) == 2
    for colour in strong:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        assert 80 < 0.3 * red + 0.6 * green + 0.1 * blue < 200
