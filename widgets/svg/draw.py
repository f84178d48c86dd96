"""A specification as one picture: where its panels stand, and what is drawn in which order."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from labcore.figure import on_paper
from widgets.svg import fields, marks, space, traces
from widgets.svg.axes import ROOM, Axis, is_words, spanned, words_of

WIDTH, HEIGHT = 860, 420
MARGIN = {"l": 64, "r": 16, "t": 24, "b": 48}
IN_SPACE = ("scatter3d", "mesh3d")
FIELDS = ("heatmap", "contour")

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
    margin = _margin(data, layout, margin)
    if legend := _legend(data, width - margin["l"] - margin["r"]):
        height += legend[1]
    plot = {"left": margin["l"], "top": margin["t"], "wide": width - margin["l"] - margin["r"], "height": height}
    plot["tall"] = height - margin["t"] - margin["b"] - (legend[1] if legend else 0)
    axes = _axes(data, layout)
    bars = _spans(data, layout, axes)
    _places(axes, plot)
    for pair in bars:  # what stands in pixels needs the pixels
        bars[pair] = traces.bar_places(*_of_panel(data, axes, pair), layout)
    name = _NAME
    panels = list(dict.fromkeys(_panel(t) for t in data if t.get("type", "scatter") not in IN_SPACE))
    out: list[str] = []
    if not page:
        out.append(marks.element("rect", width=width, height=height, fill="#ffffff"))
    out.append(_clips(name, panels, axes))
    out += [_grid(axes, panels)]
    shapes = [(s, _shape(s, axes, plot)) for s in layout.get("shapes") or [] if s.get("visible", True)]
    out += [drawn for s, drawn in shapes if s.get("layer") == "below"]
    in_space = [(k, t) for k, t in enumerate(data) if t.get("type") in IN_SPACE]
    if in_space:
        out.append(space.scene(in_space, layout, plot))
    out += _traces(data, axes, panels, bars, name)
    out += [_clipped(drawn, s, axes, name, panels) for s, drawn in shapes if s.get("layer") != "below"]
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
        if trace.get("type") in FIELDS and trace.get("showscale", True) and not _lines_only(trace):
            out.append(fields.colour_bar(trace, np.asarray(trace["z"], dtype=float), plot))
    out += [_annotation(a, axes, plot) for a in layout.get("annotations") or [] if a.get("visible", True)]
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


def _margin(data: list[Mapping], layout: Mapping[str, Any], margin: Mapping[str, float]) -> dict[str, float]:
    """The margins, with room for a colour bar beside the panels and for the words of an axis that asks for it."""
    wide = dict(margin)
    for trace in data:
        bar = trace.get("colorbar") or {}
        if (
            trace.get("type") in FIELDS
            and trace.get("showscale", True)
            and not _lines_only(trace)
            and bar.get("x", 1.02) >= 1
        ):
            title = bar.get("title") or {}
            beside = 20 if title.get("side") == "right" else 0
            over = 0 if beside else marks.measured(str(title.get("text", "")), 13)[0]
            wide["r"] = max(wide["r"], 28 + max(float(bar.get("thickness", 30)) + 34 + beside, over))
    for key, spec in layout.items():
        if (
            key.startswith("yaxis")
            and spec.get("automargin")
            and (spec.get("domain") or (0, 1))
            and not spec.get("side")
        ):
            names = [
                str(v)
                for t in data
                if t.get("yaxis", "y") == key.replace("axis", "") and is_words(t.get("y"))
                for v in t["y"]
            ]
            wide["l"] = max(wide["l"], *(16 + marks.measured(name, 13)[0] for name in names or [""]))
    return wide


def _lines_only(trace: Mapping[str, Any]) -> bool:
    return (
        trace["type"] == "contour"
        and trace.get("showscale") is None
        and (trace.get("contours") or {}).get("coloring") == "none"
    )


def _panel(trace: Mapping[str, Any]) -> tuple[str, str]:
    """The suffixes of a trace's two axes."""
    return str(trace.get("xaxis") or "x")[1:], str(trace.get("yaxis") or "y")[1:]


def _of_panel(data: list, axes: Mapping[str, Axis], pair: tuple[str, str]) -> tuple[list, list]:
    """The bars of one panel, and the axes of each."""
    found = [t for t in data if t.get("type") == "bar" and _panel(t) == pair]
    return found, [(axes["x" + pair[0]], axes["y" + pair[1]])] * len(found)


