"""Which lessons are kept ready: those that were asked for last, within so much memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from traitlets.log import get_logger

from widgets.gallery.nursery import name_of

GUESS = 200.0  # megabytes of a lesson, until some have been made


def memory(cgroups: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")) -> float:
    """Megabytes that this program may take: the machine's, or fewer where a service or a container has a limit.

    Limits are those of control groups, of either version (man 7 cgroups); each folder above ours may have one too.
    """
    found = [psutil.virtual_memory().total]
    for line in cgroups.read_text().splitlines() if cgroups.exists() else ():
        _, kinds, path = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        top, name = (mounted / "memory", "memory.limit_in_bytes") if kinds else (mounted, "memory.max")
        here = top / path.lstrip("/")
        for folder in (here, *(above for above in here.parents if above.is_relative_to(top))):
            limit = (folder / name).read_text().strip() if (folder / name).is_file() else ""
            if limit.isdigit():  # or "max"
                found.append(int(limit))
    return min(found) / 2**20


@dataclass(eq=False)
class Ready:
    """A lesson whose process waits for visitors, to be copied for each of them."""

    notebook: Path
    version: str  # of the notebook, when it was executed
    executed: Path  # the notebook with its outputs; the process listens under this file's stem, and ends without it
    megabytes: float
    seconds: float = 0.0  # that its execution took
    pages: dict[str | None, str] = field(default_factory=dict)  # by theme, for any kernel


class Shelf:
    """The ready lessons, and those to be made ready; `megabytes` for all, and none is kept where that is too little."""

    def __init__(self, megabytes: float):
        self.megabytes = megabytes
        self._kept: dict[Path, Ready] = {}  # the one that was asked for longest ago comes first
        self._wanted: dict[Path, int] = {}  # how many visitors have asked for it, who were given another kernel
        self._hopeless: set[str] = set()  # versions of lessons that cannot be copied
        self._largest = 0.0

    def use(self, notebook: Path, wish: bool = True) -> Ready | None:
        """The ready lesson, for a visitor; or None, and it is wanted, by one more where this is a new wish."""
        self._tidy()
        found = self._kept.pop(notebook, None)
        if found is not None:
            self._kept[notebook] = found
        elif wish and name_of(notebook) not in self._hopeless:
            self._wanted[notebook] = self._wanted.get(notebook, 0) + 1
        return found

    def wishes(self, notebook: Path) -> int:
        """How many visitors have asked for a lesson that is not made yet."""
        return self._wanted.get(notebook, 0)

    def want(self, notebooks: Iterable[Path]) -> None:
        """Make these ready where there is room: nobody has asked for them, and none that is kept goes for them."""
        for notebook in notebooks:
            self._wanted.setdefault(notebook, 0)

    def next(self) -> Path | None:
        """The lesson to make now: the one that most visitors have asked for. Others go as room is needed."""
        self._tidy()
        if not self._wanted:
            return None
        notebook, need = max(self._wanted, key=self._wanted.__getitem__), self._largest or GUESS
        if need > self.megabytes or (not self._wanted[notebook] and self._taken() + need > self.megabytes):
            return None
        del self._wanted[notebook]
        self._make_room(need)
        return notebook

    def put(self, ready: Ready) -> None:
        """This one is made."""
        self._wanted.pop(ready.notebook, None)
        self._largest = max(self._largest, ready.megabytes)
        if ready.megabytes > self.megabytes:
            self._hopeless.add(ready.version)
            self._remove(ready, f"it takes {ready.megabytes:.0f} MB")
            return
        self._make_room(ready.megabytes)
        self._kept[ready.notebook] = ready
        get_logger().info(
            "%s is ready after %.1f s. Kept ready: %d, with %.0f of %.0f MB.",
            ready.notebook,
            ready.seconds,
            len(self._kept),
            self._taken(),
            self.megabytes,
        )

    def give_up(self, notebook: Path, version: str) -> None:
        """This version cannot be made ready: its visitors execute it."""
        self._hopeless.add(version)
        self._wanted.pop(notebook, None)

    def forget(self, ready: Ready) -> None:
        """Its process is gone."""
        if self._kept.get(ready.notebook) is ready:
            del self._kept[ready.notebook]
        self._remove(ready, "its process is gone")

    def lose(self) -> None:
        """All processes are gone; what was kept is wanted again, what was asked for last before the rest."""
        lost, self._kept = list(self._kept), {}
        self._wanted = {**dict.fromkeys(reversed(lost), 0), **self._wanted}

    def _taken(self) -> float:
        return sum(ready.megabytes for ready in self._kept.values())

    def _make_room(self, megabytes: float) -> None:
        while self._kept and self._taken() + megabytes > self.megabytes:
            oldest = next(iter(self._kept))
            self._remove(self._kept.pop(oldest), "others were asked for since")

    def _tidy(self) -> None:
        """Let go of lessons whose notebook has changed: their processes end by themselves."""
        for notebook, ready in list(self._kept.items()):
            if name_of(notebook) != ready.version:
                self._remove(self._kept.pop(notebook), "it has changed")

    def _remove(self, ready: Ready, why: str) -> None:
        ready.executed.unlink(missing_ok=True)
        get_logger().info("%s is no longer kept ready: %s.", ready.notebook, why)
