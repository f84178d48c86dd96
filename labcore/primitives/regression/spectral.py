"""Linear least squares as spectral filters: one SVD, then every optimizer is a function phi(s) of the singular values.

Train w on L = |Zw - Y|^2 / 2n from w = scale * start. With the thin SVD Z = U diag(s) V^T, each method below ends at

    w = V (phi/s * U^T Y + (1 - phi) * scale * V^T start) + scale * (I - V V^T) start,     0 <= phi(s) <= 1,

so its test error is the quadratic form phi^T M phi - 2 l^T phi + k, whose parts come from the second moments of the
test distribution. The part of `start` outside the row space of Z never decays. Modes below 1e-10 s_max are cut: there
U^T Y / s is rounding error (Z with dead or repeated features).

Errors are squared errors per sample, averaged over the c outputs.
Sources: Ali, Kolter, Tibshirani 2019 (arXiv 1810.10082) for early stopping; Hastie et al. 2019 (arXiv 1903.08560).
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import ANY, checked
from labcore.kernel_cache import kept_ufunc

Array = np.ndarray
CUT = 1e-10


def minnorm(s: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """phi of the minimum-norm least-squares solution: gradient descent from zero that never stops."""
    return np.ones_like(s)


def ridge(
    s: Float[Array, " ..."], lam: float | Float[Array, " ..."], n: int | Int[Array, " ..."]
) -> Float[Array, " ..."]:
    """phi of argmin |Zw - Y|^2 / n + lam |w|^2, with n the training samples. Broadcasts.

    Raises ValueError unless lam >= 0.
    """
    _require("lam", lam)
    return s * s / (s * s + n * lam)


def gradient_flow(s: Float[Array, " ..."], t: float | Float[Array, " ..."]) -> Float[Array, " ..."]:
    """phi of dw/dt = -Z^T (Zw - Y) at time t. Broadcasts. Raises ValueError unless t >= 0."""
    _require("t", t)
    return -np.expm1(-t * s * s)


@kept_ufunc("float64(float64, float64)")
def _gd(x, k):
    if k == 0:
        return 0.0
    if x == 1.0:  # log(0) would set the floating-point flags, and 0 * log(0) is not a number
        return 1.0
    if x < 1.0:
        return -np.expm1(k * np.log1p(-x))
    power = k * np.log(x - 1.0)
    return -np.expm1(power) if k % 2 == 0 else 1.0 + np.exp(power)


def gd(s: Float[Array, " ..."], k: int | Int[Array, " ..."], eta: float | Float[Array, " ..."]) -> Float[Array, " ..."]:
    """phi after k whole steps of gradient descent w -= eta Z^T (Zw - Y): 1 - (1 - eta s^2)^k. Broadcasts.

    Accurate for eta s^2 down to 1e-300, and up to 2. Raises ValueError when a mode diverges (eta s^2 >= 2).
    """
    x = eta * s * s
    _check_rate(x, 2.0)
    return _gd(x, k)


@kept_ufunc("float64(float64, int64, float64)")
def _heavyball(x, k, beta):
    # phi_{k+1} = (1+beta-x) phi_k - beta phi_{k-1} + x is the affine map v -> A v + c on (phi_k, phi_{k-1}).
    # Its k-th power by squaring; working on phi, not on 1 - phi, keeps the digits of slow modes.
    a, b, c, d, e, f = 1.0 + beta - x, -beta, 1.0, 0.0, x, 0.0
    phi, last = 0.0, 0.0
    while k > 0:
        if k & 1:
            phi, last = a * phi + b * last + e, c * phi + d * last + f
        e, f = a * e + b * f + e, c * e + d * f + f
        a, b, c, d = a * a + b * c, a * b + b * d, c * a + d * c, c * b + d * d
        k >>= 1
    return phi


def heavyball(
    s: Float[Array, " ..."], k: int | Int[Array, " ..."], eta: float | Float[Array, " ..."], beta: float = 0.9
) -> Float[Array, " ..."]:
    """phi after k steps of w += beta (w - w_previous) - eta Z^T (Zw - Y), started at rest. Broadcasts.

    Raises ValueError when a mode diverges (eta s^2 >= 2 (1 + beta)) or beta is not in [0, 1).
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta = {beta} is not allowed; it must be in [0, 1)")
    x = eta * s * s
    _check_rate(x, 2.0 * (1.0 + beta))
    return _heavyball(x, k, beta)


