"""Elementary operations, counted by hand and by torch."""

from __future__ import annotations

import pytest
import torch

from labcore.primitives.contest.operations import operations

A, B = torch.ones(3, 4), torch.ones(4, 5)


@pytest.mark.parametrize(
    ("run", "count"),
    [
        (lambda: A @ B, 2 * 3 * 4 * 5),
        (lambda: torch.baddbmm(torch.ones(2, 1, 5), A.expand(2, 3, 4), B.expand(2, 4, 5)), 2 * 2 * 3 * 4 * 5),
        (lambda: (A @ B).relu(), 120 + 15),
        (lambda: A + 1, 12),
        (lambda: A[:, None] * torch.ones(2, 4), 24),
        (lambda: A.sum(), 12),
        (lambda: A.clone().mul_(2), 24),
        (lambda: A.T[1:].unsqueeze(0), 0),
        (lambda: torch.zeros(7), 0),
    ],
)
def test_operations_by_hand(run, count):
    assert operations(run) == count


def test_a_backward_pass_is_counted():
    w = torch.ones(4, 5, requires_grad=True)
    forward = operations(lambda: A @ w)
    # one product more, the sum, and the 1 that the gradient starts from
    assert operations(lambda: (A @ w).sum().backward()) == 2 * forward + 15 + 1


def test_the_count_is_the_same_every_time():
    w = torch.randn(4, 4)
    assert len({operations(lambda: torch.softmax(A @ w, 1).exp().std()) for _ in range(3)}) == 1
