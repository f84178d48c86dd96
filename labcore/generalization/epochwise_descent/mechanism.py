"""Gradient descent on a linear problem with fast and slow directions, in closed form, and its error in theory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.primitives.regression.deterministic_equivalent import det_equiv
from labcore.primitives.regression.spectral import gd, ridge

D = 100  # directions of the input
Array = np.ndarray


def modulation(p_fast: int, kappa: float, d: int = D) -> Float[Array, " d"]:
    """Singular values of F: 1 on the first p_fast directions, 1/kappa on the others.

    Raises ValueError unless 0 <= p_fast <= d and kappa >= 1.
    """
    if not 0 <= p_fast <= d:
        raise ValueError(f"p_fast = {p_fast} is not allowed; it must be from 0 to {d}")
    if not kappa >= 1:
        raise ValueError(f"kappa = {kappa} is not allowed; it must be kappa >= 1")
    return np.where(np.arange(d) < p_fast, 1.0, 1.0 / kappa)


class Modes(NamedTuple):
    """S students in the basis where gradient descent acts on each of r = min(n, d) modes alone."""

    s: Float[Array, "S r"]  # singular values of X
    signal: Float[Array, "S r"]  # U^T Z w*, what the teacher puts into each mode
    noise: Float[Array, "S r"]  # U^T eps, what label noise of variance 1 puts into it
    outside: Float[Array, " S"]  # |eps|^2 off the span of X, which no student fits
    fv: Float[Array, "S r d"]  # rows V_i^T F^T: what a fitted mode adds to F w
    vt: Float[Array, "S r d"]  # rows V_i^T
    teacher: Float[Array, "S d"]  # w*


def decompose(
    z: Float[Array, "S n d"], f: Float[Array, "d d"], eps: Float[Array, "S n"], teacher: Float[Array, "S d"]
) -> Modes:
    """The modes of students that see X = Z F."""
    u, s, vt = np.linalg.svd(z @ f, full_matrices=False)
    signal, noise = (np.einsum("snr,sn->sr", u, y) for y in (np.einsum("snd,sd->sn", z, teacher), eps))
    outside = np.maximum((eps**2).sum(1) - (noise**2).sum(1), 0)
    return Modes(s, signal, noise, outside, vt @ f.T, vt, teacher)


class Course(NamedTuple):
    """S students at T times; the last axis of R, Q and error is (fast, slow), and its sum the whole."""

    R: Float[Array, "S T 2"]  # alignment with the teacher
    Q: Float[Array, "S T 2"]  # size of the student
    error: Float[Array, "S T 2"]  # 1/2 |F w - w*|^2 / d, which is E_G
    train: Float[Array, "S T"]  # 1/2 mean square error on the training set


def learned(s: Float[Array, "S r"], t: Float[Array, " T"], l2: float) -> Float[Array, "S T r"]:
    """phi: the share of each mode that gradient descent has fitted after t steps."""
    decay = np.sqrt(s**2 + l2)
    return ridge(s, l2, 1)[:, None] * gd(decay[:, None], t[:, None], 1 / decay[:, :1, None] ** 2)


def follow(modes: Modes, n: int, p_fast: int, sigma: float, l2: float, t: Float[Array, " T"]) -> Course:
    """Gradient descent from w = 0 at the times t, in closed form."""
    y, phi = modes.signal + sigma * modes.noise, learned(modes.s, t, l2)
    d = modes.teacher.shape[1]
    block = np.stack([np.arange(d) < p_fast, np.arange(d) >= p_fast], -1) / d
    fw = (phi * (y / modes.s)[:, None]) @ modes.fv
    r, q = fw @ (modes.teacher[:, :, None] * block), fw**2 @ block
    fw -= modes.teacher[:, None]  # E_G from the difference itself, which keeps its digits when it vanishes
    left = ((1 - phi) ** 2 @ (y**2)[:, :, None])[..., 0] + sigma**2 * modes.outside[:, None]
    return Course(r, q, 0.5 * (fw**2 @ block), 0.5 * left / n)


def theory(n: int, p_fast: int, kappa: float, sigma: float, l2: float, eta_t: Float[Array, " T"]) -> Float[Array, " T"]:
    """E_G from the deterministic equivalent, with training for eta t as a ridge n lam = 1/(eta t) + l2.

    Time as ridge is an approximation: it lags behind gradient descent at early times.
    """
    scale = modulation(p_fast, kappa)
    return 0.5 * det_equiv(scale**2 / D, 1 / scale, 0.0, n, (1 / eta_t + l2) / n, sigma**2).risk
