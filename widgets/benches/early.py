"""A bench as a page shows it before any script has come and its kernel has answered: its picture, and where its parts
will be.

It is made of the widgets of a bench that has its first figure, and shows what these would: of a bench that asks
something first, no more than its page shows.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from widgets.benches.parts import is_shown
from widgets.benches.plot import Plot, Spec
from widgets.benches.sketch import Canvas
from widgets.svg.draw import HEIGHT, svg

MOST = 300_000  # letters of one picture; a page holds several, and a larger one comes with its kernel

# classes by which a page's scripts hear what is pressed
_HEARD = ("labcore-commit", "labcore-skip")


def style() -> str:
    """The look of what `early` gives, as CSS."""
    here = Path(__file__).parent
    return "".join((here / name).read_text(encoding="utf-8") for name in ("bench.css", "film.css", "early.css"))


def early(bench: w.Box) -> str:
    """The bench as HTML in which nothing can be moved; "" where its picture cannot be drawn so, or is too large."""
    plot = next((part for part in _parts(bench) if isinstance(part, Plot)), None)
    if plot is None or not plot.spec["data"]:
        return ""
    try:
        picture = svg(_with_arrays(plot.spec), label=plot.reading)
    except ValueError:  # of a kind of trace that only plotly draws
        return ""
    return _html(bench, _figure(plot, picture), "labcore-early") if len(picture) <= MOST else ""


def _parts(widget: w.Widget) -> list[w.Widget]:
    return [widget, *(part for child in getattr(widget, "children", ()) for part in _parts(child))]


def _figure(plot: Plot, picture: str) -> str:
    height = plot.spec.get("layout", {}).get("height") or HEIGHT
    film = '<div class="labcore-film"></div>' if plot.film.get("last") else ""
    return (
        f'<div class="labcore-held"><div class="labcore-figure" style="height: {height}px">{picture}</div>{film}</div>'
        f'<p class="labcore-reading">{escape(plot.reading)}</p>'
    )


def _html(widget: w.Widget, figure: str, more: str = "") -> str:
    """A widget as HTML, with the classes by which the page's style sheets lay it out."""
    if isinstance(widget, w.DOMWidget) and not is_shown(widget):
        return ""
    if isinstance(widget, Plot):
        inside = figure
    elif isinstance(widget, w.Box):
        inside = "".join(_html(child, figure) for child in widget.children)
    elif isinstance(widget, w.HTML):
        inside = widget.value
        more += " widget-html" if inside else " labcore-hidden"
    elif isinstance(widget, w.RadioButtons):
        inside = "".join(f"<span>{escape(str(option))}</span>" for option in widget.options)
        more += " labcore-early-options"
    elif isinstance(widget, (w.Button, w.ToggleButton)):
        inside = escape(widget.description or "\N{MIDDLE DOT}")
        more += f" labcore-early-button{' mod-primary' if widget.button_style else ''}"
        more += " labcore-early-off" if widget.disabled else ""
    elif isinstance(widget, w.IntSlider):
        share = (widget.value - widget.min) / max(widget.max - widget.min, 1)
        return _label(widget) + f'<span class="labcore-early-slider"><i style="left: {share:.1%}"></i></span>'
    elif isinstance(widget, w.Text):
        return _label(widget) + f'<span class="labcore-early-box">{escape(widget.value)}</span>'
    elif isinstance(widget, w.Dropdown):
        return _label(widget) + f'<span class="labcore-early-choice">{escape(widget.label or "")}</span>'
    elif isinstance(widget, w.Checkbox):
        return _label(widget)
    elif isinstance(widget, w.FloatProgress):
        inside, more = "", " labcore-early-bar"
    elif isinstance(widget, Canvas):  # its script draws it
        inside, more = "", f"{more} labcore-early-canvas"
    else:
        return ""
    classes = [name for name in widget._dom_classes if name not in _HEARD]
    return f'<div class="{" ".join([*classes, *more.split()])}">{inside}</div>'


def _label(widget: w.Widget) -> str:
    return f'<span class="widget-label">{widget.description}</span>' if widget.description else ""


def _with_arrays(spec: Spec) -> Any:
    """A specification as a view made it: its arrays are synced in plotly's binary form."""
    if isinstance(spec, Mapping):
        if "bdata" in spec:
            shape = [int(n) for n in spec["shape"].split(",")]
            return np.frombuffer(base64.b64decode(spec["bdata"]), spec["dtype"]).reshape(shape)
        return {k: _with_arrays(v) for k, v in spec.items()}
    return [_with_arrays(v) for v in spec] if isinstance(spec, (list, tuple)) else spec
