"""The atoms of a fitted model, learning curves against rivals, and two futures of a chaotic map."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from jaxtyping import Float
from scipy.stats import wasserstein_distance
from torch import Tensor

from labcore.experiment import Seed, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.contest.equal_size import matched_width
from labcore.primitives.runs.batched_adam import Adam, normal
from labcore.words import compared

from .mechanism import (
    DEGREE,
    Array,
    Head,
    additive,
    als,
    bases,
    logistic,
    order_two,
    products,
    roll_out,
)
from .product_target import parts, slices, target

RATES = (0.003, 0.01, 0.03)  # every trained model gets the one that is best on its validation samples
VALIDATION, TEST = 500, 1000
BATCH = 200
TRANSITIONS = 4000  # observed pairs (state, next state) to learn a chaotic map from


class _CP(NamedTuple):
    """A fitted CP model, its components of mean square 1 on the samples, the strongest first."""

    atoms: Float[Array, "d G+k R"]
    weight: Float[Array, " R"]
    x: Float[Array, "N d"]  # test points


@lru_cache(maxsize=8)
def _fitted(rank: int, intervals: int, d: int, seed: int) -> _CP:
    x = np.random.default_rng([seed, 0]).uniform(size=(3000, d))
    train, test = x[:2000], x[2000:]
    basis = bases(train, intervals)
    c, _ = als(basis, target(train), rank, np.random.default_rng([seed, 1]))
    # a factor may move between the atoms of a component: the weight takes it all
    scale = np.sqrt(((basis @ c) ** 2).mean(1)) * np.where((basis @ c).mean(1) < 0, -1, 1)
    weight = scale.prod(0)
    order = np.argsort(-np.abs(weight))
    return _CP((c / np.where(scale == 0, 1, scale)[:, None])[:, :, order], weight[order], test)


ATOMS = Frame(
    component=axis("component", start=1),
    input=axis("input", start=1),
    part=axis("product of the target", values=("first product", "second product")),
    x=axis("value of the input"),
    psi=var("component input x", "atom"),
    weight=var("component", "weight of the component"),
    kinship=var("component part", "correlation with a product of the target"),
    slice_true=var("input x", "target along one input"),
    slice_model=var("input x", "model along one input"),
    slice_cut=var("input x", "model without the component"),
)


@experiment(frame=ATOMS)
def atoms(
    off: Annotated[
        int, number(0, 8, "The component to switch off; 0 is none", "component", label="component switched off")
    ] = 1,
    rank: Annotated[
        int, number(1, 8, "Components R, each a product of one curve an input", "model", label="components R")
    ] = 2,
    intervals: Annotated[int, number(3, 12, "Intervals G of each curve", "model", label="intervals G")] = 6,
    d: Annotated[int, number(2, 8, "Inputs; the target uses the first six", "model", label="inputs d")] = 6,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The atoms of a CP model fitted by ALS to 2000 samples, and what is left of f without one component. One frame.

    psi (component, input, x), weight (component). slice_true, slice_model, slice_cut (input, x): f along each input
    through a fixed point: the target, the model, the model without the component. kinship (component, part): the
    correlation of each component with the two products of the target, on 1000 test points.
    """
    model, t = _fitted(rank, intervals, d, seed), np.linspace(0, 1, 81)
    on = np.arange(1, rank + 1) != off

    def components(x: Float[Array, "N d"]) -> Float[Array, "N R"]:
        return model.weight * (bases(x, intervals) @ model.atoms).prod(0)

    each, truth = components(model.x), target(model.x)
    square = [(each[:, keep].sum(1) - truth) ** 2 for keep in (on | True, on)]
    error, cut = (np.sqrt(np.mean(s)) / truth.std() for s in square)
    kinship = np.array([[_correlation(g, part) for part in parts(model.x)] for g in each.T])
    points = slices(d, t)
    along = components(points.reshape(-1, d)).reshape(d, len(t), rank)
    psi = bases(np.tile(t[:, None], d), intervals) @ model.atoms
    count = f"{rank} product{'s' if rank > 1 else ''} of {d} curves"
    if on.all():
        told = f"All of the {count} are on: the error is {error:.1%} of the spread of f."
    else:
        names = [f"the product of x1 to x{min(d, 4)}", *(["x5" if d == 5 else "x5 x6"] if d > 4 else [])]
        kin = " and ".join(f"{abs(kinship[off - 1, k]):.2f} with {name}" for k, name in enumerate(names))
        change = compared(square[1], square[0], ("falls", "stays about the same", "rises"))  # over the test points
        told = (
            f"Without component {off} of {rank} the error {change}: {cut:.1%} of the spread of f, {error:.1%} with it. "
            f"The correlation of the component is {kin}."
        )
    yield ATOMS(
        dict(
            x=t,
            psi=psi.transpose(2, 0, 1),
            weight=model.weight,
            kinship=kinship,
            slice_true=target(points),
            slice_model=along.sum(-1),
            slice_cut=along[..., on].sum(-1),
        ),
        told,
        off=off,
        error=error,
        cut=cut,
    )


