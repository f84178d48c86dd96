"""What a layout places over the panels: shapes, annotations, and the legend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from widgets.svg import marks, traces
from widgets.svg.axes import Axis

_ACROSS = {"left": "start", "right": "end", "center": "middle"}


def _spot(
    axes: Mapping[str, Axis], plot: Mapping[str, float], letter: str, ref: str, value: Any, *, logarithm: bool
) -> float:
    """The pixel of a shape's or an annotation's place."""
    if ref == "paper":
        if letter == "x":
            return plot["left"] + float(value) * plot["wide"]
        return plot["top"] + (1 - float(value)) * plot["tall"]
    name, _, domain = ref.partition(" ")
    axis = axes[name]
    if domain:
        return axis.pixels[0] + float(value) * (axis.pixels[1] - axis.pixels[0])
    return axis.spot(value, logarithm=logarithm)


def shape_drawn(shape: Mapping[str, Any], axes: Mapping[str, Axis], plot: Mapping[str, float]) -> str:
    x0, x1, y0, y1 = (
        _spot(axes, plot, k[0], str(shape.get(f"{k[0]}ref", k[0])), shape.get(k, 0), logarithm=False)
        for k in ("x0", "x1", "y0", "y1")
    )
    if not all(map(math.isfinite, (x0, x1, y0, y1))):
        return ""
    line = shape.get("line") or {}
    look = marks.stroke(line, colour="@ink") if float(line.get("width", 2)) > 0 else {}
    opacity = {"opacity": shape["opacity"]} if shape.get("opacity") is not None else {}
    if shape["type"] == "line":
        return marks.element(
            "line", x1=round(x0, 1), y1=round(y0, 1), x2=round(x1, 1), y2=round(y1, 1), **look, **opacity
        )
    fill = marks.paint("fill", shape["fillcolor"]) if shape.get("fillcolor") else {"fill": "none"}
    if shape["type"] == "circle":
        round_ = dict(cx=(x0 + x1) / 2, cy=(y0 + y1) / 2, rx=abs(x1 - x0) / 2, ry=abs(y1 - y0) / 2)
        return marks.element("ellipse", **round_, **fill, **look, **opacity)
    box = dict(
        x=round(min(x0, x1), 1), y=round(min(y0, y1), 1), width=round(abs(x1 - x0), 1), height=round(abs(y1 - y0), 1)
    )
    return marks.element("rect", **box, **fill, **look, **opacity)


def clipped(drawn: str, shape: Mapping, axes: Mapping, name: str, panels: list) -> str:
    pair = tuple(str(shape.get(f"{k}ref", k)).partition(" ")[0][1:] for k in "xy")
    if "paper" in (shape.get("xref"), shape.get("yref")) or pair not in panels:
        return drawn
    return marks.element("g", drawn, clip_path=f"url(#{name}-{panels.index(pair)})")


def annotation(note: Mapping[str, Any], axes: Mapping[str, Axis], plot: Mapping[str, float]) -> str:
    refs = {k: str(note.get(f"{k}ref", "paper")) for k in "xy"}
    x, y = (_spot(axes, plot, k, refs[k], note.get(k, 0.5), logarithm=True) for k in "xy")
    if not (math.isfinite(x) and math.isfinite(y)):
        return ""
    font = note.get("font") or {}
    size, colour = float(font.get("size", 12)), font.get("color", "@ink")
    wide, tall = marks.measured(str(note["text"]), size)
    parts = []
    if note.get("showarrow", True):
        tx, ty = x + float(note.get("ax", -10)), y + float(note.get("ay", -30))
        away = 3.0
        long = math.hypot(tx - x, ty - y) or 1.0
        ux, uy = (tx - x) / long, (ty - y) / long
        look = {**marks.paint("stroke", note.get("arrowcolor", "@soft")), "stroke_width": 1, "fill": "none"}
        tip = (x + ux * away, y + uy * away)
        wing = [(tip[0] + 7 * ux + s * 3 * uy, tip[1] + 7 * uy - s * 3 * ux) for s in (1, -1)]
        head = f"M{wing[0][0]:.1f},{wing[0][1]:.1f}L{tip[0]:.1f},{tip[1]:.1f}L{wing[1][0]:.1f},{wing[1][1]:.1f}"
        parts.append(marks.element("path", d=f"M{tx:.1f},{ty:.1f}L{tip[0]:.1f},{tip[1]:.1f}{head}", **look))
        x, y = tx, ty
        anchor, upright = "middle", "bottom" if uy < -0.5 else "top" if uy > 0.5 else "middle"
    else:
        x, y = x + float(note.get("xshift", 0)), y - float(note.get("yshift", 0))
        side = note.get("xanchor", "auto")
        if side == "auto":
            on = note.get("x", 0.5) if refs["x"] == "paper" else 0.5
            side = "left" if on < 1 / 3 else "right" if on > 2 / 3 else "center"
        anchor = _ACROSS[side]
        upright = note.get("yanchor", "auto")
        if upright == "auto":
            on = note.get("y", 0.5) if refs["y"] == "paper" else 0.5
            upright = "bottom" if on < 1 / 3 else "top" if on > 2 / 3 else "middle"
        # plotly keeps a pixel of border and one of padding around a text
        x += {"start": 2, "end": -2, "middle": 0}[anchor]
        y += {"top": 3, "bottom": -3, "middle": 0}[upright]
    left = x - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
    top = y - {"top": 0, "middle": tall / 2, "bottom": tall}[upright]
    if note.get("bgcolor"):
        box = dict(x=round(left - 2, 1), y=round(top - 2, 1), width=round(wide + 4, 1), height=round(tall + 4, 1))
        parts.append(marks.element("rect", **box, **marks.paint("fill", note["bgcolor"])))
    align = note.get("align", "center")
    if len(marks.lines_of(str(note["text"]))) > 1 and _ACROSS[align] != anchor:
        # lines of one text stand under each other as `align` says, wherever the whole is held
        x = left + {"left": 0, "center": wide / 2, "right": wide}[align]
        anchor = _ACROSS[align]
    look = dict(size=size, colour=colour, opacity=float(note.get("opacity", 1)), turned=float(note.get("textangle", 0)))
    parts.append(marks.words(x, y, note["text"], anchor=anchor, upright=upright, **look))
    return "".join(parts)


def legend(data: list[Mapping], room: float) -> tuple[str, float] | None:
    """The names of traces that ask to be in a legend, row after row, and how tall that is; None where none does."""
    shown: dict[str, Mapping] = {}
    asked = [t for t in data if t.get("showlegend") and t.get("name")]
    for trace in asked:
        shown.setdefault(str(trace.get("legendgroup") or trace["name"]), trace)
    if not shown:
        return None
    x, y, out = 0.0, 12.0, []
    for trace in shown.values():
        name = str(trace["name"])
        wide = 34 + marks.measured(name, 12)[0] + 18
        if x and x + wide > room:
            x, y = 0.0, y + 20
        line, marker = trace.get("line") or {}, trace.get("marker") or {}
        if "lines" in (trace.get("mode") or "lines") and trace.get("type", "scatter") == "scatter":
            out.append(marks.element("line", x1=x, x2=x + 26, y1=y, y2=y, **marks.stroke(line, width=2)))
        else:
            colour = traces.listed(marker.get("color", line.get("color", "@ink")), 0)
            colour = colour if isinstance(colour, str) else "@soft"
            out.append(marks.element("rect", x=x + 6, y=y - 6, width=12, height=12, **marks.paint("fill", colour)))
        out.append(marks.words(x + 32, y, name, size=12, anchor="start"))
        x += wide
    return "".join(out), y + 14
