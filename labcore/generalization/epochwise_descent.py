"""Why the test error of one model can fall, rise and fall again while it trains.

Problem: deep networks show double descent over training time; which part of that needs depth or label noise? None.
Idea: features of two scales are learned at two speeds, and the slow ones act as label noise for the fast ones.
Teacher y = z.w* + eps; z in R^d with entries N(0, 1/d), w* ~ N(0, I_d), eps ~ N(0, sigma^2). The student sees
x = F^T z, whose modulation F has singular value 1 on p fast directions and 1/kappa on d - p slow ones, and
learns x.w by gradient descent on 1/2 |X w - y|^2 + l2/2 |w|^2 from w = 0, with eta = 1 / (s_max^2 + l2).
With X = U diag(s) V^T:    w(t) = V diag(phi / s) U^T y,    phi = s^2/(s^2 + l2) (1 - (1 - eta (s^2 + l2))^t).
Order parameters: R = (F w).w*/d, Q = |F w|^2/d, and the noiseless test error E_G = 1/2 (|w*|^2/d - 2 R + Q).
A mode is learned after 1/(eta s^2) steps, so the slow block comes kappa^2 later. Until then its share of y is noise
to the fast block, which overfits it when n/p is near 1. Then the slow block is learned and that noise is gone.
Laboratory scale: d = 100 and F diagonal (a rotation of F changes nothing in law; the tests check it).
The paper's replica theory is replaced by the deterministic equivalent, with time as a ridge 1/(eta t).
Source: Pezeshki, Mitra, Bengio, Lajoie (2021), arXiv:2112.03215.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from labcore.claims import Evidence, claim
from labcore.data import digits_split, resample_labels
from labcore.experiment import Budget, Seed, experiment, number, variable
from labcore.primitives.deterministic_equivalent import det_equiv
from labcore.primitives.spectral import gd, ridge
from labcore.primitives.turning_points import describe, short, turning_points

D = 100  # directions of the input
Array = NDArray[np.float64]


def modulation(p_fast: int, kappa: float, d: int = D) -> Array:
    """Singular values (d,) of F: 1 on the first p_fast directions, 1/kappa on the others.

    Raises ValueError unless 0 <= p_fast <= d and kappa >= 1.
    """
    if not 0 <= p_fast <= d:
        raise ValueError(f"p_fast = {p_fast} is not allowed; it must be from 0 to {d}")
    if not kappa >= 1:
        raise ValueError(f"kappa = {kappa} is not allowed; it must be kappa >= 1")
    return np.where(np.arange(d) < p_fast, 1.0, 1.0 / kappa)


class Modes(NamedTuple):
    """S students in the basis where gradient descent acts on each of r = min(n, d) modes alone."""

    s: Array  # (S, r) singular values of X
    signal: Array  # (S, r) U^T Z w*, what the teacher puts into each mode
    noise: Array  # (S, r) U^T eps, what label noise of variance 1 puts into it
    outside: Array  # (S,) |eps|^2 off the span of X, which no student fits
    fv: Array  # (S, r, d) rows V_i^T F^T: what a fitted mode adds to F w
    vt: Array  # (S, r, d) rows V_i^T
    teacher: Array  # (S, d) w*


def decompose(z: Array, f: Array, eps: Array, teacher: Array) -> Modes:
    """The modes of students that see X = Z F; z (S, n, d), F = f (d, d), eps (S, n), teacher (S, d)."""
    u, s, vt = np.linalg.svd(z @ f, full_matrices=False)
    signal, noise = (np.einsum("snr,sn->sr", u, y) for y in (np.einsum("snd,sd->sn", z, teacher), eps))
    outside = np.maximum((eps**2).sum(1) - (noise**2).sum(1), 0)
    return Modes(s, signal, noise, outside, vt @ f.T, vt, teacher)


class Course(NamedTuple):
    """S students at T times; the last axis of R, Q and error is (fast, slow), and its sum the whole."""

    R: Array  # (S, T, 2) alignment with the teacher
    Q: Array  # (S, T, 2) size of the student
    error: Array  # (S, T, 2) 1/2 |F w - w*|^2 / d, which is E_G
    train: Array  # (S, T) 1/2 mean square error on the training set


def learned(s: Array, t: Array, l2: float) -> Array:
    """phi (S, T, r): the share of each mode that gradient descent has fitted after t (T,) steps; s (S, r)."""
    decay = np.sqrt(s**2 + l2)
    return ridge(s, l2, 1)[:, None] * gd(decay[:, None], t[:, None], 1 / decay[:, :1, None] ** 2)


def follow(modes: Modes, n: int, p_fast: int, sigma: float, l2: float, t: Array) -> Course:
    """Gradient descent from w = 0 at the times t (T,), in closed form."""
    y, phi = modes.signal + sigma * modes.noise, learned(modes.s, t, l2)
    d = modes.teacher.shape[1]
    block = np.stack([np.arange(d) < p_fast, np.arange(d) >= p_fast], -1) / d
    fw = (phi * (y / modes.s)[:, None]) @ modes.fv
    r, q = fw @ (modes.teacher[:, :, None] * block), fw**2 @ block
    fw -= modes.teacher[:, None]  # E_G from the difference itself, which keeps its digits when it vanishes
    left = ((1 - phi) ** 2 @ (y**2)[:, :, None])[..., 0] + sigma**2 * modes.outside[:, None]
    return Course(r, q, 0.5 * (fw**2 @ block), 0.5 * left / n)


def theory(n: int, p_fast: int, kappa: float, sigma: float, l2: float, eta_t: Array) -> Array:
    """E_G (T,) from the deterministic equivalent, with training for eta t as a ridge n lam = 1/(eta t) + l2.

    Time as ridge is an approximation: it lags behind gradient descent at early times.
    """
    scale = modulation(p_fast, kappa)
    return 0.5 * det_equiv(scale**2 / D, 1 / scale, 0.0, n, (1 / eta_t + l2) / n, sigma**2).risk


@lru_cache(maxsize=4)
def _draw(n: int, p_fast: int, kappa: float, n_seeds: int, seed: int) -> Modes:
    draws = [np.random.default_rng([seed, i]) for i in range(n_seeds)]
    teacher = np.stack([g.normal(size=D) for g in draws])
    z = np.stack([g.normal(size=(n, D)) for g in draws]) / np.sqrt(D)
    eps = np.stack([g.normal(size=n) for g in draws])
    return decompose(z, np.diag(modulation(p_fast, kappa)), eps, teacher)


@experiment("epochwise_descent", quick=dict(n_seeds=5))
def trajectory(
    at_time: Annotated[
        float, number(1, 1e10, "The moment at which to look inside the student", "time", "steps")
    ] = 150.0,
    t_max: Annotated[float, number(1e4, 1e10, "How long the student trains", "time", "steps")] = 1e7,
    noise: Annotated[float, number(0, 1, "Label noise, standard deviation", "data")] = 0.0,
    l2: Annotated[
        float, number(0, 1, "Weight decay; even a little keeps slow features from being learned", "data")
    ] = 0.0,
    kappa: Annotated[float, number(1, 1e4, "How many times smaller the slow features are", "data")] = 100.0,
    p_fast: Annotated[
        int, number(0, 100, "Directions that are learned fast; the rest of the 100 are slow", "data")
    ] = 70,
    n: Annotated[int, number(60, 300, "Training samples; the input has 100 directions", "data")] = 130,
    n_seeds: Annotated[int, number(1, 100, "Draws of data and teacher to average over", "runs")] = 30,
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
    yield xr.Dataset(
        {
            "error": variable(("repeat", "time"), error, "test error of each draw"),
            "error_fast": variable("time", course.error[..., 0].mean(0), "part of the test error on fast directions"),
            "error_slow": variable("time", course.error[..., 1].mean(0), "part of the test error on slow directions"),
            "theory": variable("time", theory(n, p_fast, kappa, noise, l2, t * eta), "test error, theory"),
            "train": variable("time", course.train.mean(0), "training error"),
            "R": variable("time", course.R.sum(2).mean(0), "alignment with the teacher"),
            "Q": variable("time", course.Q.sum(2).mean(0), "size of the student"),
            "s": variable("mode", modes.s[0], "singular value of the training inputs"),
            "phi": variable("mode", phi, "share of the mode that is learned"),
            "fast_share": variable("mode", share, "share of fast directions in the mode"),
        },
        coords={
            "time": variable("time", t, "training time", "steps"),
            "repeat": variable("repeat", np.arange(n_seeds), "draw"),
            "mode": variable("mode", np.arange(len(phi)), "mode, from fast to slow"),
        },
        attrs={
            "reading": f"{'With' if noise else 'Without'} label noise the test error (mean of {n_seeds}) "
            f"{describe(t, mean)}. At t = {short(t[now])} it is {mean[now]:.3f}, and the student has learned "
            f"{' and '.join(inside)}.",
            "progress": 1.0,
            "at_time": float(t[now]),
            "teacher_power": float((modes.teacher**2).mean()),
        },
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


@experiment("epochwise_descent", quick=dict(n_seeds=2))
def two_scale_digits(
    kappa: Annotated[float, number(1, 100, "How many times smaller the right half is", "data", scale="log")] = 60.0,
    label_noise: Annotated[float, number(0, 0.5, "Share of training labels redrawn at random", "data")] = 0.2,
    n_train: Annotated[int, number(50, 800, "Training samples", "data")] = 160,
    hidden: Annotated[int, number(2, 100, "Hidden units of the network", "training")] = 15,
    steps: Annotated[int, number(100, 100_000, "Full-batch gradient steps", "training", unit="steps")] = 40_000,
    lr: Annotated[float, number(0.01, 1, "Learning rate; wide networks diverge sooner", "training")] = 0.3,
    n_seeds: Annotated[int, number(1, 10, "Networks to average over", "runs")] = 4,
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
    for step in range(1, steps + 1):
        h = np.maximum(x @ w, 0)
        residual = h @ v - y
        loss = 0.5 * (residual**2).sum() / (n_seeds * n_train)
        diverged = not loss < 1e6
        if step in records and not diverged:
            out = np.maximum(x_test @ w, 0) @ v
            wrong = (out.argmax(2) != y_test.argmax(2)).mean()
            log.append((step, 0.5 * ((out - y_test) ** 2).sum(2).mean(), loss, wrong))
        if diverged or step == steps or (step in records and step - shown >= steps / 100):
            shown = step
            yield _digits_frame(np.array(log), 1.0 if diverged else step / steps, step if diverged else None)
        if diverged:
            return
        back = residual @ v.transpose(0, 2, 1) * (h > 0)
        v -= lr / n_train * h.transpose(0, 2, 1) @ residual
        w -= lr / n_train * x.transpose(0, 2, 1) @ back


def _digits_frame(log: Array, progress: float, diverged: int | None) -> xr.Dataset:
    t, test, train, wrong = log.T
    if diverged:
        reading = f"The training diverged at step {diverged}: the learning rate is too high."
    else:
        reading = f"The test error {describe(t, test, 0.05)}; the share of wrong answers {describe(t, wrong, 0.05)}."
    return xr.Dataset(
        {
            "test": variable("time", test, "test error"),
            "train": variable("time", train, "training error"),
            "error_rate": variable("time", wrong, "share of wrong answers on test digits"),
        },
        coords={"time": variable("time", t, "training time", "steps")},
        attrs={"reading": reading, "progress": progress},
    )


def _mean_error(budget: Budget, **values: float) -> tuple[Array, Array]:
    frame = trajectory.run(budget, **values)
    return frame.time.values, frame.error.values.mean(0)


@claim("epochwise_descent", "Without label noise the error falls, rises and falls again; with one scale it only falls")
def double_descent_without_noise(budget: Budget) -> Evidence:
    _, two = _mean_error(budget, kappa=100.0, n_seeds=30)
    _, one = _mean_error(budget, kappa=1.0, n_seeds=30)
    turns = turning_points(two)
    bump = two[turns[1]] / two[turns[0]] if len(turns) == 2 else 0.0
    rise = np.max((one + 1e-12) / (np.minimum.accumulate(one) + 1e-12)) - 1
    return Evidence(
        {"peak / first minimum": bump, "end": two[-1], "largest rise at kappa = 1": rise},
        "peak / first minimum >= 1.15 and end <= 0.05; at kappa = 1 no rise above 1 % (errors under 1e-12 count as 0)",
        bump >= 1.15 and two[-1] <= 0.05 and rise <= 0.01,
        n_seeds=30,
    )


def _second_fall(budget: Budget, kappa: float) -> float:
    """log10 of the time at which the error falls through half its peak; nan when there is no peak."""
    t, error = _mean_error(budget, n=110, kappa=kappa, t_max=1e9, n_seeds=10)
    turns = turning_points(error)
    if len(turns) < 2:
        return np.nan
    half = error[turns[1]] / 2
    below = turns[1] + int(np.argmax(error[turns[1] :] < half))
    return float(np.interp(-half, -error[below - 1 : below + 1], np.log10(t[below - 1 : below + 1])))


@claim("epochwise_descent", "Slow features ten times smaller are learned a hundred times later")
def second_descent_scales_with_kappa_squared(budget: Budget) -> Evidence:
    shift = _second_fall(budget, 1000.0) - _second_fall(budget, 100.0)
    return Evidence(
        {"shift in decades": shift},
        "kappa 100 -> 1000 moves the fall through half the peak by 2.0 +- 0.25 decades (n = 110)",
        abs(shift - 2) <= 0.25,
        n_seeds=10,
    )


@claim("epochwise_descent", "With label noise a third turn appears: after the second descent the error rises again")
def label_noise_adds_a_third_turn(budget: Budget) -> Evidence:
    _, error = _mean_error(budget, n=150, noise=0.5, n_seeds=30)
    turns = turning_points(error)
    rise = error[-1] / error[turns[2]] - 1 if len(turns) == 3 else 0.0
    return Evidence(
        {"turns": len(turns), "last rise": rise},
        "three turns, and the error ends >= 15 % above its second minimum (n = 150, noise 0.5)",
        len(turns) == 3 and rise >= 0.15,
        n_seeds=30,
    )
