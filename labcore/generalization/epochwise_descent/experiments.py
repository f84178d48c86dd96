"""The test error of the linear problem over training time, and of a small network on digits with two scales."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.data import digits_split, resample_labels
from labcore.experiment import Diverged, Seed, experiment, number
from labcore.frames import Frame, axis, var

from .mechanism import Array, D, Modes, decompose, follow, learned, modulation, theory
from .turns import describe, short


@lru_cache(maxsize=4)
def _draw(n: int, p_fast: int, kappa: float, n_seeds: int, seed: int) -> Modes:
    draws = [np.random.default_rng([seed, i]) for i in range(n_seeds)]
    teacher = np.stack([g.normal(size=D) for g in draws])
    z = np.stack([g.normal(size=(n, D)) for g in draws]) / np.sqrt(D)
    eps = np.stack([g.normal(size=n) for g in draws])
    return decompose(z, np.diag(modulation(p_fast, kappa)), eps, teacher)


COURSE = Frame(
    repeat=axis("draw"),
    time=axis("training time", "steps"),
    mode=axis("mode, from fast to slow"),
    error=var("repeat time", "test error of each draw"),
    error_fast=var("time", "part of the test error on fast directions"),
    error_slow=var("time", "part of the test error on slow directions"),
    theory=var("time", "test error, theory"),
    train=var("time", "training error"),
    R=var("time", "alignment with the teacher"),
    Q=var("time", "size of the student"),
    s=var("mode", "singular value of the training inputs"),
    phi=var("mode", "share of the mode that is learned"),
    fast_share=var("mode", "share of fast directions in the mode"),
)


@experiment(quick=dict(n_seeds=5), frame=COURSE)
def trajectory(
    at_time: Annotated[
        float,
        number(1, 1e10, "The moment at which to look inside the student", "time", "steps", label="moment t", main=True),
    ] = 150.0,
    t_max: Annotated[
        float, number(1e4, 1e10, "How long the student trains", "time", "steps", label="training length")
    ] = 1e7,
    noise: Annotated[
        float, number(0, 1, "Label noise, standard deviation", "data", label="label noise", main=True)
    ] = 0.0,
    l2: Annotated[
        float,
        number(
            0, 1, "Weight decay; even a little keeps slow features from being learned", "data", label="weight decay"
        ),
    ] = 0.0,
    kappa: Annotated[
        float,
        number(1, 1e4, "How many times smaller the slow features are", "data", label="shrinking factor κ", main=True),
    ] = 100.0,
    p_fast: Annotated[
        int,
        number(
            0, 100, "Directions that are learned fast; the rest of the 100 are slow", "data", label="fast directions"
        ),
    ] = 70,
    n: Annotated[
        int, number(60, 300, "Training samples; the input has 100 directions", "data", label="training samples n")
    ] = 130,
    n_seeds: Annotated[
        int, number(1, 100, "Draws of data and teacher to average over", "runs", label="repetitions")
    ] = 30,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Test error of gradient descent on a two-scale linear problem at 200 log-spaced times, in closed form. One frame.

    Draw i comes from (seed, i). error_fast + error_slow is the mean error: the squared distance to the teacher on the
    fast directions and on the slow ones. s, phi and fast_share belong to draw 0; phi is taken at the grid time nearest
    to `at_time`, which is attrs["at_time"]. attrs["teacher_power"] is the mean |w*|^2/d, the 1 of the error formula.
    """
    t = np.logspace(0, np.log10(t_max), 200)
    modes = _draw(n, p_fast, kappa, n_seeds, seed)
    course = follow(modes, n, p_fast, noise, l2, t)
    error = course.error.sum(2)
    mean, eta = error.mean(0), np.mean(1 / (modes.s[:, 0] ** 2 + l2))
    now = int(np.abs(np.log(t / at_time)).argmin())
    phi, share = learned(modes.s[:1], t[now : now + 1], l2)[0, 0], (modes.vt[0, :, :p_fast] ** 2).sum(1)
    inside = [
        f"{phi @ w / w.sum():.0%} of the {name} directions"
        for name, w, size in (("fast", share, p_fast), ("slow", 1 - share, D - p_fast))
        if size
    ]
    yield COURSE(
        dict(
            time=t,
            error=error,
            error_fast=course.error[..., 0].mean(0),
            error_slow=course.error[..., 1].mean(0),
            theory=theory(n, p_fast, kappa, noise, l2, t * eta),
            train=course.train.mean(0),
            R=course.R.sum(2).mean(0),
            Q=course.Q.sum(2).mean(0),
            s=modes.s[0],
            phi=phi,
            fast_share=share,
        ),
        f"{'With' if noise else 'Without'} label noise the test error (mean of {n_seeds}) {describe(t, mean)}. "
        f"At t = {short(t[now])} it is {mean[now]:.3f}, and the student has learned {' and '.join(inside)}.",
        at_time=float(t[now]),
        teacher_power=float((modes.teacher**2).mean()),
    )


