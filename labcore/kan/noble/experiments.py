"""One layer under the hand, a regression with one sharp direction, and a small character model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from math import pi, sqrt
from typing import Annotated

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.contest.equal_size import matched_width
from labcore.primitives.runs.layers import Linear, streams
from labcore.primitives.runs.one_thread import one_thread
from labcore.primitives.runs.parameters import Rate
from labcore.primitives.runs.training import adamw, cosine_rate, count, cross_entropy, train_step

from .character_model import TinyLM, bundled_text
from .mechanism import NobleLinear, Sigma, make_sigma, merged
from .sharp_regression import MLP, affine_fit, affine_residual, sharp_target, uniform_cube

COS = ["cosnet", "cos1"]  # the sigmas that have frequencies

MODELS = ("same width", "wider", "linear branch", "ReLU branch", "CosNet branch")


@lru_cache(maxsize=64)
def _draw_layer(rank: int, seed: int) -> tuple[Tensor, ...]:
    """W (3,), W_down (3, r) with unit columns, spread and phases (r,), the rotation in M (r, r), W_up (r,)."""
    g = np.random.default_rng([seed, rank])
    down = g.normal(size=(3, rank))
    spread, phases = g.uniform(0.5, 1.5, rank), g.uniform(0, 2 * pi, rank)
    spread[0], phases[0] = 1.0, 0.0  # the first unit is exactly what the sliders say
    rotation = np.linalg.qr(g.normal(size=(rank, rank)))[0]
    down /= np.linalg.norm(down, axis=0)
    parts = g.normal(size=3) / sqrt(3), down, spread, phases, rotation, g.normal(size=rank)
    return tuple(torch.tensor(p) for p in parts)  # memory of torch: the last bits of a product depend on how it lies


SLICE = Frame(
    t=axis("position t along the slice of inputs"),
    main=var("t", "main part x W"),
    branch=var("t", "branch sigma(x W_down) W_up"),
    output=var("t", "output of the layer"),
    merged=var("t", "best single affine map"),
)


@experiment(frame=SLICE)
@one_thread
def layer(
    frequency: Annotated[
        float,
        number(
            0, 12, "Frequency w1 of the first cosine layer", "CosNet", label="first frequency w₁", main=True, sigma=COS
        ),
    ] = 2.0,
    mixing: Annotated[
        float,
        number(
            0,
            5,
            "Size of the matrix M between the cosine layers",
            "CosNet",
            label="mixing size M",
            main=True,
            sigma=COS[:1],
        ),
    ] = 2.0,
    frequency2: Annotated[
        float, number(0, 6, "Frequency w2 of the second layer", "CosNet", label="second frequency w₂", sigma=COS[:1])
    ] = 1.5,
    phase: Annotated[
        float, number(-3.2, 3.2, "Phase p1 of the first layer", "CosNet", "rad", label="first phase p₁", sigma=COS)
    ] = 0.0,
    phase2: Annotated[
        float,
        number(-3.2, 3.2, "Phase p2 of the second layer", "CosNet", "rad", label="second phase p₂", sigma=COS[:1]),
    ] = 0.8,
    up: Annotated[
        float, number(0, 1, "Size of W_up; at 0 the branch is silent", "branch", label="branch size W_up")
    ] = 0.3,
    sigma: Annotated[
        Sigma,
        choice(
            "What the branch does to its r numbers",
            "branch",
            label="bend of branch σ",
            main=True,
            words={
                "cosnet": "two cosines (CosNet)",
                "cos1": "one cosine",
                "relu": "ReLU",
                "gelu": "GELU",
                "linear": "none (linear)",
            },
        ),
    ] = "cosnet",
    rank: Annotated[
        int, number(1, 8, "Numbers r in the thin middle of the branch", "branch", label="middle numbers r")
    ] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One output of one layer with 3 inputs, x = t W_down[:, 0], split into main part and branch. One frame.

    The first unit has exactly the given frequency and phase; the others have seeded frequencies within a half of it
    and seeded phases. M is `mixing` times a seeded rotation. attrs["left"] is the share of the layer's variance that
    the best single matrix leaves, on 2000 inputs from N(0, 1).
    """
    weight, down, spread, phases, rotation, out = _draw_layer(rank, seed)

    def branch(x: Tensor) -> Tensor:
        z = x @ down
        if sigma in ("cosnet", "cos1"):
            z = torch.cos(frequency * spread * z + phase + phases)
            z = torch.cos(frequency2 * spread * (mixing * z @ rotation) + phase2 + phases) if sigma == "cosnet" else z
        else:
            z = make_sigma(sigma, [], rank, 0.0)(z)
        return z @ out * up

    t = torch.linspace(-3, 3, 301, dtype=torch.float64)
    along = t[:, None] * down[:, 0]
    x = torch.tensor(np.random.default_rng([seed, 1]).normal(size=(2000, 3)))
    y = (x @ weight + branch(x))[:, None]
    left, fit = float(affine_residual(x[None], y[None])), affine_fit(x, y)[:, 0]
    main, side = along @ weight, branch(along)
    turns = int((np.diff(np.sign(np.diff(side.numpy()).round(12))) != 0).sum())
    can = (
        "one merged matrix holds all of this layer"
        if left < 1e-9
        else f"the best single matrix misses {left:.1%} of it"
    )
    yield SLICE(
        dict(t=t, main=main, branch=side, output=main + side, merged=along @ fit[:3] + fit[3]),
        f"The main part is a straight line; the branch moves by {side.max() - side.min():.2f} and "
        f"turns {turns} times along the slice. On random inputs {can}.",
        left=left,
    )


