"""A specification as one picture: what is drawn in which order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from labcore.figure import on_paper
from widgets.svg import fields, marks, notes, places, space, traces
from widgets.svg.axes import Axis, words_of

WIDTH, HEIGHT = 860, 420
MARGIN = {"l": 64, "r": 16, "t": 24, "b": 48}

_NAME = "labcore-picture"  # of what a picture refers to in itself


def svg(spec: Mapping[str, Any], *, width: int = WIDTH, page: bool = True, label: str = "") -> str:
    """A figure, as wide as its place allows and `width` pixels where that does not say.

    With `page` the colours "@ink" and so on follow the page, by its variables --labcore-ink and so on; without, the
    picture has white paper of its own and stands for itself. `label` says it to those who do not see it.

    Raises ValueError for a trace of a kind, or on a colour scale, that is not known here.
    """
    spec = spec if page else on_paper(spec)
    data, layout = list(spec["data"]), dict(spec.get("layout") or {})
    margin = MARGIN | {k: v for k, v in (layout.get("margin") or {}).items() if k in MARGIN}
    height = float(layout.get("height") or HEIGHT)
    margin = places.margins(data, layout, margin)
    if legend := notes.legend(data, width - margin["l"] - margin["r"]):
        height += legend[1]
    plot = {"left": margin["l"], "top": margin["t"], "wide": width - margin["l"] - margin["r"], "height": height}
    plot["tall"] = height - margin["t"] - margin["b"] - (legend[1] if legend else 0)
    axes = places.axes_of(data, layout)
    bars = places.set_spans(data, layout, axes)
    places.set_places(axes, plot)
    for pair in bars:  # what stands in pixels needs the pixels
        bars[pair] = traces.bar_places(*places.bars_of(data, axes, pair), layout)
    name = _NAME
    panels = list(dict.fromkeys(places.panel_of(t) for t in data if t.get("type", "scatter") not in places.IN_SPACE))
    out: list[str] = []
    if not page:
        out.append(marks.element("rect", width=width, height=height, fill="#ffffff"))
    out.append(_clips(name, panels, axes))
    out += [_grid(axes, panels)]
    shapes = [(s, notes.shape_drawn(s, axes, plot)) for s in layout.get("shapes") or [] if s.get("visible", True)]
    out += [drawn for s, drawn in shapes if s.get("layer") == "below"]
    in_space = [(k, t) for k, t in enumerate(data) if t.get("type") in places.IN_SPACE]
    if in_space:
        out.append(space.scene(in_space, layout, plot))
    out += _traces(data, axes, panels, bars, name)
    out += [notes.clipped(drawn, s, axes, name, panels) for s, drawn in shapes if s.get("layer") != "below"]
    for axis in axes.values():
        if any(axis is axes[a + s] for pair in panels for a, s in zip("xy", pair)):
            other = axes[("y" if axis.letter == "x" else "x") + axis.other]
            left, bottom = other.pixels[0], other.pixels[0]
            if axis.letter == "x":
                bottom = max(other.pixels) if axis.spec.get("side") != "top" else min(other.pixels)
            else:
                left = min(other.pixels)
            out.append(words_of(axis, left, bottom, *axis.pixels, plot))
    for trace in data:
        if trace.get("type") in places.FIELDS and trace.get("showscale", True) and not places.lines_only(trace):
            out.append(fields.colour_bar(trace, np.asarray(trace["z"], dtype=float), plot))
    out += [notes.annotation(a, axes, plot) for a in layout.get("annotations") or [] if a.get("visible", True)]
    if legend:
        out.append(marks.element("g", legend[0], transform=f"translate({margin['l']} {height - legend[1]:.0f})"))
    drawn = "".join(out)
    # a page may hold many pictures, and each must find its own parts
    drawn = drawn.replace(_NAME, f"labcore-{hashlib.sha256(drawn.encode()).hexdigest()[:10]}")
    if not page:  # what this package adds in the page's colours, too
        drawn = re.sub(r"var\(--[a-z-]+, ((?:\([^)]*\)|[^()])*)\)", r"\1", drawn)
    said = f' aria-label="{escape(label, quote=True)}"' if label else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {marks.written(height)}" width="{width}" '
        f'height="{marks.written(height)}" role="img"{said} font-family="{marks.FONT}" font-size="13">{drawn}</svg>'
    )


def _clips(name: str, panels: list, axes: Mapping[str, Axis]) -> str:
    out = []
    for k, pair in enumerate(panels):
        box = places.box(axes, pair)
        out.append(marks.element("clipPath", marks.element("rect", **box), id=f"{name}-{k}"))
    return marks.element("defs", *out) if out else ""


def _grid(axes: Mapping[str, Axis], panels: list) -> str:
    path, zero = [], []
    for px, py in panels:
        x, y = axes["x" + px], axes["y" + py]
        for axis, other in ((x, y), (y, x)):
            if not axis.visible:
                continue
            a, b = other.pixels
            for value, _ in axis.ticks() if axis.spec.get("showgrid", True) else []:
                path.append(_across(axis, float(axis.at(value)), a, b))
            if (axis.spec.get("minor") or {}).get("showgrid"):
                path += [_across(axis, float(axis.at(v)), a, b) for v in axis.minor()]
            low, high = sorted(axis.span)
            if axis.spec.get("zeroline", True) and not axis.log and not axis.categories and low <= 0 <= high:
                zero.append(_across(axis, float(axis.at(0.0)), a, b))
    look = {"fill": "none", **marks.paint("stroke", "@grid")}
    drawn = [
        marks.element("path", d="".join(dict.fromkeys(p)), stroke_width=w, **look)
        for p, w in ((path, 1), (zero, 2))
        if p
    ]
    return "".join(drawn)


def _across(axis: Axis, at: float, a: float, b: float) -> str:
    return f"M{at:.1f},{a:.1f}V{b:.1f}" if axis.letter == "x" else f"M{a:.1f},{at:.1f}H{b:.1f}"


def _traces(data: list, axes: Mapping[str, Axis], panels: list, bars: Mapping, name: str) -> list[str]:
    """Each trace in a group of its own, cut at the borders of its panel; fields lie lowest, as plotly lays them."""
    out: list[tuple[int, int, str]] = []
    below: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}
    stacks: dict[tuple, np.ndarray] = {}
    seen: dict[tuple, int] = {}
    for number, trace in enumerate(data):
        kind = trace.get("type", "scatter")
        if kind in places.IN_SPACE:
            continue
        pair = places.panel_of(trace)
        x, y = axes["x" + pair[0]], axes["y" + pair[1]]
        if trace.get("visible") in (False, "legendonly"):
            continue
        if kind == "bar":
            k = seen[pair] = seen.get(pair, -1) + 1
            drawn = traces.bars(trace, x, y, bars[pair][k])
        elif kind == "heatmap":
            drawn = fields.heatmap(trace, x, y)
        elif kind == "contour":
            drawn = fields.contour(trace, x, y)
        else:
            key = (pair, trace.get("stackgroup"))
            if trace.get("stackgroup"):
                _, gy = traces.places(trace)
                top = stacks.get(key, np.zeros(len(gy))) + np.nan_to_num(y.values(gy))
                stacks[key] = top
                trace = {**trace, "y": top}
            before = below.get(key)
            if trace.get("stackgroup") and before is None:
                px = x.place(traces.places(trace)[0])
                before = (px, np.full(len(px), float(y.at(0.0))))
            drawn = traces.scatter(trace, x, y, before) + traces.scatter_errors(trace, x, y)
            line = trace.get("line") or {}
            gx, gy = traces.places(trace)
            below[key] = traces.stepped(x.place(gx), y.place(gy), line.get("shape", "linear"))
        if drawn:
            layer = 0 if kind in places.FIELDS else 1 if kind == "bar" else 2
            free = trace.get("cliponaxis") is False
            clip = None if free else f"url(#{name}-{panels.index(pair)})"
            where = f"x{pair[0]}y{pair[1]}"
            if clip and kind == "scatter" and "lines" not in (trace.get("mode") or "lines"):
                clip = None if _inside(trace, x, y) else clip  # a point on the border is seen whole
            drawn = marks.element("g", drawn, data_trace=number, data_panel=where, clip_path=clip)
            out.append((layer, number, drawn))
    return [drawn for _, _, drawn in sorted(out, key=lambda t: t[:2])]


def _inside(trace: Mapping, x: Axis, y: Axis) -> bool:
    gx, gy = traces.places(trace)
    for axis, given in ((x, gx), (y, gy)):
        values = axis.values(given)
        low, high = sorted(axis.span)
        known = values[np.isfinite(values)]
        if known.size and (known.min() < low or known.max() > high):
            return False
    return True