def tsvd(s: Float[Array, " r"], modes: int) -> Float[Array, " r"]:
    """phi of least squares on the `modes` largest singular values only; s in descending order."""
    return (np.arange(len(s)) < modes).astype(float)


def _require(name: str, values: float | Float[Array, " ..."]) -> None:
    if not np.all(np.greater_equal(values, 0)):
        bad = np.ravel(values)[~np.ravel(np.greater_equal(values, 0))][0]
        raise ValueError(f"{name} = {bad} is not allowed; it must be >= 0")


def _check_rate(x: Float[Array, " ..."], limit: float) -> None:
    if x.size and not x.max() < limit:
        raise ValueError(f"eta * s_max^2 = {x.max():g} is not allowed; descent diverges from {limit:g} on")


class Moments(NamedTuple):
    """Second moments of a test distribution. `second` None stands for the identity."""

    second: Float[Array, "p p"] | None  # E[z z^T]
    cross: Float[Array, "p c"]  # E[z y^T]
    mean: Float[Array, " p"]  # E[z]
    target_second: float  # E|y|^2
    target_mean: Float[Array, " c"]  # E[y]


def risk(
    test: Moments | tuple[Float[Array, "m p"], Float[Array, "m c"]],
    w: Float[Array, "p c"],
    mean: Float[Array, " c"] | float = 0.0,
) -> float:
    """Squared error per output of the predictions z w + mean: exact moments, or on a sample (ze, ye)."""
    if not isinstance(test, Moments):
        return float(np.mean((test[0] @ w + mean - test[1]) ** 2))
    gw = w if test.second is None else test.second @ w
    shifted = np.sum(w * (gw - 2 * test.cross)) + 2 * np.sum(mean * (test.mean @ w - test.target_mean))
    return float(shifted + np.sum(np.square(mean) * np.ones(w.shape[1])) + test.target_second) / w.shape[1]


class SpectralFit(NamedTuple):
    """One regression problem in its own singular basis (r modes, n samples, p parameters, c outputs)."""

    ut: Float[Array, "r n"]  # U^T
    s: Float[Array, " r"]  # singular values, descending
    vt: Float[Array, "r p"]  # V^T
    gv: Float[Array, "r r"]  # V^T E[z z^T] V
    hv: Float[Array, "r c"]  # V^T E[z y^T]
    mv: Float[Array, " r"]  # V^T E[z]
    v0: Float[Array, "r c"]  # V^T start
    g0: Float[Array, "r c"]  # V^T E[z z^T] start', start' = (I - V V^T) start
    m0: Float[Array, " c"]  # start'^T E[z]
    null: Float[Array, " 4"]  # |start'|^2, start'.E[z z^T] start', start'.E[z y^T], E|y|^2
    target_mean: Float[Array, " c"]  # E[y]
    start: Float[Array, "p c"]


@checked
def _fit_moments(z: Float[Array, "n p"], test: Moments, start: Float[Array, "p c"] | None) -> None:
    """Only for its check."""


@checked
def _fit_sample(
    z: Float[Array, "n p"], ze: Float[Array, "m p"], ye: Float[Array, "m c"], start: Float[Array, "p c"] | None
) -> None:
    """Only for its check."""


