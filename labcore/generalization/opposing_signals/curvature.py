"""Losses, gradients and the sharpness along a path of weights (w, c), from the moments of the groups."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .outliers import Moments

Array = np.ndarray


def losses(m: Moments, path: Float[Array, "*T D+1"]) -> Float[Array, "*T G"]:
    """1/2 mean (c w.a - y)^2 of each group; 0 for an empty one."""
    w, c = path[..., :-1], path[..., -1:]
    quadratic = np.stack([(w @ s * w).sum(-1) for s in m.second], -1)
    return 0.5 * (c**2 * quadratic - 2 * c * (w @ m.cross.T) + m.power)


def gradients(m: Moments, path: Float[Array, "*T D+1"]) -> Float[Array, "*T G D+1"]:
    """The gradient of each group's loss by (w, c)."""
    w, c = path[..., None, :-1], path[..., None, -1:]
    sw = np.einsum("gij,...j->...gi", m.second, path[..., :-1])
    by_c = c[..., 0] * (w * sw).sum(-1) - (w * m.cross).sum(-1)
    return np.concatenate([c * (c * sw - m.cross), by_c[..., None]], -1)


def hessian(
    second: Float[Array, "*K D D"], cross: Float[Array, "*K D"], path: Float[Array, "*T D+1"]
) -> Float[Array, "*T D+1 D+1"]:
    """The matrix of second derivatives of the loss by (w, c), for problems that broadcast against the path."""
    w, c = path[..., :-1], path[..., -1]
    sw = (second @ w[..., None])[..., 0]
    out = np.empty((*path.shape, path.shape[-1]))
    out[..., :-1, :-1] = c[..., None, None] ** 2 * second
    out[..., -1, :-1] = out[..., :-1, -1] = 2 * c[..., None] * sw - cross
    out[..., -1, -1] = (w * sw).sum(-1)
    return out


def sharpness(hessians: Float[Array, "*T P P"]) -> Float[Array, " *T"]:
    """The largest eigenvalue of each; nan where a matrix is not finite."""
    finite = np.isfinite(hessians).all((-1, -2))
    top = np.linalg.eigvalsh(np.where(finite[..., None, None], hessians, 0))[..., -1]
    return np.where(finite, top, np.nan)