COURSE = Frame(
    model=axis("network", values=MODELS),
    repeat=axis("run"),
    time=axis("training time", "steps"),
    t=axis("position w.x along the sharp direction"),
    layer=axis("layer", start=1),
    unit=axis("unit of the branch"),
    branch=axis("kind of branch", values=MODELS[2:]),
    error=var("model repeat time", "mean squared test error"),
    prediction=var("model t", "prediction along the sharp direction"),
    target=var("t", "target along the sharp direction"),
    frequency=var("layer unit time", "frequency w1"),
    left=var("branch layer repeat", "share of a branch that the best single matrix misses"),
    merge_gap=var("layer", "largest error after merging the linear branch"),
    parameters=var("model", "learnable numbers"),
)


@experiment(quick=dict(n_seeds=1, omega=5.0, lr=1e-2, steps=100), frame=COURSE)
@one_thread
def sharp(
    omega: Annotated[
        float,
        number(0.5, 16, "Frequency of the sharp part of the target", "target", label="target frequency ω", main=True),
    ] = 8.0,
    rank: Annotated[
        int, number(1, 16, "Numbers r in the thin middle of each branch", "branch", label="middle numbers r", main=True)
    ] = 4,
    frequency: Annotated[
        float, number(0.5, 4, "Mean frequency at the start", "branch", label="first frequency w₁")
    ] = 1.5,
    up: Annotated[
        float, number(1e-3, 1, "Size of W_up at the start", "branch", scale="log", label="branch size W_up")
    ] = 0.02,
    steps: Annotated[
        int,
        number(
            100,
            2000,
            "Training steps on fresh batches of 128",
            "training",
            unit="steps",
            label="training steps",
            main=True,
        ),
    ] = 600,
    lr: Rate = 3e-3,
    n_seeds: Annotated[int, number(1, 8, "Targets and runs to average over", "runs", label="repetitions")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Five small networks learn y = (1/3) sum tanh(A x) + 0.5 sin(omega w.x), x uniform in [-1, 1]^3.

    Two GELU layers of width 48: alone; with a linear, a ReLU or a CosNet branch on all three maps; and a wider one with
    as many parameters as CosNet. Run i draws target, weights and batches from (seed, i); the four networks of width 48
    start from the same main weights. `left` and `merge_gap` look at the branches on N(0, 1) inputs, every 48 steps and
    at the end. `prediction` and `frequency` belong to run 0.
    """
    seeds = [[seed, i] for i in range(n_seeds)]
    target, batches = sharp_target(streams(seeds, 5), omega), streams(seeds, 6)
    branch = partial(NobleLinear, rank=rank, frequency=frequency, up=up)
    linears = Linear, *(partial(branch, sigma=sigma) for sigma in ("linear", "relu", "cosnet"))
    nets = [MLP(streams(seeds, 1), 48, linear) for linear in linears]
    wide = matched_width(count(nets[-1], n_seeds), lambda width: width * width + 6 * width + 1)
    nets.insert(1, MLP(streams(seeds, 1), wide))
    optimizers = [adamw(net, lr) for net in nets]
    x_test, t = uniform_cube(streams(seeds, 7), 1000), torch.linspace(-1, 1, 201)
    y_test, along = target(x_test), t[:, None] * target.w.transpose(1, 2)
    times, size = [], count(nets[-1], n_seeds)
    error: list[np.ndarray] = []  # each (model, S)
    waves: list[np.ndarray] = []  # each (layer, unit)
    for step in range(steps + 1):
        if step % 12 == 0 or step == steps:
            with torch.no_grad():
                now = np.stack([((net(x_test) - y_test) ** 2).mean(1).numpy() for net in nets])
                if not np.isfinite(now).all():
                    raise Diverged(step)
                lines = [net(along)[0].numpy() for net in (target, *nets)]
                if step % 48 == 0 or step == steps:
                    left, gap = _merging(nets[2:], seeds)
            times.append(step)
            error.append(now)
            waves.append(np.stack([m.sigma.frequency1.detach()[0, 0].numpy() for m in nets[-1].layers]))
            last = np.array(error[-1]).mean(1)
            yield COURSE(
                dict(
                    time=times,
                    t=t,
                    error=np.stack(error, -1),
                    prediction=lines[1:],
                    target=lines[0],
                    frequency=np.stack(waves, -1),
                    left=left,
                    merge_gap=gap,
                    parameters=[count(net, n_seeds) for net in nets],
                ),
                f"After {step} steps the test error is {last[4]:.4f} with CosNet branches ({size} "
                f"parameters), {last[1]:.4f} for a wider network of {count(nets[1], n_seeds)}, "
                f"{last[3]:.4f} with ReLU and {last[2]:.4f} with linear branches (mean of {n_seeds}).",
                step / steps,
            )
        if step < steps:
            x = uniform_cube(batches, 128)
            y = target(x)
            for net, optimizer in zip(nets, optimizers):
                cosine_rate(optimizer, lr, step, steps)
                optimizer.zero_grad()
                ((net(x) - y) ** 2).mean(1).sum().backward()
                optimizer.step()


def _merging(
    nets: list[MLP], seeds: list[list[int]]
) -> tuple[Float[np.ndarray, "branch layer repeat"], Float[np.ndarray, " layer"]]:
    """What no affine map holds of each branch, and the error of merging the linear one."""
    left, gap = np.zeros((len(nets), 3, len(seeds))), np.zeros(3)
    for j, layers in enumerate(zip(*(net.layers for net in nets))):
        d_in = layers[0].down.shape[1]
        x = torch.as_tensor(np.stack([g.normal(size=(1000, d_in)) for g in streams(seeds, 8)]), dtype=torch.float32)
        left[:, j] = np.stack([affine_residual(x, m.branch(x)).numpy() for m in layers])
        weight, bias = merged(layers[0])
        gap[j] = float((x @ weight + bias - layers[0](x)).abs().max())
    return left, gap


LOSSES = Frame(
    model=axis("model", values=("width 32", "wider", "with branches")),
    repeat=axis("run"),
    time=axis("training time", "steps"),
    train=var("model repeat time", "training loss", "nats a character"),
    held_out=var("model repeat time", "loss on held-out text", "nats a character"),
    last=var("model repeat", "training loss of the last 100 steps", "nats a character"),
    steps_to=var("model", "when width 32's last held-out loss is met, 0 if never", "steps"),
    parameters=var("model", "learnable numbers"),
)


@experiment(quick=dict(n_seeds=1, batch=4, steps=100), frame=LOSSES)
@one_thread
def language(
    sigma: Annotated[
        Sigma,
        choice(
            "What the branch does to its r numbers",
            "branch",
            label="bend of branch σ",
            main=True,
            words={
                "cosnet": "two cosines (CosNet)",
                "cos1": "one cosine",
                "relu": "ReLU",
                "gelu": "GELU",
                "linear": "none (linear)",
            },
        ),
    ] = "cosnet",
    rank: Annotated[
        int, number(1, 16, "Numbers r in the thin middle of each branch", "branch", label="middle numbers r", main=True)
    ] = 4,
    frequency: Annotated[
        float, number(0.5, 4, "Mean frequency at the start", "branch", label="first frequency w₁", sigma=COS)
    ] = 1.5,
    up: Annotated[
        float, number(1e-3, 1, "Size of W_up at the start", "branch", scale="log", label="branch size W_up")
    ] = 0.02,
    batch: Annotated[int, number(4, 48, "Windows of 32 characters in a batch", "training", label="batch size")] = 24,
    smoothing: Annotated[
        float, number(0, 0.5, "Label smoothing of the training loss", "training", label="label smoothing")
    ] = 0.0,
    steps: Annotated[
        int, number(100, 1500, "Training steps", "training", unit="steps", label="training steps", main=True)
    ] = 500,
    lr: Rate = 3e-3,
    n_seeds: Annotated[int, number(1, 3, "Runs to average over", "runs", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Three character models: width 32, a wider one with at least as many parameters, and width 32 with branches.

    All six linear maps of each block carry a branch; q, k and v have one each.
    `train` is the mean loss, before each step, of the steps since the last frame; `held_out` is on 32 windows of blocks
    that are never trained on; `last` is the mean training loss of the last 100 steps; `steps_to` is when `held_out`
    first reached the narrow model's last value.
    """
    seeds = [[seed, i] for i in range(n_seeds)]
    ids, starts, kept_out, letters = bundled_text()
    window = torch.arange(TinyLM.CONTEXT + 1)
    branch = partial(NobleLinear, rank=rank, sigma=sigma, frequency=frequency, up=up)
    models = [TinyLM(streams(seeds, 1), letters, linear) for linear in (Linear, branch)]
    extra = count(models[1], n_seeds)
    wide = next(d for d in range(32, 128, 2) if count(TinyLM(streams(seeds[:1], 1), letters, d=d), 1) >= extra)
    models.insert(1, TinyLM(streams(seeds, 1), letters, d=wide))
    sizes = [count(m, n_seeds) for m in models]
    optimizers, draws = [adamw(m, lr) for m in models], streams(seeds, 6)
    fixed = np.random.default_rng([seed, 7]).choice(len(kept_out), 32, replace=False)
    test = ids[kept_out[fixed, None] + window].expand(n_seeds, -1, -1)
    times: list[int] = []
    held_out, train, losses = [], [], []  # lists of (model, S)
    for step in range(1, steps + 1):
        at = torch.as_tensor(np.stack([g.integers(0, len(starts), batch) for g in draws]))
        chars = ids[starts[at][..., None] + window]
        for optimizer in optimizers:
            cosine_rate(optimizer, lr, step - 1, steps)
        new = [train_step(m, o, chars[..., :-1], chars[..., 1:], smoothing).numpy() for m, o in zip(models, optimizers)]
        losses.append(np.stack(new))
        if step % max(10, steps // 50) and 1 < step < steps:
            continue
        with torch.no_grad():
            now = np.stack([cross_entropy(m(test[..., :-1]), test[..., 1:]).numpy() for m in models])
        if not (np.isfinite(now).all() and np.isfinite(losses[-1]).all()):
            raise Diverged(step)
        train.append(np.mean(losses[times[-1] if times else 0 :], 0))
        times.append(step)
        held_out.append(now)
        yield _language_frame(times, held_out, train, losses[-100:], sizes, step / steps)


def _language_frame(
    times: list[int], held_out: list, train: list, last: list, sizes: list[int], progress: float
) -> xr.Dataset:
    out = np.stack(held_out, -1).mean(1)
    reached = [int(np.argmax(curve <= out[0, -1])) if (curve <= out[0, -1]).any() else -1 for curve in out]
    steps_to = [times[k] if k >= 0 else 0 for k in reached]
    mean = np.mean(last, 0).mean(1)
    when = f"reach its last held-out loss at step {steps_to[2]}" if steps_to[2] else "do not reach its held-out loss"
    return LOSSES(
        dict(
            time=times,
            train=np.stack(train, -1),
            held_out=np.stack(held_out, -1),
            last=np.mean(last, 0),
            steps_to=steps_to,
            parameters=sizes,
        ),
        f"After {times[-1]} steps the training loss of the last {len(last)} is {mean[0]:.3f} nats for "
        f"width 32, {mean[2]:.3f} with branches and {mean[1]:.3f} for a wider model ({sizes[0]:,}, {sizes[2]:,} "
        f"and {sizes[1]:,} parameters). Against width 32, branches {when}.",
        progress,
    )
