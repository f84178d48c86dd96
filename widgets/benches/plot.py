"""A live plotly figure whose whole specification is one synced trait.

Why not `plotly.graph_objects.FigureWidget`: measured under Voila (see tests/benchmarks/bench_slider.py) it sends each
update as two messages, gets two back, and carries 4.9 MB of JavaScript per figure; changes made between construction
and the first connection are lost. Here a figure costs one message an update, and plotly.js travels once a kernel; the
whole of it only for figures in three dimensions, on maps and the like.
"""

from __future__ import annotations

import base64
import functools
import gzip
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import traitlets

Spec = dict[str, Any]


# What the small plotly.js draws: it is a third of the whole, and is compiled in a third of the time.
CARTESIAN = frozenset(
    "bar box contour heatmap histogram histogram2d histogram2dcontour image pie scatter scatterternary violin".split()
)
LIBRARIES = ("cartesian", "whole")


class _PlotlyLibrary(anywidget.AnyWidget):
    """plotly.js, compressed, held by a model that all figures of a kernel point to who need it.

    It has nothing to show. But where a notebook is saved with the state of its widgets, ipywidgets' own models write
    an empty object for bytes, and those of anywidget write the bytes.
    """

    _esm = "export default {};"
    name = traitlets.Enum(LIBRARIES).tag(sync=True)
    source = traitlets.Bytes().tag(sync=True)


@functools.cache
def plotly_js(library: str) -> bytes:
    """plotly.js, compressed: the "cartesian" one, which comes with this package, or the "whole", with plotly's own."""
    import plotly

    whole = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    small = Path(__file__).parent / "vendor" / "plotly-cartesian.min.js"
    return gzip.compress({"cartesian": small, "whole": whole}[library].read_bytes(), compresslevel=6)


# in the environment of a kernel whose page brings plotly.js itself
PAGE_HAS_PLOTLY = "LABCORE_PAGE_HAS_PLOTLY"


def _library(spec: Spec) -> _PlotlyLibrary:
    """The library that draws this figure."""
    kinds = {trace.get("type", "scatter") for trace in spec.get("data", ())}
    return _library_named("cartesian" if kinds <= CARTESIAN else "whole")


@functools.cache
def _library_named(name: str) -> _PlotlyLibrary:
    return _PlotlyLibrary(name=name, source=b"" if os.environ.get(PAGE_HAS_PLOTLY) else plotly_js(name))


def jsonable(value: Any) -> Any:
    """A specification with its arrays in plotly's binary form (base64), which costs less to send than lists."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "fiu" and value.ndim <= 2:
            kind = {"f": "f8", "i": "i4", "u": "i4"}[value.dtype.kind]
            data = base64.b64encode(np.ascontiguousarray(value, dtype=kind).tobytes()).decode()
            return {"dtype": kind, "bdata": data, "shape": ", ".join(map(str, value.shape))}
        return value.tolist()
    if isinstance(value, Mapping):
        return {k: jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


class Plot(anywidget.AnyWidget):
    """The figure of `spec`, a dict of plotly `data` and `layout`, with `reading` as text under it.

    Colours "@ink", "@soft", "@grid", "@paper" and "@shade" follow the page's theme. A trace with
    `meta={"click": {"x": parameter}}`, or `{"click": {"sets": [values, ...]}}` for each of its points, reports clicks.
    A layout with `meta={"hands": [...]}` (`labcore.figure.hand`) lets points and lines be dragged. Both arrive as
    messages {"type": "set", "values": {...}}.
    """

    _esm = (
        _text("film.js")
        + _text("links.js")
        + _text("press.js")
        + _text("hands.js")
        + _text("inplace.js")
        + _text("plot.js")
    )  # one module: what anywidget loads can import nothing that is ours
    _css = _text("bench.css") + _text("film.css") + _text("hands.css")

    spec = traitlets.Dict().tag(sync=True)
    ghosts = traitlets.List(help="Traces that stand behind those of `spec`, and behind each frame of a film.").tag(
        sync=True
    )
    film = traitlets.Dict(help="Which frame of which run `spec` is, and how many there are; {} if of none.").tag(
        sync=True
    )
    hands = traitlets.Dict(help="What the page must know of each parameter that a hand can move; {} for none.").tag(
        sync=True
    )
    stale = traitlets.Bool(help="Whether the figure does not belong to the controls any more.").tag(sync=True)
    covered = traitlets.Bool(help="Whether a question is to be answered before the curves are shown.").tag(sync=True)
    reading = traitlets.Unicode().tag(sync=True)
    drawn = traitlets.Int(help="How many figures were shown: a page tells by it whether it missed one.").tag(sync=True)
    bench_id = traitlets.Unicode(help="The name by which links mean this figure's bench.").tag(sync=True)
    library = traitlets.Instance(_PlotlyLibrary).tag(sync=True, **ipywidgets.widget_serialization)

    def __init__(self, spec: Spec, reading: str = "", **kwargs: Any):
        super().__init__(spec=jsonable(spec), reading=reading, library=_library(spec), **kwargs)

    def show(self, spec: Spec, reading: str, film: Mapping[str, Any] | None = None) -> None:
        """Replace the figure and its reading, in one message; `film` says which frame it is (see `Film`)."""
        with self.hold_sync():
            self.spec = jsonable(spec)
            self.library = _library(spec)
            self.reading = reading
            self.film = dict(film or {})
            self.drawn += 1

    def library_of(self, spec: Spec) -> str:
        """What `library` is on the page when this figure is shown."""
        return f"IPY_MODEL_{_library(spec).model_id}"

    def show_again(self, drawn: int) -> None:
        """Send the figure again to a page that made its model when `drawn` figures had been shown, if it missed one."""
        if drawn != self.drawn:
            self.send_state(["spec", "library", "reading", "film", "drawn"])
