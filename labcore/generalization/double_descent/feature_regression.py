"""Regression problems for double descent: three kinds of data, seen through p features, decomposed once and cached.

digits     8x8 digits, one-hot targets (c = 10), random features; noise: a share of the training labels is resampled
teacher    x ~ N(0, I_30), y = x . b with |b| = 1, random features; noise: Gaussian, a standard deviation
isotropic  z ~ N(0, I_D), y = z . beta with |beta| = 1; the model sees the first p of D features; noise as for teacher.
           With raw features its test error is exact, an integral over the population

A cell (n, p) is the problem of the first n samples and the first p features, so all cells of one repeat share one draw.
"""

from __future__ import annotations

import functools
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from labcore import data as datasets
from labcore.primitives.regression.deterministic_equivalent import (
    det_equiv,
    hastie_ridge,
    hastie_ridgeless,
    stieltjes_mp,
)
from labcore.primitives.regression.spectral import Moments

from .nested_widths import decompose
from .random_features import Activation, Normalization, features, normalize, random_layer
from .size_cache import size_cache
from .spectral_bank import SpectralBank, bank

Array = np.ndarray
Data = Literal["digits", "teacher", "isotropic"]
Cells = tuple[tuple[int, int], ...]
Test = Moments | tuple[Float[Array, "m p"], Float[Array, "m c"]]
TEACHER_DIM = 30
TEST_SAMPLES = 1000
WIDEST_THEORY = 1600


class Source(NamedTuple):
    """One draw: everything about a problem but its size and its label noise. p is the widest cell, n the longest."""

    z: Float[Array, "n p"]  # raw features of the training samples
    clean: Float[Array, "n c"]  # their noiseless targets
    test: tuple[Float[Array, "m p"], Float[Array, "m c"]]  # raw features and clean targets of the test samples
    beta: Float[Array, "p 1"] | None  # isotropic: the coefficients
    start: Float[Array, "p c"]  # N(0, 1) weights
    labels: str  # "classes" or "numbers": which kind of label noise


def draw(data: Data, cells: Cells, activation: Activation, seed: tuple[int, ...]) -> Source:
    """Draw samples and features for the cells. Raises ValueError for cells that ask for too many digits."""
    n, p = max(n for n, _ in cells), max(p for _, p in cells)
    rng = [np.random.default_rng([*seed, k]) for k in range(3)]
    if data == "isotropic":
        beta = rng[0].standard_normal((p, 1))
        beta /= np.linalg.norm(beta)
        z, ze = rng[1].standard_normal((n, p)), rng[2].standard_normal((TEST_SAMPLES, p))
        return Source(z, z @ beta, (ze, ze @ beta), beta, rng[0].standard_normal((p, 1)), "numbers")
    if data == "digits":
        split = datasets.digits_split(n, min(TEST_SAMPLES, 1797 - n), [*seed, 3])
    else:
        split, _ = datasets.gaussian_teacher(n, TEST_SAMPLES, TEACHER_DIM, [*seed, 3])
    layer = random_layer(p, split.x_train.shape[1], rng[0])
    z, ze = features(split.x_train, layer, activation), features(split.x_test, layer, activation)
    start = rng[1].standard_normal((p, split.y_train.shape[1]))
    return Source(z, split.y_train, (ze, split.y_test), None, start, "classes" if data == "digits" else "numbers")


def cell(
    source: Source, n: int, p: int, normalization: Normalization
) -> tuple[Float[Array, "n p"], Test, Float[Array, "p c"]]:
    """Training features, test distribution, and initial weights N(0, 1/p) of one cell."""
    start = source.start[:p] / np.sqrt(p)
    if normalization == "raw" and source.beta is not None:
        seen = source.beta[:p]
        return source.z[:n, :p], Moments(None, seen, np.zeros(p), 1.0, np.zeros(1)), start
    z, ze = normalize(source.z[:n, :p], source.test[0][:, :p], normalization)
    return z, (ze, source.test[1]), start


def noisy(
    source_labels: str, clean: Float[Array, "n c"], label_noise: float, seed: tuple[int, ...]
) -> Float[Array, "n c"]:
    """Training targets with label noise. Nested: more noise changes the same samples, and further ones."""
    if source_labels == "classes":
        return datasets.resample_labels(clean, label_noise, [*seed, 4])
    return clean + label_noise * np.random.default_rng([*seed, 4]).standard_normal(clean.shape)


class Problem(NamedTuple):
    """The decomposed cells of one repeat and their noiseless targets."""

    bank: SpectralBank
    clean: Float[Array, "n c"]
    labels: str
    cells: Cells
    seed: tuple[int, ...]

    def targets(self, label_noise: float) -> Float[Array, "n c"]:
        """The training targets at this label noise."""
        return noisy(self.labels, self.clean, label_noise, self.seed)


