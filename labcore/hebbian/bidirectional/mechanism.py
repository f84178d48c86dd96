"""Two-way learning: a step on the classifier's loss, then one on the generator's, on the same matrices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from labcore.primitives.digits.stacked import stacked_digits
from labcore.primitives.runs.descend import adam, descend

from .stack import Activation, TiedStack, forward, reverse, tied_stack

Method = Literal["BL", "HAN"]
Act = Literal["sigmoid", "relu"]
N_TRAIN, N_TEST, BATCH, RATE = 1300, 497, 50, 0.003
LEARNERS = ("one way", "two ways")
ACTIVATIONS = {"sigmoid": torch.sigmoid, "relu": torch.relu}


def classifier_loss(
    net: TiedStack, x: Float[Tensor, "S B d"], labels: Int[Tensor, "S B"], f: Activation
) -> Float[Tensor, ""]:
    """Cross-entropy of C(x), mean over the batch, summed over the S networks."""
    return F.cross_entropy(forward(net, x, f).flatten(0, 1), labels.flatten(), reduction="sum") / x.shape[1]


def generator_loss(
    net: TiedStack, y: Float[Tensor, "S B classes"], x: Float[Tensor, "S B d"], f: Activation
) -> Float[Tensor, ""]:
    """Binary cross-entropy of G(y) against x, mean over pixels and batch, summed over the S networks."""
    drawn = reverse(net, y, f)
    return F.binary_cross_entropy_with_logits(drawn, x, reduction="sum") / x[0].numel()


def _critic(judge: TiedStack, x: Float[Tensor, "S B d"], real: bool) -> Float[Tensor, ""]:
    """Binary cross-entropy of the discriminator's verdict on x, mean over the batch, summed over networks."""
    score = forward(judge, x, torch.relu)
    return F.binary_cross_entropy_with_logits(score, torch.full_like(score, float(real)), reduction="sum") / x.shape[1]


def learn(
    sizes: tuple[int, ...], method: Method, share: float, bias: bool, act: Act, steps: int, seeds: list[list[int]]
) -> Iterator[tuple[int, list[TiedStack]]]:
    """Train S networks one way and S two ways, same start, same batches; the step and both, updated in place.

    Generator steps are taken in the first `share` of the training: 0 is plain backpropagation, 0.5 is half, 1 is BL.
    """
    f = ACTIVATIONS[act]
    x_all, label_all, *_ = stacked_digits(N_TRAIN, N_TEST, seeds)
    nets = [tied_stack(sizes, [np.random.default_rng([*s, 1]) for s in seeds]) for _ in LEARNERS]
    batches = [np.random.default_rng([*s, 2]) for s in seeds]
    noise = [np.random.default_rng([*s, 6]) for s in seeds]
    # each loss has its own optimiser state: the two steps see gradients of different size
    up = [adam([*net.w, *(net.c if bias else [])], RATE) for net in nets]
    down = adam([*nets[1].w, *(nets[1].g if bias else [])], RATE)
    judge = tied_stack((64, 64, 1), [np.random.default_rng([*s, 3]) for s in seeds])
    judging = adam([*judge.w, *judge.c], RATE)
    rows = torch.arange(len(seeds))[:, None]
    for step in range(1, steps + 1):
        pick = torch.tensor(np.stack([g.integers(0, N_TRAIN, BATCH) for g in batches]))
        x, labels = x_all[rows, pick], label_all[rows, pick]
        for net, optimiser in zip(nets, up, strict=True):
            descend(optimiser, classifier_loss(net, x, labels, f))
        if step <= round(share * steps):
            if method == "BL":
                descend(down, generator_loss(nets[1], F.one_hot(labels, 10).float(), x, f))
            else:
                z = torch.tensor(np.stack([g.uniform(-1, 1, (BATCH, 10)) for g in noise]), dtype=torch.float32)
                fake = torch.sigmoid(reverse(nets[1], z, f))
                descend(judging, _critic(judge, x, True) + _critic(judge, fake.detach(), False))
                descend(down, _critic(judge, fake, True))  # -log D(G(z)): the gradient stays when D wins
        yield step, nets
