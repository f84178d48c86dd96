"""Soft Hebbian competition and the entropy loop: fixed points, limits, gradients, who may touch what, claims."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from labcore.hebbian.neuro_modulated_hebbian import Net, entropy, experiments, forward, hebb_filters, patches
from labcore.hebbian.neuro_modulated_hebbian.exercises import nobody_owns
from labcore.hebbian.neuro_modulated_hebbian.experiments import METHODS, adapt, clusters
from labcore.primitives.digits.corrupted import KINDS, corrupt, rotate_digits
from labcore.primitives.local_rules.hebb_rules import hebb_change, hebb_stream


def drawn_net(seed=0, nets=2, dtype=torch.float64):
    rng = np.random.default_rng(seed)

    def t(*shape):
        return torch.tensor(rng.normal(size=(nets, *shape)) / 2, dtype=dtype)

    scales = [
        t(1, 1, c) + 1 if one else t(1, 1, c) for c, one in ((16, 1), (16, 0), (32, 1), (32, 0), (16, 1), (16, 0))
    ]
    return Net(t(16, 9), t(32, 144), t(10, 128), t(1, 10), *scales)


# ---- soft competition


def test_fixed_points_have_unit_length():
    rng = np.random.default_rng(0)
    centres = np.array([[1.5, 0.0], [0.0, 2.0], [-1.0, -1.0]])
    x = centres[rng.integers(0, 3, 20_000)] + 0.1 * rng.normal(size=(20_000, 2))
    w = hebb_stream(x, 0.3 * rng.normal(size=(3, 2)), "soft", 0.002, 0.3, every=1000).w[-1]
    u = x @ w.T
    y = np.exp(u / 0.3) / np.exp(u / 0.3).sum(1, keepdims=True)
    active = (y * u).mean(0) > 0
    assert active.any() and np.abs(np.linalg.norm(w, axis=1)[active] - 1).max() < 1e-2


def test_one_unit_alone_finds_the_mean_and_oja_the_first_axis():
    """With one unit softmax is 1, so dw = x - u w, whose fixed point is along the mean. Oja's rule has y = u."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40_000, 4)) * np.sqrt([3.0, 1.0, 0.5, 0.2]) @ np.linalg.qr(rng.normal(size=(4, 4)))[0] + 0.4
    data = torch.tensor(x)
    w = {rule: torch.tensor(rng.normal(size=(1, 4))) for rule in ("soft", "oja")}
    for rule in w:
        for _ in range(600):
            w[rule] = w[rule] + 0.05 * hebb_change(data, w[rule], rule)[0]
    mean, first = x.mean(0), np.linalg.eigh(x.T @ x)[1][:, -1]
    target = {"soft": mean / np.linalg.norm(mean), "oja": first}
    for rule, axis in target.items():
        found = w[rule][0].numpy()
        assert abs(found @ axis) / np.linalg.norm(found) > 0.999
        assert np.linalg.norm(found) == pytest.approx(1, abs=1e-2)
    assert abs(target["soft"] @ first) < 0.99


def test_a_hard_limit_is_winner_take_all():
    rng = np.random.default_rng(2)
    x, w = torch.tensor(rng.normal(size=(50, 9))), torch.tensor(rng.normal(size=(6, 9)))
    found = hebb_change(x, w, "soft", 1e-4)[0].numpy()
    expected = np.zeros((6, 9))
    for sample in x.numpy():
        u = w.numpy() @ sample
        k = u.argmax()
        expected[k] += (sample - u[k] * w.numpy()[k]) / 50
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_step_has_the_size_eta_for_each_network():
    rng = np.random.default_rng(3)
    x, w = torch.tensor(rng.normal(size=(3, 40, 9))), torch.tensor(rng.normal(size=(3, 5, 9)))
    moved = hebb_filters(w, x, 0.3, 0.02) - w
    np.testing.assert_allclose(moved.abs().amax((1, 2)), 0.02)
    alone = hebb_filters(w[1], x[1], 0.3, 0.02) - w[1]
    np.testing.assert_allclose(moved[1], alone)


# ---- the network


