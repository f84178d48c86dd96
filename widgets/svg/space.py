"""Scenes in three dimensions, seen from where their camera stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from widgets.svg import marks
from widgets.svg.axes import numbers
from widgets.svg.traces import dots, listed


def scene(traces: Sequence[tuple[int, Mapping[str, Any]]], layout: Mapping[str, Any], plot: Mapping[str, float]) -> str:
    """The traces of one scene, by their numbers in the specification: what is farther is drawn first."""
    spec = layout.get("scene") or {}
    domain = spec.get("domain") or {}
    (x0, x1), (y0, y1) = domain.get("x", (0, 1)), domain.get("y", (0, 1))
    middle = plot["left"] + plot["wide"] * (x0 + x1) / 2, plot["top"] + plot["tall"] * (1 - (y0 + y1) / 2)
    size = 0.52 * min(plot["wide"] * (x1 - x0), plot["tall"] * (y1 - y0))
    ranges = []
    for letter in "xyz":
        given = (spec.get(f"{letter}axis") or {}).get("range")
        every = np.concatenate([numbers(t[letter]) for _, t in traces])
        ranges.append(tuple(map(float, given)) if given is not None else (np.nanmin(every), np.nanmax(every)))
    eye = (spec.get("camera") or {}).get("eye") or {}
    sight = np.array([eye.get("x", 1.25), eye.get("y", 1.25), eye.get("z", 1.25)], dtype=float)
    sight /= np.linalg.norm(sight)
    across = np.cross([0.0, 0.0, 1.0], sight)
    across /= np.linalg.norm(across) or 1.0
    up = np.cross(sight, across)

    def seen(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        unit = np.stack([2 * (points[:, k] - lo) / (hi - lo) - 1 for k, (lo, hi) in enumerate(ranges)], axis=1)
        return middle[0] + size * unit @ across * 0.62, middle[1] - size * unit @ up * 0.62, unit @ sight

    drawn: list[tuple[float, str]] = []
    corners = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=float)
    box = np.array([[lo + t[k] * (hi - lo) for k, (lo, hi) in enumerate(ranges)] for t in corners])
    bx, by, _ = seen(box)
    sides = [(i, j) for i in range(8) for j in range(i + 1, 8) if np.abs(corners[i] - corners[j]).sum() == 1]
    cage = "".join(f"M{bx[i]:.1f},{by[i]:.1f}L{bx[j]:.1f},{by[j]:.1f}" for i, j in sides)
    drawn.append((-9.0, marks.element("path", d=cage, fill="none", **marks.paint("stroke", "@grid"))))
    for number, trace in traces:
        points = np.stack([numbers(trace[k]) for k in "xyz"], axis=1)
        px, py, near = seen(points)
        if trace["type"] == "mesh3d":
            faces = np.stack([numbers(trace[k]).astype(int) for k in "ijk"], axis=1)
            rings = "".join("M" + "L".join(marks.points(px[f], py[f])) + "Z" for f in faces)
            look = marks.paint("fill", trace.get("color", "@soft"), float(trace.get("opacity", 1)))
            drawn.append((-8.0, _marked(number, marks.element("path", d=rings, **look))))
            continue
        parts, mode = [], trace.get("mode", "lines+markers")
        if "lines" in mode:
            line = trace.get("line") or {}
            width = max(float(line.get("width", 2)) / 2, 1.0)  # plotly's are of a closer view
            look = marks.stroke({**line, "width": width}, colour="@ink")
            parts.append(marks.element("path", d=marks.polyline(px, py), fill="none", stroke_linecap="round", **look))
        if "markers" in mode:
            marker = trace.get("marker") or {}
            closer = {**trace, "marker": {**marker, "size": 1.5 * float(listed(marker.get("size", 4), 0))}}
            parts.append(dots(closer, px, py, "@ink"))
        if "text" in mode:
            font = trace.get("textfont") or {}
            for k, text in enumerate(trace.get("text") or []):
                if text:
                    look = dict(size=float(font.get("size", 12)), colour=font.get("color", "@ink"))
                    parts.append(marks.words(px[k], py[k] - 8, text, upright="bottom", **look))
        drawn.append((float(np.nanmean(near)), _marked(number, *parts)))
    return "".join(mark for _, mark in sorted(drawn, key=lambda pair: pair[0]))


def _marked(number: int, *parts: str) -> str:
    return marks.element("g", *parts, data_trace=number)
