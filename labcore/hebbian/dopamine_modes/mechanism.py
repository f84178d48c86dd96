"""The mechanism of `dopamine_modes`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from labcore.data import digits_split
from labcore.primitives.digits.corrupted import rotate_digits

Array = NDArray[np.float64]
Method = Literal["bias only", "gain only", "gate", "LoRA"]
LEARNERS = ("frozen", "bias only", "gain only", "gate", "gate, hardened", "LoRA")
TRAIN, TEST, BATCH = 900, 897, 64


class Base(NamedTuple):
    """S networks side by side, x -> ReLU -> ReLU -> scores."""

    w1: Tensor  # (S, H, 64)
    b1: Tensor  # (S, 1, H)
    w2: Tensor  # (S, H, H)
    b2: Tensor  # (S, 1, H)
    w3: Tensor  # (S, 10, H)
    b3: Tensor  # (S, 1, 10)


class Patch(NamedTuple):
    """What may be learned on top of a frozen base, for K modes of S networks; a method trains some and no others."""

    theta: list[Tensor]  # two of (K, S, 1, H): thresholds
    gamma: list[Tensor]  # two of (K, S, 1, H): gains
    bias: list[Tensor]  # two of (K, S, 1, H)
    down: list[Tensor]  # three of (K, S, r, inputs): A
    up: list[Tensor]  # three of (K, S, outputs, r): B


def gate(h: Tensor, theta: Tensor, gamma: Tensor, tau: float, hard: bool = False) -> tuple[Tensor, Tensor]:
    """h~ = gamma a h and the gate a, for activities h (..., n, H) after the ReLU; `hard` opens it iff h > theta."""
    a = (h > theta).to(h.dtype) if hard else torch.sigmoid((h - theta) / tau)
    return gamma * a * h, a


def forward(
    base: Base,
    x: Tensor,
    patch: Patch | None = None,
    gated: Tensor | None = None,
    tau: float = 0.25,
    hard: bool = False,
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Scores (..., n, 10) of x (..., n, 64); of both hidden layers what they send on, and their gates.

    Without a patch this is the base itself. `gated` (K, 1, 1, 1) says which modes have gates; the others' are open.
    """
    sent, gates = [], []
    for layer in range(3):
        z = x @ base[2 * layer].mT + base[2 * layer + 1]
        if patch:
            z = z + (x @ patch.down[layer].mT) @ patch.up[layer].mT
        if layer == 2:
            return z, sent, gates
        h = torch.relu(z + patch.bias[layer] if patch else z)
        if patch:
            heard, a = gate(h, patch.theta[layer], patch.gamma[layer], tau, hard)
            x = heard if gated is None else torch.where(gated, heard, patch.gamma[layer] * h)
            gates.append(a)
        else:
            x = h
        sent.append(x)
    raise AssertionError