def test_network_is_a_convolutional_network():
    """Against torch's own layers, one network at a time."""
    net, images = drawn_net(), torch.tensor(np.random.default_rng(4).uniform(size=(2, 12, 1, 8, 8)))
    scores = forward(net, patches(images))[0]
    for i in range(2):
        one = Net(*(p[i] for p in net))
        h = F.conv2d(images[i], one.w1.view(16, 1, 3, 3), padding=1)
        h = F.batch_norm(h, None, None, one.scale1.flatten(), one.shift1.flatten(), training=True)
        h = F.max_pool2d(F.relu(h * one.gain.view(16, 1, 1) + one.bias.view(16, 1, 1)), 2)
        h = F.conv2d(h, one.w2.view(32, 16, 3, 3), padding=1)
        h = F.batch_norm(h, None, None, one.scale2.flatten(), one.shift2.flatten(), training=True)
        h = F.max_pool2d(F.relu(h), 2).flatten(1)
        np.testing.assert_allclose(scores[i], h @ one.w3.T + one.b3, rtol=1e-9, atol=1e-9)


def test_known_statistics_only_where_fixed():
    net, rng = drawn_net(), np.random.default_rng(5)
    x, other = (patches(torch.tensor(rng.uniform(size=(2, 12, 1, 8, 8)))) for _ in range(2))
    known = forward(net, other)[1]
    fixed = torch.tensor([True, False]).view(2, 1, 1, 1)
    scores, own = forward(net, x, known, fixed)[0], forward(net, x)[0]
    np.testing.assert_allclose(scores[1], own[1])
    # with known statistics an answer does not depend on the rest of the batch
    np.testing.assert_allclose(scores[0, :3], forward(net, x[:, :3], known, fixed)[0][0], atol=1e-9)
    assert not np.allclose(own[1, :3], forward(net, x[:, :3])[0][1])


@pytest.mark.parametrize("field", ["gain", "bias"])
def test_gradient_of_the_entropy_by_finite_differences(field):
    net, images = drawn_net(), torch.tensor(np.random.default_rng(6).uniform(size=(2, 10, 1, 8, 8)))
    x, p = patches(images), getattr(net, field).clone().requires_grad_()
    (gradient,) = torch.autograd.grad(entropy(forward(net._replace(**{field: p}), x)[0]).sum(), p)
    for channel in (0, 7, 15):
        shift = torch.zeros_like(p)
        shift[..., channel] = 1e-7  # small: a kink of a rectifier must not lie between
        up, down = (entropy(forward(net._replace(**{field: (p + s).detach()}), x)[0]) for s in (shift, -shift))
        np.testing.assert_allclose((up - down) / 2e-7, gradient[:, 0, 0, channel], rtol=1e-4, atol=1e-6)


def test_entropy_of_a_uniform_and_a_sure_answer():
    assert float(entropy(torch.zeros(5, 10))) == pytest.approx(np.log(10))
    assert float(entropy(100 * torch.eye(10))) == pytest.approx(0, abs=1e-6)


# ---- who may change what


def final(**values):
    return adapt.run(images=200, **values)


def assert_same_answers(frame, *learners):
    """Learners are places of a batch, which may round differently: a near tie of two scores, one image at most."""
    right = frame.accuracy.sel(learner=list(learners)).values * np.arange(50, 201, 50)[:, None, None]
    np.testing.assert_allclose(right[:, 0], right[:, 1], rtol=0, atol=1 + 1e-9)


def test_without_both_loops_nhl_is_batch_statistics():
    frame = final(eta=0.0, lr_mod=0.0)
    for method in METHODS[2:]:
        assert_same_answers(frame, method, "batch statistics")
    np.testing.assert_array_equal(frame.filters, frame.before)
    assert (frame.gain == 1).all() and (frame["shift"] == 0).all()


def test_each_loop_touches_only_its_own():
    hebb, gains, both = final(lr_mod=0.0), final(eta=0.0), final()
    assert (hebb.gain == 1).all() and not np.array_equal(hebb.filters, hebb.before)
    np.testing.assert_array_equal(gains.filters, gains.before)
    assert (gains.gain != 1).any()
    assert_same_answers(hebb, "NHL", "Hebb only")
    assert_same_answers(gains, "NHL", "gains only")
    for method in ("source", "batch statistics"):
        np.testing.assert_array_equal(both.accuracy.sel(learner=method), hebb.accuracy.sel(learner=method))
    # the filters of NHL and of Hebb only follow the same local rule: the entropy never reaches them
    np.testing.assert_array_equal(both.filters, hebb.filters)


