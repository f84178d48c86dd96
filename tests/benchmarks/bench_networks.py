"""Small networks: many at once beside a loop over torch modules, and one sample at a time in compiled loops."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from labcore.data import digits_split
from labcore.hebbian.electronic_synapse import perceptron as digit_perceptron
from labcore.hebbian.ensemble_to_ensemble import activities, masked_stack
from labcore.hebbian.homeostatic import elu_net
from labcore.hebbian.neuro_modulated_hebbian import Net, entropy, forward, hebb_filters, patches, source_net
from labcore.kan.noble import NobleLinear
from labcore.primitives.local_rules import hebb_rules
from labcore.primitives.runs import descend
from tests.benchmarks.timing import Duel, Growth, Work

SIZES = (64, 32, 32, 10)


def ensemble(quick: bool) -> list[Duel]:
    """Adam steps of several networks: one batched product a layer for all, and one torch module after another."""
    count, steps, batch = (2, 2, 32) if quick else (16, 20, 100)
    x, y = digits(batch)

    def ours() -> list[torch.Tensor]:
        # each start is drawn from a generator of its own, so this is what the modules below start from
        rngs = [np.random.default_rng(s) for s in range(count)]
        net = masked_stack(SIZES, [torch.ones(1, count, 32, 32)], [1.0], rngs)
        optimiser = descend.adam([*net.w, *net.b], 1e-3)
        for _ in range(steps):
            scores = activities(net, x.expand(count, -1, -1))[-1]
            loss = F.cross_entropy(scores.flatten(0, 2), y.repeat(count), reduction="sum") / batch
            descend.descend(optimiser, loss)
        return [w[0] for w in net.w]

    def theirs() -> list[torch.Tensor]:
        rngs = [np.random.default_rng(s) for s in range(count)]
        first = masked_stack(SIZES, [torch.ones(1, count, 32, 32)], [1.0], rngs).w
        ends = []
        for s in range(count):
            linear = [nn.Linear(a, b) for a, b in zip(SIZES, SIZES[1:])]
            with torch.no_grad():
                for layer, w in zip(linear, first):
                    layer.weight.copy_(w[0, s])
                    layer.bias.zero_()
            net = nn.Sequential(linear[0], nn.ReLU(), linear[1], nn.ReLU(), linear[2])
            optimiser = torch.optim.Adam(net.parameters(), 1e-3)
            for _ in range(steps):
                optimiser.zero_grad()
                F.cross_entropy(net(x), y).backward()
                optimiser.step()
            ends.append([layer.weight for layer in linear])
        return [torch.stack(weights) for weights in zip(*ends)]

    what = f"{count} networks 64-32-32-10, batch {batch}, Adam"
    return [Duel(what, ours, "loop over torch modules", theirs, 1e-4, "ms", "step of all", steps, table=True)]


def digits(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    split = digits_split(count, 100, 0)
    return torch.tensor(split.x_train, dtype=torch.float32), torch.tensor(split.y_train).argmax(-1)


def fused(quick: bool) -> list[Duel]:
    """Adam on many small tensors: fused, and as torch does it unasked."""
    steps, count = 20 if quick else 200, 8
    rng = np.random.default_rng(0)
    starts = [torch.tensor(rng.normal(size=(32, 32)), dtype=torch.float32) for _ in range(count)]

    def loss(tensors: list[torch.Tensor]) -> torch.Tensor:
        return sum((t * t).sum() for t in tensors)

    def ours() -> list[torch.Tensor]:
        tensors = [t.clone() for t in starts]
        optimiser = descend.adam(tensors, 1e-2)
        for _ in range(steps):
            descend.descend(optimiser, loss(tensors))
        return tensors

    def theirs() -> list[torch.Tensor]:
        tensors = [t.clone().requires_grad_() for t in starts]
        optimiser = torch.optim.Adam(tensors, 1e-2)
        for _ in range(steps):
            optimiser.zero_grad()
            loss(tensors).backward()
            optimiser.step()
        return tensors

    what = f"Adam on {count} tensors of 32 x 32"
    return [Duel(what, ours, "torch.optim.Adam", theirs, 1e-4, "us", "step", steps)]


def one_by_one(quick: bool) -> list[Duel]:
    """A stream of single samples through the ELU network 64-40-30-10, gradients summed over ten."""
    count = 30 if quick else 1000
    split = digits_split(1000, 100, 0)
    x, labels = np.ascontiguousarray(split.x_train[:count], float), split.y_train[:count].argmax(-1)
    start = np.random.default_rng(0).normal(size=4140) * 0.1
    grad = np.zeros_like(start)

    def ours() -> np.ndarray:
        theta = start.copy()
        grad[:] = 0
        for t in range(count):
            elu_net.look(theta, x[t], labels[t], grad)
            if t % elu_net.BATCH == elu_net.BATCH - 1:
                theta = elu_net.descend(theta, grad, 0.05)
                grad[:] = 0
        return theta

    def theirs() -> torch.Tensor:
        parts = [torch.tensor(part.copy(), requires_grad=True) for part in elu_net.unpack(start)]
        w1, b1, w2, b2, w3, b3 = parts
        optimiser, xt = torch.optim.SGD(parts, 0.05 / elu_net.BATCH), torch.tensor(x)
        answers = torch.tensor(labels)
        for t in range(count):
            scores = F.elu(F.elu(xt[t] @ w1 + b1) @ w2 + b2) @ w3 + b3
            F.cross_entropy(scores, answers[t]).backward()
            if t % elu_net.BATCH == elu_net.BATCH - 1:
                optimiser.step()
                optimiser.zero_grad()
        return torch.cat([part.detach().flatten() for part in parts])

    what = "ELU network 64-40-30-10, one sample at a time"
    return [Duel(what, ours, "torch, one sample at a time", theirs, 1e-9, "us", "sample", count, table=True)]


def loops(quick: bool) -> list[Duel]:
    """The gradient of the digit perceptron in plain loops, beside matrix products of NumPy."""
    split = digits_split(1000, 100, 0)
    x, y = (np.ascontiguousarray(a[:10], float) for a in (split.x_train, split.y_train))
    w = digit_perceptron.initial(np.random.default_rng(0))
    cut = digit_perceptron.INPUTS * digit_perceptron.HIDDEN
    g = np.empty_like(w)

    def ours() -> np.ndarray:
        digit_perceptron.gradient(x, y, w, g)
        return g

    def theirs() -> np.ndarray:
        w1, w2 = w[:cut].reshape(64, 32), w[cut:].reshape(32, 10)
        h = np.maximum(x @ w1, 0)
        out = np.exp(h @ w2)
        error = (out / out.sum(1, keepdims=True) - y) / len(x)
        return np.concatenate([(x.T @ ((error @ w2.T) * (h > 0))).ravel(), (h.T @ error).ravel()])

    return [
        Duel(
            "digit perceptron 64-32-10, gradient of 10 digits", ours, "NumPy products", theirs, 1e-12, "us", table=True
        )
    ]


def stream(quick: bool) -> list[Duel]:
    """Sanger's rule, sample by sample."""
    count = 200 if quick else 5000
    rng = np.random.default_rng(0)
    x, start = rng.normal(size=(count, 16)) * np.linspace(1, 0.1, 16), rng.normal(size=(4, 16)) * 0.1

    def theirs() -> np.ndarray:
        w = start.copy()
        for sample in x:
            y = w @ sample
            w += 0.01 * (y[:, None] * sample - np.tril(np.outer(y, y)) @ w)
        return w

    ours = lambda: hebb_rules.hebb_stream(x, start, "sanger", 0.01, every=count).w[-1]  # noqa: E731
    return [Duel("Sanger's rule, 4 units of 16 inputs", ours, "NumPy loop", theirs, 1e-9, "us", "sample", count)]


