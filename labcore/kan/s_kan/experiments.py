"""Five families on one target, nodes that choose among four, and seven targets with rivals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread

from .basis_bank import FAMILIES, PLANTED_POOL, SEVEN, TWO_INPUTS, additive_fit_errors, bank, best_fit, mixed_target
from .digit_kernels import KERNELS, digit_kernels
from .mechanism import SelectableNet, TanhNet, ThreeStages

N_TRAIN, N_TEST = 128, 201

Penalty = Annotated[
    float,
    number(0, 0.1, "Weight lambda of the entropy in the second stage", "choice", label="choice penalty λ", main=True),
]
TauEnd = Annotated[
    float, number(0.05, 1, "Temperature at the end of the second stage", "choice", label="last temperature τ")
]
Noise = Annotated[float, number(0, 0.2, "Noise of the samples, standard deviation", "data", label="noise of samples")]
Full = Annotated[int, number(50, 1000, "Steps with all families", "training", unit="steps", label="steps with all")]
Selective = Annotated[
    int, number(50, 1000, "Steps with sharper and sharper choices", "training", unit="steps", label="steps of choosing")
]
Tune = Annotated[int, number(50, 1000, "Steps after pruning", "training", unit="steps", label="steps after pruning")]


FITS = Frame(
    x=axis("x"),
    family=axis("family", values=FAMILIES),
    sample=axis("sample"),
    target=var("x", "target"),
    fit=var("family x", "best fit"),
    rmse=var("family", "error of the fit (rmse)"),
    y=var("sample", "sample"),
    x_sample=var("sample", "place of the sample"),
)


@experiment(frame=FITS)
def families(
    frequency: Annotated[
        float,
        number(0.25, 8, "Half waves of the sine in one unit of x", "target", label="half waves a unit", main=True),
    ] = 4.0,
    wave: Annotated[
        float, number(0, 1, "Share of a sine in the target", "target", label="share of sine", main=True)
    ] = 1.0,
    kink: Annotated[float, number(0, 1, "Share of a kink |x - c|", "target", label="share of kink")] = 0.0,
    bump: Annotated[float, number(0, 1, "Share of a narrow bump around c", "target", label="share of bump")] = 0.0,
    poly: Annotated[
        float, number(0, 1, "Share of the polynomial T_5", "target", label="share of polynomial T₅", main=True)
    ] = 0.0,
    centre: Annotated[
        float, number(-0.9, 0.9, "The place c of kink and bump", "target", label="place of kink and bump")
    ] = 0.3,
    noise: Annotated[
        float, number(0, 0.5, "Noise of the samples, standard deviation", "data", label="noise of samples")
    ] = 0.05,
    size: Annotated[int, number(4, 16, "Functions M in each family", "family", label="functions in family M")] = 8,
    n: Annotated[int, number(20, 400, "Samples", "data", label="samples n")] = 100,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same samples fitted in closed form by each of five families of M functions and a constant. One frame.

    The error is against the target without noise, over 401 points of [-1, 1].
    """
    rng = np.random.default_rng(seed)
    x, grid = np.sort(rng.uniform(-1, 1, n)), np.linspace(-1, 1, 401)
    parts = (wave, kink, bump, poly, frequency, centre)
    y, truth = mixed_target(x, *parts) + noise * rng.normal(size=n), mixed_target(grid, *parts)
    fits = []
    for p in FAMILIES:
        phi, at = (bank(p, size).phi(torch.as_tensor(v)).numpy() for v in (x, grid))
        fits.append(best_fit(phi, y, at))
    rmse = np.sqrt(np.mean((np.stack(fits) - truth) ** 2, 1))
    order = np.argsort(rmse, kind="stable")
    best, second, worst = (FAMILIES[order[k]] for k in (0, 1, -1))
    first, next_, last = (f"{rmse[order[k]]:.3f}" for k in (0, 1, -1))
    if rmse[order[0]] > 0.9 * truth.std():
        told = f"no family comes much nearer to this target than its mean does: the errors are {first} ({best}) or more"
    elif first == last:
        told = f"all families come equally close to this target, with an error of {first}"
    else:
        lead = f"{best} and {second} come closest to this target, both with an error of {first}"
        if first != next_:
            lead = f"{best} comes closest to this target, with an error of {first}; {second} is next with {next_}"
        told = f"{lead}, and {worst} is last with {last}"
    yield FITS(
        dict(x=grid, target=truth, fit=np.stack(fits), rmse=rmse, y=y, x_sample=x),
        f"With {size} functions each, {told}.",
    )


Task = Literal["planted", "wave and bump", "two waves", "two polynomials"]


