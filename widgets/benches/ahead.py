"""Runs that are computed before anybody asks for them, so that nobody waits for them.

A bench computes its own, in its thread. Where a lesson is executed for many visitors, each of whom gets a copy of the
process, this process computes them all, once (`widgets.gallery.nursery`), and a copy computes none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

Work = Callable[[], Iterator[None]]  # it pauses after each frame

_kept: list[Work] | None = None


def keep() -> None:
    """From here on benches leave their runs to this process."""
    global _kept
    _kept = []


def leave(work: Work) -> bool:
    """Leave this work to the process, or return False where each bench does its own."""
    if _kept is not None and work not in _kept:
        _kept.append(work)
    return _kept is not None


def left() -> tuple[Work, ...]:
    """What benches have left, in the order of the page."""
    return tuple(_kept or ())