def _two_scales(n_train: int, kappa: float, label_noise: float, seed: list[int]) -> tuple[Array, ...]:
    """Digits whose left half is large and right half 1/kappa, each half whitened to 16 features by the training set."""
    split = digits_split(n_train, 800, seed)
    labels = resample_labels(split.y_train, label_noise, [*seed, 1])
    halves = []
    for columns, scale in ((range(4), 1.0), (range(4, 8), 1 / kappa)):
        pixels = [8 * row + column for row in range(8) for column in columns]
        train, test = split.x_train[:, pixels], split.x_test[:, pixels]
        _, s, vt = np.linalg.svd(train - train.mean(0), full_matrices=False)
        whiten = vt[:16].T / s[:16] * np.sqrt(n_train) * scale
        halves.append([(x - train.mean(0)) @ whiten for x in (train, test)])
    (fast_train, fast_test), (slow_train, slow_test) = halves
    x_train, x_test = np.hstack([fast_train, slow_train]), np.hstack([fast_test, slow_test])
    return x_train, labels - 0.1, x_test, split.y_test - 0.1


ERRORS = Frame(
    time=axis("training time", "steps"),
    test=var("time", "test error"),
    train=var("time", "training error"),
    error_rate=var("time", "share of wrong answers on test digits"),
)


@experiment(quick=dict(n_seeds=2), frame=ERRORS)
def two_scale_digits(
    kappa: Annotated[
        float,
        number(1, 100, "How many times smaller the right half is", "data", scale="log", label="shrinking factor κ"),
    ] = 60.0,
    label_noise: Annotated[
        float, number(0, 0.5, "Share of training labels redrawn at random", "data", label="label noise")
    ] = 0.2,
    n_train: Annotated[int, number(50, 800, "Training samples", "data", label="training digits n")] = 160,
    hidden: Annotated[int, number(2, 100, "Hidden units of the network", "training", label="hidden units")] = 15,
    steps: Annotated[
        int, number(100, 100_000, "Full-batch gradient steps", "training", unit="steps", label="training steps")
    ] = 40_000,
    lr: Annotated[
        float, number(0.01, 1, "Learning rate; wide networks diverge sooner", "training", label="learning rate η")
    ] = 0.3,
    n_seeds: Annotated[int, number(1, 10, "Networks to average over", "runs", label="networks averaged")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same shape outside the linear model: a two-layer ReLU network on digits, square loss. An illustration.

    Frames arrive while it trains; `time` grows to at most 120 log-spaced steps. Each half of the 8x8 picture is
    whitened to 16 features: raw pixels have many scales of their own, and with them no second descent was seen.
    Errors are 1/2 |y - f(x)|^2, one-hot targets minus 0.1. Network i draws its data and weights from (seed, i).
    """
    seeds = [[seed, i] for i in range(n_seeds)]
    samples = [_two_scales(n_train, kappa, label_noise, s) for s in seeds]
    x, y, x_test, y_test = (np.stack(part) for part in zip(*samples, strict=True))
    draws = [np.random.default_rng([*s, 2]) for s in seeds]
    w = np.stack([g.normal(size=(32, hidden)) / 4 for g in draws])
    v = np.stack([g.normal(size=(hidden, 10)) * 0.1 / np.sqrt(hidden) for g in draws])
    records, shown = {int(k) for k in np.logspace(0, np.log10(steps), 120)} | {steps}, 0
    log: list[tuple[float, ...]] = []
    frame = None
    for step in range(1, steps + 1):
        h = np.maximum(x @ w, 0)
        residual = h @ v - y
        loss = 0.5 * (residual**2).sum() / (n_seeds * n_train)
        if not loss < 1e6:
            raise Diverged(step, frame)
        if step in records:
            out = np.maximum(x_test @ w, 0) @ v
            wrong = (out.argmax(2) != y_test.argmax(2)).mean()
            log.append((step, 0.5 * ((out - y_test) ** 2).sum(2).mean(), loss, wrong))
            t, test, train, wrongs = np.array(log).T
            frame = ERRORS(
                dict(time=t, test=test, train=train, error_rate=wrongs),
                f"The test error {describe(t, test, 0.05)}; the share of wrong answers {describe(t, wrongs, 0.05)}.",
                step / steps,
            )
            if step == steps or step - shown >= steps / 100:
                shown = step
                yield frame
        back = residual @ v.transpose(0, 2, 1) * (h > 0)
        v -= lr / n_train * h.transpose(0, 2, 1) @ residual
        w -= lr / n_train * x.transpose(0, 2, 1) @ back