def _correlation(a: Float[Array, " N"], b: Float[Array, " N"]) -> float:
    spread = a.std() * b.std()
    return float(np.mean((a - a.mean()) * (b - b.mean())) / spread) if spread > 0 else 0.0


CURVES = Frame(
    model=axis("model", values=("CP", "order 2", "additive", "MLP")),
    repeat=axis("repetition"),
    time=axis("training time", "steps"),
    x=axis("value of x2"),
    error=var("model repeat time", "test error over the spread of f"),
    slice=var("model x", "f along x2"),
    slice_true=var("x", "target along x2"),
    params=var("model", "numbers in the model"),
)


@experiment(quick=dict(n_seeds=1, n_train=1000, steps=200), frame=CURVES)
def fit(
    rank: Annotated[
        int,
        number(
            1,
            12,
            "Products R of the CP model; the others are as large as it is",
            "model",
            label="products R",
            main=True,
        ),
    ] = 4,
    d: Annotated[int, number(2, 10, "Inputs; the target uses the first six", "data", label="inputs d")] = 6,
    intervals: Annotated[int, number(3, 20, "Intervals G of each curve", "model", label="intervals G")] = 6,
    n_train: Annotated[int, number(300, 5000, "Training samples", "data", label="training samples", main=True)] = 3000,
    noise: Annotated[
        float,
        number(
            0,
            1,
            "Noise in the training targets, in units of the spread of f",
            "data",
            label="noise of samples",
            main=True,
        ),
    ] = 0.0,
    steps: Annotated[
        int, number(200, 6000, "Steps of Adam, batches of 200", "training", "steps", label="training steps")
    ] = 2000,
    n_seeds: Annotated[
        int, number(1, 5, "Repetitions, each with its own samples and weights", "runs", label="repetitions")
    ] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """CP, order 2 and a two-layer tanh network of as many numbers, learning; the best additive model beside them.

    error (model, repeat, time): root mean square error on 1000 test points over the spread of f. Each trained model
    runs at three rates and shows the one that is best on 500 validation samples. slice (model, x): f along x2.
    """
    rngs = [np.random.default_rng([seed, i]) for i in range(n_seeds)]
    x = np.stack([g.uniform(size=(n_train + VALIDATION + TEST, d)) for g in rngs])
    clean = target(x)
    mean, spread = clean[:, :n_train].mean(1, keepdims=True), clean[:, :n_train].std(1, keepdims=True)
    y_exact = (clean - mean) / spread
    y_all = y_exact + noise * np.stack([g.normal(size=len(row)) for g, row in zip(rngs, y_exact)])
    basis = np.stack([bases(points, intervals) for points in x])
    t = np.linspace(0, 1, 81)
    line = slices(d, t)[min(1, d - 1)]
    size, copies = intervals + DEGREE, len(RATES)
    hidden = matched_width(rank * d * size + 1, lambda h: (d + h + 3) * h + 1, range(1, 200))  # d-h-h-1
    draws = [np.random.default_rng([seed, i, 1]) for i in range(n_seeds)]
    models = {
        "CP": [normal(draws, copies, d, size, rank, mean=0.7, std=0.3), normal(draws, copies, 1, std=0.0)],
        "order 2": [normal(draws, copies, d, size, rank, std=0.3), normal(draws, copies, 1, std=0.0)],
        "MLP": [
            tensor
            for i, o in ((d, hidden), (hidden, hidden), (hidden, 1))
            for tensor in (normal(draws, copies, i, o, std=i**-0.5), normal(draws, copies, 1, o, std=0.0))
        ],
    }

    def predict(name: str, points: Tensor, b: Tensor) -> Tensor:
        p, points, b = models[name], points.repeat(copies, 1, 1), b.repeat(copies, 1, 1, 1)
        if name == "CP":
            return products(b, p[0]).sum(-1) + p[1]
        if name == "order 2":
            return order_two(b, p[0]) + p[1]
        h = torch.tanh(torch.baddbmm(p[1], 2 * points - 1, p[0]))
        return torch.baddbmm(p[5], torch.tanh(torch.baddbmm(p[3], h, p[2])), p[4])[..., 0]

    flat = [additive(b[:, :n_train], y[:n_train]) for b, y in zip(basis, y_all)]
    straight = [np.einsum("dnk,dk->n", b[:, -TEST:], c) - y[-TEST:] for b, c, y in zip(basis, flat, y_exact)]
    additive_error = np.sqrt(np.mean(np.square(straight), 1))
    line_basis = bases(line, intervals)
    cut = {"additive": np.einsum("dnk,dk->n", line_basis, flat[0])}

    def single(array: Array) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float32)

    xs, ys, exact, bs = single(x), single(y_all), single(y_exact), single(basis)
    b_held, b_line = bs[:, :, n_train:].contiguous(), single(line_basis)[None].expand(n_seeds, -1, -1, -1)
    line_points = single(line)[None].expand(n_seeds, -1, -1)
    rates = torch.tensor(RATES, dtype=torch.float64).repeat_interleave(n_seeds)
    optimizers = {name: Adam(p, rates, steps) for name, p in models.items()}
    batches = [np.random.default_rng([seed, i, 2]) for i in range(n_seeds)]
    names, which, times, log = ["CP", "order 2", "additive", "MLP"], torch.arange(n_seeds), [], []
    counts = {name: sum(p[0].numel() for p in tensors) for name, tensors in models.items()} | {"additive": d * size}
    every = max(1, steps // 50)
    by_sample = bs.transpose(1, 2).contiguous()
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            now = {"additive": additive_error}
            for name in models:
                with torch.no_grad():
                    out = predict(name, xs[:, n_train:], b_held).unflatten(0, (copies, n_seeds)).double()
                    drawn = predict(name, line_points, b_line).unflatten(0, (copies, n_seeds)).double()
                seen = (out[:, :, :VALIDATION] - ys[:, n_train : n_train + VALIDATION]).square().mean(-1)
                wrong = (out[:, :, VALIDATION:] - exact[:, -TEST:]).square().mean(-1).sqrt()
                best = seen.argmin(0)
                now[name], cut[name] = wrong[best, which].numpy(), drawn[best[0], 0].numpy()
            times.append(step)
            log.append([now[name] for name in names])
            error = np.array(log).transpose(1, 2, 0)
            told = ", ".join(f"{name} {e:.1%}" for name, e in zip(names, error[:, :, -1].mean(1)))
            yield CURVES(
                dict(
                    time=times,
                    x=t,
                    error=error,
                    slice=[cut[n] * spread[0] + mean[0] for n in names],
                    slice_true=target(line),
                    params=[counts[n] for n in names],
                ),
                f"After {step} steps the test error, as a share of the spread of f, is: {told}.",
                step / steps,
            )
        if step < steps:
            rows, each = torch.as_tensor(np.stack([g.integers(0, n_train, BATCH) for g in batches])), which[:, None]
            points, b, goal = xs[each, rows], by_sample[each, rows].transpose(1, 2), ys[each, rows].repeat(copies, 1)
            for name, optimizer in optimizers.items():
                optimizer.step((predict(name, points, b) - goal).square().mean(1))


FUTURES = Frame(
    source=axis("where the states come from", values=("truth", "mean-square", "distributional")),
    model=axis("model", values=("mean-square", "distributional")),
    time=axis("seen states", "states"),
    bin=axis("state"),
    repeat=axis("repetition"),
    sample=axis("test sample, by state"),
    states=var("source time", "state"),
    hist=var("source bin", "density"),
    w1=var("model repeat", "Wasserstein-1 distance to the true states"),
    spread=var("model repeat", "standard deviation over the true one"),
    now=var("sample", "state now"),
    next=var("sample", "state that follows"),
    forecast=var("model sample", "predicted mean"),
    odds=var("bin sample", "predicted density"),
)


@experiment(quick=dict(n_seeds=1, steps=150, length=1000), frame=FUTURES)
def rollout(
    p: Annotated[
        int,
        number(
            1, 10, "The map is seen only every p steps", "system", "steps", label="steps between sights p", main=True
        ),
    ] = 6,
    bins: Annotated[
        int, number(10, 80, "Bins K of the predicted distribution", "model", label="bins K", main=True)
    ] = 40,
    intervals: Annotated[int, number(3, 20, "Intervals G of each curve", "model", label="intervals G")] = 6,
    rank: Annotated[int, number(1, 12, "Products R of the distributional model", "model", label="products R")] = 4,
    lags: Annotated[
        int, number(1, 3, "How many of the last seen states the models get", "model", label="states seen", main=True)
    ] = 2,
    r: Annotated[float, number(3.6, 4, "The map is x -> r x (1 - x)", "system", label="growth of map r")] = 3.99,
    steps: Annotated[
        int, number(100, 3000, "Steps of Adam, batches of 200", "training", "steps", label="training steps")
    ] = 1500,
    length: Annotated[int, number(500, 6000, "States of the free roll-out", "runs", label="states rolled out")] = 3000,
    n_seeds: Annotated[
        int, number(1, 5, "Repetitions, each with its own samples and weights", "runs", label="repetitions")
    ] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A mean-square and a distributional model of as many numbers learn a chaotic map, then run on their own output.

    While they train, states and histograms come from 50 chains of 40 states; then one chain of `length` states runs.
    states (model, time): repeat 0, its first 100. hist (model, bin): density, all repeats. w1, spread (model, repeat):
    Wasserstein-1 distance to 20,000 true states, and standard deviation over the true one. forecast (model, sample):
    the mean that each predicts after 200 true states; odds (bin, sample): the predicted density.
    """
    first = np.array([np.random.default_rng([seed, i]).uniform(0.1, 0.9) for i in range(n_seeds)])
    count = TRANSITIONS + lags + 400
    seen = logistic(logistic(first, r, 1, 1000)[:, -1], r, p, count)
    histories = np.lib.stride_tricks.sliding_window_view(seen[:, :-1], lags, axis=1)  # (S, count - lags + 1, L)
    following = seen[:, lags:]
    fresh = np.array([np.random.default_rng([seed, i, 3]).uniform(0.1, 0.9) for i in range(n_seeds)])
    true = logistic(logistic(fresh, r, 1, 1000)[:, -1], r, p, 20_000)
    size = intervals + DEGREE
    twin = max(1, round(rank * (lags * size + bins) / (lags * size + 1)))
    names, widths = ["mean-square", "distributional"], [(twin, 1), (rank, bins)]
    draws = [np.random.default_rng([seed, i, 1]) for i in range(n_seeds)]
    models = [
        [normal(draws, 1, lags, size, m, mean=1.0, std=0.5), normal(draws, 1, m, k, std=m**-0.5)] for m, k in widths
    ]
    basis = np.stack([bases(h[:TRANSITIONS], intervals).transpose(1, 0, 2) for h in histories])
    basis = torch.as_tensor(basis, dtype=torch.float32)
    goal = torch.as_tensor(following[:, :TRANSITIONS], dtype=torch.float32)
    goal_bin = (goal * bins).long().clamp(max=bins - 1)
    optimizers = [Adam(m, 0.02, steps) for m in models]
    batches, each = [np.random.default_rng([seed, i, 2]) for i in range(n_seeds)], torch.arange(n_seeds)[:, None]
    test = np.sort(np.random.default_rng([seed, 5]).choice(400, 200, replace=False)) + TRANSITIONS
    test = test[np.argsort(histories[0, test, -1])]
    centre = (np.arange(bins) + 0.5) / bins

    def heads() -> list[Head]:
        return [Head(*(tensor.detach().double().numpy() for tensor in m)) for m in models]

    def frame(chains: list[Array], reading: str, progress: float) -> xr.Dataset:
        mean, odds = (head.outputs(histories[:1, test])[0] for head in heads())
        odds = np.exp(odds - odds.max(1, keepdims=True))
        odds /= odds.sum(1, keepdims=True)
        w1 = [[wasserstein_distance(run.ravel(), t) for run, t in zip(c, true)] for c in chains]
        spread = [[run.std() / t.std() for run, t in zip(c, true)] for c in chains]
        shown = [c[0, 0, :100] for c in chains]
        states = [true[0, : len(shown[0])], *shown]
        density = [np.histogram(c, bins, (0, 1), density=True)[0] for c in (true, *chains)]
        scores = "; ".join(
            f"{name} W1 {np.mean(w):.3f}, spread {np.mean(s):.0%} of the true one"
            for name, w, s in zip(names, w1, spread)
        )
        return FUTURES(
            dict(
                bin=centre,
                states=states,
                hist=density,
                w1=w1,
                spread=spread,
                now=histories[0, test, -1],
                next=following[0, test],
                forecast=[np.clip(mean[:, 0], -1, 2), odds @ centre],
                odds=odds.T * bins,
            ),
            f"{reading}: {scores}.",
            progress,
        )

    begin = histories[:, TRANSITIONS : TRANSITIONS + 200 : 4]
    every = max(1, steps // 30)
    for step in range(1, steps + 1):
        rows = torch.as_tensor(np.stack([g.integers(0, TRANSITIONS, BATCH) for g in batches]))
        b, y, k = basis[each, rows].transpose(1, 2), goal[each, rows], goal_bin[each, rows]
        mean, logits = (products(b, c) @ u for c, u in models)
        optimizers[0].step((mean[..., 0] - y).square().mean(1))
        optimizers[1].step(F.cross_entropy(logits.transpose(1, 2), k, reduction="none").mean(1))
        if step % every == 0:
            samplers = [np.random.default_rng([seed, i, 4]) for i in range(n_seeds)]
            chains = [roll_out(head, begin, 40, samplers) for head in heads()]
            yield frame(chains, f"After {step} steps of training, in 50 short roll-outs", 0.8 * step / steps)
    runs, state = [np.empty((n_seeds, 1, 0)) for _ in models], [begin[:, :1]] * 2
    samplers = [np.random.default_rng([seed, i, 4]) for i in range(n_seeds)]
    while runs[0].shape[2] < length:
        piece = min(500, length - runs[0].shape[2])
        for k, head in enumerate(heads()):
            new = roll_out(head, state[k], piece, samplers)
            runs[k] = np.concatenate([runs[k], new], axis=2)
            state[k] = np.concatenate([state[k], new], axis=2)[:, :, -lags:]
        done = runs[0].shape[2]
        yield frame(runs, f"After {done} states of one free roll-out", 0.8 + 0.2 * done / length)
