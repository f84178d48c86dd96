"""Runs that are kept: their frames, to be seen again without computing them again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import xarray as xr

from labcore.frames import snapshot

FRAMES, BYTES = 120, 8_000_000  # at most, of one run; its first and its last frame are kept whatever their size

T = TypeVar("T")


@dataclass(frozen=True)
class Thinned(Generic[T]):
    """What is kept of things that come one after another: the last one, and of those before it every `every`th.

    `count` have come so far.
    """

    kept: tuple[T, ...] = ()
    every: int = 1
    count: int = 0
    sizes: tuple[int, ...] = ()  # bytes of each that is kept

    def plus(self, thing: T, size: int) -> Thinned[T]:
        """With the next thing, of `size` bytes. Every second goes while there are over `FRAMES`, or over `BYTES`."""
        # what was kept as the last one is that no more
        old = self.count and (self.count - 1) % self.every
        before = slice(-1) if old else slice(None)
        kept, sizes, every = (*self.kept[before], thing), (*self.sizes[before], size), self.every
        while len(kept) > 2 and (len(kept) > FRAMES or sum(sizes) > BYTES):
            kept, sizes, every = (*kept[:-1:2], thing), (*sizes[:-1:2], size), 2 * every
        return Thinned(kept, every, self.count + 1, sizes)


class Recording:
    """The run of `values`: `frames` are those computed so far, in order, and `complete` says whether the run has ended.

    To iterate over it gives the frames that are kept and then computes the rest, each of which it keeps as well; one
    thread at a time may do that. A long run is thinned.
    """

    def __init__(self, values: dict[str, Any], compute: Callable[[], Iterator[xr.Dataset]]):
        self.values, self.complete = dict(values), False
        self._compute = compute
        self._rest: Iterator[xr.Dataset] | None = None
        self._seen: Thinned[xr.Dataset] = Thinned()

    @property
    def frames(self) -> tuple[xr.Dataset, ...]:
        return self._seen.kept

    def __iter__(self) -> Iterator[xr.Dataset]:
        yield from self.frames
        while not self.complete:
            self._rest = self._rest or self._compute()
            try:
                frame = next(self._rest, None)
            except BaseException:
                # what a run that failed has left cannot go on: the next one begins again, and fails where it is seen
                self._rest, self._seen = None, Thinned()
                raise
            if frame is None:
                self.complete, self._rest = True, None
            else:
                # an experiment may go on writing into the arrays that it has shown
                self._seen = self._seen.plus(snapshot(frame), frame.nbytes)
                yield frame
