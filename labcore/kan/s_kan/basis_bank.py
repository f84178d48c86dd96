"""Families of functions of one variable on [-1, 1], M of them each, all brought to the same size; targets for them.

What each family makes of the range [-1, 1], and of inputs beyond it:
- spline      M cubic B-splines on M - 3 equal intervals of [-1, 1]; they fade to zero beyond.
- chebyshev   T_0 .. T_{M-1}; x is clipped to [-1, 1], where they are at home, because they explode outside.
- fourier     the first M of cos(pi x), sin(pi x), cos(2 pi x), sin(2 pi x), ..: [-1, 1] is one period, and it repeats.
- rbf         exp(-((x - c)/h)^2), M centres c evenly over [-1, 1], h the distance between two; zero far away.
- wavelet     (1 - u^2) exp(-u^2/2), u = (x - c)/h, the Mexican hat at the same centres; zero far away.
Each family is divided by one number a function so that its mean square over [-1, 1] is 1: a family must not look better
because it is louder.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import pi
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.primitives.splines.bspline import BSplineBasis

Family = Literal["spline", "chebyshev", "fourier", "rbf", "wavelet"]
Target = Callable[[Tensor, Tensor], Tensor]
Array = np.ndarray
FAMILIES: tuple[Family, ...] = get_args(Family)
PLANTED_POOL: tuple[Family, ...] = ("spline", "chebyshev", "fourier", "rbf")


@lru_cache(maxsize=16)
def _knots(size: int) -> BSplineBasis:
    return BSplineBasis.uniform(-1.0, 1.0, size - 3, 3)


class _Spline(torch.autograd.Function):
    """All cubic B-splines at x, differentiable in x."""

    @staticmethod
    def forward(ctx, x: Float[Tensor, "*at"], size: int) -> Float[Tensor, "*at M"]:
        basis = _knots(size)
        idx, values, slopes = basis._local(x.detach().reshape(-1, 1).numpy(), slopes=x.requires_grad)
        at = (torch.as_tensor(idx[:, 0]).long()[:, None] + torch.arange(4)).view(*x.shape, 4)
        ctx.at, ctx.slopes = at, torch.as_tensor(slopes)
        return x.new_zeros(*x.shape, size).scatter_(-1, at, torch.as_tensor(values[:, 0]).view(*x.shape, 4))

    @staticmethod
    def backward(ctx, upstream: Float[Tensor, "*at M"]) -> tuple[Float[Tensor, "*at"], None]:
        near = upstream.gather(-1, ctx.at)
        return (near * ctx.slopes.view(near.shape)).sum(-1), None


def _chebyshev(x: Tensor, size: int) -> Tensor:
    x = x.clamp(-1, 1)
    t = [torch.ones_like(x), x]
    while len(t) < size:
        t.append(2 * x * t[-1] - t[-2])
    return torch.stack(t[:size], -1)


def _fourier(x: Tensor, size: int) -> Tensor:
    angle = torch.pi * x[..., None] * torch.arange(1, (size + 1) // 2 + 1, dtype=x.dtype)
    return torch.stack([angle.cos(), angle.sin()], -1).flatten(-2)[..., :size]


def _centred(x: Tensor, size: int) -> Tensor:
    centres = torch.linspace(-1, 1, size, dtype=x.dtype)
    return (x[..., None] - centres) * ((size - 1) / 2)


def _raw(family: Family, x: Tensor, size: int) -> Tensor:
    if family == "spline":
        return _Spline.apply(x, size)
    if family == "chebyshev":
        return _chebyshev(x, size)
    if family == "fourier":
        return _fourier(x, size)
    square = _centred(x, size) ** 2
    return (-square).exp() if family == "rbf" else (1 - square) * (-square / 2).exp()


class BasisBank:
    """The M functions of one family, each of mean square 1 over [-1, 1].

    Raises ValueError for a family that does not exist and for M below 4.
    """

    def __init__(self, family: Family, size: int = 8):
        if family not in FAMILIES:
            raise ValueError(f"family = {family!r} is not allowed; it must be one of {', '.join(FAMILIES)}")
        if size < 4:
            raise ValueError(f"size = {size} is not allowed; a cubic spline needs at least 4")
        self.family, self.size = family, size
        middle = (torch.arange(2000, dtype=torch.float64) + 0.5) / 1000 - 1
        self.scale = (_raw(family, middle, size) ** 2).mean(0).rsqrt()  # (M,)

    def phi(self, x: Float[Tensor, "*at"]) -> Float[Tensor, "*at M"]:
        """Their values at x."""
        return _raw(self.family, x, self.size) * self.scale.to(x.dtype)


@lru_cache(maxsize=64)
def bank(family: Family, size: int) -> BasisBank:
    """The same object for the same family and size."""
    return BasisBank(family, size)


def features(pool: tuple[Family, ...], x: Float[Tensor, "*at"], size: int) -> Float[Tensor, "*at P M"]:
    """Every family of the pool at x."""
    return torch.stack([bank(p, size).phi(x) for p in pool], -2)


def best_fit(phi: Float[Array, "N K"], y: Float[Array, " N"], at: Float[Array, "X K"]) -> Float[Array, " X"]:
    """Least squares with a constant: features phi of the samples y, prediction at the features `at`."""
    columns = [np.hstack([f, np.ones((len(f), 1))]) for f in (phi, at)]
    return columns[1] @ np.linalg.lstsq(columns[0], y, rcond=1e-10)[0]


def additive_fit_errors(
    pool: tuple[Family, ...],
    x: Float[Tensor, "S N 2"],
    y: Float[Tensor, "S N"],
    x_test: Float[Tensor, "S X 2"],
    y_test: Float[Tensor, "S X"],
    size: int,
) -> Float[Array, "P S"]:
    """rmse of one [2, 1] layer of a single family: additive least squares."""
    out = []
    for p in pool:
        phi, at = (bank(p, size).phi(v).flatten(2).numpy() for v in (x, x_test))
        guess = np.stack([best_fit(a, t, b) for a, t, b in zip(phi, y.numpy(), at, strict=True)])
        out.append(np.sqrt(np.mean((guess - y_test.numpy()) ** 2, 1)))
    return np.stack(out)


def mixed_target(
    x: Float[Array, " X"], wave: float, kink: float, bump: float, poly: float, frequency: float, at: float
) -> Float[Array, " X"]:
    """The sum of four ingredients at x."""
    return (
        wave * np.sin(pi * frequency * x)
        + kink * np.abs(x - at)
        + bump * np.exp(-50 * (x - at) ** 2)
        + poly * np.cos(5 * np.arccos(np.clip(x, -1, 1)))
    )


# Targets of two inputs in [-1, 1], sums of a function of each.
TWO_INPUTS: dict[str, Target] = {
    "planted": lambda a, b: torch.cos(5 * torch.acos(a.clamp(-1, 1))) + torch.cos(4 * pi * b),
    "wave and bump": lambda a, b: torch.cos(3 * pi * a) + torch.exp(-3 * b**2),
    "two waves": lambda a, b: torch.sin(3 * pi * a) + torch.cos(4 * pi * b),
    "two polynomials": lambda a, b: torch.cos(5 * torch.acos(a.clamp(-1, 1))) + b**3 - b,
}

# Targets to learn with a hidden layer: how many inputs count, and the function.
SEVEN: dict[str, tuple[int, Target]] = {
    "polynomial": (1, lambda a, b: 16 * a**5 - 20 * a**3 + 5 * a),
    "fast sine": (1, lambda a, b: torch.sin(4 * pi * a)),
    "bump": (1, lambda a, b: torch.exp(-50 * (a - 0.3) ** 2)),
    "kink": (1, lambda a, b: a.abs()),
    "step": (1, lambda a, b: torch.tanh(20 * a)),
    "Bessel": (1, lambda a, b: torch.special.bessel_j0(20 * a.abs())),
    "mixture": (2, lambda a, b: torch.sin(12 * a) + torch.exp(-50 * (b - 0.3) ** 2)),
}  # fmt: skip
