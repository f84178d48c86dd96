"""A bench without its paper's idea: the switch, the line that carries the idea, and the runs without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

import xarray as xr

from labcore import catalog
from labcore.experiment import Experiment
from labcore.without import Without
from widgets.benches.parts import row, show, switch, words
from widgets.benches.pins import Pin

_IN_PLACE, _TAKEN_OUT = "in place", "taken out"  # of the idea, as pins say it


def as_html(without: Without) -> str:
    """Where the line stands, the line, and what stands there without the idea."""
    paper = catalog.paper(without.key)
    place = f"labcore/{without.path.relative_to(paper.folder.parent.parent).as_posix()}, line {without.number}"
    where = f"{paper.title} ({paper.year}); {place}"
    lines = f"<del>- {escape(without.line)}</del>\n<ins>+ {escape(without.instead)}</ins>"
    return f'<div class="labcore-difference"><div class="labcore-aside">{escape(where)}</div><pre>{lines}</pre></div>'


def waiting(without: Without) -> str:
    """What a bench says until the copy has its first frame."""
    files = [*catalog.paper(without.key).folder.glob("*.py"), without.path]
    # numba compiles a copy's kernels when they are first called, and keeps none of them for the next process
    compiles = any("@kernel" in file.read_text(encoding="utf-8") for file in files)
    return f"{'Compiling' if compiles else 'Loading'} the mechanism without {without.idea} ..."


class TakenOut:
    """Whether the idea is taken out, with the switch that does it, in `row`, and the line as a difference.

    `turned(out)` is called when the switch is moved. Values to run with say that the idea is taken out, and are then no
    values of the paper.
    """

    def __init__(self, experiment: Experiment, without: Without, turned: Callable[[bool], None]):
        self.without, self.out = without, False
        self._experiment = experiment
        self._pins: Sequence[Pin] = ()
        self._whole: tuple[Mapping[str, Any], Sequence[xr.Dataset]] | None = None
        tip = "Run the same experiment without the line that carries the idea, and show that line"
        self.switch = switch(f"Take the idea out: {without.idea}", tip, turned)
        self._waits = words('<span class="labcore-aside">First answer or skip the question.</span>')
        self.row = row([self.switch, self._waits], "labcore-toolbar")
        self.difference = words()
        self.lock(False)

    def lock(self, locked: bool) -> None:
        """While the bench asks something, the picture without the idea could give the answer away."""
        self.switch.disabled = locked
        show(self._waits, locked)

    def take(self, pins: Sequence[Pin], whole: tuple[Mapping[str, Any], Sequence[xr.Dataset]] | None) -> None:
        """The next run is without the idea; `whole` is a run with it that has ended, its values and frames."""
        self.out, self._pins, self._whole = True, tuple(pins), whole
        self.difference.value = as_html(self.without)
        self.switch.description = f"Put it back: {self.without.idea}"

    def put_back(self) -> list[Pin]:
        """The next run is the paper's own again; returns the pins that there were."""
        self.out = False
        self.difference.value = ""
        self.switch.description = f"Take the idea out: {self.without.idea}"
        self.switch.value = False
        return list(self._pins)

    def wanted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values to run with."""
        return {**values, self.without.idea: _TAKEN_OUT} if self.out else dict(values)

    def compared(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a figure, by which pins differ."""
        return {self.without.idea: _IN_PLACE, **values}

    def of_copy(self, values: Mapping[str, Any]) -> bool:
        """Whether these are values of a run without the idea."""
        return self.without.idea in values

    def frames(self, values: dict[str, Any]) -> Iterator[xr.Dataset] | None:
        """The frames of a run without the idea, or of the one that was seen before; None if it is another run."""
        if self.of_copy(values):
            own = {name: value for name, value in values.items() if name in self._experiment.parameters}
            return self.without.frames(self._experiment.name, **own)
        if self._whole is not None and values == self._whole[0]:
            return (frame for frame in self._whole[1])
        return None
