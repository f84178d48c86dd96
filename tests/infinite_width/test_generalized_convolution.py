"""Convolutions that measure: against direct sums, scipy, torch's convolution and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from labcore.infinite_width.generalized_convolution import (
    OPERATORS,
    Convolution,
    nearest_patch,
    patches,
    score,
    weighted_l1,
    weighted_l2,
)
from labcore.infinite_width.generalized_convolution import experiments as papers
from labcore.infinite_width.generalized_convolution.distances import l1
from labcore.infinite_width.generalized_convolution.exercises import an_answer, which_bias
from labcore.infinite_width.generalized_convolution.network import train
from labcore.primitives.digits.batches import digit_batches

RNG = np.random.default_rng(5)
P, T, A = RNG.random((30, 9)), RNG.random((4, 9)), RNG.random((4, 9))


def tensors(*arrays, grad=False):
    return [torch.tensor(v, requires_grad=grad) for v in arrays]


def test_weighted_distances_equal_those_of_scipy():
    for f in range(4):
        want = cdist(P, T[[f]], "cityblock", w=A[f])[:, 0]
        assert l1(P, T, A)[:, f] == pytest.approx(want, abs=1e-12)
        squares = cdist(P, T[[f]], "sqeuclidean", w=A[f])[:, 0]
        assert weighted_l2(*tensors(P, T, A))[:, f].numpy() == pytest.approx(squares, abs=1e-10)
    ones = torch.ones(4, 9, dtype=torch.float64)
    plain = torch.cdist(*tensors(P, T), p=1)
    assert torch.allclose(weighted_l1(*tensors(P, T), ones), plain)


@pytest.mark.parametrize("distance", [weighted_l1, weighted_l2])
def test_gradients_equal_finite_differences(distance):
    assert torch.autograd.gradcheck(distance, tensors(P[:5], T, A, grad=True), atol=1e-7)


def test_the_written_gradients_of_l1():
    p, t, a = tensors(P, T, A, grad=True)
    weighted_l1(p, t, a).sum().backward()
    gap = P[:, None] - T
    assert t.grad.numpy() == pytest.approx(-(A * np.sign(gap)).sum(0))
    assert a.grad.numpy() == pytest.approx(np.abs(gap).sum(0))
    p, t, a = tensors(T, T, A, grad=True)
    weighted_l1(p, t, a).diagonal().sum().backward()
    assert float(t.grad.abs().sum()) == 0, "a pixel that equals its template pulls neither way"


def test_every_operator_is_what_it_says():
    b, (p, w, a) = RNG.normal(size=4), tensors(P, T, A)
    z, gap = P @ T.T + b, P[:, None] - T
    want = {
        "dot": z,
        "polynomial": z**2,
        "sine": np.sin(z),
        "L1": b - (A * np.abs(gap)).sum(2),
        "L2": b - (A * gap**2).sum(2),
        "gauss": np.exp(-(A * gap**2).sum(2)),
    }
    assert set(want) == set(OPERATORS)
    for operator in OPERATORS:
        assert score(operator, p, w, torch.tensor(b), a).numpy() == pytest.approx(want[operator], abs=1e-12)


def test_a_layer_of_dot_products_is_a_convolution():
    x = torch.tensor(RNG.random((3, 2, 8, 8)), dtype=torch.float32)
    layer = Convolution("dot", 5, 3, np.zeros((1, 18)), RNG)
    torch.nn.init.normal_(layer.b)
    want = torch.nn.functional.conv2d(x, layer.w.view(5, 2, 3, 3), layer.b)
    assert torch.allclose(layer(x), want, atol=1e-5)


def test_l2_with_equal_scales_is_a_dot_product_with_a_bias():
    p, t = tensors(P, T)
    b, ones = torch.zeros(4, dtype=torch.float64), torch.ones(4, 9, dtype=torch.float64)
    shared = (p**2).sum(1, keepdim=True)
    assert torch.allclose(score("L2", p, t, b, ones), score("dot", p, 2 * t, -(t**2).sum(1), ones) - shared)


@pytest.mark.parametrize("operator", ["L1", "L2", "gauss"])
def test_the_largest_answer_of_a_distance_is_the_nearest_patch(operator):
    said = score(operator, *tensors(P, T), torch.zeros(4, dtype=torch.float64), torch.tensor(A)).numpy()
    for f in range(4):
        assert said[:, f].argmax() == nearest_patch(P, T[f], A[f], 1 if operator == "L1" else 2)


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_kind_of_filter_learns_digits(operator):
    course = [
        right
        for _, _, right in train(operator, digit_batches([[0, 0]], 60), np.random.default_rng(0), filters=4, k=3,
                                 rate=1e-2, steps=60, every=60)
    ]  # fmt: skip
    assert course[0] < 0.35 and course[-1] > 0.6


def test_frozen_templates_stay_and_scales_move():
    runs = train("L1", digit_batches([[0, 0]], 3), np.random.default_rng(0), filters=4, k=3, rate=1e-2, steps=3,
                 every=3, frozen=True)  # fmt: skip
    first, scales = next((net.first.w.clone(), net.first.scales.clone()) for _, net, _ in runs)
    *_, (_, net, _) = runs
    assert torch.equal(net.first.w, first) and not torch.equal(net.first.scales, scales)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: weighted_l1(*tensors(P, T[:, :4], A)), "t"),
        (lambda: weighted_l1(*tensors(P, T, -A)), "a"),
        (lambda: weighted_l2(*tensors(P, T[:, :4], A)), "they must be"),
        (lambda: weighted_l2(*tensors(P, T, -A)), "at least 0"),
        (lambda: patches(torch.zeros(1, 1, 8, 8), 9), "k = 9"),
        (lambda: score("max", *tensors(P, T), torch.zeros(4), torch.zeros(4, 9)), "operator = 'max'"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_painted_template_is_found_where_it_is():
    frame = papers.find.run(picture=3)
    k = int(frame.best[1])
    patch = frame.picture.values[k // 6 : k // 6 + 3, k % 6 : k % 6 + 3]
    assert float(np.abs(patch - frame.template.values).mean()) == pytest.approx(float(frame.nearest))
    assert float(frame.unlike[1]) == pytest.approx(float(frame.nearest))


def test_the_surface_says_where_it_is_largest():
    assert "at (0.5, -0.2)" in papers.surface.run(t_x=0.5, t_y=-0.2).attrs["reading"]
    assert "go on growing" in papers.surface.run(operator="dot").attrs["reading"]


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert an_answer("-0.9") is True and "sign" in an_answer("0.9") and an_answer("1") is False
    assert which_bias("-1") is True and "sign" in which_bias("1") and which_bias("0") is False
    with pytest.raises(ValueError, match="bias"):
        which_bias("abc")
