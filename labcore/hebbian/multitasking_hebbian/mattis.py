"""Mean-field theory of a Hebbian network with few patterns and blanks: exact for K fixed and N to infinity.

A neuron's entries xi in {-1, 0, +1}^K are one of 3^K columns: 0 with probability d, +1 and -1 with (1-d)/2 each.
    self-consistency   m = F(m) = E_xi[xi tanh(xi.m / T)]
    free energy        f(m) = |m|^2 / 2 - T E_xi[log 2 cosh(xi.m / T)],     whose gradient is m - F(m)
    dynamics           dm/dt = F(m) - m = -grad f(m),     t in sweeps
So asynchronous updates roll down the free energy by the steepest path. At T = 0, tanh becomes the sign, sign(0) = 0.
Everything works on batches of overlaps m, dilutions d and temperatures T.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

Array = np.ndarray
COLD = 1e-9  # T = 0 in the formulas: no field that is not zero is that small


@lru_cache(maxsize=16)
def columns(k: int) -> tuple[Float[Tensor, "C K"], Float[Tensor, " C"]]:
    """The columns whose first filled entry is +1, and how many entries are; the other columns are their mirrors."""
    rows = [c for c in itertools.product((0, 1, -1), repeat=k) if next((x for x in c if x), 0) == 1]
    made = torch.tensor(rows, dtype=torch.float64)
    return made, made.abs().sum(1)


def _weights(k: int, d: Float[Tensor, "*b"]) -> Float[Tensor, "*b C"]:
    """How often each column of `columns`, or its mirror, comes up. What is missing to 1 is the empty one."""
    _, filled = columns(k)
    d = d[..., None]
    return 2 * d ** (k - filled) * ((1 - d) / 2) ** filled


Batch = Float[Tensor, "*b"] | float


def _prepare(
    m: Float[Tensor, "*b K"], d: Batch, t: Batch
) -> tuple[Float[Tensor, "*b K"], Float[Tensor, "*b"], Float[Tensor, "*b"]]:
    d, t = torch.as_tensor(d, dtype=torch.float64), torch.as_tensor(t, dtype=torch.float64)
    for name, values, fine, allowed in (
        ("m", m, torch.isfinite(m), "finite"),
        ("d", d, (d >= 0) & (d < 1), "from 0 to less than 1"),
        ("T", t, (t >= 0) & (t < torch.inf), "finite, 0 or more"),
    ):
        if not bool(fine.all()):
            raise ValueError(f"{name} = {values[~fine][0].item()} is not allowed; it must be {allowed}")
    return m.double(), d, t.clamp(min=COLD)


def _field(m: Float[Tensor, "*b K"]) -> Float[Tensor, "*b C"]:
    """xi.m of every column; sums that are zero but for rounding are zero."""
    h = m @ columns(m.shape[-1])[0].T
    return torch.where(h.abs() < 1e-12, 0.0, h)


def mean_field(m: Float[Tensor, "*b K"], d: Batch, t: Batch) -> Float[Tensor, "*b K"]:
    """F(m) = E_xi[xi tanh(xi.m / T)]. Raises ValueError unless 0 <= d < 1 and T >= 0, and m is finite."""
    m, d, t = _prepare(m, d, t)
    return _average(m, _weights(m.shape[-1], d), t)


def _average(m: Float[Tensor, "*b K"], weights: Float[Tensor, "*b C"], t: Float[Tensor, "*b"]) -> Float[Tensor, "*b K"]:
    return (weights * torch.tanh(_field(m) / t[..., None])) @ columns(m.shape[-1])[0]


def free_energy(m: Float[Tensor, "*b K"], d: Batch, t: Batch) -> Float[Tensor, "*b"]:
    """f(m) per spin. Raises ValueError as `mean_field` does."""
    m, d, t = _prepare(m, d, t)
    h, k = _field(m).abs(), m.shape[-1]
    log_cosh = h + t[..., None] * torch.log1p(torch.exp(-2 * h / t[..., None]))  # T log 2 cosh(h / T)
    return 0.5 * (m**2).sum(-1) - (_weights(k, d) * log_cosh).sum(-1) - d**k * t * math.log(2)


def fixed_point(
    m0: Float[Tensor, "*b K"], d: Batch, t: Batch, iterations: int = 2000, tolerance: float = 1e-10
) -> Float[Tensor, "*b K"]:
    """Iterate m = F(m) from m0 until nothing moves by more than the tolerance, or as often as allowed."""
    shape = m0.shape
    m, d, t = _prepare(m0, d, t)
    d, t = (torch.broadcast_to(x, shape[:-1]).reshape(-1).clone() for x in (d, t))
    m = m.reshape(-1, shape[-1]).clone()
    busy = torch.arange(len(m))  # near the critical line a few points take a hundred times longer than the rest
    for _ in range(0, iterations, 10):
        new, weights, cold = m[busy], _weights(m.shape[-1], d[busy]), t[busy]
        for _ in range(10):
            old, new = new, _average(new, weights, cold)
        m[busy] = new
        busy = busy[(new - old).abs().amax(-1) >= tolerance]
        if not len(busy):
            break
    return m.reshape(shape)


def flow(
    m0: Float[Tensor, " K"], d: float, t: float, times: Float[Tensor, " R"], longest: float = 0.1
) -> Float[Tensor, "R K"]:
    """dm/dt = F(m) - m from m0 at these rising times, in sweeps. Runge-Kutta of order four."""
    m, rate, cold = _prepare(m0, d, t)
    weights = _weights(len(m), rate)
    now, course = 0.0, []

    def slope(m: Tensor) -> Tensor:
        return _average(m, weights, cold) - m

    for end in times.tolist():
        steps = math.ceil((end - now) / longest)
        for _ in range(steps):
            h = (end - now) / steps
            a = slope(m)
            b = slope(m + h / 2 * a)
            c = slope(m + h / 2 * b)
            m = m + h / 6 * (a + 2 * b + 2 * c + slope(m + h * c))
        now = end
        course.append(m)
    return torch.stack(course)


def hierarchy(k: int, d: Batch) -> Float[Tensor, "*b K"]:
    """The overlaps (1-d) (1, d, ..., d^(K-1)): each pattern gets what the ones before it left blank."""
    d = torch.as_tensor(d, dtype=torch.float64)[..., None]
    return (1 - d) * d ** torch.arange(k, dtype=torch.float64)


REGIMES = ("nothing", "one pattern", "several patterns, not equally", "all patterns, equally")
BRANCHES = ("pure", "hierarchical", "symmetric")


def branches(
    k: int, d: Float[Tensor, " G"], t: Float[Tensor, " G"]
) -> tuple[Float[Tensor, "G K"], Float[Tensor, "3 G"]]:
    """Overlaps reached from the hierarchy, and the free energy of each of BRANCHES of solutions."""
    alone = fixed_point((1 - d)[:, None], d, t)  # in the pure state the other patterns might as well not exist
    level = fixed_point(hierarchy(k, d), d, t)
    equal = fixed_point((1 - d)[:, None].expand(-1, k), d, t)
    return level, torch.stack([free_energy(m, d, t) for m in (alone, level, equal)])


def regime(m: Float[Array, "*b K"]) -> Int[Array, "*b"]:
    """Which of REGIMES the overlaps are in.

    Recalled means a tenth of the leader at least, equal 95 % of it, and a leader under 0.01 is none.
    """
    strength = np.sort(np.abs(m), -1)[..., ::-1]
    first = strength[..., 0]
    several = np.where(strength[..., -1] > 0.95 * first, 3, np.where(strength[..., 1] > 0.1 * first, 2, 1))
    return np.where(first < 0.01, 0, several)


@lru_cache(maxsize=8)
def regime_map(
    k: int, grid: int
) -> tuple[Float[Array, " d"], Float[Array, " T"], Float[Array, "T d K"], Float[Array, "3 T d"]]:
    """Dilutions to 0.95, temperatures to 1, and `branches` over both. The arrays are kept: do not write to them."""
    ds, ts = (torch.linspace(0, end, grid, dtype=torch.float64) for end in (0.95, 1.0))
    t, d = (x.reshape(-1) for x in torch.meshgrid(ts, ds, indexing="ij"))
    m, f = branches(k, d, t)
    return ds.numpy(), ts.numpy(), m.reshape(grid, grid, k).numpy(), f.reshape(3, grid, grid).numpy()
