"""What all views share: colours that colour-blind readers tell apart, and small builders of traces and layouts.

A paper's `view.py` holds one pure function an experiment, of the same name. It takes a frame and returns a plotly
specification, `{"data": [...], "layout": {...}}`: a plain dict that `plotly.graph_objects.Figure` accepts, but that
costs a hundredth of one, so that a figure can follow a slider.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from labcore.experiment import Experiment

# Okabe and Ito's palette, the blue lightened to hold on a dark page as well.
BLUE, ORANGE, GREEN, RED, SKY, PURPLE = "#2f86c9", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7"
INK, SOFT, GRID, PAPER, SHADE = "@ink", "@soft", "@grid", "@paper", "@shade"

# axes that only place things: without lines and numbers, but with room for a title; or not to be seen at all
BARE = {"showticklabels": False, "showgrid": False, "zeroline": False, "ticks": ""}
HIDDEN = {"visible": False, "showgrid": False, "zeroline": False}

PAPER_COLOURS = {INK: "#1f2328", SOFT: "#6b7280", GRID: "#e3e6ea", PAPER: "#ffffff", SHADE: "rgba(107,114,128,0.10)"}


def curve(
    x: Any, y: Any, name: str, color: str, *, axes: str = "", pin: bool = False, click: dict | None = None, **more: Any
) -> dict:
    """A line trace. `axes` is the plotly suffix of its axes ("", "2", ...); `pin` marks it as worth keeping.

    A line of one point is a dot, or nothing would be seen of it.
    """
    meta = {"pin": True} if pin else {}
    if click:
        meta["click"] = click
    mode = "lines+markers" if len(x) == 1 else "lines"
    trace = {"type": "scatter", "mode": mode, "x": x, "y": y, "name": name, "xaxis": f"x{axes}", "yaxis": f"y{axes}"}
    trace |= {"line": {"color": color, "width": 2.5}, "meta": meta, "showlegend": False}
    return trace | more


def bundle(x: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Many curves over the same x as one, with gaps between them: x (P,), ys (S, P) -> two arrays (S * (P + 1),)."""
    gap = np.full((len(ys), 1), np.nan)
    return np.tile(np.append(x, np.nan), len(ys)), np.hstack([ys, gap]).ravel()


def label(x: float, y: float, text: str, color: str = INK, *, axes: str = "", **more: Any) -> dict:
    """A direct label at a point in data coordinates (give log10 on a log axis, as plotly wants)."""
    note = {"x": x, "y": y, "text": text, "showarrow": False, "font": {"color": color}}
    return note | {"xref": f"x{axes}", "yref": f"y{axes}"} | more


def note(x: float, y: float, text: str, color: str = INK, *, axes: str = "", **more: Any) -> dict:
    """A label at a place of a panel, from (0, 0) at its lower left to (1, 1), whatever its axes show."""
    return label(x, y, text, color, xref=f"x{axes} domain", yref=f"y{axes} domain") | more


def headline(layout: Mapping[str, Any], *lines: str) -> dict[str, Any]:
    """A layout with what its picture shows in plain words above it, in room of its own.

    A page that is too narrow for a line breaks it.
    """
    margin = layout.get("margin", {})
    top, room = margin.get("t", 24), 10 + 21 * len(lines)
    words = {"x": 0, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "align": "left"}
    words |= {"name": "headline", "text": "<br>".join(lines), "showarrow": False, "yshift": top}
    words |= {"font": {"color": INK, "size": 16}}
    more = {"height": layout.get("height", 420) + room, "margin": {**margin, "t": top + room}}
    return {**layout, **more, "annotations": [*layout.get("annotations", ()), words]}


def apart(heights: Sequence[float] | np.ndarray, gap: float, top: float = np.inf) -> list[float]:
    """Heights of labels, moved up where two would be nearer than `gap`; then all moved down to stay under `top`."""
    out, last = [0.0] * len(heights), -np.inf
    for i in np.argsort(heights, kind="stable"):
        last = out[i] = max(float(heights[i]), last + gap)
    return [height - max(0.0, last - top) for height in out] if out else out


