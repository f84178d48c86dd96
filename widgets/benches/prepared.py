"""The runs that a bench computes before anybody asks for them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import xarray as xr

from labcore.experiment import Experiment
from widgets.benches.recording import Recording

# A run that is ready is played in so many figures at most, with so many seconds between two of them.
PLAYED, BEAT = 40, 0.08


class Prepared:
    """The run that a bench opens with, to be played when it comes into view, and the one that its question asks for.

    Either may be missing, and the first is where it would show what the second asks. The first may take `most` seconds.
    """

    def __init__(
        self,
        experiment: Experiment,
        opening: dict[str, Any] | None,
        asked: dict[str, Any] | None,
        most: float = math.inf,
    ):
        def kept(values: dict[str, Any] | None) -> Recording | None:
            return None if values is None else Recording(values, partial(experiment.frames, **values))

        self.opening = kept(opening if opening != asked else None)
        self.asked = kept(asked)
        self._most = most

    @property
    def rest(self) -> list[Recording]:
        """The runs that are still to be computed, in order."""
        return [r for r in (self.opening, self.asked) if r is not None and not r.complete]

    def most(self, run: Recording) -> float:
        """How many seconds this run may be computed before anybody asks for it."""
        return self._most if run is self.opening else math.inf

    def open(self) -> Recording | None:
        """The run that the bench opens with, once, if it is complete and has more than one frame."""
        run, self.opening = self.opening, None
        return run if run is not None and run.complete and len(run.frames) > 1 else None

    def frames(self, values: dict[str, Any]) -> Iterator[xr.Dataset] | None:
        """The frames of the run of these values: those that are ready, and then the rest; None if it is another run."""
        if self.opening is not None and values == self.opening.values:
            return iter(self.opening)
        if self.asked is None or values != self.asked.values:
            return None
        return _played(self.asked.frames) if self.asked.complete else iter(self.asked)


def _played(frames: tuple[xr.Dataset, ...]) -> Iterator[xr.Dataset]:
    """A run that is ready, slowly enough to be seen."""
    for frame in frames[: -1 : math.ceil(len(frames) / PLAYED)]:
        yield frame
        time.sleep(BEAT)
    yield frames[-1]