class Data(NamedTuple):
    """Digits of S draws. Training (S, 900, 64) and test (S, 897, 64) images are upright; labels are class numbers."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor


def turned(x: Tensor, angle: float) -> Tensor:
    """Images (S, n, 64) turned counterclockwise by `angle` degrees."""
    if angle == 0:
        return x.clone()
    flat = rotate_digits(x.double().numpy().reshape(-1, 8, 8), angle)
    return torch.tensor(flat.reshape(x.shape), dtype=torch.float32)


def digits(seeds: list[list[int]]) -> Data:
    splits = [digits_split(TRAIN, TEST, s) for s in seeds]
    x, y, x_test, y_test = (np.stack(part) for part in zip(*splits))
    as_float = dict(dtype=torch.float32)
    return Data(
        torch.tensor(x, **as_float),
        torch.tensor(y.argmax(2)),
        torch.tensor(x_test, **as_float),
        torch.tensor(y_test.argmax(2)),
    )


def _rows(rngs: list[np.random.Generator]) -> Tensor:
    return torch.tensor(np.stack([g.integers(0, TRAIN, BATCH) for g in rngs]))


@lru_cache(maxsize=8)
def foundation(seeds: tuple[tuple[int, ...], ...], width: int, steps: int, mixed: bool) -> Base:
    """Bases trained with Adam, rate 1e-3, on upright digits and, if `mixed`, as many turned by 45 degrees."""
    data, rngs = digits([list(s) for s in seeds]), [np.random.default_rng([*s, 1]) for s in seeds]
    views = torch.stack([data.train, turned(data.train, 45)])
    shapes = ((width, 64), (width, width), (10, width))
    tensors = []
    for out, into in shapes:
        start = np.stack([g.uniform(-1, 1, (out, into)) / np.sqrt(into) for g in rngs])
        tensors += [torch.tensor(start, dtype=torch.float32), torch.zeros(len(seeds), 1, out)]
    base, net = Base(*(t.requires_grad_() for t in tensors)), torch.arange(len(seeds))[:, None]
    adam = torch.optim.Adam(base, lr=1e-3)
    for _ in range(steps):
        rows = _rows(rngs)
        view = torch.tensor(np.stack([g.integers(0, 2, BATCH) for g in rngs])) * int(mixed)
        scores = forward(base, views[view, net, rows])[0]
        loss = F.cross_entropy(scores.flatten(0, 1), data.train_labels[net, rows].flatten(), reduction="sum") / BATCH
        adam.zero_grad()
        loss.backward()
        adam.step()
    return Base(*(t.detach() for t in base))


def fresh_patch(base: Base, methods: tuple[Method, ...], rank: int, rngs: list[np.random.Generator]) -> Patch:
    """Patches that change nothing yet, but for a nearly open gate. What a method does not train stays constant."""
    s, width, k = len(base.w1), base.w1.shape[1], len(methods)

    def column(value: float, *users: Method) -> list[Tensor]:
        return [torch.full((k, s, 1, width), value).requires_grad_(any(m in users for m in methods)) for _ in range(2)]

    down, up = [], []
    for w in (base.w1, base.w2, base.w3):
        out, into = w.shape[1:]
        start = torch.tensor(np.stack([g.normal(size=(rank, into)) / np.sqrt(into) for g in rngs]), dtype=torch.float32)
        lora = "LoRA" in methods
        down.append(start.repeat(k, 1, 1, 1).requires_grad_(lora))
        up.append(torch.zeros(k, s, out, rank).requires_grad_(lora))
    return Patch(column(-1.0, "gate"), column(1.0, "gate", "gain only"), column(0.0, "bias only"), down, up)


def specialised(
    base: Base, x: Tensor, labels: Tensor, methods: tuple[Method, ...], *,
    steps: int, tau: float, lam: Tensor, rank: int, rngs: list[np.random.Generator],
) -> Iterator[tuple[int, Patch]]:  # fmt: skip
    """Train K modes at once on x (K or 1, S, 900, 64), Adam, rate 0.01; yields the patch after each step.

    All see the same batches. lam (K, 1) weighs the mean of the gates. The base's weights get no gradient.
    """

    def users(*names: str) -> Tensor:
        return torch.tensor([m in names for m in methods]).view(-1, 1, 1, 1)

    gated, net = users("gate"), torch.arange(len(base.w1))[:, None]
    patch = fresh_patch(base, methods, rank, rngs)
    owners = (gated, users("gate", "gain only"), users("bias only"), users("LoRA"), users("LoRA"))
    trained = [(t, o) for part, o in zip(patch, owners) for t in part if t.requires_grad]
    adam = torch.optim.Adam([t for t, _ in trained], lr=1e-2)
    for step in range(1, steps + 1):
        rows = _rows(rngs)
        scores, _, gates = forward(base, x[:, net, rows], patch, gated, tau)
        target = labels[net, rows].expand(scores.shape[:-1])
        loss = F.cross_entropy(scores.flatten(0, -2), target.flatten(), reduction="sum") / BATCH
        loss = loss + (lam * sum(a.mean((-2, -1)) for a in gates) / 2).sum()
        adam.zero_grad()
        loss.backward()
        for tensor, owner in trained:
            tensor.grad *= owner  # a method moves its own parameters and no others
        adam.step()
        yield step, patch


def right(scores: Tensor, labels: Tensor) -> Array:
    """Share of right answers (...) of scores (..., n, 10)."""
    return (scores.argmax(-1) == labels).double().mean(-1).numpy()


def n_parameters(width: int, rank: int) -> dict[str, int]:
    """How many numbers each learner may move."""
    lora = rank * (64 + width + width + width + width + 10)
    sizes = (0, 2 * width, 2 * width, 4 * width, 4 * width, lora)
    return dict(zip(LEARNERS, sizes))


SWEEP = tuple(range(0, 95, 5))


def _bare(k: int, s: int, width: int, theta: Tensor, gamma: Tensor) -> Patch:
    """A patch of gates only, from theta and gamma (2, width), for k modes of s networks."""
    parts = [[p[layer].expand(k, s, 1, width).clone() for layer in range(2)] for p in (theta, gamma)]
    none = [torch.zeros(1, 1, 1, 1)] * 2
    down, up = (
        [torch.zeros(1, 1, *shape(n)) for n in (64, width, width)] for shape in (lambda i: (1, i), lambda _: (1, 1))
    )
    return Patch(*parts, none, down, up)


@lru_cache(maxsize=4)
def two_modes(steps: int, lam: float, seed: int) -> tuple[Base, Tensor, Tensor, Array]:
    """One base (width 32) and its modes: theta and gamma (3, 2, 32) of off, upright, turned; accuracies (3, 19).

    Off is the open gate, theta = -1e9 and gamma = 1, which is the base itself. Gates are hard; angles are `SWEEP`.
    """
    base, data = foundation(((seed, 0),), 32, 400, True), digits([[seed, 0]])
    x, rngs = torch.stack([data.train, turned(data.train, 45)]), [np.random.default_rng([seed, 0, 2])]
    lams = torch.full((2, 1), lam)
    train = specialised(
        base, x, data.train_labels, ("gate", "gate"), steps=steps, tau=0.25, lam=lams, rank=1, rngs=rngs
    )
    _, patch = deque(train, maxlen=1)[0]
    learned = [torch.stack([p.detach()[:, 0, 0] for p in part], 1) for part in (patch.theta, patch.gamma)]
    theta, gamma = (torch.cat([torch.full((1, 2, 32), off), p]) for off, p in zip((-1e9, 1.0), learned))
    curves = np.empty((3, len(SWEEP)))
    for j, angle in enumerate(SWEEP):
        seen = turned(data.test, angle)[None]
        for m in range(3):
            scores = forward(base, seen, _bare(1, 1, 32, theta[m], gamma[m]), hard=True)[0]
            curves[m, j] = right(scores, data.test_labels)[0, 0]
    return base, theta, gamma, curves
