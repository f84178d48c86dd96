"""Links that move a bench: those of its lesson's prose, with a way back, and one that shares a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as w

from labcore.experiment import Experiment
from widgets.benches import sharing
from widgets.benches.parts import button, layout, show, words
from widgets.benches.pins import Pin

# By link: what the bench opened with that followed it. Its cell run again follows it again; a cell whose values were
# changed since has the last word.
_followed: dict[str, Mapping[str, Any]] = {}


@dataclass(frozen=True)
class Standing:
    """How a bench stands: its controls, pins and film, and the seconds of its last run."""

    values: Mapping[str, Any]
    pins: Sequence[Pin]
    film: Any
    long: float


class Story(w.Box):
    """The line over a bench that a link of the prose has moved: what the link asked for, and the way back.

    `back()` is the button's; `end()` gives how the bench stood before the first link.
    """

    def __init__(self, back: Callable[[], None]):
        self._before: Standing | None = None
        self._told = words(css="labcore-followed")
        way = button("Back to the story", "undo", "As it was before the link: controls, figure and pins", back)
        super().__init__([self._told, way], layout=layout())
        for css in ("labcore-toolbar", "labcore-back"):
            self.add_class(css)
        show(self, False)

    def leave(self, standing: Standing) -> None:
        """A link is followed from where the bench stands, unless it was followed from another one."""
        self._before = self._before or standing

    def tell(self, asked: str) -> None:
        self._told.value = f"<span>From the text: {escape(asked)}</span>"
        show(self, True)

    def end(self) -> Standing | None:
        before, self._before = self._before, None
        show(self, False)
        return before


class SharedLink:
    """The link that a page was opened with, if it names this bench, kept until it may be followed."""

    def __init__(self, experiment: Experiment, label: str, start: Mapping[str, Any]):
        self._experiment, self._label, self._start = experiment, label, start
        self._values: dict[str, Any] = {}
        self._moved, self._at = "", 1.0

    def read(self, query: str) -> None:
        """Keep what the link asks for. Raises `ParameterError`."""
        self._values = sharing.link_values(self._experiment, query, self._label)
        self._moved = sharing.link_moved(self._experiment, query, self._label)
        self._at = sharing.link_at(query)
        if self._values and _followed.setdefault(query, self._start) != self._start:
            self._values = {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def take(self) -> tuple[dict[str, Any], str, float]:
        """Once: its values, of every parameter; which numbers had to be moved into their ranges; how far the run is."""
        values, self._values = self._values, {}
        return values, self._moved, self._at