def segments(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Straight lines as one curve with gaps: start, end (S, 2) -> x, y (3 S,)."""
    points = np.stack([start, end, np.full_like(start, np.nan)], axis=1).reshape(-1, 2)
    return points[:, 0], points[:, 1]


def sheet(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Pictures (n, h, w) side by side in one array, row after row, with a gap of missing values between them."""
    n, h, w = pictures.shape
    rows = -(-n // columns)
    out = np.full((rows * (h + 1) - 1, columns * (w + 1) - 1), np.nan)
    for i, picture in enumerate(pictures):
        r, c = divmod(i, columns)
        out[r * (h + 1) : r * (h + 1) + h, c * (w + 1) : c * (w + 1) + w] = picture
    return out


def image(z: np.ndarray, axes: str, scale: Any, low: float, high: float, **more: Any) -> dict:
    """A heat map (h, w) from `low` to `high` without a bar; missing values are gaps."""
    trace = {"type": "heatmap", "z": z, "zmin": low, "zmax": high, "colorscale": scale, "showscale": False}
    return trace | {"xaxis": f"x{axes}", "yaxis": f"y{axes}", "hoverinfo": "skip"} | more


def inward(x: float, low: float, high: float) -> str:
    """The xanchor of a label at x on a panel from `low` to `high`: near an end it points away from that end."""
    place = (x - low) / (high - low)
    return "left" if place < 0.2 else "right" if place > 0.8 else "center"


def title_of(of: str | xr.DataArray) -> str:
    """An axis title: words, or the long name of a frame's variable with its units."""
    if isinstance(of, str):
        return of
    name, units = of.attrs["long_name"], of.attrs["units"]
    return f"{name} ({units})" if units else name


def axis(title: str | xr.DataArray, **more: Any) -> dict:
    """An axis titled with words, or with the name and units that a frame's variable has: `axis(frame.time)`."""
    return {"title": {"text": title_of(title)}} | more


def log_axis(title: str | xr.DataArray, **more: Any) -> dict:
    """A log axis labelled in powers of ten, readable when the range is less than a decade too."""
    minor = {"ticks": "outside", "showgrid": False}
    return axis(title, type="log", exponentformat="power", dtick=1, minor=minor) | more


def vertical(x: float, color: str = SOFT, dash: str = "dot", *, axes: str = "", width: float = 1.5) -> dict:
    """A vertical line over the whole height of one panel."""
    return {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "xref": f"x{axes}",
        "yref": f"y{axes} domain",
        "line": {"color": color, "width": width, "dash": dash},
    }


def horizontal(y: float, color: str = SOFT, dash: str = "dot", *, axes: str = "", width: float = 1.5) -> dict:
    """A horizontal line over the whole width of one panel."""
    ends = {"x0": 0, "x1": 1, "y0": y, "y1": y, "xref": f"x{axes} domain", "yref": f"y{axes}"}
    return {"type": "line", "line": {"color": color, "width": width, "dash": dash}} | ends


def scale(parameter: str, places: Sequence[float] | np.ndarray, values: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """A parameter whose value is not its place itself: where some of its values stand, for `hand`.

    Between them, and beyond the outer ones, places and values go in straight lines. Raises ValueError unless both are
    as many, two at least, and each only rises or only falls.
    """
    places, values = np.asarray(places, float), np.asarray(values, float)
    if places.shape != values.shape or places.ndim != 1 or len(places) < 2:
        raise ValueError(
            f"{parameter}: {places.shape} places for {values.shape} values; there must be as many, 2 or more"
        )
    for name, steps in (("places", np.diff(places)), ("values", np.diff(values))):
        if not ((steps > 0).all() or (steps < 0).all()):
            raise ValueError(f"{parameter}: the {name} must only rise, or only fall")
    return {"parameter": parameter, "places": places, "values": values}


def hand(
    x: float | None,
    y: float | None,
    *,
    across: str | dict[str, Any] = "",
    up: str | dict[str, Any] = "",
    around: str | dict[str, Any] = "",
    centre: tuple[float, float] = (0.0, 0.0),
    axes: str = "",
    color: str = INK,
    sets: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A place of a picture that means parameters, to be dragged; a layout has it in `meta={"hands": [...]}`.

    Without y it is the vertical line at x, without x the horizontal one at y, over the whole panel. `across` is the
    parameter that the place along x means, `up` the one along y: its name where the place is its value, else a `scale`.
    Places are in the units of the axes, also on a log axis. `sets` are values that dragging it sets besides.
    A hand on a circle means one parameter by its angle, `around` its `centre`, in radians against the clock from the
    right; what is a full turn further is the same place.

    Raises ValueError for a hand that moves nothing, or along an axis on which it has no place, or in both ways.
    """
    if not across and not up and not around:
        raise ValueError("a hand needs a parameter, across, up or around")
    if around and (across or up or None in (x, y) or (x, y) == centre):
        raise ValueError("a hand that goes around moves in no other way, and stands beside its centre")
    for place, means, letter in ((x, across, "x"), (y, up, "y")):
        if means and place is None:
            raise ValueError(f"a hand that means {means!r} along {letter} needs a place there")
    made = {"x": x, "y": y, "axes": axes, "color": color}
    made |= {key: value for key, value in (("across", across), ("up", up), ("sets", sets)) if value}
    made |= {"around": around, "centre": list(centre)} if around else {}
    return made


def values_of(frame: xr.Dataset) -> dict[str, Any]:
    """The parameters that a frame was made with."""
    return json.loads(frame.attrs["parameters"])


def on_paper(value: Any, colours: Mapping[str, str] = PAPER_COLOURS) -> Any:
    """A specification with the page's colours replaced by those of white paper, or by others, for static output."""
    if isinstance(value, str):
        return colours.get(value, value)
    if isinstance(value, dict):
        return {k: on_paper(v, colours) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [on_paper(v, colours) for v in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "OU":
        return on_paper(value.tolist(), colours)
    return value


def view_of(experiment: Experiment) -> Callable[[xr.Dataset], dict[str, Any]]:
    """The view of an experiment. Raises LookupError when there is none."""
    return experiment.view
