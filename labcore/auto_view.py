"""The figure of a frame that nobody has written a view for.

A variable over one dimension is a line, or bars over words; those of the same dimension and units share a panel, one
colour each. Over two it is a heat map; over words and numbers one line a word; over (points, 2) a scatter. Over three
dimensions it is a row of pictures. Single numbers are bars.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import BARE, BLUE, GREEN, ORANGE, PURPLE, RED, SKY, axis, curve, image, sheet, title_of
from labcore.words import plain

_COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
_PANELS, _PICTURES = 4, 24
_DOTS = 12  # points of a line up to which each is marked
_SCALE = "Viridis"

# the suffix of its axes, and whether it is the only one -> traces, its x axis, its y axis
_Panel = Callable[[str, bool], tuple[list[dict], dict, dict]]


def auto_view(frame: xr.Dataset) -> dict[str, Any]:
    """A figure of all that the frame holds, up to four panels. Raises ValueError where none of it can be drawn."""
    panels = _panels(frame)
    if not panels:
        held = ", ".join(f"{name} {variable.shape}" for name, variable in frame.data_vars.items())
        raise ValueError(f"there is no figure for {held}; give one, view=function(frame)")
    many = min(len(panels), _PANELS)
    columns = 1 if many == 1 else 2
    rows = math.ceil(many / columns)
    data: list[dict] = []
    layout: dict[str, Any] = {"height": 420 if rows == 1 else 640}
    for number, panel in enumerate(panels[:many]):
        axes = "" if number == 0 else str(number + 1)
        traces, x, y = panel(axes, many == 1)
        row, column = divmod(number, columns)
        wide = [0, 1] if columns == 1 else [[0, 0.43], [0.57, 1]][column]
        tall = [0, 1] if rows == 1 else [[0.6, 1], [0, 0.4]][row]
        data += traces
        layout[f"xaxis{axes}"] = {"domain": wide, "anchor": f"y{axes}"} | x
        layout[f"yaxis{axes}"] = {"domain": tall, "anchor": f"x{axes}"} | y
    if sum(bool(trace.get("showlegend")) for trace in data) > 1:
        layout["legend"] = {"orientation": "h", "y": 1.02, "yanchor": "bottom"}
    else:
        data = [trace | {"showlegend": False} if "showlegend" in trace else trace for trace in data]
    return {"data": data, "layout": layout}


def _panels(frame: xr.Dataset) -> list[_Panel]:
    """What each panel draws, in the frame's order."""
    groups: dict[tuple, list[tuple[str, xr.DataArray]]] = {}
    for name in frame.data_vars:
        variable = frame[name]
        if variable.dtype.kind not in "fiub":
            continue
        units = variable.attrs.get("units", "")
        words = [d for d in variable.dims if d in variable.coords and variable[d].dtype.kind in "UO"]
        if variable.ndim == 0:
            groups.setdefault(("numbers", units), []).append((_title(variable), variable))
        elif variable.ndim == 1:
            groups.setdefault(("line", variable.dims, units), []).append((_title(variable), variable))
        elif variable.ndim == 2 and words:
            over = next(d for d in variable.dims if d != words[-1])
            lines = [(str(w), variable.isel({words[-1]: i})) for i, w in enumerate(variable[words[-1]].values)]
            groups[name, over] = lines
        elif variable.ndim in (2, 3):
            groups[name, "field"] = [(_title(variable), variable)]
    return [_panel(key, members) for key, members in groups.items()]


def _panel(key: tuple, members: list[tuple[str, xr.DataArray]]) -> _Panel:
    first = members[0][1]
    if key[0] == "numbers":
        return lambda axes, alone: _bars([n for n, _ in members], [float(v) for _, v in members], first, axes)
    if first.ndim == 1:
        return lambda axes, alone: _lines(members, axes)
    if first.ndim == 3:
        return lambda axes, alone: _pictures(first, axes, alone)
    return lambda axes, alone: _scatter(first, axes) if first.shape[1] == 2 else _field(first, axes, alone)


def _title(variable: xr.DataArray) -> str:
    return variable.attrs.get("long_name") or str(variable.name)


def _along(variable: xr.DataArray, dim: str) -> np.ndarray:
    """The values along a dimension, as plotly takes them."""
    values = variable[dim].values
    if values.dtype.kind in "mM":
        return values.astype(str)
    return values if values.dtype.kind in "fiu" else values.astype(str)


def _numbers(values: np.ndarray) -> np.ndarray:
    """As floats, with gaps where they are not finite."""
    values = np.asarray(values, dtype=float)
    return np.where(np.isfinite(values), values, np.nan)


