"""Who reads digits reads the same ones: one split a seed, whatever is stacked, scaled or cut into batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.data import digits_split
from labcore.kan.kan_assessment.tasks import real_task
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.digits.stacked import stacked_digits

SEEDS = [[0, 0], [5, 1]]


@pytest.mark.parametrize("span", [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.5)])
def test_stacked_splits_are_the_splits_in_the_span_that_is_asked_for(span):
    x, labels, x_test, labels_test = stacked_digits(300, 200, SEEDS, span=span)
    for s, seed in enumerate(SEEDS):
        split = digits_split(300, 200, seed)
        for found, pixels in ((x, split.x_train), (x_test, split.x_test)):
            np.testing.assert_allclose(found[s], span[0] + (span[1] - span[0]) * pixels, rtol=1e-7)
        np.testing.assert_array_equal(labels[s], split.y_train.argmax(1))
        np.testing.assert_array_equal(labels_test[s], split.y_test.argmax(1))


def test_noise_comes_on_top_and_that_of_the_test_does_not_see_the_training_set():
    plain, noisy, more = (
        stacked_digits(n, 200, SEEDS, noise, (-1.0, 1.0)) for n, noise in ((300, 0), (300, 0.5), (900, 0.5))
    )
    assert (noisy.x_test - plain.x_test).std() == pytest.approx(0.5, rel=0.02)
    assert torch.equal(noisy.x_test, more.x_test)


def test_batches_and_tasks_are_cut_from_the_same_splits():
    data = digit_batches(SEEDS, 3)
    x, labels, x_test, labels_test = stacked_digits(1297, 500, [[*s, 3] for s in SEEDS])
    for found, wanted in zip(data, (x, labels, x_test, labels_test)):
        assert torch.equal(found, wanted)
    pixels, y = data.batch(2)
    rows = torch.as_tensor(data.order[:, 2])
    for s in range(2):
        assert torch.equal(pixels[s], x[s, rows[s]]) and torch.equal(y[s], labels[s, rows[s]])
    task = real_task("digits", SEEDS)
    x, labels, x_test, labels_test = stacked_digits(1347, 450, SEEDS, span=(-1.0, 1.0))
    for s in range(2):
        assert torch.equal(torch.cat([task.train[0], task.choose[0]])[:, s], x[s]) and len(task.train[0]) == 1078
        assert torch.equal(torch.cat([task.train[1], task.choose[1]])[:, s], labels[s])
        assert torch.equal(task.test[0][:, s], x_test[s]) and torch.equal(task.test[1][:, s], labels_test[s])
