"""The same samples seen through more and more features: one Gram matrix, to which each width adds its own columns.

With more features than samples the left singular vectors of Z are the eigenvectors of Z Z^T, and what a bank keeps of a
problem are products of Z Z^T and Z_e Z^T, small ones, which the next width adds to. A square has half the digits: of a
singular value s this leaves 16 - 2 log10(s_max / s). So a problem with s_max / s_min above `WORST` is decomposed by its
SVD, as one with fewer features than samples is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.primitives.regression.spectral import Moments, SpectralFit, check_problem, spectral_fit

Array = np.ndarray
WORST = 1e4  # eight digits are left of the smallest singular value, seven of a test error that hangs on it
Test = Moments | tuple[Float[Array, "m p"], Float[Array, "m c"]]


class Modes(NamedTuple):
    """What `bank` takes of a problem, with the names of `SpectralFit`; V is never built."""

    ut: Float[Array, "n n"]
    s: Float[Array, " n"]
    gv: Float[Array, "n n"]
    hv: Float[Array, "n c"]
    mv: Float[Array, " n"]
    v0: Float[Array, "n c"]
    g0: Float[Array, "n c"]
    m0: Float[Array, " c"]
    null: Float[Array, " 4"]
    target_mean: Float[Array, " c"]


class _Grams(NamedTuple):
    """Of the last wide problem: its features, Z Z^T and Z_e Z^T (None where the test is the population)."""

    z: Float[Array, "n p"]
    ze: Float[Array, "m p"] | None
    own: Float[Array, "n n"]
    cross: Float[Array, "m n"] | None


def decompose(problems: Sequence[tuple[Float[Array, "n p"], Test, Float[Array, "p c"] | None]]) -> list:
    """What `bank` takes of each problem (z, test, start), as `spectral_fit` gives it up to rounding.

    Problems whose features are the first columns of the same array, in the order of their widths, share one Gram
    matrix. Raises ValueError as `spectral_fit` does.
    """
    out: list[Modes | SpectralFit] = []
    grams, known = None, _second_moments(problems)
    for z, test, start in problems:
        made = None
        exact = isinstance(test, Moments)
        if z.ndim == 2 and 1 < len(z) < z.shape[1] and (not exact or test.second is None):
            grams = _grown(grams, z, test, start)
            made = _modes(z, test, start, grams)
        if made is None and known and not exact and _begins(test[0], known[0]) and test[1] is known[1]:
            check_problem(z, test, start)
            p, whole = z.shape[1], known[2]
            test = whole._replace(second=whole.second[:p, :p], cross=whole.cross[:p], mean=whole.mean[:p])
        out.append(spectral_fit(z, test, start) if made is None else made)
    return out


def _second_moments(problems: Sequence[tuple]) -> tuple[Array, Array, Moments] | None:
    """Of the widest test sample whose moments are much smaller than itself: narrower ones have the first of them."""
    samples = [t for _, t, _ in problems if not isinstance(t, Moments) and t[0].ndim == 2 and t[1].ndim == 2]
    samples = [(ze, ye) for ze, ye in samples if len(ze) == len(ye) and 4 * ze.shape[1] <= len(ze)]
    if not samples:
        return None
    ze, ye = max(samples, key=lambda test: test[0].shape[1])
    m = len(ze)
    return ze, ye, Moments(ze.T @ ze / m, ze.T @ ye / m, ze.mean(0), np.sum(ye**2) / m, ye.mean(0))


def _grown(last: _Grams | None, z: Float[Array, "n p"], test: Test, start: Float[Array, "p c"] | None) -> _Grams:
    """The Gram matrices of this problem, from those of the last one where it has the same first columns."""
    ze = None if isinstance(test, Moments) else test[0]
    own, cross, done = 0.0, 0.0, 0
    if last is not None and _begins(last.z, z) and (ze is last.ze is None or _begins(last.ze, ze)):
        own, cross, done = last.own, last.cross, last.z.shape[1]
    new = z[:, done:]
    if ze is None:
        check_problem(z, test, start)
        return _Grams(z, ze, own + new @ new.T, None)
    if new.shape[1]:  # the others have been checked
        check_problem(new, (ze[:, done:], test[1]), None if start is None else start[done:])
    return _Grams(z, ze, own + new @ new.T, cross + ze[:, done:] @ new.T)


def _begins(first: Float[Array, "n q"] | None, z: Float[Array, "n p"] | None) -> bool:
    """Whether the one is the first columns of the other, in the same memory."""
    if first is None or z is None or len(first) != len(z) or first.shape[1] > z.shape[1]:
        return False
    return first.strides == z.strides and first.ctypes.data == z.ctypes.data


def _modes(z: Float[Array, "n p"], test: Test, start: Float[Array, "p c"] | None, grams: _Grams) -> Modes | None:
    """The problem in its singular basis, or None where squares have lost too many digits."""
    squares, u = np.linalg.eigh(grams.own)
    if not squares[0] > squares[-1] / WORST**2:
        return None
    s, ut = np.sqrt(squares[::-1]), u[:, ::-1].T.copy()
    to_modes = ut / s[:, None]  # V^T x = to_modes @ (Z x)
    c = (test.cross if isinstance(test, Moments) else test[1]).shape[1]
    null, g0, m0, v0 = np.zeros(4), np.zeros((len(s), c)), np.zeros(c), np.zeros((len(s), c))
    starts = start is not None and start.any()
    if starts:
        v0 = to_modes @ (z @ start)
        null[0] = max(np.sum(start**2) - np.sum(v0**2), 0.0)
    if isinstance(test, Moments):
        gv, hv, mv = np.eye(len(s)), to_modes @ (z @ test.cross), to_modes @ (z @ test.mean)
        null[3], ym = test.target_second, test.target_mean
        if starts:
            m0 = test.mean @ start - mv @ v0
            null[1:3] = null[0], np.sum(start * test.cross) - np.sum(v0 * hv)
    else:
        (ze, ye), m = test, len(test[1])
        gv = to_modes @ (grams.cross.T @ grams.cross / m) @ to_modes.T
        hv, mv = to_modes @ (grams.cross.T @ ye) / m, to_modes @ grams.cross.mean(0)
        null[3], ym = np.sum(ye**2) / m, ye.mean(0)
        if starts:
            out = ze @ start - grams.cross @ (to_modes.T @ v0)
            g0, m0 = to_modes @ (grams.cross.T @ out) / m, out.mean(0)
            null[1:3] = np.sum(out**2) / m, np.sum(out * ye) / m
    return Modes(ut, s, gv, hv, mv, v0, g0, m0, null, ym)