def _axis_of(variable: xr.DataArray, dim: str, **more: Any) -> dict:
    along = variable[dim]
    return axis(along if "long_name" in along.attrs and "units" in along.attrs else str(dim), **more)


def _together(members: list[tuple[str, xr.DataArray]]) -> dict:
    """The axis of what several variables share."""
    first = members[0][1]
    if len(members) == 1 or len({_title(v) for _, v in members}) == 1:
        return axis(first)
    return axis(first.attrs.get("units") or "value")


def _lines(members: list[tuple[str, xr.DataArray]], axes: str) -> tuple[list[dict], dict, dict]:
    dim = members[0][1].dims[0]
    x = _along(members[0][1], dim)
    if x.dtype.kind in "UO":
        traces = [_bar(n, x, _numbers(v.values), _COLOURS[i % len(_COLOURS)], axes) for i, (n, v) in enumerate(members)]
    else:
        mode = {"mode": "lines+markers"} if len(x) <= _DOTS else {}
        traces = [
            curve(x, _numbers(v.values), n, _COLOURS[i % len(_COLOURS)], axes=axes, pin=True, showlegend=True, **mode)
            for i, (n, v) in enumerate(members)
        ]
    return traces, _axis_of(members[0][1], dim), _together(members)


def _bar(name: str, x: Any, y: Any, colour: str, axes: str) -> dict:
    trace = {"type": "bar", "x": x, "y": y, "name": name, "marker": {"color": colour}, "showlegend": True}
    return trace | {"xaxis": f"x{axes}", "yaxis": f"y{axes}"}


def _bars(names: list[str], values: list[float], first: xr.DataArray, axes: str) -> tuple[list[dict], dict, dict]:
    trace = _bar("", names, _numbers(np.array(values)), BLUE, axes) | {"showlegend": False}
    return [trace], axis(""), axis(first if len(names) == 1 else first.attrs.get("units") or "value")


def _field(variable: xr.DataArray, axes: str, alone: bool) -> tuple[list[dict], dict, dict]:
    rows, columns = variable.dims
    trace, name = _heat(_numbers(variable.values), variable, axes, alone)
    trace |= {"x": _along(variable, columns), "y": _along(variable, rows)}
    trace |= {"hoverinfo": "x+y+z", "name": _title(variable)}
    # rows that are only counted are those of a matrix, from the top
    down = {"autorange": "reversed"} if rows.startswith("row") else {}
    along = _axis_of(variable, columns)["title"]["text"]
    return [trace], axis(along if alone else f"{along}; {name}"), _axis_of(variable, rows, **down)


def _heat(z: np.ndarray, variable: xr.DataArray, axes: str, alone: bool) -> tuple[dict, str]:
    """A heat map, with a bar where it is the only panel; and what its colours are."""
    known = z[np.isfinite(z)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    high = high if high > low else low + 1.0
    name = title_of(variable) if "units" in variable.attrs else _title(variable)
    bar = {"showscale": True, "colorbar": {"title": {"text": name}, "thickness": 14}} if alone else {}
    return image(z, axes, _SCALE, low, high) | bar, f"{name} from {plain(low)} to {plain(high)}"


def _scatter(variable: xr.DataArray, axes: str) -> tuple[list[dict], dict, dict]:
    points, pair = _numbers(variable.values), _along(variable, variable.dims[1])
    trace = curve(points[:, 0], points[:, 1], _title(variable), BLUE, axes=axes, mode="markers")
    trace |= {"marker": {"color": BLUE, "size": 6, "opacity": 0.7}}
    names = [f"{_title(variable)} {v}" for v in (pair if pair.dtype.kind in "UO" else (1, 2))]
    return [trace], axis(names[0]), axis(names[1])


def _pictures(variable: xr.DataArray, axes: str, alone: bool) -> tuple[list[dict], dict, dict]:
    shown = _numbers(variable.values[:_PICTURES])
    columns = math.ceil(math.sqrt(len(shown) * 2)) if len(shown) > 3 else max(len(shown), 1)
    more = variable.shape[0] - len(shown)
    first = f", the first {len(shown)} of {variable.shape[0]}" if more else ""
    square = {"autorange": "reversed", "scaleanchor": f"x{axes}", "constrain": "domain"}
    z = sheet(shown, columns) if shown.size else np.zeros((1, 1))
    trace, name = _heat(z, variable, axes, alone)
    title = f"{_title(variable) if alone else name}{first}"
    return [trace], axis(title, constrain="domain", **BARE), axis("", **square, **BARE)
