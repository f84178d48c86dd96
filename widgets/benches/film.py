"""The film of a bench: the frames of its last run, which a learner moves through while the run goes on or after it.

The page keeps the same frames, so that moving through them asks nobody. It gets each as it is computed; one that opens
later asks for those that it missed, and is answered in messages of bounded size.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xarray as xr
from jupyter_client.session import json_packer

from labcore.frames import snapshot
from widgets.benches.plot import Plot, Spec, jsonable
from widgets.benches.prediction import covered
from widgets.benches.recording import Thinned

MESSAGE = 500_000  # bytes of specifications in one answer, before they are compressed


class Shot:
    """Frame `number` of a run, counted from 0. Its figure is made when somebody wants to see it."""

    def __init__(self, number: int, frame: xr.Dataset, view: Callable[[xr.Dataset], Spec]):
        self.number, self.frame, self._view = number, frame, view

    @functools.cached_property
    def spec(self) -> Spec:
        return jsonable(self._view(self.frame))

    @functools.cached_property
    def size(self) -> int:
        """The bytes that the page keeps of the figure."""
        return len(json_packer(self.spec))


class Film:
    """The frames of one run at `values`, thinned.

    `plot` shows the frame of the last `show`, and other ones when the page asks for them. Not for several threads at a
    time.
    """

    def __init__(self, plot: Plot, view: Callable[[xr.Dataset], Spec]):
        self.values: Mapping[str, Any] = {}
        self.key: object = None  # of the run
        self.behind = False  # whether there is a newer frame than `plot` was given
        self._plot, self._view = plot, view
        self._run, self._kept = 0, Thinned[Shot]()
        self._size = 0  # of the figure that was made last: one not made yet counts as much
        self._chosen: Shot | None = None
        self._given: Shot | None = None
        self.covered = self._starts = False

    @property
    def shots(self) -> tuple[Shot, ...]:
        return self._kept.kept

    @property
    def shown(self) -> Shot | None:
        """What the page shows: the frame that the learner went to, or else the one that `plot` was given last."""
        return self._chosen or self._given

    def add(self, key: object, values: Mapping[str, Any], frame: xr.Dataset) -> None:
        """Keep the next frame of a run, which is a new one if `key` is not that of the frame before."""
        if key is not self.key:
            self._begin(key, values)
        self._keep(frame)
        self.behind = True

    def show(self) -> None:
        """Show the newest frame."""
        self._give(self.shots[-1])

    def load(self, values: Mapping[str, Any], run: Sequence[xr.Dataset], opening: bool = False) -> None:
        """Take a whole run and show its first frame; `opening` lets the page play it when it comes into view."""
        self._begin(None, values)
        for frame in run:
            self._keep(frame)
        self._give(self.shots[0], opening=opening)

    def turn(self, progress: float) -> None:
        """Show the frame that is nearest to this part of the run."""
        self._chosen = None
        self._give(min(self.shots, key=lambda shot: abs(shot.frame.attrs["progress"] - progress)))

    def standing(self) -> tuple[Any, ...]:
        """All that is kept, and what is shown of it, for `restore`."""
        return self.values, self.key, self._kept, self.shown

    def restore(self, standing: tuple[Any, ...]) -> None:
        """Keep and show what was kept and shown when `standing` was taken."""
        self.values, self.key, self._kept, self._given = standing
        # the page took these frames away when those of another run came
        self._run, self._chosen, self.behind = self._run + 1, None, False
        if self._given is not None:
            self._show(self._given)

    def cover(self, yes: bool, start: bool = False) -> None:
        """Show of each frame no more than a learner may see who has not predicted yet; or show it as it is.

        With `start`, the first frame of a run of several may be seen.
        """
        self.covered, self._starts = yes, start
        if self._given is not None:
            self._show(self._given)

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take what a page says: which frame it shows (none: the newest), or after which one it wants the others."""
        if self.covered or message.get("run") != self._run:
            return  # of a run that another one has replaced in the meantime
        if message["type"] == "shown":
            self._chosen = next((s for s in self.shots if s.number == message.get("number")), None)
        elif isinstance(after := message.get("after"), int):
            self._answer([s for s in self.shots if s.number > after])

    def _begin(self, key: object, values: Mapping[str, Any]) -> None:
        self.values, self.key, self._chosen = dict(values), key, None
        self._run, self._kept = self._run + 1, Thinned()

    def _keep(self, frame: xr.Dataset) -> None:
        shot = Shot(self._kept.count, snapshot(frame), self._view)
        # the kernel keeps frames and figures, the page figures: whichever is more
        self._kept = self._kept.plus(shot, max(self._size or shot.size, shot.frame.nbytes))

    def _give(self, shot: Shot, **more: bool) -> None:
        self._given, self.behind, self._size = shot, False, shot.size
        self._show(shot, **more)

    def _show(self, shot: Shot, **more: bool) -> None:
        if self.covered and self._starts and shot.number == 0 and shot.frame.attrs["progress"] < 1:
            return self._plot.show(shot.spec, "This is where it starts. How it ends comes after your prediction.")
        if self.covered:
            return self._plot.show(covered(shot.spec), "What was measured comes after your prediction.")
        facts = {
            "run": self._run,
            "number": shot.number,
            "last": self.shots[-1].number,
            "every": self._kept.every,
            **({"counted": True} if "open_ended" in self.shots[0].frame.attrs else {}),
            **more,
        }
        self._plot.show(shot.spec, shot.frame.attrs["reading"], facts | {"progress": shot.frame.attrs["progress"]})

    def _answer(self, wanted: Sequence[Shot]) -> None:
        sent, size = [], 0
        for shot in wanted:
            if sent and size + shot.size > MESSAGE:
                break
            sent.append(shot)
            size += shot.size
        facts = [
            {
                "number": s.number,
                "progress": s.frame.attrs["progress"],
                "reading": s.frame.attrs["reading"],
                "library": self._plot.library_of(s.spec),
            }
            for s in sent
        ]
        answer = {"type": "film", "run": self._run, "shots": facts, "more": len(sent) < len(wanted)}
        # the numbers of a figure are as many bytes, compressed, as they were before they were written as text
        self._plot.send(answer, buffers=[gzip.compress(json_packer(s.spec), compresslevel=1) for s in sent])