def yardsticks(quick: bool) -> list[Duel]:
    """What a method adds to the plain thing it stands on: other computations, so nothing is equal here."""
    images = 32 if quick else 200
    net, _ = source_net(((0,),), 1)
    x = patches(digits(images)[0].reshape(1, images, 1, 8, 8))

    def entropy_step() -> list[torch.Tensor]:
        moved = [p.clone().requires_grad_() for p in net[4:8]]
        loss = entropy(forward(Net(*net[:4], *moved, *net[8:]), x)[0]).sum()
        return list(torch.autograd.grad(loss, moved))

    rng, rows, width = np.random.default_rng(0), 256, 64 if quick else 256
    layer, plain = NobleLinear([rng], width, width), nn.Linear(width, width)
    z = torch.randn(1, rows, width, generator=torch.Generator().manual_seed(0))

    def train(module: nn.Module) -> Work:
        def run() -> torch.Tensor:
            y = module(z)
            torch.autograd.grad(y.sum(), list(module.parameters()))
            return y

        return run

    hebb = lambda: hebb_filters(net.w1, x.flatten(-3, -2), 0.3, 0.01)  # noqa: E731
    tent = "yardstick: gradient of the entropy (Tent)"
    dense = "yardstick: nn.Linear"
    what = f"NOBLE layer {width} to {width}, rank 4, {rows} rows, forward + backward"
    return [
        Duel(f"soft Hebbian step on {images} images", hebb, tent, entropy_step, None, table=True),
        Duel(what, train(layer), dense, train(plain), None, table=True),
    ]


def growth(quick: bool) -> list[Growth]:
    rng, samples = np.random.default_rng(0), 200
    inputs = {}
    for d in (16, 64) if quick else (16, 32, 64, 128, 256):
        x, w = rng.normal(size=(samples, d)) / np.sqrt(d), rng.normal(size=(4, d)) / np.sqrt(d)
        run = lambda x=x, w=w: hebb_rules.hebb_stream(x, w, "sanger", 0.01, every=samples)  # noqa: E731
        inputs[d] = run, samples
    return [Growth("Sanger's rule, 4 units", "inputs", inputs, 1, "us", "sample")]


PEERS = (ensemble, fused, one_by_one, loops, stream, yardsticks)
GROWTH = (growth,)
MEMORY = ()
