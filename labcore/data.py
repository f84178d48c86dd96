"""Data: bundled real data, generators, and one optional download. Every function is deterministic in its seed."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Seed = int | Sequence[int]


class Split(NamedTuple):
    """Training and test data: inputs (n, d), targets (n, c)."""

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


@functools.cache
def _digits() -> tuple[Array, Array]:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return pixels / 16.0, np.eye(10)[labels]


def _split(x: Array, y: Array, n_train: int, n_test: int, seed: Seed) -> Split:
    if n_train < 1 or n_test < 1 or n_train + n_test > len(x):
        raise ValueError(
            f"n_train = {n_train}, n_test = {n_test} is not allowed; each must be >= 1, their sum at most {len(x)}"
        )
    order = np.random.default_rng(seed).permutation(len(x))
    train, test = order[:n_train], order[len(x) - n_test :]
    return Split(x[train], y[train], x[test], y[test])


def digits_split(n_train: int, n_test: int, seed: Seed) -> Split:
    """Disjoint random training and test samples of scikit-learn's bundled 8x8 digits (1797 in all).

    x: pixels in [0, 1], d = 64. y: one-hot labels, c = 10. With the same seed a larger n_train contains the smaller
    one's samples, in the same order. Raises ValueError when more samples are asked for than there are.
    Source: UCI ML repository, optical recognition of handwritten digits.
    """
    return _split(*_digits(), n_train, n_test, seed)


def openml_mnist(n_train: int, n_test: int, seed: Seed) -> Split:
    """The same split of MNIST, downloaded once by scikit-learn: pixels in [0, 1], d = 784, one-hot labels, c = 10.

    Raises RuntimeError when it is not in scikit-learn's data folder and cannot be downloaded, ValueError as above.
    """
    from sklearn.datasets import fetch_openml

    try:
        pixels, labels = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
    except OSError as error:
        raise RuntimeError(
            "MNIST is not on this machine and OpenML cannot be reached; use digits_split, which needs no network"
        ) from error
    return _split(pixels / 255.0, np.eye(10)[labels.astype(int)], n_train, n_test, seed)


def resample_labels(y: Array, share: float, seed: Seed) -> Array:
    """One-hot labels y (n, c), with a random share of the rows replaced by a uniformly random class. A new array.

    Nested: with the same seed a larger share keeps the smaller one's new labels and adds to them. A resampled label can
    hit the true class, so about share (c - 1)/c of the labels become wrong. Raises ValueError for share outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share = {share} is not allowed; it must be from 0 to 1")
    rng = np.random.default_rng(seed)
    # the first `share` of a fixed random order; n rows and c classes give the same draw for every share
    hit = rng.permutation(len(y))[: round(share * len(y))]
    new = rng.integers(0, y.shape[1], len(y))
    out = y.copy()
    out[hit] = np.eye(y.shape[1])[new[hit]]
    return out


def gaussian_teacher(n_train: int, n_test: int, d: int, seed: Seed) -> tuple[Split, Array]:
    """x ~ N(0, I_d) and y = x . b without noise, |b| = 1, one output. Returns the split and b (d,).

    With the same seed a larger n_train contains the smaller one's samples. Raises ValueError for a size below 1.
    """
    if min(n_train, n_test, d) < 1:
        raise ValueError(f"n_train, n_test, d = {n_train}, {n_test}, {d} is not allowed; each must be at least 1")
    parts = np.atleast_1d(seed).tolist()
    b, train, test = (np.random.default_rng([*parts, k]) for k in range(3))
    direction = b.standard_normal(d)
    direction /= np.linalg.norm(direction)
    x_train, x_test = train.standard_normal((n_train, d)), test.standard_normal((n_test, d))
    return Split(x_train, (x_train @ direction)[:, None], x_test, (x_test @ direction)[:, None]), direction
