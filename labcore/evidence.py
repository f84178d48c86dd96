"""Evidence: numbers over repetitions, each with its 99 % interval, held against limits.

    Evidence(
        mean("accuracy of HLOP - plain", hlop - plain) >= 0.15,
        share("runs solved", solved) >= 0.3,
        size="4 tasks, 20 networks",
    )

An interval says where the number of *all* repetitions lies, not only that of the ones that were drawn. Where a limit
lies inside it, other seeds could turn the verdict: the evidence is not `firm`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.99
_TAIL = (1 - LEVEL) / 2


@dataclass(frozen=True)
class Estimate:
    """A number, the ends of its 99 % interval and the repetitions behind it (0: exact, without an interval).

    Compared with a limit by `<=` or `>=` it becomes a `Check`.
    """

    name: str
    value: float
    low: float
    high: float
    n: int

    def __le__(self, limit: float) -> Check:
        return Check(self.name, self.value, self.low, self.high, self.n, "<=", float(limit))

    def __ge__(self, limit: float) -> Check:
        return Check(self.name, self.value, self.low, self.high, self.n, ">=", float(limit))


@dataclass(frozen=True)
class Check:
    """An estimate held against its limit."""

    name: str
    value: float
    low: float
    high: float
    n: int
    side: Literal["<=", ">="]
    limit: float

    @property
    def met(self) -> bool:
        """Whether the number is on the right side."""
        return self.value <= self.limit if self.side == "<=" else self.value >= self.limit

    @property
    def firm(self) -> bool:
        """Whether the whole interval is on one side of the limit."""
        if self.n == 0:
            return True
        return not (self.low <= self.limit < self.high if self.side == "<=" else self.low < self.limit <= self.high)

    @property
    def rule(self) -> str:
        """What is asked, in words."""
        return f"{self.name} {self.side} {self.limit:.4g}"

    @property
    def number(self) -> str:
        """What was measured, with its interval."""
        interval = f" ({self.low:.3g} to {self.high:.3g})" if self.n else ""
        return f"{self.name} = {self.value:.3g}{interval}"


@dataclass(frozen=True, init=False)
class Evidence:
    """What a claim measured: it holds if every check is met.

    checks  the numbers that decide
    size    the setting and size at which they were measured, in words
    also    numbers that are shown beside them and decide nothing, by name
    """

    checks: tuple[Check, ...]
    size: str
    also: Mapping[str, float]

    def __init__(self, *checks: Check, size: str, also: Mapping[str, Any] | None = None):
        """Raises TypeError without a check, or for something that is none (an estimate that was not compared)."""
        if not checks or not all(isinstance(c, Check) for c in checks):
            raise TypeError(f"evidence needs checks such as mean('gain', values) >= 0.1, got {checks!r}")
        object.__setattr__(self, "checks", checks)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "also", {name: float(v) for name, v in (also or {}).items()})

    @property
    def holds(self) -> bool:
        """Whether every check is met."""
        return all(c.met for c in self.checks)

    @property
    def firm(self) -> bool:
        """Whether other seeds would say the same: all checks are met firmly, or one is firmly missed."""
        return any(c.firm and not c.met for c in self.checks) or all(c.firm for c in self.checks)


def _values(name: str, values: ArrayLike, least: int) -> np.ndarray:
    """Repetitions as floats. Raises ValueError for too few, for more than one dimension and for what is not finite."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) < least:
        raise ValueError(f"{name}: needs one number for each of at least {least} repetitions, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: {int((~np.isfinite(array)).sum())} of {len(array)} repetitions are not finite")
    return array


def exact(name: str, value: float) -> Estimate:
    """A number that does not depend on which repetitions were drawn: an identity, a count of operations."""
    if not np.isfinite(value):
        raise ValueError(f"{name}: {value} is not finite")
    return Estimate(name, float(value), float(value), float(value), 0)


def mean(name: str, values: ArrayLike) -> Estimate:
    """Mean of independent repetitions, with Student's interval."""
    from scipy.special import stdtrit

    array = _values(name, values, 2)
    middle, n = float(array.mean()), len(array)
    half = float(stdtrit(n - 1, 1 - _TAIL) * array.std(ddof=1) / np.sqrt(n))
    return Estimate(f"mean {name}", middle, middle - half, middle + half, n)


def geometric(name: str, values: ArrayLike) -> Estimate:
    """Geometric mean of positive repetitions, for ratios and for errors that span decades: Student's on their logs."""
    array = _values(name, values, 2)
    if array.min() <= 0:
        raise ValueError(f"{name}: a geometric mean needs positive numbers, the smallest is {array.min():.3g}")
    logs = mean(name, np.log(array))
    return Estimate(f"geometric mean {name}", *(float(np.exp(v)) for v in (logs.value, logs.low, logs.high)), logs.n)


def median(name: str, values: ArrayLike) -> Estimate:
    """Median of at least 8 repetitions, of any distribution: its interval ends at two of them."""
    from scipy.special import bdtr

    array = np.sort(_values(name, values, 8))
    n = len(array)
    # k values below the lower end: the median is lower still with the chance that at most k of n fall below it
    k = max(k for k in range(n // 2) if bdtr(k, n, 0.5) <= _TAIL)
    return Estimate(f"median {name}", float(np.median(array)), float(array[k]), float(array[n - 1 - k]), n)


def share(name: str, happened: ArrayLike) -> Estimate:
    """Share of repetitions in which something happened, with the interval of Clopper and Pearson (1934)."""
    array = _values(name, happened, 1)
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name}: a share needs True or False for each repetition")
    from scipy.special import betaincinv

    n, k = len(array), int(array.sum())
    low = float(betaincinv(k, n - k + 1, _TAIL)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - _TAIL)) if k < n else 1.0
    return Estimate(f"share of {name}", k / n, low, high, n)


def jackknife(name: str, statistic: Callable[..., float], *samples: ArrayLike) -> Estimate:
    """A smooth function of repetitions that is no mean: a ratio of means, a slope, the arctanh of a correlation.

    samples  arrays whose first axis are the repetitions, the same in all; `statistic` takes them and any part of them

    Where a statistic has an end to its range (a correlation near 1), its transform has the better interval.

    Source: Efron, Stein (1981), The jackknife estimate of variance.
    """
    arrays = [np.asarray(s, dtype=float) for s in samples]
    n = len(arrays[0]) if arrays else 0
    if n < 3 or any(len(a) != n for a in arrays):
        raise ValueError(f"{name}: needs the same 3 or more repetitions in all, got {[len(a) for a in arrays]}")
    from scipy.special import stdtrit

    left_out = [float(statistic(*(np.delete(a, i, 0) for a in arrays))) for i in range(n)]
    value, spread = float(statistic(*arrays)), np.asarray(_values(name, left_out, 3))
    half = float(stdtrit(n - 1, 1 - _TAIL) * np.sqrt((n - 1) / n * ((spread - spread.mean()) ** 2).sum()))
    return Estimate(name, value, value - half, value + half, n)