# per repeat, not per run: changing the number of repeats keeps those that are known. From 6 MB (n = 200) to 70 MB each
@size_cache(300_000_000)
def problem(
    data: Data, cells: Cells, normalization: Normalization, activation: Activation, seed: tuple[int, ...]
) -> Problem:
    """Draw and decompose all cells of one repeat, in about 0.1 s for n = 200 and p up to 1600."""
    source = draw(data, cells, activation, seed)
    fits = bank(decompose([cell(source, n, p, normalization) for n, p in cells]))
    return Problem(fits, source.clean, source.labels, cells, seed)


class Theory(NamedTuple):
    """Large-size prediction for each cell: test error against clean targets, and effective parameters."""

    risk: Float[Array, " W"]
    df1: Float[Array, " W"]


@functools.lru_cache(maxsize=4)
def _population(p_max: int, widths: tuple[int, ...], activation: Activation, seed: tuple[int, ...]) -> tuple:
    """Covariance eigenvalues, coefficients, and unreachable variance of each width, from 8000 fresh samples."""
    m, rng = 8000, np.random.default_rng([*seed, 0])
    split, _ = datasets.gaussian_teacher(1, m, TEACHER_DIM, [*seed, 3])
    z = features(split.x_test, random_layer(p_max, TEACHER_DIM, rng), activation)
    second, cross = z.T @ z / m, z.T @ split.y_test[:, 0] / m
    out = []
    for p in widths:
        ev, basis = np.linalg.eigh(second[:p, :p])
        ev = np.where(ev > 1e-12 * ev[-1], ev, 0.0)
        along = basis.T @ cross[:p]
        beta = np.divide(along, ev, out=np.zeros(p), where=ev > 0)
        # least squares on m samples underestimates what is left over by the factor 1 - rank/m
        left = max(0.0, np.mean(split.y_test**2) - beta @ along) / (1 - np.count_nonzero(ev) / m)
        out.append((ev, beta, left))
    return tuple(out)


def theory(
    data: Data, cells: Cells, lam: float, noise: float, activation: Activation, seed: tuple[int, ...]
) -> Theory | None:
    """The prediction for ridge `lam` >= 0 (0: min-norm) on raw features of cells with one common n.

    None for digits, and for a teacher seen through more than 1600 features: its covariance takes too long.
    At p = n with lam = 0 the prediction is infinite; the value half a sample away stands for it.
    """
    widths = tuple(p for _, p in cells)
    if data == "digits" or (data == "teacher" and max(widths) > WIDEST_THEORY):
        return None
    p = np.array(widths, float)
    n = np.where((lam == 0) & (p == cells[0][0]), p + 0.5, cells[0][0])
    if data == "isotropic":
        seen = p / p.max()
        if lam == 0:
            return Theory(hastie_ridgeless(p / n, 1.0, noise**2, seen), np.minimum(n, p))
        risk = hastie_ridge(p / n, lam, seen, noise**2 + 1 - seen) + 1 - seen
        return Theory(risk, p * (1 - lam * stieltjes_mp(p / n, lam)))
    population = _population(max(widths), widths, activation, seed)
    each = [det_equiv(*w, m, lam, noise**2) for w, m in zip(population, n)]
    return Theory(np.array([float(e.risk) for e in each]), np.array([float(e.df1) for e in each]))


def misread(
    test: tuple[Float[Array, "m p"], Float[Array, "m c"]],
    w: Float[Array, "p c"],
    mean: Float[Array, " c"] | float = 0.0,
) -> float:
    """Share of test samples whose largest prediction z w + mean is not the true class."""
    ze, ye = test
    return float(np.mean((ze @ w + mean).argmax(1) != ye.argmax(1)))


def wrong_share(
    decomposed: Problem,
    y: Float[Array, "n c"],
    phi: Float[Array, " R"],
    scale: float,
    normalization: Normalization,
    activation: Activation,
) -> Float[Array, " W"]:
    """`misread` of every cell for the filter phi. Draws the features again: they are too large to keep."""
    cells, b = decomposed.cells, decomposed.bank
    source = draw("digits", cells, activation, decomposed.seed)
    mean = y.mean(0) * (normalization in ("center", "standardize"))
    out = np.empty(len(cells))
    for w, (n, p) in enumerate(cells):
        z, test, start = cell(source, n, p, normalization)
        modes = slice(b.offset[w], b.offset[w + 1])
        s, ut = b.s[modes, None], b.ut[modes]
        # V = Z^T U / s, so V is not needed
        along = phi[modes, None] * (ut @ y / s - scale * b.v0[modes])
        out[w] = misread(test, z.T @ (ut.T @ (along / s)) + scale * start, mean)
    return out
