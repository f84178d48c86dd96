"""Three convolutions on digits, of curves that choose, of one family and of numbers, and what is shown of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from labcore.experiment import Diverged
from labcore.frames import Frame, axis, var
from labcore.primitives.contest.equal_size import matched_width
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.layers import streams
from labcore.primitives.runs.training import count, cross_entropy
from labcore.words import compared

from .basis_bank import PLANTED_POOL, Family
from .convolution import ConvNet, PlainNet
from .mechanism import temperature

KERNELS = Frame(
    model=axis("kernel", values=("S-ConvKAN", "one family", "plain")),
    repeat=axis("run"),
    time=axis("training time", "steps"),
    row=axis("row of the kernel", start=1),
    column=axis("column of the kernel", start=1),
    family=axis("family", values=PLANTED_POOL),
    accuracy=var("model repeat time", "share of test digits that are right"),
    alpha=var("repeat row column family", "selection weight of a kernel entry"),
    params=var("model", "numbers to learn, without gates"),
)


def digit_kernels(
    penalty: float,
    tau_end: float,
    rival: Family,
    maps: int,
    size: int,
    stages: tuple[int, int, int],
    lr: float,
    n_seeds: int,
    seed: int,
) -> Iterator[xr.Dataset]:
    """The frames of `experiments.digits`, whose parameters these are. Raises `Diverged`."""
    (full, selective, _), total, seeds = stages, sum(stages), [[seed, i] for i in range(n_seeds)]
    data = digit_batches(seeds, total)
    nets = [ConvNet(streams(seeds, 1), pool, maps, size, 0.1) for pool in (PLANTED_POOL, (rival,))]
    pruned = nets[1].conv.entries.count() + 90 * maps + 10
    nets.append(PlainNet(streams(seeds, 1), matched_width(int(pruned), lambda width: 100 * width + 10)))
    optimizers = [torch.optim.Adam(net.parameters(), lr=lr, fused=True) for net in nets]
    choosing, log = nets[0].conv, ([], [])

    def answers(x: Float[Tensor, "S N 64"], tau: float) -> list[Float[Tensor, "S N 10"]]:
        pictures = (2 * x - 1).unflatten(2, (1, 8, 8))
        curves = [net(net.conv.features(pictures), tau) for net in nets[:2]]
        return [*curves, nets[2](pictures[:, :, 0])]

    for step in range(total + 1):
        tau = temperature(step, stages, tau_end)
        if step % 10 == 0 or step == total:
            seen = 500 if step == total else 150
            with torch.no_grad():
                right = [
                    (a.argmax(-1) == data.y_test[:, :seen]).double().mean(1)
                    for a in answers(data.x_test[:, :seen], tau)
                ]
                alpha = choosing.entries.alpha(tau)[..., 0, 0].unflatten(1, (3, 3)).double().numpy()
            log[0].append(step)
            log[1].append(torch.stack(right).numpy())
            sizes = [net.conv.entries.count() + count(net.head, n_seeds) for net in nets[:2]]
            yield _frame(log, alpha, [*sizes, count(nets[2], n_seeds)], rival, (full, full + selective), total)
        if step == total:
            return
        x, y = data.batch(step)
        loss = sum(cross_entropy(a, y).sum() for a in answers(x, tau))
        if full <= step < full + selective:
            loss = loss + penalty * choosing.entries.entropy(tau).sum()
        if not torch.isfinite(loss):
            raise Diverged(step)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        if step + 1 == full + selective:
            choosing.prune(tau_end)
            optimizers[0] = torch.optim.Adam(nets[0].parameters(), lr=lr, fused=True)


def _frame(
    log: tuple[list[int], list[Float[np.ndarray, "model repeat"]]],
    alpha: Float[np.ndarray, "repeat row column family"],
    params: Sequence[float],
    rival: Family,
    stages: Sequence[int],
    total: int,
) -> xr.Dataset:
    steps, accuracy = log[0], np.stack(log[1], -1)
    last = accuracy[..., -1]
    beside = [
        f"{name} {other.mean():.1%} with {int(n)}" + (f", {compared(other, last[0])}" if len(other) > 2 else "")
        for other, name, n in zip(last[1:], (f"{rival} alone", "a plain kernel"), params[1:])
    ]
    picks = (alpha > 0.5).sum((0, 1, 2))
    told = ", ".join(f"{n} {name}" for name, n in zip(PLANTED_POOL, picks) if n)
    picked = f"Of its {alpha[..., 0].size} kernel entries so many lean to one family: {told or 0}."
    return KERNELS(
        dict(time=steps, accuracy=accuracy, alpha=alpha, params=params),
        f"At step {steps[-1]} S-ConvKAN gets {last[0].mean():.1%} of the test digits right with {int(params[0])} "
        f"numbers (mean of {len(last[0])}); {'; '.join(beside)}. {picked}",
        steps[-1] / total,
        stages=list(stages),
        rival=rival,
    )
