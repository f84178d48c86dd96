"""A drawn diagram: wires, dashes, labels and shapes in pixels, as SVG or as plain JSON.

The JSON of `Scene.to_dict()` (y runs downwards, numbers are rounded to 0.01):

    width, height
    columns  kind "data" or "operation", x0, x1; cuts: the cuts of the diagram that stand here, each with `path` of the
             block whose body is cut ("" for the diagram itself), `cut` and its `x`; boxes: ids of the boxes drawn here
    wires    points, axis, size, wire (the id of the whole line, from its first column to its last), column, row, leg
             (which array of the tuple, which axis of it), box (where this piece starts or ends; "" passes by),
             scalar (the dotted line of an array without axes), double (a line that stands for several axes)
    dashes   points, column: the lines that separate the arrays of a tuple
    labels   x, y (middle of the text, base line), axis, size, wire, column, row, leg
    marks    kind, box, column, points (outline, or one point: the centre), r, text, sup, sub
    fences   box, name (of a repetition: the range of its variable), folded, points (outline), title (x, y: left end of
             the text, base line)

A box id is a path: "3" is layer 3 of the diagram, "3.1" is layer 1 of the body of the block that is layer 3.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from html import escape
from typing import Any

Point = tuple[float, float]
PITCH = 26.0  # from one axis to the next
DOUBLE = 1.7  # from the middle of a double line to its halves
NAME_SIZE, NUMBER_SIZE, TITLE_SIZE = 16.0, 10.5, 11.0  # font sizes

_STYLE = """
.ncd{color:var(--jp-content-font-color1,#1f2328);font-family:Georgia,'Times New Roman',serif}
@media (prefers-color-scheme:dark){.ncd{color:var(--jp-content-font-color1,#e6e8eb)}}
.ncd-wire,.ncd-arc{fill:none;stroke:currentColor;stroke-width:1.4;stroke-linecap:round}
.ncd-scalar{stroke-dasharray:1 4;stroke-linecap:round;opacity:.7}
.ncd-dash{fill:none;stroke:currentColor;stroke-width:1.6;stroke-dasharray:7 5;opacity:.75}
.ncd text{fill:currentColor;text-anchor:middle}
.ncd-label{font-size:16px;font-style:italic}
.ncd .ncd-size{font-size:10.5px;font-style:normal;font-family:system-ui,sans-serif;fill-opacity:.65}
.ncd-mark{stroke:currentColor;stroke-width:1.4;fill:none}
.ncd-solid{fill:currentColor;stroke:none}
.ncd-bar{stroke-width:4.5}
.ncd-triangle,.ncd-circle{stroke-width:1.8}
.ncd-letter{stroke:none;fill:#7d8b99;fill-opacity:.2}
.ncd-trapezoid,.ncd-pentagon{fill:#56b4e9;fill-opacity:.35}
.ncd-box{fill:#cc79a7;fill-opacity:.18}
.ncd .ncd-bold{font-size:25px;font-weight:bold}
.ncd .ncd-text{font-size:15px;font-style:italic}
.ncd .ncd-small{font-size:11px;font-style:normal}
.ncd .ncd-title{font:11px system-ui,sans-serif;text-anchor:start;fill-opacity:.8}
.ncd-fence{stroke:currentColor;stroke-opacity:.35;fill-opacity:.16}
.ncd-paren{stroke-width:2.4}
.ncd-fence0{fill:#e69f00}.ncd-fence1{fill:#2f86c9}.ncd-fence2{fill:#009e73}.ncd-fence3{fill:#cc79a7}
"""


@dataclass(frozen=True)
class Column:
    kind: str
    x0: float
    x1: float
    cuts: tuple[tuple[str, int, float], ...] = ()
    boxes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wire:
    points: tuple[Point, ...]
    axis: str
    size: str
    wire: int
    column: int
    row: int
    leg: int
    box: str = ""
    scalar: bool = False
    double: bool = False


@dataclass(frozen=True)
class Dash:
    points: tuple[Point, ...]
    column: int


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    axis: str
    size: str
    wire: int
    column: int
    row: int
    leg: int


@dataclass(frozen=True)
class Mark:
    kind: str
    box: str
    column: int
    points: tuple[Point, ...]
    text: str = ""
    sup: str = ""
    sub: str = ""
    r: float = 0.0


@dataclass(frozen=True)
class Fence:
    box: str
    name: str
    folded: bool
    points: tuple[Point, ...]
    title: Point


@dataclass(frozen=True)
class Scene:
    """What is on the paper, and nothing else: no reference to the diagram that was drawn."""

    width: float
    height: float
    columns: tuple[Column, ...]
    wires: tuple[Wire, ...]
    dashes: tuple[Dash, ...]
    labels: tuple[Label, ...]
    marks: tuple[Mark, ...]
    fences: tuple[Fence, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, shape in the module's docstring."""
        found = dataclasses.asdict(self)
        for column in found["columns"]:
            column["cuts"] = [{"path": path, "cut": cut, "x": x} for path, cut, x in column["cuts"]]
        return _rounded(found)

    def to_svg(self) -> str:
        """A stand-alone SVG; it takes the page's text colour, so it is readable on light and dark."""
        fences = (_fence(f, depth) for f, depth in zip(self.fences, _depths(self.fences), strict=True))
        body = [*fences, *map(_dash, self.dashes), *map(_wire, _continued(self.wires)), *map(_mark, self.marks)]
        body += map(_label, self.labels)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="ncd" width="{self.width:.0f}" height="{self.height:.0f}" '
            f'viewBox="0 0 {self.width:g} {self.height:g}"><style>{_STYLE}</style>{"".join(body)}</svg>\n'
        )


def _continued(wires: tuple[Wire, ...]) -> list[Wire]:
    """Pieces of one line put together where they touch, so that no seam is seen."""
    found: list[Wire] = []
    open_ends: dict[tuple[int, Point], int] = {}
    for wire in wires:
        n = open_ends.pop((wire.wire, wire.points[0]), None)
        if n is None:
            n = len(found)
            found.append(wire)
        else:
            found[n] = dataclasses.replace(found[n], points=found[n].points + wire.points[1:])
        open_ends[wire.wire, found[n].points[-1]] = n
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, (list, tuple)) else value


def _depths(fences: tuple[Fence, ...]) -> list[int]:
    """How many of the drawn fences each one stands in, modulo the number of colours."""
    names = {f.box for f in fences}
    return [sum(f.box.startswith(other + ".") for other in names) % 4 for f in fences]


@functools.cache
def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _path(points: tuple[Point, ...], close: bool = False) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points) + ("Z" if close else "")


def _wire(wire: Wire) -> str:
    extra = " ncd-scalar" if wire.scalar else ""
    data = f'data-axis="{escape(wire.axis)}" data-wire="{wire.wire}" data-box="{wire.box}" data-column="{wire.column}"'
    if wire.double:
        halves = ([(x, y + shift) for x, y in wire.points] for shift in (-DOUBLE, DOUBLE))
        return "".join(f'<path class="ncd-wire" {data} d="{_path(tuple(half))}"/>' for half in halves)
    return f'<path class="ncd-wire{extra}" {data} d="{_path(wire.points)}"/>'


def _dash(dash: Dash) -> str:
    return f'<path class="ncd-dash" d="{_path(dash.points)}"/>'


def _label(label: Label) -> str:
    data = f'data-axis="{escape(label.axis)}" data-wire="{label.wire}"'
    number = f'<tspan class="ncd-size" dx="3">{escape(label.size)}</tspan>'
    where = f'x="{_number(label.x)}" y="{_number(label.y)}"'
    return f'<text class="ncd-label" {data} {where}>{escape(label.axis)}{number}</text>'


def _fence(fence: Fence, depth: int) -> str:
    x, y = fence.title
    title = f'<text class="ncd-title" x="{_number(x)}" y="{_number(y)}">{escape(fence.name)}</text>'
    kind = f'class="ncd-fence ncd-fence{depth}" data-box="{fence.box}"'
    around = "" if fence.folded or not fence.name.startswith("(") else _parentheses(fence)
    return f'<path {kind} d="{_path(fence.points, close=True)}"/>{around}{"" if fence.folded else title}'


def _parentheses(fence: Fence) -> str:
    """The large parentheses around what is repeated."""
    drawn = ""
    for side in (min, max):
        x = side(x for x, _ in fence.points)
        ys = [y for at, y in fence.points if abs(at - x) < 1]
        bow = 12 if side is min else -12
        ends = (f"{_number(x)} {_number(y)}" for y in (min(ys), max(ys)))
        middle = f"Q{_number(x - bow)} {_number((min(ys) + max(ys)) / 2)}"
        drawn += f'<path class="ncd-arc ncd-paren" d="M{next(ends)}{middle} {next(ends)}"/>'
    return drawn


def _mark(mark: Mark) -> str:
    """A shape with its text; which shapes are filled, and where their text goes, is their kind."""
    data = f'data-box="{mark.box}" data-column="{mark.column}"'
    if mark.kind in ("dot", "circle"):
        (x, y), kind = mark.points[0], "ncd-solid" if mark.kind == "dot" else "ncd-mark ncd-circle"
        return f'<circle class="{kind}" {data} cx="{_number(x)}" cy="{_number(y)}" r="{_number(mark.r)}"/>'
    if mark.kind in ("cap", "cup", "arc"):
        return f'<path class="ncd-arc" {data} d="{_path(mark.points)}"/>'
    if mark.kind == "bar":
        return f'<path class="ncd-mark ncd-bar" {data} d="{_path(mark.points)}"/>'
    if mark.kind == "arrow":
        return f'<path class="ncd-solid" {data} d="{_path(mark.points, close=True)}"/>'
    if mark.kind == "text":
        return _text(mark, *mark.points[0], "ncd-text", data)
    shape = f'<path class="ncd-mark ncd-{mark.kind}" {data} d="{_path(mark.points, close=True)}"/>'
    xs, ys = zip(*mark.points, strict=True)
    x, y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    if mark.kind == "trapezoid":
        star = f'<text {data} x="{_number(x)}" y="{_number(min(ys) + 17)}">★</text>'
        return (
            shape
            + star
            + _text(dataclasses.replace(mark, text=mark.text + mark.sup, sup=""), x, min(ys) + 27, "ncd-small", data)
        )
    return shape + _text(mark, x, y, {"letter": "ncd-bold"}.get(mark.kind, "ncd-text"), data)


def _text(mark: Mark, x: float, y: float, kind: str, data: str) -> str:
    if not mark.text:
        return ""
    high = {"ncd-bold": 9.0, "ncd-small": 4.0}.get(kind, 5.0)
    sup = f'<tspan class="ncd-small" dy="-9">{escape(mark.sup)}</tspan>' if mark.sup else ""
    drop = 13 if mark.sup else 4
    sub = f'<tspan class="ncd-small" dy="{drop}">{escape(mark.sub)}</tspan>' if mark.sub else ""
    return f'<text class="{kind}" {data} x="{_number(x)}" y="{_number(y + high)}">{escape(mark.text)}{sup}{sub}</text>'
