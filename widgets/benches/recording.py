"""A run that is kept: its frames, to be seen again without computing them again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import xarray as xr

FRAMES, BYTES = 120, 8_000_000  # at most, of one run; the first and the last frame are kept whatever their size


class Recording:
    """The run of `values`: `frames` are those computed so far, in order, and `complete` says whether the run has ended.

    To iterate over it gives the frames that are kept and then computes the rest, each of which it keeps as well; one
    thread at a time may do that. Where there are more than `FRAMES`, or `BYTES`, every second one is dropped.
    """

    def __init__(self, values: dict[str, Any], compute: Callable[[], Iterator[xr.Dataset]]):
        self.values, self.complete = dict(values), False
        self.frames: list[xr.Dataset] = []
        self._compute = compute
        self._rest: Iterator[xr.Dataset] | None = None
        self._count, self._every = 0, 1

    def __iter__(self) -> Iterator[xr.Dataset]:
        yield from tuple(self.frames)
        while not self.complete:
            self._rest = self._rest or self._compute()
            try:
                frame = next(self._rest, None)
            except BaseException:
                # what a run that failed has left cannot go on: the next one begins again, and fails where it is seen
                self.frames, self._rest, self._count, self._every = [], None, 0, 1
                raise
            if frame is None:
                self.complete, self._rest = True, None
            else:
                self._keep(frame)
                yield frame

    def _keep(self, frame: xr.Dataset) -> None:
        if self.frames and (self._count - 1) % self._every:
            self.frames.pop()  # it was kept as the last one, and is that no more
        # an experiment may go on writing into the arrays that it has shown
        self.frames.append(frame.copy(deep=True))
        self._count += 1
        while len(self.frames) > 2 and (len(self.frames) > FRAMES or sum(f.nbytes for f in self.frames) > BYTES):
            last, kept = self.frames[-1], self.frames[::2]
            self.frames = kept if kept[-1] is last else [*kept, last]
            self._every *= 2
