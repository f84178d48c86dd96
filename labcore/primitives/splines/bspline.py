"""B-splines with local support, one grid an input.

A grid of G intervals on [t_0, t_G] with k more knots on each side carries G + k bases of degree k (Cox, de Boor):
    B_{c,0}(x) = 1 if t_c <= x < t_{c+1},
    B_{c,d}(x) = (x - t_c)/(t_{c+d} - t_c) B_{c,d-1}(x) + (t_{c+d+1} - x)/(t_{c+d+1} - t_{c+1}) B_{c+1,d-1}(x).
At any x only k + 1 of them are not zero. On one interval each is a polynomial, so the recursion is run once a grid, on
polynomials, and a value costs one interval search and k + 1 short Horner sums. Beyond t_0 and t_G the bases fade
out and are zero from the last knot on. x = t_G belongs to the last interval. Knots are float64 whatever the data are.
Sources: de Boor, A Practical Guide to Splines (1978); grid update as in pykan (Liu et al., arXiv 2404.19756).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from labcore.primitives.splines.kernel import kernels

Array = np.ndarray
MAX_DEGREE = 5
MIN_SPACING = 1e-9  # of the grid's length; closer knots cost all digits of a slope


def _whole(name: str, value: int, low: int = 1) -> int:
    if not isinstance(value, int | np.integer) or value < low:
        raise ValueError(f"{name} = {value} is not allowed; it must be a whole number, at least {low}")
    return int(value)


def extended(grid: Float[Array, "I G+1"], k: int) -> Float[Array, "I G+2*k+1"]:
    """Knots: the grid with k more on each side, as far apart as its intervals are on average."""
    step = (grid[:, -1:] - grid[:, :1]) / (grid.shape[1] - 1)
    left, right = np.arange(-k, 0), np.arange(1, k + 1)
    return np.hstack([grid[:, :1] + step * left, grid, grid[:, -1:] + step * right])


def _pieces(knots: Float[Array, "I G+2*k+1"], k: int) -> Float[Array, "I G+2*k+1 k+1 k+1"]:
    """The bases as polynomials.

    [i, m, p, r] is the coefficient of f^p, f = (x - t_m)/(t_{m+1} - t_m), of the r-th active basis on interval m.
    The last m stands for no interval: all zero.
    """
    inputs, last = len(knots), knots.shape[1] - 1
    # bases that exist only with still more knots are computed with them here and left out below
    first, final = np.diff(knots[:, :2]), np.diff(knots[:, -2:])
    more = np.arange(1, k + 1)
    t = np.hstack([knots[:, :1] - first * more[::-1], knots, knots[:, -1:] + final * more])
    at = np.arange(k, k + last)
    width = t[:, at + 1] - t[:, at]
    basis = np.zeros((inputs, last, k + 1, k + 1))
    basis[:, :, 0, 0] = 1.0
    for d in range(1, k + 1):
        saved = np.zeros((inputs, last, k + 1))
        for r in range(d):
            right, left = t[:, at + r + 1], t[:, at + 1 - d + r]
            q = basis[:, :, :, r] / (right - left)[..., None]
            shifted = np.roll(q, 1, axis=2) * width[..., None]  # f times q; the highest coefficient is still zero
            basis[:, :, :, r] = saved + (right - t[:, at])[..., None] * q - shifted
            saved = (t[:, at] - left)[..., None] * q + shifted
        basis[:, :, :, d] = saved
    out = np.zeros((inputs, last + 1, k + 1, k + 1))
    for m in range(last):
        for r in range(k + 1):
            c = m - k + r
            if 0 <= c < last - k:
                out[:, m, :, c - min(max(m - k, 0), last - 2 * k - 1)] = basis[:, m, :, r]
    return out


class BSplineBasis:
    """The G + k bases of degree k on each input's own knots. Immutable."""

    def __init__(self, knots: Float[ArrayLike, "I G+2*k+1"], k: int):
        """Raises ValueError for a degree outside 0..5 and for knots that are not finite or do not increase."""
        if k not in range(MAX_DEGREE + 1):
            raise ValueError(f"k = {k} is not allowed; the degree must be from 0 to {MAX_DEGREE}")
        t = np.ascontiguousarray(knots, np.float64)
        if t.ndim != 2 or len(t) < 1 or t.shape[1] < 2 * k + 2:
            raise ValueError(f"knots have shape {t.shape}; degree {k} needs (inputs >= 1, at least {2 * k + 2})")
        self.knots, self.k = t, int(k)
        self.n_inputs, self.intervals = len(t), t.shape[1] - 2 * k - 1
        gaps, length = np.diff(t), self.grid[:, -1] - self.grid[:, 0]
        fine = np.isfinite(t).all(1) & (length > 0) & (gaps > MIN_SPACING * length[:, None]).all(1)
        if not fine.all():
            i = int(np.argmin(fine))
            raise ValueError(
                f"the knots of input {i} are degenerate, {np.array2string(t[i], precision=4, threshold=8)}; "
                f"they must be finite and increase by more than {MIN_SPACING:g} of the grid's length"
            )
        step = length[:, None] / self.intervals
        self.is_uniform = bool((np.abs(gaps - step) <= 1e-9 * step).all())
        # uniform grids share their pieces: shift and scale leave them unchanged
        self.pieces = _pieces(np.arange(t.shape[1], dtype=np.float64)[None] if self.is_uniform else t, self.k)
        # 1 / width of each interval, and intervals a unit of x
        self.rates = np.hstack([1 / gaps, gaps.shape[1] / (t[:, -1:] - t[:, :1])])
        for array in (self.knots, self.rates, self.pieces):
            array.flags.writeable = False

    @classmethod
    def uniform(
        cls,
        low: float | Float[ArrayLike, " I"],
        high: float | Float[ArrayLike, " I"],
        intervals: int,
        k: int,
        n_inputs: int = 1,
    ) -> BSplineBasis:
        """`intervals` equal intervals on [low, high], the same for all inputs or one pair for each.

        Raises ValueError for numbers of intervals and inputs that are not whole and at least 1, and for ends that are
        neither one number nor one an input.
        """
        intervals, n_inputs = _whole("intervals", intervals), _whole("n_inputs", n_inputs)
        for name, ends in (("low", low), ("high", high)):
            if np.shape(ends) not in ((), (1,), (n_inputs,)):
                raise ValueError(f"{name} has shape {np.shape(ends)}; it must be a number or have shape ({n_inputs},)")
        low, high = (np.broadcast_to(np.asarray(v, np.float64), n_inputs)[:, None] for v in (low, high))
        return cls(low + (high - low) / intervals * np.arange(-k, intervals + k + 1), k)

    @classmethod
    def from_samples(
        cls, x: Float[ArrayLike, "N I"], intervals: int, k: int, eps: float = 0.02, margin: float = 0.01
    ) -> BSplineBasis:
        """Grids that follow samples x: eps * uniform + (1 - eps) * quantiles, both from min - m to max + m.

        The margin m is a share of the range. Raises ValueError for a constant input, and, at eps = 0, when equal
        samples make quantiles coincide.
        """
        x, intervals = np.asarray(x, np.float64), _whole("intervals", intervals)
        if x.ndim != 2 or len(x) < 1:
            raise ValueError(f"x has shape {x.shape}; it must be (N, I) with N >= 1")
        if not 0 <= eps <= 1:
            raise ValueError(f"eps = {eps} is not allowed; it must be from 0 to 1")
        low, high = x.min(0), x.max(0)
        if not (high > low).all():
            raise ValueError(f"input {int(np.argmin(high > low))} is constant or not finite; it has no grid")
        edge = margin * (high - low)
        u = np.linspace(0, 1, intervals + 1)[:, None]
        quantiles = np.quantile(x, u[:, 0], axis=0)
        quantiles[0], quantiles[-1] = low - edge, high + edge
        even = low - edge + (high - low + 2 * edge) * u
        return cls(extended((eps * even + (1 - eps) * quantiles).T, k), k)

    @property
    def grid(self) -> Float[Array, "I G+1"]:
        """t_0 .. t_G: the knots without the k on each side."""
        return self.knots[:, self.k : self.knots.shape[1] - self.k]

    @property
    def size(self) -> int:
        """Bases an input, G + k."""
        return self.intervals + self.k

    @property
    def compiled(
        self,
    ) -> tuple[Float[Array, "I G+2*k+1"], Float[Array, "I G+2*k+1"], Float[Array, "P G+2*k+1 k+1 k+1"]]:
        """Knots, rates and pieces for the compiled loop; P = 1 on equally spaced knots, else I."""
        return self.knots, self.rates, self.pieces

    def _local(
        self, x: Float[ArrayLike, "N I"], slopes: bool
    ) -> tuple[Int[Array, "N I"], Float[Array, "N I k+1"], Float[Array, "N I k+1"]]:
        x = np.ascontiguousarray(x)
        if x.ndim != 2 or x.shape[1] != self.n_inputs or x.dtype.kind != "f":
            raise ValueError(f"x is {x.dtype} {x.shape}; this basis needs floats (N, {self.n_inputs})")
        idx, values = np.empty(x.shape, np.int32), np.empty((*x.shape, self.k + 1), x.dtype)
        out = np.empty(values.shape if slopes else (0, 0, 0), x.dtype)
        kernels(self.k)[self.is_uniform](x, *self.compiled, idx, values, out, 0, len(x))
        return idx, values, out

    def local(self, x: Float[ArrayLike, "N I"]) -> tuple[Int[Array, "N I"], Float[Array, "N I k+1"]]:
        """idx and B: bases idx .. idx + k are the only ones that are not zero at x."""
        return self._local(x, slopes=False)[:2]

    def deriv(self, x: Float[ArrayLike, "N I"]) -> tuple[Int[Array, "N I"], Float[Array, "N I k+1"]]:
        """idx and B'."""
        idx, _, slopes = self._local(x, slopes=True)
        return idx, slopes

    def dense(self, x: Float[ArrayLike, "N I"]) -> Float[Array, "N I G+k"]:
        """All bases at x, zeros included. For tests, pictures and least squares."""
        idx, values = self.local(x)
        out = np.zeros((*idx.shape, self.size), values.dtype)
        np.put_along_axis(out, idx[..., None] + np.arange(self.k + 1), values, axis=-1)
        return out

    def curves(self, x: Float[ArrayLike, "N I"], coef: Float[ArrayLike, "I G+k O"]) -> Float[Array, "N I O"]:
        """Every edge's spline at x. Raises ValueError where the shapes do not fit."""
        coef = np.asarray(coef)
        if coef.ndim != 3 or coef.shape[:2] != (self.n_inputs, self.size):
            raise ValueError(f"coef has shape {coef.shape}; it must be ({self.n_inputs}, {self.size}, O)")
        return np.einsum("nic,ico->nio", self.dense(x), coef)

    def greville(self) -> Float[Array, "I G+k"]:
        """Greville abscissae, mean(t_{c+1} .. t_{c+k}): with them as coefficients the spline is x itself."""
        if self.k == 0:
            return (self.knots[:, 1:] + self.knots[:, :-1]) / 2
        windows = np.lib.stride_tricks.sliding_window_view(self.knots[:, 1:-1], self.k, axis=1)
        return windows.mean(-1)

    def span(self, i: int, c: int) -> tuple[float, float]:
        """The stretch of input i's grid that coefficient c moves."""
        t, grid = self.knots[i], self.grid[i]
        return max(float(t[c]), float(grid[0])), min(float(t[c + self.k + 1]), float(grid[-1]))

    def fit(
        self, x: Float[ArrayLike, "N I"], y: Float[ArrayLike, "N I O"], ridge: float = 1e-12
    ) -> Float[Array, "I G+k O"]:
        """Least-squares coefficients of curves y at x, one problem an input.

        The ridge, a share of the mean squared basis, decides only where samples leave coefficients undetermined.
        Raises ValueError where the shapes do not fit.
        """
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if y.ndim != 3 or y.shape[:2] != x.shape or len(x) < 1:
            raise ValueError(
                f"x has shape {x.shape} and y {y.shape}; they must be (N, {self.n_inputs}) and (N, {self.n_inputs}, O)"
            )
        a = self.dense(x).transpose(1, 0, 2)
        weight = np.sqrt(ridge * (a**2).sum(1).mean(1))[:, None, None]
        q, r = np.linalg.qr(np.concatenate([a, weight * np.eye(self.size)], axis=1))
        q, y = q[:, : len(x)].transpose(0, 2, 1), y.transpose(1, 0, 2)
        coef = np.linalg.solve(r, q @ y)
        # once more on what is left over, three times: each leaves a small share of the ridge's pull on what the samples
        # determine. Near the ends that pull is not small: bases of degree 5 are nearly dependent there
        for _ in range(3):
            coef += np.linalg.solve(r, q @ (y - a @ coef))
        return coef

    def refit(self, coef: Float[ArrayLike, "I G+k O"], other: BSplineBasis) -> Float[Array, "I G_other+k_other O"]:
        """Coefficients of `other` for the same functions: argmin |B' C' - B C|^2 on the grid of `other`.

        Exact to rounding when `other` has all knots of this basis (`refined`).
        """
        breaks = np.sort(np.hstack([self.grid, other.grid]), axis=1)
        breaks = np.clip(breaks, other.grid[:, :1], other.grid[:, -1:])
        # k + 1 points inside each piece determine a polynomial of degree k
        inside = (np.arange(self.k + other.k + 2) + 0.5) / (self.k + other.k + 2)
        x = breaks[:, :-1, None] + np.diff(breaks)[..., None] * inside
        x = x.reshape(self.n_inputs, -1).T
        return other.fit(x, self.curves(x, np.asarray(coef, np.float64)), ridge=1e-26)

    def refined(self, factor: int = 2) -> BSplineBasis:
        """The basis whose grid cuts each interval into `factor` equal ones, a whole number of them."""
        t, factor = self.knots, _whole("factor", factor)
        parts = t[:, :-1, None] + np.diff(t)[..., None] * np.arange(factor) / factor
        fine = np.hstack([parts.reshape(len(t), -1), t[:, -1:]])
        drop = self.k * (factor - 1)  # the finer grid needs only k of the knots beyond its ends
        return BSplineBasis(fine[:, drop : fine.shape[1] - drop], self.k)
