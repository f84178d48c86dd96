"""What a reading may say about numbers: zeros without a sign, and "lower" or "higher" only where noise allows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def plain(x: float, spec: str = ".3g") -> str:
    """x in a format, ".2f" or ".0%": what rounds to zero has no minus."""
    text = format(float(x), spec)
    mantissa = text.lower().partition("e")[0]
    return text if any(c in "123456789n" for c in mantissa) else format(0.0, spec)


def differ(a: Sequence[float], b: Sequence[float]) -> int:
    """1 if a is above b, -1 if below, 0 if their paired repetitions do not tell.

    They tell when there are at least 3 and the mean difference exceeds 3 standard errors. Raises ValueError for
    repetitions that are not pairs.
    """
    first, second = np.asarray(a, float), np.asarray(b, float)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"a {first.shape} and b {second.shape} must be equally many repetitions, one by one")
    gap = first - second
    if len(gap) < 3 or not np.isfinite(gap).all():
        return 0
    mean = gap.mean()
    return int(np.sign(mean)) if abs(mean) > 3 * gap.std(ddof=1) / np.sqrt(len(gap)) else 0


def compared(
    a: Sequence[float], b: Sequence[float], words: Sequence[str] = ("lower", "not clearly different", "higher")
) -> str:
    """The word for a beside b: the first if below, the last if above, the middle one if repetitions do not tell."""
    return words[differ(a, b) + 1]
