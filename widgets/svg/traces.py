"""Curves, points, words and bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from widgets.svg import marks
from widgets.svg.axes import Axis, numbers
from widgets.svg.fields import colours_of

MANY = 400  # points of one colour and size from which on they are one path of dots


def listed(value: Any, k: int) -> Any:
    """The k-th of a list, or the one value for all."""
    if isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value):
        return value[k % len(value)] if len(value) else None
    return value


def places(trace: Mapping[str, Any]) -> tuple[Any, Any]:
    """What a trace has along x and y; it counts where one of them is missing."""
    x, y = trace.get("x"), trace.get("y")
    if x is None and y is not None:
        x = np.arange(len(y)) * trace.get("dx", 1) + trace.get("x0", 0)
    if y is None and x is not None:
        y = np.arange(len(x)) * trace.get("dy", 1) + trace.get("y0", 0)
    return ([] if x is None else x), ([] if y is None else y)


def stepped(x: np.ndarray, y: np.ndarray, shape: str) -> tuple[np.ndarray, np.ndarray]:
    """A line that goes in steps: "hv" across and then up, "hvh" up halfway, "vh" up and then across."""
    if len(x) < 2 or shape not in ("hv", "hvh", "vh", "vhv"):
        return x, y
    if shape == "hv":
        return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    if shape == "vh":
        return np.repeat(x, 2)[:-1], np.repeat(y, 2)[1:]
    middle = (x[1:] + x[:-1]) / 2
    return np.concatenate([x[:1], np.repeat(middle, 2), x[-1:]]), np.repeat(y, 2)


def scatter(trace: Mapping[str, Any], x: Axis, y: Axis, before: tuple[np.ndarray, np.ndarray] | None) -> str:
    """A scatter trace. `before` are the pixels of the one below it in its stack, or of the one that it fills to."""
    gx, gy = places(trace)
    px, py = x.place(gx), y.place(gy)
    n = min(len(px), len(py))
    px, py = px[:n], py[:n]
    line = trace.get("line") or {}
    mode = trace.get("mode") or ("lines+markers" if n < 20 else "lines")
    opacity = float(trace.get("opacity", 1))
    out = []
    lx, ly = stepped(px, py, line.get("shape", "linear"))
    fill = trace.get("fill") or ("tonexty" if trace.get("stackgroup") else "none")
    if fill != "none":
        out.append(_filled(trace, lx, ly, x, y, fill, before))
    width = float(line.get("width", 2))
    if "lines" in mode and width > 0:
        look = marks.stroke(line, colour=line.get("color", "@ink"))
        path = marks.polyline(lx, ly)
        if path:
            out.append(marks.element("path", d=path, fill="none", stroke_linejoin="round", **look))
    if "markers" in mode:
        out.append(dots(trace, px, py, line.get("color", "@ink")))
    if "text" in mode:
        out.append(_texts(trace, px, py))
    made = "".join(out)
    return marks.element("g", made, opacity=opacity) if opacity != 1 and made else made


def _filled(trace: Mapping, lx: np.ndarray, ly: np.ndarray, x: Axis, y: Axis, fill: str, before: Any) -> str:
    colour = trace.get("fillcolor")
    look = (
        marks.paint("fill", colour)
        if colour
        else marks.paint("fill", (trace.get("line") or {}).get("color", "@soft"), 0.5)
    )
    parts = []
    if fill == "tonexty" and before is not None:
        bx, by = before
        ok, under = np.isfinite(lx + ly), np.isfinite(bx + by)
        ring = [*marks.points(lx[ok], ly[ok]), *marks.points(bx[under], by[under])[::-1]]
        parts.append("M" + "L".join(ring) + "Z")
    else:
        ground = lambda axis: axis.pixels[0] if axis.log else float(axis.at(0.0))  # noqa: E731
        for piece in marks.pieces(lx + ly):
            ax, ay = lx[piece], ly[piece]
            if fill in ("tozeroy", "tonexty"):
                ax, ay = np.concatenate([ax[:1], ax, ax[-1:]]), np.concatenate([[ground(y)], ay, [ground(y)]])
            elif fill in ("tozerox", "tonextx"):
                ax, ay = np.concatenate([[ground(x)], ax, [ground(x)]]), np.concatenate([ay[:1], ay, ay[-1:]])
            parts.append("M" + "L".join(marks.points(ax, ay)) + "Z")
    return marks.element("path", d="".join(parts), stroke="none", **look) if parts else ""


def dots(trace: Mapping[str, Any], px: np.ndarray, py: np.ndarray, colour: Any) -> str:
    """The markers of a trace at these pixels."""
    marker = trace.get("marker") or {}
    edge = marker.get("line") or {}
    size, shape, opacity = marker.get("size", 6), marker.get("symbol", "circle"), marker.get("opacity", 1)
    colours = marker.get("color", colour)
    if isinstance(colours, (list, tuple, np.ndarray)) and len(colours) and not isinstance(colours[0], str):
        colours = colours_of(numbers(colours), marker)
    groups: dict[tuple, list[int]] = {}
    for k in np.flatnonzero(np.isfinite(px + py)).tolist():
        kind = (listed(colours, k), listed(size, k), listed(shape, k) or "circle", listed(opacity, k))
        kind += (listed(edge.get("color", "@ink"), k), listed(edge.get("width", 0), k))
        groups.setdefault(tuple(v.item() if isinstance(v, np.generic) else v for v in kind), []).append(k)
    out = []
    for (fill, wide, form, faint, rim, rim_width), members in groups.items():
        wide, faint = float(wide or 0), float(1 if faint is None else faint)
        if wide <= 0 or fill is None:
            continue
        open_ = "-open" in str(form) or str(form).startswith("line-")
        outline = float(rim_width or 0)
        if open_:
            look = {
                "fill": "none",
                **marks.paint("stroke", rim if str(form).startswith("line-") and "-open" not in form else fill),
            }
            look |= {"stroke_width": outline or 1.5}
        else:
            look = marks.paint("fill", fill)
            look |= {**marks.paint("stroke", rim), "stroke_width": outline} if outline else {}
        look |= {"opacity": faint} if faint != 1 else {}
        if form == "circle" and not outline and len(members) > MANY:
            path = "".join(f"M{point}h0" for point in dict.fromkeys(marks.points(px[members], py[members])))
            round_ = {"fill": "none", "stroke_linecap": "round", "stroke_width": wide, **marks.paint("stroke", fill)}
            out.append(marks.element("path", d=path, opacity=faint if faint != 1 else None, **round_))
            continue
        turns = _headings(px, py) if marker.get("angleref") == "previous" else None
        many = [
            marks.symbol(str(form), px[k], py[k], wide, turned=turns[k] if turns is not None else 0) for k in members
        ]
        out.append(marks.element("g", *many, **look))
    return "".join(out)


def _headings(px: np.ndarray, py: np.ndarray) -> np.ndarray:
    """Degrees, clockwise from up, from the point before each one to it."""
    dx, dy = np.diff(px, prepend=px[:1]), np.diff(py, prepend=py[:1])
    return np.degrees(np.arctan2(dx, -dy))


_SIDES = {"left": ("end", -1), "right": ("start", 1), "center": ("middle", 0)}


def _texts(trace: Mapping[str, Any], px: np.ndarray, py: np.ndarray) -> str:
    font, marker = trace.get("textfont") or {}, trace.get("marker") or {}
    out = []
    for k in np.flatnonzero(np.isfinite(px + py)).tolist():
        text = listed(trace.get("text", ""), k)
        if text is None or not str(text):
            continue
        up, _, side = (listed(trace.get("textposition", "middle center"), k) or "middle center").partition(" ")
        anchor, way = _SIDES.get(side or "center", ("middle", 0))
        away = float(listed(marker.get("size", 6), k) or 0) / 2 + 2 if "markers" in trace.get("mode", "") else 2
        upright, lift = {"top": ("bottom", -away), "bottom": ("top", away)}.get(up, ("middle", 0))
        out.append(
            marks.words(
                px[k] + way * away,
                py[k] + lift,
                text,
                size=float(listed(font.get("size", 13), k) or 13),
                colour=listed(font.get("color", "@ink"), k) or "@ink",
                anchor=anchor,
                upright=upright,
            )
        )
    return "".join(out)


# bars


def bar_places(
    traces: Sequence[Mapping[str, Any]], axes: Sequence[tuple[Axis, Axis]], layout: Mapping[str, Any]
) -> list:
    """Of each bar trace of one panel: its middles and widths along its axis, and its feet and tops across."""
    mode, gap = layout.get("barmode", "group"), float(layout.get("bargap", 0.2))
    out, stacks = [], {}
    side = len(traces) if mode == "group" else 1  # how many stand beside each other
    for number, (trace, (x, y)) in enumerate(zip(traces, axes)):
        flat = trace.get("orientation") == "h"
        given = places(trace)
        along, across = (y, x) if flat else (x, y)
        at, tall = along.values(given[1] if flat else given[0]), numbers(given[0] if flat else given[1])
        n = min(len(at), len(tall))
        at, tall = at[:n], tall[:n]
        apart = np.diff(np.unique(at[np.isfinite(at)]))
        room = float(apart.min()) if len(apart) else 1.0
        width = trace.get("width")
        if width is None:
            width = np.full(n, room * (1 - gap) / side)
            at = at + ((number - (side - 1) / 2) * room * (1 - gap) / side if side > 1 else 0)
        else:
            width = np.resize(numbers(width if np.ndim(width) else [width]), n)
        base = trace.get("base")
        foot = np.zeros(n) if base is None else np.resize(numbers(base if np.ndim(base) else [base]), n)
        if mode in ("stack", "relative"):
            for k in range(n):
                key = (round(float(at[k]), 6), mode == "relative" and tall[k] < 0)
                foot[k] = stacks.get(key, 0.0)
                stacks[key] = foot[k] + (0.0 if math.isnan(tall[k]) else tall[k])
        top = foot + tall
        if across.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                top = np.where(top > 0, np.log10(top), math.nan)
                foot = np.where(foot > 0, np.log10(foot), -math.inf)
        out.append((at, width, foot, top, flat))
    return out


def bars(trace: Mapping[str, Any], x: Axis, y: Axis, placed: tuple) -> str:
    at, width, foot, top, flat = placed
    along, across = (y, x) if flat else (x, y)
    a, b = along.at(at - width / 2), along.at(at + width / 2)
    foot = np.where(np.isfinite(foot), foot, across.span[0])
    c, d = across.at(foot), across.at(top)
    marker, out, over = trace.get("marker") or {}, [], []
    edge = marker.get("line") or {}
    for k in np.flatnonzero(np.isfinite(a + b + c + d)).tolist():
        (x0, x1), (y0, y1) = ((c[k], d[k]), (a[k], b[k])) if flat else ((a[k], b[k]), (c[k], d[k]))
        look = marks.paint("fill", listed(marker.get("color", "@soft"), k), float(listed(marker.get("opacity", 1), k)))
        outline = float(listed(edge.get("width", 0), k) or 0)
        look |= (
            {**marks.paint("stroke", listed(edge.get("color", "@ink"), k)), "stroke_width": outline} if outline else {}
        )
        size = {"width": round(abs(x1 - x0), 2), "height": round(abs(y1 - y0), 2)}
        out.append(marks.element("rect", x=round(min(x0, x1), 2), y=round(min(y0, y1), 2), **size, **look))
        if (text := listed(trace.get("text"), k)) not in (None, ""):
            over.append(_on_bar(trace, str(text), k, (x0, x1), (y0, y1), flat, listed(marker.get("color", "@soft"), k)))
    for name, axis, middle in (("error_y", y, x), ("error_x", x, y)):
        if bar := trace.get(name):
            over.append(_errors(bar, axis, middle, at, top))
    opacity = float(trace.get("opacity", 1))
    return marks.element("g", *out, *over, opacity=opacity if opacity != 1 else None) if out else ""


def _on_bar(trace: Mapping, text: str, k: int, xs: tuple, ys: tuple, flat: bool, colour: Any) -> str:
    font = trace.get("textfont") or {}
    size = float(listed(font.get("size", 12), k))
    wide, tall = marks.measured(text, size)
    fits = wide + 4 < abs(xs[1] - xs[0]) and tall < abs(ys[1] - ys[0])
    where = listed(trace.get("textposition", "auto"), k) or "auto"
    inside = where == "inside" or (where == "auto" and fits)
    known = marks.rgba(str(colour))
    on = (
        "#1f2328"
        if known and known[3] > 0.5 and sum(known[:3]) > 420
        else "#ffffff"
        if known and known[3] > 0.5
        else "@ink"
    )
    shade = listed(font.get("color"), k) or (on if inside else "@ink")
    if inside:
        if wide > abs(xs[1] - xs[0]) and not flat:
            size = max(size * abs(xs[1] - xs[0]) / wide, 6.0)
        return marks.words(sum(xs) / 2, sum(ys) / 2, text, size=size, colour=shade)
    if flat:
        right = xs[1] >= xs[0]
        return marks.words(
            xs[1] + (4 if right else -4), sum(ys) / 2, text, size=size, colour=shade, anchor="start" if right else "end"
        )
    up = ys[1] <= ys[0]
    return marks.words(
        sum(xs) / 2, ys[1] + (-3 if up else 3), text, size=size, colour=shade, upright="bottom" if up else "top"
    )


def _errors(bar: Mapping[str, Any], axis: Axis, middle: Axis, at: np.ndarray, top: np.ndarray) -> str:
    """The error bars around the tops, along `axis`."""
    if bar.get("visible") is False or bar.get("array") is None:
        return ""
    far = numbers(bar["array"])
    near = numbers(bar["arrayminus"]) if bar.get("arrayminus") is not None else far
    low, high, across = axis.at(top - near), axis.at(top + far), middle.at(at)
    path = ""
    for a, b, m in zip(low, high, across):
        if math.isfinite(a + b + m):
            ends = (f"M{m:.1f},{a:.1f}V{b:.1f}", f"M{m - 4:.1f},{a:.1f}h8M{m - 4:.1f},{b:.1f}h8")
            if axis.letter == "x":
                ends = (f"M{a:.1f},{m:.1f}H{b:.1f}", f"M{a:.1f},{m - 4:.1f}v8M{b:.1f},{m - 4:.1f}v8")
            path += "".join(ends)
    look = marks.paint("stroke", bar.get("color", "@ink"))
    return marks.element("path", d=path, fill="none", stroke_width=bar.get("thickness", 2), **look) if path else ""


def scatter_errors(trace: Mapping[str, Any], x: Axis, y: Axis) -> str:
    """The error bars of a scatter trace."""
    gx, gy = places(trace)
    vx, vy = x.values(gx), y.values(gy)
    out = _errors(trace["error_y"], y, x, vx, vy) if trace.get("error_y") else ""
    return out + (_errors(trace["error_x"], x, y, vy, vx) if trace.get("error_x") else "")