def _axes(data: list[Mapping], layout: Mapping[str, Any]) -> dict[str, Axis]:
    """Every axis that a trace or the layout names, with its categories."""
    flat = [t for t in data if t.get("type", "scatter") not in IN_SPACE]
    named = {m[1] + m[2] for key in layout if (m := re.fullmatch(r"([xy])axis(\d*)", key))}
    named |= {letter + s for t in flat for letter, s in zip("xy", _panel(t))}
    axes: dict[str, Axis] = {}
    for key in sorted(named, key=lambda k: (k[0], int(k[1:] or 1))):
        letter, suffix = key[0], key[1:]
        spec = layout.get(f"{letter}axis{suffix}") or {}
        other = "y" if letter == "x" else "x"
        beside = [_panel(t)[1 if letter == "x" else 0] for t in flat if _panel(t)[0 if letter == "x" else 1] == suffix]
        anchor = spec.get("anchor")
        anchor = anchor[1:] if anchor and anchor != "free" and anchor in named else beside[0] if beside else ""
        if other + anchor not in named:
            anchor = suffix if other + suffix in named else ""
        axes[key] = Axis(letter, suffix, spec, anchor)
    for trace in flat:
        for letter, suffix in zip("xy", _panel(trace)):
            axis, given = axes[letter + suffix], trace.get(letter)
            if given is not None and (axis.spec.get("type") == "category" or is_words(given)) and not axis.log:
                axis.categories += [
                    c for c in dict.fromkeys(map(str, np.asarray(given, object).ravel())) if c not in axis.categories
                ]
    return axes


def _spans(data: list[Mapping], layout: Mapping[str, Any], axes: dict[str, Axis]) -> dict[tuple[str, str], Any]:
    """Set the numbers that each axis spans; returns the panels that have bars."""
    reach: dict[str, list[tuple[float, float, float]]] = {key: [] for key in axes}

    def add(axis: Axis, values: np.ndarray, room: float) -> None:
        known = values[np.isfinite(values)]
        if known.size:
            reach[axis.letter + axis.suffix].append((float(known.min()), float(known.max()), room))

    barred: dict[tuple[str, str], Any] = {}
    stacks: dict[tuple, np.ndarray] = {}
    for trace in data:
        kind = trace.get("type", "scatter")
        if kind in IN_SPACE:
            continue
        if kind not in ("scatter", "bar", *FIELDS):
            raise ValueError(f"a trace of type {kind!r} cannot be drawn as SVG")
        pair = _panel(trace)
        x, y = axes["x" + pair[0]], axes["y" + pair[1]]
        if kind == "bar":
            barred[pair] = None
        elif kind in FIELDS:
            _, ex, ey = fields.borders(trace, x, y)
            if kind == "contour":
                ex, ey = (e[1:-1] if len(e) > 3 else e for e in (ex, ey))
                ex, ey = (
                    axis.values(trace[k]) if trace.get(k) is not None else e
                    for axis, k, e in ((x, "x", ex), (y, "y", ey))
                )
            add(x, ex, 0)
            add(y, ey, 0)
        else:
            gx, gy = traces.places(trace)
            vx, vy = x.values(gx), y.values(gy)
            if stack := trace.get("stackgroup"):
                below = stacks.get((pair, stack), np.zeros(len(vy)))
                stacks[pair, stack] = vy = below + np.nan_to_num(vy)
                add(y, np.zeros(1), 0)
            dotted = "lines" not in (trace.get("mode") or "lines") or "markers" in (trace.get("mode") or "")
            add(x, vx, ROOM if dotted else 0)
            filled = trace.get("fill", "")
            add(y, vy, ROOM)
            if filled == "tozeroy" and not y.log:
                add(y, np.zeros(1), 0)
            if filled == "tozerox" and not x.log:
                add(x, np.zeros(1), 0)
            for letter, axis, v in (("error_x", x, vx), ("error_y", y, vy)):
                if (bar := trace.get(letter)) and bar.get("array") is not None and not axis.log:
                    add(
                        axis, np.concatenate([v - traces.numbers(bar["array"]), v + traces.numbers(bar["array"])]), ROOM
                    )
    for pair in barred:
        for (at, width, foot, top, flat), (x, y) in zip(
            traces.bar_places(*_of_panel(data, axes, pair), layout), _of_panel(data, axes, pair)[1]
        ):
            along, across = (y, x) if flat else (x, y)
            add(along, np.concatenate([at - width / 2, at + width / 2]), 0 if not along.categories else 0)
            if along.categories:
                add(along, np.array([-0.5, len(along.categories) - 0.5]), 0)
            add(across, top, ROOM)
            add(across, foot, 0)
    for note in layout.get("annotations") or []:
        for letter in "xy":
            ref = str(note.get(f"{letter}ref", "paper"))
            if ref in axes and isinstance(note.get(letter), (int, float, np.number)) and not axes[ref].categories:
                add(axes[ref], np.array([float(note[letter])]), 0.02)
    for key, axis in axes.items():
        twins = [k for k, a in axes.items() if a.spec.get("matches") == key or axis.spec.get("matches") == k]
        axis.span = spanned(axis, [r for k in (key, *twins) for r in reach[k]])
    for axis in axes.values():
        if (leader := axes.get(str(axis.spec.get("matches")))) and axis.spec.get("range") is None:
            axis.span = leader.span
    return barred


