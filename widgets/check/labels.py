"""Rules for the words of a figure: no two texts lie on each other. Their boxes are those of the picture as SVG."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree import ElementTree

from widgets.svg.draw import svg
from widgets.svg.marks import LEADING, wide

_SVG = "{http://www.w3.org/2000/svg}"
_TURNED = re.compile(r"rotate\((-?[\d.]+) ")
SLACK = 2.0  # pixels by which the boxes of two texts may overlap: widths are about


class Box(NamedTuple):
    """A text and where it stands, in pixels."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def on(self, other: Box) -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return min(across, down) > SLACK


def boxes(spec: Mapping[str, Any]) -> list[Box]:
    """The texts of a figure: ticks, titles, labels, notes. Those that stand at an angle are left out."""
    return [box for text in ElementTree.fromstring(svg(spec)).iter(_SVG + "text") if (box := _box(text))]


def _box(text: ElementTree.Element) -> Box | None:
    turned = _TURNED.match(text.get("transform") or "")
    lines = [("".join(line.itertext()), line) for line in text if line.tag == _SVG + "tspan" and line.get("x")]
    if turned or not any(words.strip() for words, _ in lines) or float(text.get("fill-opacity") or 1) == 0:
        return None
    size = float(text.get("font-size") or 13)
    across = max(wide(words, size) for words, _ in lines)
    at = float(lines[0][1].get("x"))
    left = at - {"start": 0, "middle": across / 2, "end": across}[text.get("text-anchor") or "start"]
    first = float(lines[0][1].get("y"))
    top, bottom = first - 0.75 * size, first + 0.1 * size + LEADING * size * (len(lines) - 1)
    return Box(" ".join(words for words, _ in lines), left, top, left + across, bottom)


def labels_are_apart(spec: Mapping[str, Any]) -> Iterator[str]:
    """Each two texts of a figure that lie on each other."""
    found = boxes(spec)
    for k, one in enumerate(found):
        for other in found[k + 1 :]:
            if one.on(other):
                yield f"the labels {one.text!r} and {other.text!r} lie on each other; see `apart` in labcore.figure"
