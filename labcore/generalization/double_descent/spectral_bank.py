"""Many decomposed regressions at once: test error, training error and weight norm of any filters, in one kernel.

With the notation of `spectral`, the weights of a filter phi are V (phi * P + b) with P = U^T Y / s - b and
b = scale * V^T start, besides the part outside the row space. So the test error is quadratic in phi, with one (r, r)
matrix a problem, whatever the number of outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import ANY, above, checked, rows, within
from labcore.kernels import kernel
from labcore.primitives.regression.spectral import SpectralFit

from .nested_widths import Modes

Array = np.ndarray


class SpectralBank(NamedTuple):
    """W problems on the same (or nested) training targets, laid end to end without padding: R modes in all."""

    offset: Annotated[Int[Array, " W+1"], rows("R", 1)]  # problem w owns modes offset[w] : offset[w + 1]
    rows: Annotated[Int[Array, " W"], within(1, "n")]  # training samples n_w, the first n_w targets
    s: Annotated[Float[Array, " R"], above(0)]
    relative: Float[Array, " R"]  # s / s_max of the mode's own problem
    ut: Float[Array, "R n"]  # zero beyond a problem's own rows
    gv: Float[Array, " blocks"]  # the W blocks (r, r), flat
    hv: Float[Array, "R c"]
    mv: Float[Array, " R"]
    v0: Float[Array, "R c"]
    g0: Float[Array, "R c"]
    m0: Float[Array, "W c"]
    null: Float[Array, "W 4"]
    target_mean: Float[Array, "W c"]

    @property
    def condition(self) -> Float[Array, " W"]:
        """s_max / s_min of each problem, over the modes that are kept."""
        return 1.0 / self.relative[self.offset[1:] - 1]


def bank(fits: Sequence[SpectralFit | Modes]) -> SpectralBank:
    """Lay decomposed problems end to end for `evaluate`. V is dropped: only `weights` needs it."""
    rows = np.array([f.ut.shape[1] for f in fits])
    stack = {name: np.concatenate([getattr(f, name) for f in fits]) for name in ("s", "hv", "mv", "v0", "g0")}
    return SpectralBank(
        offset=np.concatenate([[0], np.cumsum([len(f.s) for f in fits])]),
        rows=rows,
        relative=np.concatenate([f.s / f.s[0] for f in fits]),
        ut=np.concatenate([np.pad(f.ut, ((0, 0), (0, rows.max() - f.ut.shape[1]))) for f in fits]),
        gv=np.concatenate([f.gv.ravel() for f in fits]),
        m0=np.array([f.m0 for f in fits]),
        null=np.array([f.null for f in fits]),
        target_mean=np.array([f.target_mean for f in fits]),
        **stack,
    )


class Scores(NamedTuple):
    """What K filters give on W problems; one filter without an axis of its own gives numbers over W alone."""

    test: Float[Array, "*K W"]
    train: Float[Array, "*K W"]
    norm: Float[Array, "*K W"]


@checked
def evaluate(
    bank: Annotated[SpectralBank, ANY],
    y: Float[Array, "n c"],
    phi: Float[Array, "*K R"],
    scale: float = 0.0,
    intercept: bool = False,
) -> Scores:
    """Test error, training error and weight norm of the filters phi on training targets y.

    `scale` multiplies each problem's start. With `intercept` the features must be centred on the training samples; the
    mean training target is then added to every prediction. Cost: r^2 (c + 2 K) multiply-adds a problem, no SVD.
    """
    blocks = int(np.sum(np.diff(bank.offset) ** 2))
    if len(bank.gv) != blocks:
        raise ValueError(f"bank.gv has shape {bank.gv.shape}; it must be ({blocks},) for blocks of these offsets")
    a = bank.ut @ y
    mean, square = np.zeros(bank.m0.shape), np.empty(len(bank.rows))
    for w, n in enumerate(bank.rows):
        if intercept:
            mean[w] = y[:n].mean(0)
        square[w] = np.sum((y[:n] - mean[w]) ** 2)
    filters, shape = np.ascontiguousarray(phi.reshape(-1, phi.shape[-1])), (*phi.shape[:-1], len(bank.rows))
    scores = _quadratic_forms(*bank[:3], *bank[5:], a, filters, scale, mean, square)
    return Scores(*(s.reshape(shape) for s in scores))


@kernel
def _quadratic_forms(offset, rows, s, gv, hv, mv, v0, g0, m0, null, target_mean, a, phi, scale, mean, square):
    filters, problems, outputs = phi.shape[0], len(offset) - 1, a.shape[1]
    shape = (filters, problems)
    test, train, norm = np.empty(shape), np.empty(shape), np.empty(shape)
    at = 0
    for w in range(problems):
        lo, hi = offset[w], offset[w + 1]
        r = hi - lo
        g = gv[at : at + r * r].reshape(r, r)
        at += r * r
        begin = scale * v0[lo:hi]
        p = np.empty((r, outputs))  # the weights in the singular basis are phi * p + begin
        lin = np.empty((r, outputs))
        g_begin = np.zeros((r, outputs))
        if scale != 0.0:
            g_begin = np.dot(g, begin)
        const = null[w, 3] + scale * scale * null[w, 1] - 2.0 * scale * null[w, 2]
        for c in range(outputs):
            const += mean[w, c] * (mean[w, c] - 2.0 * target_mean[w, c] + 2.0 * scale * m0[w, c])
        l1, t, inside = np.zeros(r), np.zeros(r), 0.0
        for i in range(r):
            for c in range(outputs):
                p[i, c] = a[lo + i, c] / s[lo + i] - begin[i, c]
                full = hv[lo + i, c] - mv[lo + i] * mean[w, c] - scale * g0[lo + i, c]
                lin[i, c] = full - g_begin[i, c]
                const += begin[i, c] * (g_begin[i, c] - 2.0 * full)
                l1[i] += p[i, c] * lin[i, c]
                t[i] += (s[lo + i] * p[i, c]) ** 2
                inside += a[lo + i, c] ** 2
        m = np.dot(p, p.T)
        for i in range(r):
            for j in range(r):
                m[i, j] *= g[i, j]
        outside = square[w] - inside if r < rows[w] else 0.0
        f = np.ascontiguousarray(phi[:, lo:hi])
        fm = np.dot(f, m)
        for k in range(filters):
            risk, loss, size = const, max(outside, 0.0), scale * scale * null[w, 0]
            for i in range(r):
                risk += f[k, i] * (fm[k, i] - 2.0 * l1[i])
                loss += (1.0 - f[k, i]) ** 2 * t[i]
                for c in range(outputs):
                    size += (f[k, i] * p[i, c] + begin[i, c]) ** 2
            test[k, w] = max(risk, 0.0) / outputs  # what cancels in an exact fit may leave less than nothing
            train[k, w] = loss / (outputs * rows[w])
            norm[k, w] = np.sqrt(size)
    return test, train, norm