def test_nothing_looks_at_the_labels(monkeypatch):
    honest = final()
    split = experiments.digits_split

    def shuffled(*args):
        data = split(*args)
        return data._replace(y_test=data.y_test[::-1].copy())

    monkeypatch.setattr(experiments, "digits_split", shuffled)
    blind = final()
    np.testing.assert_array_equal(honest.guesses, blind.guesses)
    np.testing.assert_array_equal(honest.filters, blind.filters)
    assert not np.array_equal(honest.accuracy, blind.accuracy)


def test_every_stream_starts_from_the_trained_network():
    first = final(kind="blur")
    final(kind="noise")
    assert first.identical(final(kind="blur"))


def test_severity_zero_is_clean():
    frame = final(severity=0.0, eta=0.0)
    assert float(frame.accuracy[-1].sel(learner="source").mean()) > 0.93


@pytest.mark.parametrize(
    "values", [dict(batch=10, eta=0.05, lr_mod=0.05, tau=2.0), dict(batch=200, tau=0.02, severity=5.0)]
)
def test_corners(values):
    frame = final(**values)
    assert np.isfinite(frame.filters).all() and frame.guesses.sum("digit").values == pytest.approx(np.ones(6))


# ---- corruptions


@pytest.mark.parametrize("kind", KINDS)
def test_corruptions(kind):
    x = np.random.default_rng(0).uniform(size=(6, 8, 8))
    kept = x.copy()
    out = [corrupt(x, kind, s, np.random.default_rng(1)) for s in (0, 2, 5)]
    np.testing.assert_allclose(out[0], x, atol=1e-12)
    assert np.abs(out[1] - x).mean() < np.abs(out[2] - x).mean()
    assert all((0 <= o).all() and (o <= 1).all() for o in out)
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_array_equal(out[2], corrupt(x, kind, 5, np.random.default_rng(1)))


def test_corruptions_say_what_is_wrong():
    x, rng = np.zeros((2, 8, 8)), np.random.default_rng(0)
    for args, message in (((x, "snow", 1), "snow"), ((x, "blur", 6), "severity = 6"), ((x[0], "blur", 1), "shape")):
        with pytest.raises(ValueError, match=message):
            corrupt(*args, rng)


def test_contrast_and_rotation_by_hand():
    x = np.zeros((1, 9, 9))
    x[0, 4, 4:] = 1
    turned = rotate_digits(x, 90)
    np.testing.assert_allclose(turned[0], np.rot90(x[0]), atol=1e-9)  # counterclockwise: right goes up
    y = np.random.default_rng(0).uniform(size=(3, 8, 8))
    low = corrupt(y, "contrast", 5, np.random.default_rng(0))
    np.testing.assert_allclose(low.mean((1, 2)), y.mean((1, 2)))
    np.testing.assert_allclose(low.std((1, 2)), 0.05 * y.std((1, 2)))


# ---- the plane


def test_softness_decides_who_gets_what():
    sharp, soft = clusters.run(tau=0.1), clusters.run(tau=2.0)
    assert sharp.share.max("unit").mean() > 0.9 and soft.share.max("unit").mean() < 0.7
    np.testing.assert_allclose(sharp.share.sum("unit"), 1)


@pytest.mark.parametrize("values", [dict(k=1), dict(k=8, n_clusters=2, tau=0.02, eta=0.5), dict(width=0.5, eta=0.5)])
def test_corners_of_the_plane(values):
    frame = clusters.run(samples=1000, **values)
    assert np.isfinite(frame.w).all() and 0 <= frame.attrs["own"] <= frame.sizes["cluster"]


@pytest.mark.parametrize(
    ("answer", "right"),
    [("0.05", True), (" 0,05 ", True), ("5e-2", True), ("1/20", True), ("1", False), ("0,6", False)],
)
def test_an_answer_about_the_softness(answer, right):
    assert (nobody_owns(answer) is True) == right


def test_a_softness_that_is_not_allowed_is_named():
    with pytest.raises(ValueError, match="softness of competition τ = '5'"):
        nobody_owns("5")
