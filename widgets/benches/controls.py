"""Controls: one parameter of an experiment as widgets, built from its signature and nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from html import escape
from typing import Any

import ipywidgets as w
import numpy as np

from labcore.experiment import Parameter
from widgets.benches.parts import button, column, is_shown, layout, line, show, style, words

_WIDE = {"flex": "1 1 auto", "width": "auto"}
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
        if parameter.step is not None:  # counted from the low end
            grid = low + np.arange(math.floor((high - low) / parameter.step + 1e-9) + 1) * parameter.step
    # rounded here and not later: 15 * 0.02 is not the bound 0.3, and a bound such as 2/3 must stay what it is
    grid = np.array([float(f"{value:.10g}") for value in grid])
    grid = np.concatenate([[low], grid[(grid > low) & (grid < high)], [high]])
    return np.unique(np.round(grid)) if parameter.kind == "int" else grid


def nice_step(span: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is at most span/100."""
    power = 10.0 ** math.floor(math.log10(span / 100))
    return max(m * power for m in (1, 2, 5) if m * power <= span / 100 * (1 + 1e-9))


def shown(value: Any) -> str:
    """A value as a person writes it: 10 million, 100000, 0.15, 1e-8, relu. `labcore.answers.taken` reads it back."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if 1e6 <= abs(value) < 1e12:
        count, word = (value / 1e9, "billion") if abs(value) >= 1e9 else (value / 1e6, "million")
        if float(f"{count:.3g}") == count:
            return f"{count:.3g} {word}"
        if value == int(value):
            return f"{int(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if isinstance(value, int):
        return str(value)
    return re.sub(r"e\+?(-?)0*", r"e\1", f"{value:.6g}")


def _marked(text: str) -> str:
    """A label as HTML, with the symbol after its words marked as one: it is smaller, and what follows "_" its index."""
    *before, last = text.split()
    if before and (len(last) == 1 or not last.isascii() or re.search(r"[\d_^()]", last)):
        # a label keeps few tags on its way to the page, and "sub" is not one of them
        symbol = re.sub(r"_(\w+)", r'<i class="labcore-index">\1</i>', escape(last))
        return f"{escape(' '.join(before))} <em>{symbol}</em>"
    return escape(text)


class Control:
    """The widgets of one parameter.

    `changed(name, value)` is called when a person moves it; `typed(name, text)` when a person types, unchecked.
    """

    def __init__(self, parameter: Parameter, changed: Callable[[str, Any], None], typed: Callable[[str, str], None]):
        self.parameter = parameter
        self._changed, self._typed = changed, typed
        self._quiet = False
        named = {"description": _marked(parameter.label), "description_allow_html": True}
        allowed = "" if parameter.kind == "choice" else f" ({parameter.allowed})"
        tip = {"tooltip": f"{parameter.description}{allowed}".strip()}
        self._slider = self._box = self._choice = None
        if parameter.kind == "choice":
            look = {"layout": layout(**_WIDE), "style": style(w.Dropdown)}
            options = [(parameter.word(choice), choice) for choice in parameter.choices]
            self._choice = w.Dropdown(options=options, **named, **look, **tip)
            parts = [self._choice]
        elif parameter.kind == "bool":
            look = {"layout": layout(**_WIDE), "style": style(w.Checkbox)}
            self._choice = w.Checkbox(indent=False, **named, **look, **tip)
            parts = [self._choice]
        elif parameter.kind == "text":
            self._box = line(named.pop("description"), size=_WIDE, continuous_update=False, **named, **tip)
            parts = [self._box]
        elif parameter.name == "seed":
            name = named.pop("description")
            self._box = line(name, size=_WIDE, continuous_update=False, **named, **tip)
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
                layout=layout(**_WIDE),
                style=style(w.IntSlider),
                **named,
                **tip,
            )
            self._box = line(size={"width": "104px"}, continuous_update=False, **tip)
            parts = [self._slider, self._box]
        self.row = w.HBox(parts, layout=layout())
        self.row.add_class("labcore-control")
        if parameter.kind == "text":
            self.row.add_class("labcore-typed")
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
            self._box.value = self.written(value)
        self._quiet = False
        self._changed(self.parameter.name, value)

    def written(self, value: Any) -> str:
        """A value as it stands in the box; a seed is a name, and no amount."""
        return str(value) if self.parameter.name == "seed" else shown(value)

    def show(self, value: Any) -> None:
        """Move the widgets to a value without reporting a change."""
        self._quiet = True
        if self._slider is not None:
            scale = np.log if self.parameter.log else np.asarray
            self._slider.value = int(np.abs(scale(self._grid) - scale(value)).argmin())
        if self._box is not None:
            self._box.value = self.written(value)
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


def control_panel(controls: list[Control], main: Collection[str]) -> list[w.Widget]:
    """The controls of the parameters named `main`, open; the others, folded under the headings of their groups.

    Both are in the signature's order. The page unfolds them by itself.
    """
    groups: dict[str, list[w.Widget]] = {}
    for control in controls:
        if control.parameter.name not in main:
            groups.setdefault(control.parameter.group, []).append(control.row)
    folded: list[w.Widget] = []
    for group, members in groups.items():
        if group:
            folded.append(_heading(group, members))
        folded.extend(members)
    large = column([c.row for c in controls if c.parameter.name in main], "labcore-main")
    if not folded:
        return [large]
    more = button("More", "sliders", "The other things that can be changed")
    more.add_class("labcore-opens")
    return [large, more, column(folded, "labcore-more")]
