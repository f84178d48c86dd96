"""Where a figure's panels stand: its margins, its axes with what they span, and their pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from widgets.svg import fields, marks, traces
from widgets.svg.axes import ROOM, Axis, is_words, spanned

IN_SPACE = ("scatter3d", "mesh3d")
FIELDS = ("heatmap", "contour")


def margins(data: list[Mapping], layout: Mapping[str, Any], margin: Mapping[str, float]) -> dict[str, float]:
    """The margins, with room for a colour bar beside the panels and for the words of an axis that asks for it."""
    wide = dict(margin)
    for trace in data:
        bar = trace.get("colorbar") or {}
        if (
            trace.get("type") in FIELDS
            and trace.get("showscale", True)
            and not lines_only(trace)
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


def lines_only(trace: Mapping[str, Any]) -> bool:
    return (
        trace["type"] == "contour"
        and trace.get("showscale") is None
        and (trace.get("contours") or {}).get("coloring") == "none"
    )


def panel_of(trace: Mapping[str, Any]) -> tuple[str, str]:
    """The suffixes of a trace's two axes."""
    return str(trace.get("xaxis") or "x")[1:], str(trace.get("yaxis") or "y")[1:]


def bars_of(data: list, axes: Mapping[str, Axis], pair: tuple[str, str]) -> tuple[list, list]:
    """The bars of one panel, and the axes of each."""
    found = [t for t in data if t.get("type") == "bar" and panel_of(t) == pair]
    return found, [(axes["x" + pair[0]], axes["y" + pair[1]])] * len(found)


def axes_of(data: list[Mapping], layout: Mapping[str, Any]) -> dict[str, Axis]:
    """Every axis that a trace or the layout names, with its categories."""
    flat = [t for t in data if t.get("type", "scatter") not in IN_SPACE]
    named = {m[1] + m[2] for key in layout if (m := re.fullmatch(r"([xy])axis(\d*)", key))}
    named |= {letter + s for t in flat for letter, s in zip("xy", panel_of(t))}
    axes: dict[str, Axis] = {}
    for key in sorted(named, key=lambda k: (k[0], int(k[1:] or 1))):
        letter, suffix = key[0], key[1:]
        spec = layout.get(f"{letter}axis{suffix}") or {}
        other = "y" if letter == "x" else "x"
        beside = [
            panel_of(t)[1 if letter == "x" else 0] for t in flat if panel_of(t)[0 if letter == "x" else 1] == suffix
        ]
        anchor = spec.get("anchor")
        anchor = anchor[1:] if anchor and anchor != "free" and anchor in named else beside[0] if beside else ""
        if other + anchor not in named:
            anchor = suffix if other + suffix in named else ""
        axes[key] = Axis(letter, suffix, spec, anchor)
    for trace in flat:
        for letter, suffix in zip("xy", panel_of(trace)):
            axis, given = axes[letter + suffix], trace.get(letter)
            if given is not None and (axis.spec.get("type") == "category" or is_words(given)) and not axis.log:
                axis.categories += [
                    c for c in dict.fromkeys(map(str, np.asarray(given, object).ravel())) if c not in axis.categories
                ]
    return axes


def set_spans(data: list[Mapping], layout: Mapping[str, Any], axes: dict[str, Axis]) -> dict[tuple[str, str], Any]:
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
        pair = panel_of(trace)
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
            traces.bar_places(*bars_of(data, axes, pair), layout), bars_of(data, axes, pair)[1]
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


def set_places(axes: Mapping[str, Axis], plot: Mapping[str, float]) -> None:
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


def box(axes: Mapping[str, Axis], pair: tuple[str, str], more: float = 0.0) -> dict[str, float]:
    x, y = axes["x" + pair[0]], axes["y" + pair[1]]
    low, top = min(x.pixels) - more, min(y.pixels) - more
    return {
        "x": round(low, 1),
        "y": round(top, 1),
        "width": round(x.length + 2 * more, 1),
        "height": round(y.length + 2 * more, 1),
    }