def check_problem(
    z: Float[Array, "n p"],
    test: Moments | tuple[Float[Array, "m p"], Float[Array, "m c"]],
    start: Float[Array, "p c"] | None,
) -> None:
    """Raises ValueError for n < 2, p = 0, and arrays that do not fit together or are not finite."""
    if z.ndim != 2 or z.shape[0] < 2 or z.shape[1] < 1:
        raise ValueError(f"z has shape {z.shape}; it must be (samples >= 2, features >= 1)")
    if isinstance(test, Moments):
        _fit_moments(z, test, start)
    else:
        _fit_sample(z, *test, start)


def spectral_fit(
    z: Float[Array, "n p"],
    test: Moments | tuple[Float[Array, "m p"], Float[Array, "m c"]],
    start: Float[Array, "p c"] | None = None,
    cut: float = CUT,
) -> SpectralFit:
    """Decompose z. `test` is the population's `Moments`, or a sample (ze, ye).

    `start` is the direction of the initial weights (default zero). Cost: one thin SVD.
    Raises ValueError for n < 2, p = 0, arrays that do not fit together or are not finite, or z = 0.
    """
    check_problem(z, test, start)
    u, s, vt = np.linalg.svd(z, full_matrices=False)
    r = int(np.count_nonzero(s > cut * s[0]))
    if r == 0:
        raise ValueError(f"z {z.shape} has rank 0; at least one feature must be non-zero")
    ut, s, vt = u[:, :r].T.copy(), s[:r].copy(), vt[:r]
    c = (test.cross if isinstance(test, Moments) else test[1]).shape[1]
    null, g0, m0, v0 = np.zeros(4), np.zeros((r, c)), np.zeros(c), np.zeros((r, c))
    rest = None
    if start is None:
        start = np.zeros((z.shape[1], c))
    elif start.any():
        v0 = vt @ start
        rest = start - vt.T @ v0
        null[0] = np.sum(rest**2)
    if isinstance(test, Moments):
        gvt = vt if test.second is None else vt @ test.second
        gv, hv, mv, y2, ym = gvt @ vt.T, vt @ test.cross, vt @ test.mean, test.target_second, test.target_mean
        if rest is not None:
            g_rest = rest if test.second is None else test.second @ rest
            g0, m0 = vt @ g_rest, test.mean @ rest
            null[1:3] = np.sum(rest * g_rest), np.sum(rest * test.cross)
    else:
        ze, ye = test
        m = len(ze)
        t = ze @ vt.T
        gv, hv, mv, y2, ym = t.T @ t / m, t.T @ ye / m, t.mean(0), np.sum(ye**2) / m, ye.mean(0)
        if rest is not None:
            out = ze @ rest
            g0, m0 = t.T @ out / m, out.mean(0)
            null[1:3] = np.sum(out**2) / m, np.sum(out * ye) / m
    null[3] = y2
    return SpectralFit(ut, s, vt, gv, hv, mv, v0, g0, m0, null, ym, start)


@checked
def weights(
    fit: Annotated[SpectralFit, ANY], y: Float[Array, "n c"], phi: Float[Array, " r"], scale: float = 0.0
) -> Float[Array, "p c"]:
    """The weights that the filter phi reaches on targets y from scale * start."""
    in_span = (phi / fit.s)[:, None] * (fit.ut @ y) - scale * phi[:, None] * fit.v0
    return fit.vt.T @ in_span + scale * fit.start


@checked
def noise_split(
    fit: Annotated[SpectralFit, ANY], signal: Float[Array, "n c"], noise: Float[Array, "n c"], phi: Float[Array, " r"]
) -> tuple[float, float, float]:
    """(A, C, B) with test error A + 2 sigma C + sigma^2 B for the targets signal + sigma * noise, zero start."""
    d = (phi / fit.s)[:, None]
    wa, wb = d * (fit.ut @ signal), d * (fit.ut @ noise)
    ga, c = fit.gv @ wa, signal.shape[1]
    a = np.sum(wa * ga) - 2 * np.sum(wa * fit.hv) + fit.null[3]
    return a / c, (np.sum(wb * ga) - np.sum(wb * fit.hv)) / c, np.sum(wb * (fit.gv @ wb)) / c
