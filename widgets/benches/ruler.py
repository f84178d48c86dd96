"""An axis to draw along."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

HANDLES = 9  # along a ruler that names no places


@dataclass(frozen=True)
class Ruler:
    """An axis of a sketch: its title, its two ends, and where along it the handles stand.

    `at` are places in the units of the axis; without it there are nine, evenly spaced. `names` in place of the ends
    makes an axis of things, one handle each. Raises ValueError for ends that are not in order, for a log axis that
    does not begin above 0 and for places beyond the ends.
    """

    title: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    at: tuple[float, ...] = ()
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low = {self.low}, high = {self.high} is not allowed; low must be below high")
        if self.log and self.low <= 0:
            raise ValueError(f"low = {self.low} is not allowed on a log axis; it must be above 0")
        if any(not self.low <= place <= self.high for place in self.at):
            raise ValueError(f"at = {self.at} is not allowed; places must lie from {self.low} to {self.high}")
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"at = {self.at} is not allowed; places must rise")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"names = {self.names} is not allowed; names must differ")

    @property
    def places(self) -> Float[np.ndarray, " P"]:
        """Where the handles stand."""
        if self.names:
            return np.arange(len(self.names), dtype=float)
        return np.array(self.at or self.value(np.linspace(0, 1, HANDLES)), dtype=float)

    def share(self, values: Any) -> np.ndarray:
        """How far along the axis values lie, 0 at its low end and 1 at its high one."""
        low, high = (-0.5, len(self.names) - 0.5) if self.names else (self.low, self.high)
        values = np.asarray(values, dtype=float)
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.log(values / low) / math.log(high / low)
        return (values - low) / (high - low)

    def value(self, share: Any) -> np.ndarray:
        """The inverse of `share`."""
        share = np.asarray(share, dtype=float)
        return self.low * (self.high / self.low) ** share if self.log else self.low + (self.high - self.low) * share

    def said(self, share: float) -> str:
        """A place along the axis in words."""
        return self.names[round(share * len(self.names) - 0.5)] if self.names else f"{float(self.value(share)):.3g}"