CHOICE = Frame(
    repeat=axis("run"),
    time=axis("training time", "steps"),
    node=axis("node", values=("x1", "x2")),
    family=axis("family", values=PLANTED_POOL),
    x=axis("input of the node"),
    stage=axis("stage", values=("full", "selective", "pruned")),
    alpha=var("repeat time node family", "selection weight"),
    rmse=var("repeat time", "test error (rmse)"),
    single=var("family repeat", "test error of one family alone, in closed form"),
    curves=var("node family x", "selection weight x function"),
    counts=var("stage", "coefficients and bias of the layer"),
)


@experiment(quick=dict(n_seeds=2, full=150, selective=200, tune=100, lr=0.05), frame=CHOICE)
def select(
    penalty: Penalty = 0.01,
    tau_end: TauEnd = 0.1,
    task: Annotated[Task, choice("The sum", "data", "target", True, {"planted": "polynomial and wave"})] = "planted",
    size: Annotated[int, number(4, 16, "Functions M in each family", "choice", label="functions in family M")] = 8,
    start: Annotated[
        float,
        number(
            0, 1, "Size of the random start; 1: as large as the target", "choice", label="size at the start", main=True
        ),
    ] = 0.01,
    noise: Noise = 0.01,
    full: Full = 400,
    selective: Selective = 500,
    tune: Tune = 300,
    lr: Annotated[
        float, number(1e-3, 0.3, "Learning rate of Adam", "training", scale="log", label="learning rate")
    ] = 0.02,
    n_seeds: Annotated[int, number(1, 32, "Runs", "runs", label="repetitions")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One layer from two inputs to one sum, four families in its pool: who is chosen, and what does it cost?

    alpha (repeat, time, node, family) is each node's choice while it trains. Run i draws data and start from (seed, i).
    `single` is the error of each family alone with as many coefficients as are left, fitted in closed form.
    rmse is against 512 test points without noise.
    """
    rngs = [np.random.default_rng([seed, i]) for i in range(n_seeds)]
    x = torch.tensor(np.stack([g.uniform(-1, 1, (2 * N_TRAIN, 2)) for g in rngs]))
    x_test = torch.tensor(np.stack([g.uniform(-1, 1, (512, 2)) for g in rngs]))
    f = TWO_INPUTS[task]
    y_test = f(x_test[..., 0], x_test[..., 1])
    y = f(x[..., 0], x[..., 1]) + noise * torch.tensor(np.stack([g.normal(size=2 * N_TRAIN) for g in rngs]))
    net = SelectableNet(rngs, PLANTED_POOL, (2, 1), size, start=start)
    run = ThreeStages(net, x, y, (full, selective, tune), tau_end, penalty, lr)
    test, single = net.layers[0].features(x_test), additive_fit_errors(PLANTED_POOL, x, y, x_test, y_test, size)
    sizes, total = [net.layers[0].count()] * 2, full + selective + tune
    grid = torch.linspace(-1, 1, 101, dtype=torch.float64)
    shapes = [bank(p, size).phi(grid) for p in PLANTED_POOL]
    log: tuple[list, list, list] = ([], [], [])
    for step in range(total + 1):
        if step % 20 == 0 or step == total:
            with torch.no_grad():
                error = ((net(test, run.tau) - y_test) ** 2).mean(1).sqrt().numpy()
                alpha = net.layers[0].alpha(run.tau)[:, :, :, 0, 0].numpy()
                w = net.layers[0].weights(run.tau)[0, :, :, :, 0]  # (I, P, M)
                curves = np.stack([(s @ w[:, p].T).T.numpy() for p, s in enumerate(shapes)], 1)
            if not np.isfinite(error).all() or error.max() > 1e6:
                raise Diverged(step)
            for column, value in zip(log, (step, error, alpha.copy()), strict=True):
                column.append(value)
            yield _select_frame(log, single, curves, grid.numpy(), sizes, (full, selective), total)
        if step == total:
            return
        run.advance()
        if run.step == full + selective:
            run.prune()
            sizes.append(net.layers[0].count())


def _select_frame(log, single, curves, grid, sizes, stages, total) -> xr.Dataset:
    steps, errors, alphas = log
    error, alpha = np.stack(errors, 1), np.stack(alphas, 1)  # (S, T), (S, T, I, P)
    step, last = steps[-1], alpha[0, -1]
    stage = 0 if step <= stages[0] else 1 if len(sizes) == 2 else 2
    sizes = (list(sizes) + [sizes[-1]])[:3]
    leans = [PLANTED_POOL[a.argmax()] if a.max() > 0.5 else "no family yet" for a in last]
    picks = " and ".join(f"{name} ({a.max():.0%}) for x{i + 1}" for i, (name, a) in enumerate(zip(leans, last)))
    name = ("All families train", "The choices sharpen", "Each node is pruned to one family")[stage]
    best = single.mean(1)
    return CHOICE(
        dict(time=steps, x=grid, alpha=alpha, rmse=error, single=single, curves=curves, counts=sizes),
        f"{name}. At step {step} run 0 picks {picks}; the test error is {error[:, -1].mean():.4f} "
        f"(mean of {len(error)}), and the best single family alone, {PLANTED_POOL[int(best.argmin())]}, has "
        f"{best.min():.4f}.",
        step / total,
        stages=[stages[0], stages[0] + stages[1]],
    )


RIVALS = ("S-KAN", *FAMILIES, "MLP")


CONTEST = Frame(
    model=axis("model", values=RIVALS),
    task=axis("target", values=tuple(SEVEN)),
    repeat=axis("run"),
    family=axis("family", values=FAMILIES),
    stage=axis("stage", values=("full", "now")),
    rmse=var("model task repeat", "test error / standard deviation of the target"),
    rank=var("model task", "rank of the model, 1 is best"),
    gap=var("model task", "log10 of test error / that of the best single family"),
    chosen=var("task family", "nodes that picked the family"),
    counts=var("stage", "coefficients of the S-KAN, mean task"),
)


@experiment(quick=dict(n_seeds=1, width=2, full=50, selective=50, tune=50, lr=0.05), frame=CONTEST)
def seven_tasks(
    width: Annotated[int, number(2, 8, "Nodes in the hidden layer", "network", label="hidden nodes", main=True)] = 4,
    size: Annotated[int, number(4, 16, "Functions M in each family", "network", label="functions in family M")] = 8,
    penalty: Penalty = 0.01,
    tau_end: TauEnd = 0.1,
    start: Annotated[
        float, number(0.01, 1, "Size of the random start", "network", scale="log", label="size at the start", main=True)
    ] = 0.1,
    noise: Noise = 0.0,
    full: Full = 500,
    selective: Selective = 300,
    tune: Tune = 300,
    lr: Annotated[
        float, number(1e-3, 0.3, "Learning rate of Adam, for all", "training", scale="log", label="learning rate")
    ] = 0.02,
    n_seeds: Annotated[int, number(1, 3, "Runs", "runs", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Seven targets, networks [d, width, 1]: S-KAN, each family alone in the same network, and a tanh MLP.

    All take the same number of steps on the same 128 samples. A family alone has as many coefficients as a pruned
    S-KAN; the MLP's width is the nearest. rmse (model, task, repeat) is on 201 points without noise, as a share of the
    target's standard deviation. chosen (task, family) counts the nodes that picked the family, over the runs.
    """
    total, names = full + selective + tune, list(SEVEN)
    rngs = [[np.random.default_rng([seed, i, t]) for i in range(n_seeds) for t in range(7)] for _ in RIVALS]
    draws = [np.random.default_rng([seed, i, t, 1]) for i in range(n_seeds) for t in range(7)]

    def batch(n: int) -> tuple[Tensor, Tensor]:
        x = torch.tensor(np.stack([g.uniform(-1, 1, (n, 2)) for g in draws]))
        y = torch.stack([SEVEN[names[k % 7]][1](a[:, 0], a[:, 1]) for k, a in enumerate(x)])
        return x.float(), y.float()

    x, y = batch(N_TRAIN)
    x_test, y_test = batch(N_TEST)
    scale = y_test.std(1)
    y = y + noise * torch.tensor(np.stack([g.normal(size=N_TRAIN) for g in draws])).float()
    open_ = torch.tensor([[1.0, float(d == 2)] for d, _ in SEVEN.values()] * n_seeds)
    pools = [FAMILIES, *((p,) for p in FAMILIES)]
    shared = dict(open_=open_, start=start, dtype=torch.float32)
    nets = [SelectableNet(r, pool, (2, width, 1), size, **shared) for r, pool in zip(rngs, pools, strict=False)]
    runs = [ThreeStages(net, x, y, (full, selective, tune), tau_end, penalty, lr) for net in nets]
    tests = [net.layers[0].features(x_test) for net in nets]
    # one hidden layer: (d + 2) h + 1 numbers against d M w + w + w M + 1, for the 1.14 inputs of the mean task
    d = float(open_.sum(1).mean())
    mlp = TanhNet(rngs[-1], 2, round((d * size * width + width + width * size) / (d + 2)))
    optimizer = torch.optim.Adam(mlp.parameters(), lr=lr, fused=True)
    seen, seen_test = x * open_[:, None], x_test * open_[:, None]
    before = sum(layer.count() for layer in nets[0].layers)
    for step in range(total + 1):
        if step % max(5, 20 // n_seeds) == 0 or step == total:
            with torch.no_grad():
                guesses = [net(t, run.tau) for net, t, run in zip(nets, tests, runs, strict=True)] + [mlp(seen_test)]
                rmse = torch.stack([((g - y_test) ** 2).mean(1).sqrt() / scale for g in guesses])
            if not np.isfinite(rmse.numpy()).all() or rmse.max() > 1e6:
                raise Diverged(step)
            now = sum(layer.count() for layer in nets[0].layers)
            by_task = rmse.view(-1, n_seeds, 7).transpose(1, 2).numpy()
            yield _seven_frame(by_task, nets[0], open_, (before, now), step, total)
        if step == total:
            return
        for run in runs:
            if step == full + selective:
                run.prune()
            run.advance()
        optimizer.zero_grad()
        ((mlp(seen) - y) ** 2).mean(1).sum().backward()
        optimizer.step()


def _seven_frame(
    rmse: Float[np.ndarray, "model task repeat"],
    net: SelectableNet,
    open_: Float[Tensor, "S 2"],
    sizes: tuple[float, float],
    step: int,
    total: int,
) -> xr.Dataset:
    with torch.no_grad():
        picks = [layer.alpha(1.0).argmax(2)[:, :, 0, 0] for layer in net.layers]
    chosen = np.zeros((7, len(FAMILIES)))
    for k, row in enumerate(picks[0]):
        for i, p in enumerate(row):
            chosen[k % 7, int(p)] += float(open_[k, i])
    for k, row in enumerate(picks[1]):
        for p in row:
            chosen[k % 7, int(p)] += 1
    mean = np.log10(rmse).mean(2)
    ranks = mean.argsort(0).argsort(0) + 1
    gap = mean - mean[1:-1].min(0)
    worst = gap.max(1)
    steady = FAMILIES[int(worst[1:-1].argmin())]
    return CONTEST(
        dict(rmse=rmse, rank=ranks, gap=gap, chosen=chosen, counts=sizes),
        f"At step {step} S-KAN has mean rank {ranks[0].mean():.1f} of {len(RIVALS)} and is at worst "
        f"{10 ** worst[0]:.1f} times as far off as the best single family of a task; the steadiest family, "
        f"{steady}, is at worst {10 ** worst[1:-1].min():.1f} times as far off.",
        step / total,
    )


@experiment(quick=dict(n_seeds=1, full=20, selective=20, tune=10, maps=2, size=6), frame=KERNELS)
@one_thread
def digits(
    penalty: Penalty = 0.01,
    tau_end: TauEnd = 0.1,
    rival: Annotated[
        Literal[PLANTED_POOL],
        choice(
            "The family of the kernel that has one only",
            "network",
            label="the single family",
            main=True,
            words={
                "spline": "splines",
                "chebyshev": "Chebyshev polynomials",
                "fourier": "Fourier waves",
                "rbf": "Gaussian bumps",
            },
        ),
    ] = "spline",
    maps: Annotated[int, number(1, 8, "Maps that the convolution makes", "network", label="maps", main=True)] = 4,
    size: Annotated[int, number(4, 16, "Functions M in each family", "network", label="functions in family M")] = 8,
    full: Annotated[
        int, number(10, 400, "Steps with all families", "training", unit="steps", label="steps with all")
    ] = 100,
    selective: Annotated[
        int,
        number(10, 400, "Steps with sharper and sharper choices", "training", unit="steps", label="steps of choosing"),
    ] = 100,
    tune: Annotated[
        int, number(10, 400, "Steps after pruning", "training", unit="steps", label="steps after pruning")
    ] = 100,
    lr: Annotated[
        float, number(1e-3, 0.1, "Learning rate of Adam, for all", "training", scale="log", label="learning rate")
    ] = 0.02,
    n_seeds: Annotated[int, number(1, 5, "Runs", "runs", label="repetitions")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """8x8 digits, one convolution of 3x3 and a linear map: kernels of curves that choose, of one family, of numbers.

    S-ConvKAN has four families in its pool; a choice is one kernel entry's, the same at every place of the picture. The
    plain network has as many maps as make it as large as the pruned one. Batches of 64, the same for all; accuracy is
    on 150 test digits on the way and on all 500 at the end. Run i draws everything from (seed, i).
    """
    yield from digit_kernels(penalty, tau_end, rival, maps, size, (full, selective, tune), lr, n_seeds, seed)
