"""Errors over the width, over the samples and over time of frozen features; two-layer nets over their width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, label, var

from . import feature_regression as problems
from . import spectral_bank
from .cell_training import job, train_cells
from .feature_regression import Cells, Data, Problem
from .intervals import wilson
from .mechanism import filters
from .net_widths import NETS, net_widths
from .random_features import Activation, Normalization
from .spike import higher, spike
from .widths import WIDTHS, cells_of

SAMPLE_RATIOS = (0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 0.95, 1.0, 1.05, 1.15, 1.3, 1.5, 2.0, 3.0, 4.0)
PASSES = 1000  # of a real loop; ten times more would take minutes
LOOPED = 2000  # samples of all repetitions that a real loop takes: 1 GB with all of their features
DECOMPOSED = 2e9  # multiply-adds of decompositions from one frame to the next: some seconds
LOOPS, DESCENTS = ["sgd", "adam"], ["gd", "heavyball", "sgd", "adam"]

DataKind = Annotated[
    Data,
    choice(
        "digits: handwritten; teacher: a linear rule seen through random features; isotropic: seen in part",
        "data",
        label="data",
    ),
]
Samples = Annotated[int, number(50, 400, "Training samples n", "data", label="training samples n")]
Noise = Annotated[
    float,
    number(
        0,
        1,
        "Noise in the training labels: share redrawn (digits), standard deviation (others)",
        "data",
        label="label noise",
        main=True,
    ),
]
Repeats = Annotated[int, number(1, 20, "Independent repetitions", "data", label="repetitions")]
Steps = Annotated[
    int,
    number(
        10,
        10**7,
        "Training length, in passes over the data",
        "optimizer",
        "steps",
        label="training steps",
        main=True,
        method=DESCENTS,
    ),
]
Rate = Annotated[
    float,
    number(
        0.05,
        1.9,
        "Learning rate, as a fraction of 1/s_max^2; it diverges from 2 on",
        "optimizer",
        label="relative learning rate",
        method=DESCENTS,
    ),
]
Ridge = Annotated[
    float, number(1e-8, 10, "Penalty on |w|^2", "optimizer", label="ridge λ", main=True, method=["ridge"])
]
Norm = Annotated[
    Normalization, choice("How the features are rescaled before training", "features", label="feature scaling")
]
Act = Annotated[
    Activation,
    choice("Nonlinearity of the frozen features", "features", label="activation", data=["digits", "teacher"]),
]


def _looks(cells: Cells, n_seeds: int) -> list[int]:
    """After how many repetitions there is a frame: at the end, and on the way where decompositions take long."""
    every = max(1, int(DECOMPOSED / sum(n * p * min(n, p) for n, p in cells)))
    return [*range(every, n_seeds, every), n_seeds]


BY_WIDTH = Frame(
    **WIDTHS,
    p=label("width", "parameters", "parameters"),
    repeat=axis("repetition"),
    mode=axis("mode, from large to small", start=1),
    test=var("repeat width", "test error (squared, per output)"),
    train=var("repeat width", "training error (squared, per output)"),
    cond=var("repeat width", "condition number of the features"),
    weight_norm=var("repeat width", "length of the weight vector"),
    s=var("mode", "singular value of the features"),
    phi=var("mode", "share of the mode that is fitted"),
    cost=var("mode", "error from label noise once the mode is fitted"),
    theory=var("width", "test error, theory for large sizes", optional=True),
    df1=var("width", "effective parameters", "parameters", optional=True),
    error_rate=var("repeat width", "share of test digits misread", optional=True),
    error_low=var("width", "share misread, lower end of the 95 % interval", optional=True),
    error_high=var("width", "share misread, upper end of the 95 % interval", optional=True),
)


@experiment(quick=dict(n_seeds=2, steps=10**7), frame=BY_WIDTH)  # so long that the spike is there
def model_wise(
    method: Annotated[
        Literal["exact", "ridge", "gd", "heavyball", "sgd", "adam"],
        choice(
            "exact: trained for ever; ridge: with a penalty; gd, heavyball: full batches; sgd, adam: mini-batches",
            "optimizer",
            label="training method",
        ),
    ] = "gd",
    steps: Steps = 100_000,
    lr_frac: Rate = 1.0,
    batch_size: Annotated[
        int,
        number(1, 400, "Samples in a mini-batch, at most n", "optimizer", label="mini-batch size", method=LOOPS),
    ] = 20,
    ridge: Ridge = 1e-3,
    init_scale: Annotated[
        float,
        number(
            0,
            3,
            "Size of the random initial weights",
            "optimizer",
            label="initial weight size",
            method=["exact", *DESCENTS],
        ),
    ] = 0.0,
    label_noise: Noise = 0.15,
    n_train: Samples = 200,
    data: DataKind = "digits",
    normalization: Norm = "raw",
    activation: Act = "relu",
    look_at: Annotated[
        float,
        number(
            0.05,
            8,
            "Parameters / samples of the model in the mode view",
            "view",
            scale="log",
            label="look inside at p/n",
        ),
    ] = 1.0,
    error_rate: Annotated[
        bool, choice("Also count misread digits (slower)", "view", label="count misread digits", data=["digits"])
    ] = False,
    n_seeds: Repeats = 5,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Test and training error over the width p, at n training samples, for one optimizer.

    Errors are squared errors per output: test against clean labels, train against the noisy ones. s, phi and cost are
    those of repeat 0 at the width nearest to look_at, where cost = |u_i . noise| / s_i, root mean square over outputs.
    The interval of the error rate is Wilson's, 95 %, as if all repeats shared their test samples. theory and df1 are
    there for exact and ridge on raw isotropic features, and on raw teacher features for n <= 200.

    One step is one pass over the data: an update of gd and heavyball (momentum 0.9), n / batch_size updates of sgd and
    adam (see `cell_training.rates` for their rates). These two stop at 1000 passes and p = 2n, and the reading says so;
    their phi is measured, the projection of the fit of a mode on its target. Initial weights: N(0, init_scale^2 / p).
    Raises ValueError where these two would take more than 2000 samples in all repetitions.
    """
    cells, is_loop = cells_of(n_train), method in LOOPS
    if is_loop and n_train * n_seeds > LOOPED:
        raise ValueError(
            f"n_train = {n_train} and n_seeds = {n_seeds} are not allowed with {method}; "
            f"their product must be at most {LOOPED}"
        )
    scale, centred = (0.0 if method == "ridge" else init_scale), normalization in ("center", "standardize")
    looks = [n_seeds] if is_loop else _looks(cells, n_seeds)
    draws: list[Problem] = []
    targets: list[Float[np.ndarray, "n c"]] = []

    def draw_until(repeats: int) -> None:
        for repeat in range(len(draws), repeats):
            draws.append(problems.problem(data, cells, normalization, activation, (seed, repeat)))
            targets.append(draws[-1].targets(label_noise))

    draw_until(looks[0])
    ratio = np.array([p / n for n, p in cells])
    ratio = ratio[ratio <= 2] if is_loop else ratio
    widths = len(ratio)
    look = int(np.argmin(np.abs(np.log(ratio / look_at))))
    fits = draws[0].bank
    modes = slice(*fits.offset[look : look + 2])
    s, ut = fits.s[modes], fits.ut[modes]
    cost = np.sqrt(np.mean((ut @ (targets[0] - draws[0].clean)) ** 2, axis=1)) / s
    overlay = {}
    if method in ("exact", "ridge") and normalization == "raw" and scale == 0:
        lam = ridge if method == "ridge" else 0.0
        if theory := problems.theory(data, cells, lam, label_noise, activation, (seed, 0)):
            overlay = dict(theory=theory.risk, df1=theory.df1)

    def frame(test, train, norm, phi, wrong, reading: str, progress: float, step: int) -> xr.Dataset:
        rates = {}
        if wrong is not None:
            low, high = wilson(np.mean(wrong, axis=0), problems.TEST_SAMPLES)
            rates = dict(error_rate=wrong, error_low=low, error_high=high)
        return BY_WIDTH(
            dict(
                test=test,
                train=train,
                cond=[d.bank.condition[:widths] for d in draws],
                weight_norm=norm,
                s=s,
                phi=phi,
                cost=cost,
                ratio=ratio,
                p=[p for _, p in cells[:widths]],
                **overlay,
                **rates,
            ),
            reading,
            progress,
            look_at=float(ratio[look]),
            n_train=n_train,
            step=step,
        )

    count = error_rate and data == "digits"
    if not is_loop:
        when = {"exact": "Trained for ever", "ridge": f"With ridge {ridge:.3g}"}.get(method, f"After {steps} steps")
        shown, scores, wrong = filters(method, fits, steps, lr_frac, ridge)[modes], [], []
        for repeats in looks:
            draw_until(repeats)
            for d, y in zip(draws[len(scores) :], targets[len(scores) :]):
                phi = filters(method, d.bank, steps, lr_frac, ridge)
                scores.append(spectral_bank.evaluate(d.bank, y, phi, scale, centred))
                if count:
                    wrong.append(problems.wrong_share(d, y, phi, scale, normalization, activation))
            test, train, norm = map(np.array, zip(*scores))
            told = f"{when}, {spike(ratio, test, train)}"
            yield frame(test, train, norm, shown, wrong if count else None, told, repeats / n_seeds, steps)
        return

    jobs = [job(data, cells[:widths], normalization, activation, d, y, scale) for d, y in zip(draws, targets)]
    z, _, start = jobs[0].inputs[look]
    goal = ut @ (targets[0] - jobs[0].mean - z @ start)
    passes = min(steps, PASSES)
    for now in train_cells(jobs, batch_size, method, lr_frac, passes):
        wrong = None
        if count:
            pairs = [list(zip(task.inputs, row)) for task, row in zip(jobs, now.weights)]
            wrong = [[problems.misread(c[1], w, j.mean) for c, w in row] for j, row in zip(jobs, pairs)]
        moved = ut @ (z @ (now.weights[0][look] - start))
        phi = np.sum(moved * goal, axis=1) / np.maximum(np.sum(goal**2, axis=1), 1e-300)
        told, done = spike(ratio, now.test, now.train), now.passes / passes
        if now.diverged:
            repeat, at, update = now.diverged
            told = f"{told} The learning rate is too large at p/n = {ratio[at]:.3g}, repetition {repeat}."
            last = frame(now.test, now.train, now.norm, phi, wrong, f"at the last look, {told}", 1.0, now.passes)
            raise Diverged(-(-update // -(-n_train // min(batch_size, n_train))), last)  # passes, of so many updates
        reading = f"After {now.passes} passes, {told}"
        if done == 1 and passes < steps:
            reading += f" It stopped at {PASSES} of the {steps} passes asked for, the most that this method runs here."
        yield frame(now.test, now.train, now.norm, phi, wrong, reading, done, now.passes)


BY_SAMPLES = Frame(
    samples=axis("place in the list of sample sizes"),
    ratio=label("samples", "training samples / parameters"),
    n=label("samples", "training samples", "samples"),
    repeat=axis("repetition"),
    test=var("repeat samples", "test error (squared, per output)"),
    train=var("repeat samples", "training error (squared, per output)"),
    cond=var("repeat samples", "condition number of the features"),
)


@experiment(quick=dict(n_seeds=2), frame=BY_SAMPLES)
def sample_wise(
    method: Annotated[
        Literal["exact", "ridge", "gd"],
        choice(
            "exact: trained for ever; ridge: with a penalty; gd: full batches", "optimizer", label="training method"
        ),
    ] = "exact",
    steps: Annotated[
        int, number(10, 10**7, "Training length", "optimizer", "steps", label="training steps", method=["gd"])
    ] = 100_000,
    ridge: Ridge = 1e-3,
    label_noise: Noise = 0.15,
    p: Annotated[
        int, number(20, 400, "Parameters of the model", "data", "parameters", label="parameters p", main=True)
    ] = 100,
    data: DataKind = "digits",
    n_seeds: Repeats = 5,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Test and training error over the number of training samples n, with p parameters (raw ReLU features).

    Larger samples contain the smaller ones. Units are those of `model_wise`. gd runs at 1/s_max^2.
    """
    cells = tuple((max(2, round(r * p)), p) for r in SAMPLE_RATIOS)
    looks, scores, n = _looks(cells, n_seeds), [], np.array([m for m, _ in cells])
    for repeat in range(n_seeds):  # one after another: the largest problem takes 70 MB
        d = problems.problem(data, cells, "raw", "relu", (seed, repeat))
        errors = spectral_bank.evaluate(d.bank, d.targets(label_noise), filters(method, d.bank, steps, 1.0, ridge))
        scores.append((*errors[:2], d.bank.condition))
        if repeat + 1 not in looks:
            continue
        test, train, cond = map(np.array, zip(*scores))
        at, middle = int(np.argmin(np.abs(n - p))), np.median(test, axis=0)
        worst = max(range(1, len(n)), key=lambda k: middle[k] / max(middle[:k].min(), 1e-12))
        best = int(np.argmin(middle[:worst]))
        verdict = (
            f"more data makes it worse between {n[best]} samples, {middle[best]:.3g}, and {n[worst]}, "
            f"{middle[worst]:.3g}"
            if higher(test[:, worst], test[:, best])
            else "more data never makes it clearly worse"
        )
        yield BY_SAMPLES(
            dict(test=test, train=train, cond=cond, ratio=n / p, n=n),
            f"With {p} parameters the test error is {middle[0]:.3g} for {n[0]} samples, {middle[at]:.3g} for {n[at]} "
            f"and {middle[-1]:.3g} for {n[-1]}: {verdict}.",
            (repeat + 1) / n_seeds,
            p=p,
        )


BY_TIME = Frame(
    **WIDTHS,
    p=label("width", "parameters", "parameters"),
    time=axis("place in the list of times"),
    step=label("time", "training time", "steps"),
    test=var("width time", "test error (squared, per output), median of the repeats"),
    train=var("width time", "training error (squared, per output), median of the repeats"),
)


@experiment(quick=dict(n_seeds=2), frame=BY_TIME)
def epoch_wise(
    at_step: Annotated[
        int,
        number(10, 10**7, "Training step of the cursor", "view", "steps", label="cursor: training step", main=True),
    ] = 100_000,
    at_ratio: Annotated[
        float,
        number(
            0.05,
            8,
            "Parameters / samples of the cursor",
            "view",
            scale="log",
            label="cursor: width p/n",
            main=True,
        ),
    ] = 1.0,
    lr_frac: Annotated[
        float,
        number(0.05, 1.9, "Learning rate, as a fraction of 1/s_max^2", "optimizer", label="relative learning rate"),
    ] = 1.0,
    label_noise: Noise = 0.15,
    n_train: Samples = 200,
    data: DataKind = "digits",
    normalization: Norm = "raw",
    activation: Act = "relu",
    n_seeds: Repeats = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Test and training error over width and training time, by gradient descent from zero.

    Units are those of `model_wise`. attrs at_ratio, at_step: the cursor, moved to the nearest grid point.
    """
    cells, times = cells_of(n_train), np.unique(np.round(np.geomspace(10, 1e7, 49)).astype(int))
    centred = normalization in ("center", "standardize")
    ratio, looks, scores = np.array([p / n for n, p in cells]), _looks(cells, n_seeds), []
    i, j = int(np.argmin(np.abs(np.log(ratio / at_ratio)))), int(np.argmin(np.abs(np.log(times / at_step))))
    for repeat in range(n_seeds):
        d = problems.problem(data, cells, normalization, activation, (seed, repeat))
        phi = filters("gd", d.bank, times[:, None], lr_frac, 0.0)
        scores.append(spectral_bank.evaluate(d.bank, d.targets(label_noise), phi, 0.0, centred)[:2])
        if repeat + 1 not in looks:
            continue
        test, train = np.median(np.array(scores), axis=0).transpose(0, 2, 1)
        best = int(np.argmin(test[i]))
        yield BY_TIME(
            dict(test=test, train=train, ratio=ratio, p=[p for _, p in cells], step=times),
            f"At p/n = {ratio[i]:.3g} the test error is {test[i, j]:.3g} after {times[j]} steps. Its lowest value is "
            f"{test[i, best]:.3g}, after {times[best]} steps, and it ends at {test[i, -1]:.3g} after {times[-1]}.",
            (repeat + 1) / n_seeds,
            at_ratio=float(ratio[i]),
            at_step=int(times[j]),
            n_train=n_train,
        )


@experiment(quick=dict(steps=600), frame=NETS)
def two_layer(
    optimizer: Annotated[
        Literal["adam", "sgd", "momentum"],
        choice("How the network is trained", "optimizer", label="training method", main=True),
    ] = "adam",
    lr: Annotated[float, number(1e-4, 1, "Learning rate", "optimizer", label="learning rate η")] = 0.02,
    batch_size: Annotated[
        int,
        number(0, 200, "Samples in a mini-batch; 0, or n and more, is all", "optimizer", label="mini-batch size"),
    ] = 0,
    steps: Annotated[
        int, number(10, 20_000, "Updates", "optimizer", "steps", scale="log", label="training steps", main=True)
    ] = 3000,
    init_scale: Annotated[
        float, number(0.1, 3, "Size of the random initial weights", "optimizer", label="initial weight size")
    ] = 1.0,
    n_train: Annotated[int, number(20, 200, "Training samples n", "data", label="training samples n")] = 100,
    d: Annotated[int, number(2, 20, "Inputs of the network", "data", label="network inputs d")] = 10,
    noise: Annotated[
        float,
        number(0, 2, "Standard deviation of the noise in the training labels", "data", label="label noise", main=True),
    ] = 0.5,
    n_seeds: Annotated[int, number(1, 30, "Independent repetitions", "data", label="repetitions")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Two-layer ReLU nets of h = 1 to 80 hidden units, all h (d + 2) weights trained, on a noisy linear teacher.

    Frames while they train. test: on 1000 clean samples; train: on the noisy ones. L = sum (f - y)^2 / 2B. Initial
    weights have variance init_scale^2 / d (first layer and biases) and init_scale^2 / h (second layer).
    """
    yield from net_widths(optimizer, lr, batch_size, steps, init_scale, n_train, d, noise, n_seeds, seed)
