"""A frozen base, the gate on its hidden neurons, its rivals, and the training of all of them side by side."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from labcore.primitives.digits.corrupted import rotate_digits
from labcore.primitives.digits.stacked import stacked_digits

Array = np.ndarray
Method = Literal["bias only", "gain only", "gate", "LoRA"]
LEARNERS = ("frozen", "bias only", "gain only", "gate", "gate, hardened", "LoRA")
TRAIN, TEST, BATCH = 900, 897, 64


class Base(NamedTuple):
    """S networks side by side, x -> ReLU -> ReLU -> scores."""

    w1: Float[Tensor, "S H 64"]
    b1: Float[Tensor, "S 1 H"]
    w2: Float[Tensor, "S H H"]
    b2: Float[Tensor, "S 1 H"]
    w3: Float[Tensor, "S 10 H"]
    b3: Float[Tensor, "S 1 10"]


class Patch(NamedTuple):
    """What may be learned on top of a frozen base, for K modes of S networks; a method trains some and no others."""

    theta: list[Float[Tensor, "K S 1 H"]]  # thresholds of both layers
    gamma: list[Float[Tensor, "K S 1 H"]]  # gains of both
    bias: list[Float[Tensor, "K S 1 H"]]  # of both
    down: list[Float[Tensor, "K S r inputs"]]  # A of all three
    up: list[Float[Tensor, "K S outputs r"]]  # B of all three


def gate(
    h: Float[Tensor, "*K n H"], theta: Float[Tensor, "*K 1 H"], gamma: Float[Tensor, "*K 1 H"], tau: float,
    hard: bool = False,
) -> tuple[Float[Tensor, "*K n H"], Float[Tensor, "*K n H"]]:  # fmt: skip
    """h~ = gamma a h and the gate a, for activities h after the ReLU; `hard` opens it iff h > theta."""
    a = (h > theta).to(h.dtype) if hard else torch.sigmoid((h - theta) / tau)
    return gamma * a * h, a


def forward(
    base: Base,
    x: Float[Tensor, "*K S n 64"],
    patch: Patch | None = None,
    gated: Bool[Tensor, "K 1 1 1"] | None = None,
    tau: float = 0.25,
    hard: bool = False,
) -> tuple[Float[Tensor, "*K S n 10"], list[Float[Tensor, "*K S n H"]], list[Float[Tensor, "*K S n H"]]]:
    """Scores of x; of both hidden layers what they send on, and their gates.

    Without a patch this is the base itself. `gated` says which modes have gates; the others' are open.
    """
    sent, gates = [], []
    for layer in range(3):
        z = x @ base[2 * layer].mT + base[2 * layer + 1]  # the idea
        if patch:
            z = z + (x @ patch.down[layer].mT) @ patch.up[layer].mT
        if layer == 2:
            return z, sent, gates
        h = torch.relu(z + patch.bias[layer] if patch else z)  # the idea
        if patch:
            heard, a = gate(h, patch.theta[layer], patch.gamma[layer], tau, hard)  # the idea
            x = heard if gated is None else torch.where(gated, heard, patch.gamma[layer] * h)
            gates.append(a)
        else:
            x = h
        sent.append(x)
    raise AssertionError


class Data(NamedTuple):
    """Digits of S draws. The images are upright; labels are class numbers."""

    train: Float[Tensor, "S 900 64"]
    train_labels: Int[Tensor, "S 900"]
    test: Float[Tensor, "S 897 64"]
    test_labels: Int[Tensor, "S 897"]


def turned(x: Float[Tensor, "S n 64"], angle: float) -> Float[Tensor, "S n 64"]:
    """Images turned counterclockwise by `angle` degrees."""
    if angle == 0:
        return x.clone()
    flat = rotate_digits(x.double().numpy().reshape(-1, 8, 8), angle)
    return torch.tensor(flat.reshape(x.shape), dtype=torch.float32)


def digits(seeds: list[list[int]]) -> Data:
    """One split for each seed."""
    return Data(*stacked_digits(TRAIN, TEST, seeds))


def _rows(rngs: list[np.random.Generator]) -> Int[Tensor, "S batch"]:
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
    base: Base, x: Float[Tensor, "#K S 900 64"], labels: Int[Tensor, "S 900"], methods: tuple[Method, ...], *,
    steps: int, tau: float, lam: Float[Tensor, "K 1"], rank: int, rngs: list[np.random.Generator],
) -> Iterator[tuple[int, Patch]]:  # fmt: skip
    """Train K modes at once on x, Adam, rate 0.01; yields the patch after each step.

    All see the same batches. lam weighs the mean of the gates. The base's weights get no gradient.
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


def right(scores: Float[Tensor, "*K n 10"], labels: Int[Tensor, "*S n"]) -> Float[Array, "*K"]:
    """Share of right answers."""
    return (scores.argmax(-1) == labels).double().mean(-1).numpy()


def n_parameters(width: int, rank: int) -> dict[str, int]:
    """How many numbers each learner may move."""
    lora = rank * (64 + width + width + width + width + 10)
    sizes = (0, 2 * width, 2 * width, 4 * width, 4 * width, lora)
    return dict(zip(LEARNERS, sizes))
