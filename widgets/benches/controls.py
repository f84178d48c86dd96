"""Controls: one parameter of an experiment as widgets, built from its signature and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import ipywidgets as w
import numpy as np

from labcore.experiment import Parameter
from widgets.benches.parts import button, column, is_shown, layout, line, show, style, words

_WIDE = {"flex": "1 1 auto", "width": "auto"}
_LABEL = {"description_width": "104px"}


_SERIES = (1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8)  # ten round numbers a decade (Renard's R10)


def positions(parameter: Parameter) -> np.ndarray:
    """The values where a slider stops: round numbers between the bounds, and the bounds."""
    low, high = parameter.low, parameter.high
    if parameter.log:
        decades = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        grid = np.outer(decades, _SERIES).ravel()
    else:
        step = nice_step(high - low)
        step = max(1.0, step) if parameter.kind == "int" else step
        grid = np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step
    # rounded here and not later: 15 * 0.02 is not the bound 0.3, and a bound such as 2/3 must stay what it is
    grid = np.array([float(f"{value:.10g}") for value in grid])
    grid = np.concatenate([[low], grid[(grid > low) & (grid < high)], [high]])
    return np.unique(np.round(grid)) if parameter.kind == "int" else grid


def nice_step(span: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is at most span/100."""
    power = 10.0 ** math.floor(math.log10(span / 100))
    return max(m * power for m in (1, 2, 5) if m * power <= span / 100 * (1 + 1e-9))


def shown(value: Any) -> str:
    """A value as a person writes it: 100000, 0.15, relu."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


class Control:
    """The widgets of one parameter.

    `changed(name, value)` is called when a person moves it; `typed(name, text)` when a person types, unchecked.
    """

    def __init__(self, parameter: Parameter, changed: Callable[[str, Any], None], typed: Callable[[str, str], None]):
        self.parameter = parameter
        self._changed, self._typed = changed, typed
        self._quiet = False
        name = parameter.name.replace("_", " ")
        tip = {"tooltip": f"{parameter.description} ({parameter.allowed})"}
        self._slider = self._box = self._choice = None
        if parameter.kind == "choice":
            look = {"layout": layout(**_WIDE), "style": style(w.Dropdown, **_LABEL)}
            self._choice = w.Dropdown(options=list(parameter.choices), description=name, **look, **tip)
            parts = [self._choice]
        elif parameter.kind == "bool":
            look = {"layout": layout(**_WIDE), "style": style(w.Checkbox, **_LABEL)}
            self._choice = w.Checkbox(description=name, **look, **tip)
            parts = [self._choice]
        elif parameter.name == "seed":
            self._box = line(name, label_width="104px", size=_WIDE, continuous_update=False, **tip)
            # the die is a person's hand, not part of an experiment: its throw becomes the seed that is shown
            throw = lambda: self._report(int(np.random.default_rng().integers(1000)))  # noqa: E731
            die = button("", "random", "Throw the die: another seed", throw, width="38px")
            parts = [self._box, die]
        else:
            # The slider moves over positions in a grid. Moving over values, the browser would round a typed value to
            # the nearest stop and send that back.
            self._grid = positions(parameter)
            self._slider = w.IntSlider(
                min=0,
                max=len(self._grid) - 1,
                readout=False,
                description=name,
                layout=layout(**_WIDE, min_width="120px"),
                style=style(w.IntSlider, **_LABEL),
                **tip,
            )
            self._box = line(size={"width": "76px"}, continuous_update=False, **tip)
            parts = [self._slider, self._box]
        self.row = w.HBox(parts, layout=layout())
        self.row.add_class("labcore-control")
        self.show(parameter.default)
        if self._slider is not None:
            self._slider.observe(self._slid, "value")
        if self._choice is not None:
            self._choice.observe(lambda change: self._heard(self._changed, change["new"]), "value")
        if self._box is not None:
            self._box.observe(lambda change: self._heard(self._typed, change["new"]), "value")

    def _heard(self, report: Callable[[str, Any], None], value: Any) -> None:
        if not self._quiet:
            report(self.parameter.name, value)

    def _slid(self, change: dict) -> None:
        if not self._quiet:
            value = self._grid[change["new"]]
            self._report(round(value) if self.parameter.kind == "int" else float(value))

    def _report(self, value: Any) -> None:
        self._quiet = True
        if self._box is not None:
            self._box.value = shown(value)
        self._quiet = False
        self._changed(self.parameter.name, value)

    def show(self, value: Any) -> None:
        """Move the widgets to a value without reporting a change."""
        self._quiet = True
        if self._slider is not None:
            scale = np.log if self.parameter.log else np.asarray
            self._slider.value = int(np.abs(scale(self._grid) - scale(value)).argmin())
        if self._box is not None:
            self._box.value = shown(value)
        if self._choice is not None:
            self._choice.value = value
        self._quiet = False

    def set_enabled(self, enabled: bool) -> None:
        for part in self.row.children:
            part.disabled = not enabled

    def set_visible(self, visible: bool) -> None:
        show(self.row, visible)


def _heading(text: str, members: list[w.Widget]) -> w.HTML:
    """The heading of a group, hidden while all of the group is."""
    heading = words(f'<div class="labcore-group">{text}</div>')

    def follow(_: Any = None) -> None:
        show(heading, any(map(is_shown, members)))

    for row in members:
        row.observe(follow, "_dom_classes")
    follow()
    return heading


def control_panel(controls: list[Control]) -> w.VBox:
    """The controls in a column, under the headings of their groups, in the signature's order."""
    groups: dict[str, list[w.Widget]] = {}
    for control in controls:
        groups.setdefault(control.parameter.group, []).append(control.row)
    rows: list[w.Widget] = []
    for group, members in groups.items():
        if group:
            rows.append(_heading(group, members))
        rows.extend(members)
    return column(rows, "labcore-controls")