def _places(axes: Mapping[str, Axis], plot: Mapping[str, float]) -> None:
    """Set the pixels of each axis: its domain, and where two share a scale, no more of it than that leaves."""
    for axis in axes.values():
        a, b = axis.spec.get("domain") or (0, 1)
        if axis.letter == "x":
            axis.pixels = (plot["left"] + a * plot["wide"], plot["left"] + b * plot["wide"])
        else:
            axis.pixels = (plot["top"] + (1 - a) * plot["tall"], plot["top"] + (1 - b) * plot["tall"])
    for axis in axes.values():
        other = axes.get(str(axis.spec.get("scaleanchor")))
        if other is None:
            continue
        ratio = float(axis.spec.get("scaleratio", 1))
        mine, theirs = axis.length / _long(axis) / ratio, other.length / _long(other)
        wide, unit = (axis, theirs * ratio) if mine > theirs else (other, mine)
        if wide.spec.get("constrain") == "domain":
            _shrink(wide, _long(wide) * unit / wide.length)
        else:
            low, high = wide.span
            middle, half = (low + high) / 2, (high - low) / 2 * wide.length / (_long(wide) * unit)
            wide.span = (middle - half, middle + half)


def _long(axis: Axis) -> float:
    return abs(axis.span[1] - axis.span[0]) or 1.0


def _shrink(axis: Axis, share: float) -> None:
    """Leave a share of an axis's pixels: the middle ones, or those at its top, left, ... where it says so."""
    a, b = axis.pixels
    spare = (b - a) * (1 - share)
    toward = axis.spec.get("constraintoward", "middle")
    first = {"top": spare, "right": spare, "bottom": 0.0, "left": 0.0}.get(toward, spare / 2)
    axis.pixels = (a + first, b - (spare - first))


def _clips(name: str, panels: list, axes: Mapping[str, Axis]) -> str:
    out = []
    for k, pair in enumerate(panels):
        box = _box(axes, pair)
        out.append(marks.element("clipPath", marks.element("rect", **box), id=f"{name}-{k}"))
    return marks.element("defs", *out) if out else ""


def _box(axes: Mapping[str, Axis], pair: tuple[str, str], more: float = 0.0) -> dict[str, float]:
    x, y = axes["x" + pair[0]], axes["y" + pair[1]]
    low, top = min(x.pixels) - more, min(y.pixels) - more
    return {
        "x": round(low, 1),
        "y": round(top, 1),
        "width": round(x.length + 2 * more, 1),
        "height": round(y.length + 2 * more, 1),
    }


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
        if kind in IN_SPACE:
            continue
        pair = _panel(trace)
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
            layer = 0 if kind in FIELDS else 1 if kind == "bar" else 2
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


# what is placed by hand


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


def _shape(shape: Mapping[str, Any], axes: Mapping[str, Axis], plot: Mapping[str, float]) -> str:
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


def _clipped(drawn: str, shape: Mapping, axes: Mapping, name: str, panels: list) -> str:
    pair = tuple(str(shape.get(f"{k}ref", k)).partition(" ")[0][1:] for k in "xy")
    if "paper" in (shape.get("xref"), shape.get("yref")) or pair not in panels:
        return drawn
    return marks.element("g", drawn, clip_path=f"url(#{name}-{panels.index(pair)})")


_ACROSS = {"left": "start", "right": "end", "center": "middle"}


def _annotation(note: Mapping[str, Any], axes: Mapping[str, Axis], plot: Mapping[str, float]) -> str:
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


def _legend(data: list[Mapping], room: float) -> tuple[str, float] | None:
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
