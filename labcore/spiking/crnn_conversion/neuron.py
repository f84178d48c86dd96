"""A neuron that counts its spikes and may take one back, beside two that cannot; and the quantiser that it becomes.

Charge is measured in the units of the threshold theta, counts in spikes. One step of a neuron with charge V, count S:
    1. gather  h = V + current
    2. fire    +1 if h >= theta and S < high;  -1 if h < 0 and S > low;  else nothing
    3. pay     V = h - theta * spike, S += spike
It begins with V = theta / 2 and S = 0, so V = theta / 2 + (all current so far) - theta S at any time. When the current
has stopped, S goes by one a step until 0 <= V < theta or a bound is met. That is the rounded sum, in whatever order the
current came.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import above, checked, within
from labcore.kernels import kernel

Array = np.ndarray
Kind = Literal["bipolar", "soft", "hard"]
KINDS: tuple[Kind, ...] = ("bipolar", "soft", "hard")
BIPOLAR, SOFT, HARD = range(3)  # as kernels know them
Threshold = Annotated[float, above(0)]
Lowest = Annotated[int, within(-4096, 0)]
Highest = Annotated[int, within(1, 4096)]


class Range(NamedTuple):
    """Which counts a neuron may reach: from low to high spikes, low <= 0 < high."""

    low: int
    high: int

    @property
    def size(self) -> int:
        """The number of steps between the two ends."""
        return self.high - self.low


def count_range(bits: int, signed: bool = False) -> Range:
    """The counts that so many bits hold: 0 to 2^bits - 1, or -2^(bits - 1) to 2^(bits - 1) - 1.

    Raises ValueError for bits outside 1 to 12, or 2 to 12 when signed.
    """
    least = 2 if signed else 1
    if not least <= bits <= 12:
        raise ValueError(f"bits = {bits} is not allowed; it must be from {least} to 12")
    half = 2 ** (bits - 1)
    return Range(-half, half - 1) if signed else Range(0, 2 * half - 1)


def quantise(z: Float[Array, " *n"], theta: float, low: int, high: int) -> Float[Array, " *n"]:
    """theta times the whole number next to z / theta, from low to high; halves go up.

    Raises ValueError unless theta > 0 and low <= 0 < high.
    """
    if not theta > 0:
        raise ValueError(f"theta = {theta} is not allowed; it must be above 0")
    if not low <= 0 < high:
        raise ValueError(f"low, high = {low}, {high} is not allowed; low must be 0 or less, high 1 or more")
    return theta * np.clip(np.floor(z / theta + 0.5), low, high)


@checked
@kernel
def fire(h: float, count: int, theta: Threshold, low: Lowest, high: Highest, kind: Annotated[int, within(0, 2)]) -> int:
    """The spike of a neuron with charge h that has fired `count` times: 1, 0 or -1. `kind` is its place in KINDS."""
    if h >= theta and count < high:
        return 1
    if kind == BIPOLAR and h < 0 and count > low:
        return -1
    return 0


@checked
@kernel
def _pour(
    current: Float[Array, "T n"], theta: Threshold, low: Lowest, high: Highest, kind: Annotated[int, within(0, 2)]
) -> tuple[Int[Array, "T n"], Float[Array, "T n"]]:
    spikes = np.zeros(current.shape, np.int64)
    charge = np.empty(current.shape)
    for j in range(current.shape[1]):
        v, count = theta / 2, 0
        for t in range(current.shape[0]):
            h = v + current[t, j]
            o = fire(h, count, theta, low, high, kind)
            v = 0.0 if kind == HARD and o == 1 else h - theta * o
            count += o
            spikes[t, j], charge[t, j] = o, v
    return spikes, charge


def pour(
    current: Float[Array, "T n"], theta: float, low: int, high: int, kind: Kind = "bipolar"
) -> tuple[Int[Array, "T n"], Float[Array, "T n"]]:
    """Spikes (-1, 0, 1) and the charge after each of T steps, for n neurons with currents of their own.

    `soft` and `hard` are ordinary neurons: they begin alike and never fire -1; a spike takes theta of charge away, or
    all of it. Raises ValueError for a theta that is not above 0, low > 0, high < 1, a kind that is none, and currents
    that are not finite.
    """
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is not allowed; it must be one of {', '.join(KINDS)}")
    return _pour(current, theta, low, high, KINDS.index(kind))


def enough(arrives: int, low: int, high: int) -> int:
    """Steps after which every bipolar neuron holds its rounded sum, if no current arrives after the step `arrives`.

    Before its last current it has fired in arrives - 1 steps at most, so its count is within that of 0; from that step
    on it goes one nearer in each. No smaller number is enough for all currents. Raises ValueError for arrives < 1.
    """
    if arrives < 1:
        raise ValueError(f"arrives = {arrives} is not allowed; it must be 1 or more")
    reached = arrives - 1
    return reached + max(min(reached, high) - low, high - max(-reached, low))
