"""The one Adam, of tensors side by side and of compiled loops, is torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.primitives.runs.batched_adam import Adam, direction
from labcore.primitives.runs.flat_adam import adam_update

RATES = (0.1, 0.003, 1e-5)
SIZES = (1.0, 1e-4, 1e-9)  # of the gradients: with the last, eps decides


def gradients(w: torch.Tensor, size: float) -> torch.Tensor:
    return size * (torch.sin(3 * w) + w**3)


def start(seed: int) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).standard_normal((4, 5)))


def torchs(w: torch.Tensor, rate: float, size: float, updates: int, falling: bool = False) -> torch.Tensor:
    """The weights after torch.optim.Adam."""
    w = w.clone().requires_grad_()
    reference = torch.optim.Adam([w], rate)
    for k in range(updates):
        w.grad = gradients(w.detach(), size)
        if falling:
            reference.param_groups[0]["lr"] = rate * 0.5 * (1 + np.cos(np.pi * (k + 1) / updates))
        reference.step()
    return w.detach()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("falling", [False, True])
def test_models_side_by_side_each_have_torchs_adam(size, falling):
    first = torch.stack([start(m) for m in range(len(RATES))])
    ours = first.clone().requires_grad_()
    adam = Adam([ours], torch.tensor(RATES, dtype=torch.float64), 60 if falling else 0)
    for _ in range(60):
        # the gradient of this is the one that torch gets
        adam.step((ours * gradients(ours.detach(), size)).sum((1, 2)))
    expected = torch.stack([torchs(w, rate, size, 60, falling) for w, rate in zip(first, RATES)])
    torch.testing.assert_close(ours.detach(), expected, rtol=0, atol=1e-12)
    assert (expected - first).abs().amax() > 1e-3


@pytest.mark.parametrize("rate", [0.02, torch.full((4,), 0.02, dtype=torch.float64)])
def test_a_rate_is_one_number_or_one_a_model_and_a_factor_moves_it(rate):
    ours = start(0).requires_grad_()
    adam = Adam([ours], rate)
    for _ in range(30):
        adam.step((ours * gradients(ours.detach(), 1.0)).sum(1), factor=0.5)
    torch.testing.assert_close(ours.detach(), torchs(start(0), 0.01, 1.0, 30), rtol=0, atol=1e-12)


def test_what_needs_no_gradient_stays():
    ours, fixed = start(0).requires_grad_(), start(1)
    adam = Adam([fixed, ours], 0.01)
    adam.step((ours * fixed).sum(1))
    assert torch.equal(fixed, start(1)) and not torch.equal(ours.detach(), start(0))


@pytest.mark.parametrize("size", SIZES)
def test_moments_that_are_held_elsewhere(size):
    w, m, v = start(1), torch.zeros(4, 5, dtype=torch.float64), torch.zeros(4, 5, dtype=torch.float64)
    for k in range(1, 41):
        w -= 0.01 * direction(m, v, gradients(w, size), k)
    torch.testing.assert_close(w, torchs(start(1), 0.01, size, 40), rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_the_compiled_update_is_torchs(size):
    w, m, v = start(2).numpy().ravel(), np.zeros(20), np.zeros(20)
    for k in range(1, 41):
        adam_update(w, m, v, gradients(torch.from_numpy(w), size).numpy(), k, 0.01)
    np.testing.assert_allclose(w, torchs(start(2), 0.01, size, 40).numpy().ravel(), rtol=0, atol=1e-12)
