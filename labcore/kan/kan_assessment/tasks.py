"""What networks on edges are tried on: short formulas, and the small data sets that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from labcore.primitives.digits.stacked import stacked_digits

Seeds = Sequence[int]
_PI = np.pi
# inputs uniform in [-1, 1]^d; the last three are Feynman equations in the dimensionless form of the KAN papers
FORMULAS: dict[str, tuple[int, Callable[..., np.ndarray]]] = {
    "exp_sin": (2, lambda x, y: np.exp(np.sin(_PI * x) + y**2)),
    "xy": (2, lambda x, y: x * y),
    "sin_product": (2, lambda x, y: np.sin(3 * _PI * x) * np.cos(2 * _PI * y)),
    "sin_20x": (1, lambda x: np.sin(20 * x) / (1 + 4 * x**2)),
    "lorentz_force": (2, lambda a, t: 1 + a * np.sin(_PI * t)),
    "lens": (2, lambda a, b: 1 / (1 + (a + 1) * (b + 1))),
    "two_waves": (3, lambda a, s, t: np.sqrt(1 + a**2 - 2 * a * np.cos(_PI * (s - t)))),
}
WORDS = {
    "exp_sin": "exp(sin πx + y²)", "xy": "x times y", "sin_product": "sin 3πx · cos 2πy",
    "sin_20x": "sin 20x / (1 + 4x²)", "lorentz_force": "1 + a sin πt", "lens": "1 / (1 + (a + 1)(b + 1))",
    "two_waves": "two waves that meet", "breast_cancer": "breast cancer",
}  # fmt: skip
REAL = ("digits", "wine", "breast_cancer", "diabetes")


Samples = Float[Tensor, "N S d"]
Targets = Float[Tensor, "N S 1"] | Int[Tensor, "N S"]  # numbers, or the numbers of classes


class Task(NamedTuple):
    """Training, validation and test samples x, y of S repetitions."""

    train: tuple[Samples, Targets]
    choose: tuple[Samples, Targets]
    test: tuple[Samples, Targets]
    outputs: int


def formula_task(name: str, n_train: int, seeds: Sequence[Seeds], n_test: int = 1000, n_choose: int = 200) -> Task:
    """Samples of a formula; targets centred and scaled by the training set, so that predicting the mean scores 1."""
    d, f = FORMULAS[name]
    parts: list[list] = [[], [], []]
    for seed in seeds:
        rngs = [np.random.default_rng([*seed, part]) for part in range(3)]
        xs = [rng.uniform(-1, 1, (n, d)) for rng, n in zip(rngs, (n_train, n_choose, n_test))]
        ys = [f(*x.T) for x in xs]
        for part, x, y in zip(parts, xs, ys):
            part.append((x, ((y - ys[0].mean()) / ys[0].std())[:, None]))
    return Task(*(tuple(_stack(c) for c in zip(*part)) for part in parts), outputs=1)


def peaks(x: Float[np.ndarray, "*at"], count: int) -> Float[np.ndarray, "*at"]:
    """Equal Gaussian peaks of height 1 in the middle of each of `count` equal parts of [-1, 1]."""
    middles = (2 * np.arange(count) + 1) / count - 1
    return np.exp(-((2 * count * (x[..., None] - middles)) ** 2)).sum(-1)


def _stack(arrays: Sequence[np.ndarray]) -> Tensor:
    whole = np.stack(arrays, axis=1)
    return torch.from_numpy(whole if whole.dtype.kind == "i" else whole.astype(np.float32))


@lru_cache
def _bundled(name: str) -> tuple[np.ndarray, np.ndarray]:
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")(return_X_y=True)


def real_task(name: str, seeds: Sequence[Seeds]) -> Task:
    """60 % training, 15 % validation, 25 % test samples of a bundled data set, drawn anew for each repetition.

    Digits: pixels in [-1, 1]. The others: features centred and scaled by the training set and clipped to 3 deviations.
    """
    if name == "digits":
        return _digits(seeds)
    x, y = _bundled(name)
    classes = 0 if name == "diabetes" else int(y.max()) + 1
    a, b = int(0.6 * len(x)), int(0.75 * len(x))
    parts: list[list] = [[], [], []]
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(x))
        mean, std = x[order[:a]].mean(0), x[order[:a]].std(0) + 1e-9
        features = np.clip((x - mean) / std, -3, 3) / 3
        target = y if classes else ((y - y[order[:a]].mean()) / y[order[:a]].std())[:, None]
        for part, rows in zip(parts, (order[:a], order[a:b], order[b:])):
            part.append((features[rows], target[rows]))
    return Task(*(tuple(_stack(c) for c in zip(*part)) for part in parts), outputs=classes or 1)


def _digits(seeds: Sequence[Seeds]) -> Task:
    a, b = int(0.6 * 1797), int(0.75 * 1797)
    x, y, x_test, y_test = (
        part.transpose(0, 1).contiguous() for part in stacked_digits(b, 1797 - b, seeds, span=(-1.0, 1.0))
    )
    return Task((x[:a], y[:a]), (x[a:], y[a:]), (x_test, y_test), outputs=10)


def error_of(out: Float[Tensor, "N M o"], y: Float[Tensor, "N M o"] | Int[Tensor, "N M"]) -> Float[np.ndarray, " M"]:
    """Root mean square error in units of the spread of y, or the share of wrong classes."""
    if y.ndim == 2:
        return (out.argmax(2) != y).float().mean(0).numpy()
    return ((out - y).square().mean((0, 2)) / y.var((0, 2), correction=0)).sqrt().numpy()


def guess_error(task: Task) -> float:
    """The error of what knows no input: 1 for the mean, or the share of all but the commonest class; the mean of S."""
    y = task.test[1]
    if y.ndim == 3:
        return 1.0
    return float(np.mean([1 - np.bincount(run).max() / len(run) for run in y.numpy().T]))
