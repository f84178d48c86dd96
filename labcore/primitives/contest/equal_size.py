"""Rivals of equal size: how wide a network must be to have as many parameters as another."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def matched_width(target: int, size: Callable[[int], int], widths: Iterable[int] = range(1, 257)) -> int:
    """The width, of these, whose model of `size(width)` parameters comes nearest to `target`; the first of a tie."""
    return min(widths, key=lambda width: abs(size(width) - target))
