"""A small convolutional network, its two loops at test time (Hebbian filters, entropy-driven gains), its training."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from labcore.primitives.digits.stacked import stacked_digits
from labcore.primitives.local_rules.hebb_rules import hebb_change
from labcore.primitives.runs.batched_adam import direction

HEBB, GAINS, TENT = (2, 4), (3, 4), (5,)  # which methods change what; all but the first use batch statistics
TUNED = (3, 4, 5)  # the methods that take an entropy step


class Net(NamedTuple):
    """Networks side by side: every array has the same leading dimensions."""

    w1: Float[Tensor, "... 16 9"]
    w2: Float[Tensor, "... 32 144"]
    w3: Float[Tensor, "... 10 128"]
    b3: Float[Tensor, "... 1 10"]
    scale1: Float[Tensor, "... 1 1 16"]  # these four are of the batch normalisations
    shift1: Float[Tensor, "... 1 1 16"]
    scale2: Float[Tensor, "... 1 1 32"]
    shift2: Float[Tensor, "... 1 1 32"]
    gain: Float[Tensor, "... 1 1 16"]  # these two are the neuro-modulator
    bias: Float[Tensor, "... 1 1 16"]


Moments = tuple[Float[Tensor, "... 1 1 c"], Float[Tensor, "... 1 1 c"]]  # mean and variance of each channel


def patches(images: Float[Tensor, "... c h w"]) -> Float[Tensor, "... h*w 9*c"]:
    """All 3x3 patches of images, zeros around them."""
    *lead, c, h, w = images.shape
    return F.unfold(images.reshape(-1, c, h, w), 3, padding=1).mT.reshape(*lead, h * w, 9 * c)


def _normalise(
    h: Float[Tensor, "... B position c"], known: Moments | None, fixed: Bool[Tensor, "... 1 1 1"] | None
) -> tuple[Float[Tensor, "... B position c"], Moments]:
    """Batch normalisation; where `fixed` is true, with the known mean and variance."""
    mean = h.mean((-3, -2), keepdim=True)
    var = (h - mean).square().mean((-3, -2), keepdim=True)
    if known is not None:
        mean, var = torch.where(fixed, known[0], mean), torch.where(fixed, known[1], var)
    return (h - mean) / (var + 1e-5).sqrt(), (mean, var)


def _filtered(x: Float[Tensor, "... B position d"], w: Float[Tensor, "... K d"]) -> Float[Tensor, "... B position K"]:
    """Responses of filters w to patches x."""
    # one product a network, and not one an image
    return (x.flatten(-3, -2) @ w.mT).unflatten(-2, x.shape[-3:-1])


def _pool(h: Float[Tensor, "... side*side c"]) -> Float[Tensor, "... c side/2 side/2"]:
    """The largest of each 2x2 block, as images."""
    side = round(h.shape[-2] ** 0.5)
    images = h.mT.unflatten(-1, (side, side))
    return F.max_pool2d(images.flatten(0, -4), 2).unflatten(0, images.shape[:-3])


def forward(
    net: Net,
    x: Float[Tensor, "... B 64 9"],
    known: tuple[Moments, Moments] | None = None,
    fixed: Bool[Tensor, "... 1 1 1"] | None = None,
) -> tuple[Float[Tensor, "... B 10"], tuple[Moments, Moments]]:
    """Scores of first-layer patches x, and the statistics of both normalisations.

    `known` are statistics to use in place of the batch's own for the networks where `fixed` is true.
    """
    h, first = _normalise(_filtered(x, net.w1), known and known[0], fixed)
    h = torch.relu(net.gain * (net.scale1 * h + net.shift1) + net.bias)
    h, second = _normalise(_filtered(patches(_pool(h)), net.w2), known and known[1], fixed)
    h = _pool(torch.relu(net.scale2 * h + net.shift2))
    return h.flatten(-3) @ net.w3.mT + net.b3, (first, second)


def hebb_filters(
    w: Float[Tensor, "... K 9"], x: Float[Tensor, "... P 9"], tau: float, eta: float
) -> Float[Tensor, "... K 9"]:
    """One normalised step of soft Hebbian competition of filters w for patches x."""
    change = hebb_change(x, w, "soft", tau)[0]
    return w + eta * change / change.abs().amax((-2, -1), keepdim=True).clamp(min=1e-12)


def entropy(scores: Float[Tensor, "*nets B 10"]) -> Float[Tensor, "*nets"]:
    """Mean entropy of the predictions, in nats."""
    log = torch.log_softmax(scores, -1)
    return -(log.exp() * log).sum(-1).mean(-1)


@lru_cache(maxsize=8)
def source_net(seeds: tuple[tuple[int, ...], ...], epochs: int = 25) -> tuple[Net, tuple[Moments, Moments]]:
    """A network a seed, trained on 900 clean digits, Adam 3e-3, batches of 50; and the statistics on those digits."""
    rngs = [np.random.default_rng([*s, 1]) for s in seeds]
    images, labels, *_ = stacked_digits(900, 897, seeds)
    x, count = patches(images.unflatten(-1, (1, 8, 8))), len(seeds)

    def drawn(out: int, fan_in: int) -> Tensor:
        # torch's own start for such layers; the filters' lengths, about 0.6, matter to a rule whose filters end at 1
        start = np.stack([g.uniform(-1, 1, (out, fan_in)) / np.sqrt(fan_in) for g in rngs])
        return torch.tensor(start, dtype=torch.float32)

    ones, zeros = (lambda c: torch.ones(count, 1, 1, c)), (lambda c: torch.zeros(count, 1, 1, c))
    head = torch.zeros(count, 1, 10)
    norms = (ones(16), zeros(16), ones(32), zeros(32), ones(16), zeros(16))
    net = Net(drawn(16, 9), drawn(32, 144), drawn(10, 128), head, *norms)
    trained = net[:8]  # the modulator stays at gain 1, shift 0
    for p in trained:
        p.requires_grad_()
    adam = torch.optim.Adam(trained, lr=3e-3)
    for _ in range(epochs):
        order = torch.tensor(np.stack([g.permutation(900) for g in rngs])).reshape(count, 18, 50)
        for batch in order.unbind(1):
            rows = torch.arange(count)[:, None], batch
            scores = forward(net, x[rows])[0]
            loss = F.cross_entropy(scores.flatten(0, 1), labels[rows].flatten(), reduction="sum") / 50
            adam.zero_grad()
            loss.backward()
            adam.step()
    net = Net(*(p.detach() for p in net))
    with torch.no_grad():
        return net, forward(net, x)[1]


def entropy_step(
    net: Net, x: Float[Tensor, "tuned S B 64 9"], moments: list[tuple[Tensor, Tensor]], step: int, lr: float
) -> tuple[Net, Float[Tensor, "tuned S"]]:
    """One Adam step on the prediction entropy: gain and bias of NHL and gains-only, both normalisations of Tent."""
    some = Net(*(p[list(TUNED)].clone() for p in net))
    moved = [p.requires_grad_() for p in some[4:]]
    loss = entropy(forward(some, x)[0])
    gradients = torch.autograd.grad(loss.sum(), moved)
    fields = list(net)
    for i, (gradient, (m, v)) in enumerate(zip(gradients, moments, strict=True)):
        change = lr * direction(m, v, gradient, step)
        fields[4 + i] = net[4 + i].clone()
        for method in GAINS if i >= 4 else TENT:
            fields[4 + i][method] -= change[TUNED.index(method)]
    return Net(*fields), loss.detach()
