"""Reading a curve as a formula: phi(x) ~ c g(a x + b) + d for g in a short library.

(a, b) by a 101 x 101 search over [-10, 10]^2 that zooms in three times, (c, d) by linear regression. The choice weighs
simplicity against fit, 0.8 complexity + 0.2 log2(1 + 1e-5 - R^2), as pykan does (arXiv 2408.10205).
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.checked import checked, within
from labcore.kernels import kernel

Array = np.ndarray
# name -> complexity, in the order of the numbers that the compiled search uses
LIBRARY = {"0": 0, "x": 1, "x^2": 2, "x^3": 3, "1/x": 2, "sqrt": 2, "exp": 2, "log": 2, "abs": 3, "sin": 2, "tanh": 3}
LIBRARY["gaussian"] = 3  # cos is sin with another b
NAMES = tuple(LIBRARY)
POWERS = {"x": 1, "x^2": 2, "x^3": 3, "1/x": -1, "sqrt": 0.5, "abs": 1}
FLAT = 1e-10  # variance below which a curve is a constant, whatever its R^2 would say


class Snap(NamedTuple):
    """c g(a x + b) + d with its share of explained variance and its score; the lower the score the better."""

    name: str
    a: float
    b: float
    c: float
    d: float
    r2: float
    score: float


@kernel
def _g(number: int, u: float) -> float:
    """g(u), or NaN where it is not defined."""
    if number == 1:
        return u
    if number == 2:
        return u * u
    if number == 3:
        return u * u * u
    if number == 4:
        return 1 / u if abs(u) > 1e-3 else np.nan
    if number == 5:
        return np.sqrt(u) if u >= 0 else np.nan
    if number == 6:
        return np.exp(u) if u < 50 else np.nan
    if number == 7:
        return np.log(u) if u > 1e-6 else np.nan
    if number == 8:
        return abs(u)
    if number == 9:
        return np.sin(u)
    if number == 10:
        return np.tanh(u)
    return np.exp(-u * u)


@kernel(error_model="numpy")
def _r2(number: int, a: float, b: float, x: Float[Array, " X"], y: Float[Array, " X"]) -> float:
    """Squared correlation of g(a x + b) and y; -1 where g is undefined somewhere."""
    n = len(x)
    sg = sgg = sgy = sy = syy = 0.0
    shift = _g(number, a * x[0] + b)  # keeps digits when g is large and nearly constant
    if np.isnan(shift):
        return -1.0
    for i in range(n):
        g = _g(number, a * x[i] + b)
        if np.isnan(g):
            return -1.0
        g, v = g - shift, y[i] - y[0]
        sg += g
        sgg += g * g
        sgy += g * v
        sy += v
        syy += v * v
    varg, vary, cov = sgg - sg * sg / n, syy - sy * sy / n, sgy - sg * sy / n
    return cov * cov / (varg * vary) if varg > 1e-12 * n and vary > 0 else -1.0


@checked
@kernel
def _search(
    number: int, x: Float[Array, " X"], y: Float[Array, " X"], half: float, zooms: Annotated[int, within(0)]
) -> tuple[float, float, float]:
    """a, b and R^2."""
    a0, b0, best_a, best_b, best, reach = 0.0, 0.0, 1.0, 0.0, -1.0, half
    for _ in range(zooms + 1):
        for p in range(101):
            for q in range(101):
                a, b = a0 + reach * (p / 50 - 1), b0 + reach * (q / 50 - 1)
                r2 = _r2(number, a, b, x, y)
                if r2 > best:
                    best_a, best_b, best = a, b, r2
        # a little more than one step each way, so that a ridge between two grid points is not lost
        a0, b0, reach = best_a, best_b, reach / 25
    return best_a, best_b, best


def fit_symbol(name: str, x: Float[Array, " X"], y: Float[Array, " X"], half: float = 10.0, zooms: int = 3) -> Snap:
    """The best c g(a x + b) + d for the curve y at x.

    Raises ValueError for an unknown name, and for x and y that are empty, not finite or not of one length.
    """
    if name not in LIBRARY:
        raise ValueError(f"there is no symbol {name!r}; it must be one of {', '.join(NAMES)}")
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    _, x, y, half, zooms = _search.check(NAMES.index(name), x, y, half, zooms)
    constant = y.var() < FLAT
    if name == "0" or constant:
        r2 = 1.0 if constant else 0.0
        return Snap(name, 0.0, 0.0, 0.0, float(y.mean()), r2, _score(name, r2))
    number = NAMES.index(name)
    a, b, r2 = _search.kernel(number, x, y, half, zooms)
    if r2 < 0:
        return Snap(name, 0.0, 0.0, 0.0, float(y.mean()), 0.0, _score(name, 0.0))
    g = np.array([_g(number, a * v + b) for v in x])
    c = float(((g - g.mean()) * (y - y.mean())).mean() / g.var())
    d = float(y.mean() - c * g.mean())
    return Snap(name, *_canonical(name, a, b, c), d, r2, _score(name, r2))


def _canonical(name: str, a: float, b: float, c: float) -> tuple[float, float, float]:
    """The same curve with |a| = 1 (powers) or b = 0 (exp), where scales can move between a, b and c.

    The search may end at a = 9 and c = 0.005. An optimizer's first step then turns the sign of c.
    """
    if name in POWERS and a != 0:
        size = abs(a)
        return a / size, b / size, c * size ** POWERS[name]
    if name == "exp":
        return a, 0.0, c * float(np.exp(b))
    return a, b, c


def _score(name: str, r2: float) -> float:
    return 0.8 * LIBRARY[name] + 0.2 * float(np.log2(1 + 1e-5 - min(r2, 1.0)))


def suggest(x: Float[Array, " X"], y: Float[Array, " X"], points: int = 60) -> list[Snap]:
    """All symbols fitted to the curve y at x, best score first. Looks at no more than `points` of them."""
    at = np.unique(np.linspace(0, len(x) - 1, min(points, len(x))).round().astype(int))
    return sorted((fit_symbol(name, np.asarray(x)[at], np.asarray(y)[at]) for name in NAMES), key=lambda s: s.score)


_TORCH = {
    "0": torch.zeros_like,
    "x": lambda u: u,
    "x^2": torch.square,
    "x^3": lambda u: u**3,
    "1/x": lambda u: 1 / torch.where(u.abs() < 1e-3, 1e-3, u),
    "sqrt": lambda u: torch.sqrt(u.clamp_min(1e-9)),
    "exp": lambda u: torch.exp(u.clamp_max(50)),
    "log": lambda u: torch.log(u.clamp_min(1e-6)),
    "abs": torch.abs,
    "sin": torch.sin,
    "tanh": torch.tanh,
    "gaussian": lambda u: torch.exp(-u * u),
}


def evaluate(name: str, affine: Float[Tensor, " 4"], x: Float[Tensor, "*at"]) -> Float[Tensor, "*at"]:
    """c g(a x + b) + d with affine = (a, b, c, d); where g is not defined, its value at the nearest point."""
    a, b, c, d = affine.unbind()
    return c * _TORCH[name](a * x + b) + d
