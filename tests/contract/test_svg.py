"""The picture of every experiment: its quick figures as SVG, drawn by the one renderer that needs no browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
import pytest

from labcore import catalog
from labcore.figure import view_of
from tests.frames import NAMES, quick
from widgets.svg.axes import numbers
from widgets.svg.draw import svg

SVG = "{http://www.w3.org/2000/svg}"
MARKS = {SVG + tag for tag in ("path", "circle", "rect", "line", "text", "image", "ellipse")}


def drawn_of(name: str) -> Iterator[tuple[dict, str]]:
    """The first and the last figure of a quick run, each with its picture on a page and on paper."""
    view, frames = view_of(catalog.load_experiment(name)), quick(name)
    for frame in frames[:: max(len(frames) - 1, 1)]:
        spec = view(frame)
        yield from ((spec, svg(spec, page=page)) for page in (True, False))


def said(text: str) -> str:
    return re.sub(r"\s|\u200b", "", re.sub(r"<[^>]*>", "", text))


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_drawn_as_svg(name):
    for spec, drawn in drawn_of(name):
        assert len(drawn.encode()) < 300_000
        assert not re.search(r"\b(nan|inf|None)\b", re.sub(r">[^<]*<|base64,[^\"]*", "><", drawn)), "a number is none"
        picture = ElementTree.fromstring(drawn)
        groups = {int(g.get("data-trace")): g for g in picture.iter() if g.get("data-trace") is not None}
        for number, trace in enumerate(spec["data"]):
            if has_marks(trace):
                assert number in groups, f"trace {number} ({trace.get('type', 'scatter')}) has left nothing"
                assert any(part.tag in MARKS for part in groups[number].iter()), f"trace {number} has no mark"
                if panel := groups[number].get("data-panel"):
                    assert panel == trace.get("xaxis", "x") + trace.get("yaxis", "y")
        words = [said("".join(text.itertext())) for text in picture.iter(SVG + "text")]
        seen = {
            trace.get(f"{letter}axis", letter)
            for trace in spec["data"]
            for letter in "xy"
            if "z" not in trace or trace["type"] == "heatmap"
        }
        for key, axis in spec["layout"].items():
            title = (axis.get("title") or {}).get("text") if key[1:5] == "axis" else ""
            if title and key.replace("axis", "") in seen and axis.get("visible", True):
                assert said(title) in words, f"{key} has a title, and the picture has not"


def has_marks(trace) -> bool:
    """Whether a trace has something that can be seen: a finite point, a line, a cell."""
    if trace.get("type") in ("heatmap", "contour"):
        return bool(np.isfinite(np.array(trace["z"], dtype=float)).any())
    if trace.get("type") == "mesh3d":
        return len(trace["i"]) > 0
    if trace.get("visible") is False:
        return False
    heights = trace["x"] if trace.get("orientation") == "h" else trace["y"]
    words = [str(t) for t in np.atleast_1d(trace.get("text", []))]
    mode = trace.get("mode", "lines")
    if mode == "text" and not any(words):
        return False
    try:
        known = np.isfinite(numbers(heights))
    except ValueError:
        return len(heights) > 0
    width = (trace.get("line") or {}).get("width", 2)
    if (
        trace.get("type", "scatter") != "bar"
        and mode == "lines"
        and not trace.get("fill")
        and not trace.get("stackgroup")
    ):
        return width > 0 and bool(known.any())
    return bool(known.any())
