"""The diagram that a drawing means, found from what is on the paper alone.

Used are the lines, the dashes, the labels, the shapes with their words and the outlines of fences: where they are and
what touches what. The bookkeeping of a scene (ids of boxes and lines, columns, rows) is not looked at. A drawing that
can be read back is a program; one that cannot is a decoration.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

from labcore.diagrams.axes import Array, Axis
from labcore.diagrams.boxes import Block, Diagram, Operation, Repeat, Sketch
from labcore.diagrams.glyph_reading import Drawn, Piece, axis_of, operation_of
from labcore.diagrams.scene import Label, Mark, Point, Scene, Wire

NEAR = 0.6  # pixels: what is closer than this touches


@dataclass
class Strip:
    """One column of the paper. A dash is where it comes into the column and leaves it, and its height at first."""

    x0: float
    x1: float
    wires: list[Wire] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    dashes: list[tuple[float, float, float]] = field(default_factory=list)


@dataclass
class Cut:
    """The arrays in a data column: heights of its lines from top to bottom, the lines of each array, their axes."""

    strip: Strip
    ys: list[float]
    arrays: list[list[int]]
    axes: list[Axis | None] = field(default_factory=list)

    def ty(self) -> tuple[Array, ...]:
        return tuple(Array(tuple(self.axes[n] for n in lines if self.axes[n])) for lines in self.arrays)


def read_back(scene: Scene) -> Diagram:
    """The diagram of a drawing whose blocks are all unfolded. Raises ValueError where the drawing means nothing.

    What leaves no trace on paper is not found: a reordering that keeps the order, and the order in which the lines of
    one norm, of one bias or of a map's own weights were named (they are found from top to bottom). One line grouped
    alone and one line split into one look alike: a bar; it is read as grouped.
    """
    if any(fence.folded for fence in scene.fences):
        raise ValueError("a folded block hides its body; only a drawing with all blocks unfolded can be read back")
    strips = _strips(scene)
    cuts = [_cut(strip) for strip in strips[::2]]
    _name(cuts[0], [None] * len(cuts[0].ys))
    spans = [(min(x for x, _ in f.points), max(x for x, _ in f.points), f) for f in scene.fences]
    open_books: list[tuple[Sketch, int, str]] = [(Sketch(cuts[0].ty()), 0, "")]  # a diagram, its first row, its name
    for n, cut in enumerate(cuts):
        sketch, above, _ = open_books[-1]
        if n:
            for row, op in _column(strips[2 * n - 1], cuts[n - 1], cut):
                sketch.do(op, row - above)
            if sketch.cut != cut.ty()[above : above + len(sketch.cut)]:
                raise ValueError(f"the lines at x = {cut.strip.x0:.0f} are not what the boxes before them give")
        for _ in range(sum(cut.strip.x0 <= x1 <= cut.strip.x1 for _, x1, _ in spans)):
            body, row, name = open_books.pop()
            open_books[-1][0].do(_fenced(name, body.diagram), row - open_books[-1][1])
        opened = [(x0, f) for x0, _, f in spans if cut.strip.x0 <= x0 <= cut.strip.x1]
        for x0, fence in sorted(opened, key=lambda pair: pair[0]):
            ys = [y for x, y in fence.points if abs(x - x0) < NEAR]
            rows = [k for k, lines in enumerate(cut.arrays) if min(ys) < cut.ys[lines[0]] < max(ys)]
            row = sum(cut.ys[lines[0]] <= min(ys) for lines in cut.arrays)
            open_books.append((Sketch(tuple(cut.ty()[k] for k in rows)), row, fence.name))
    return open_books[0][0].diagram


def _fenced(title: str, body: Diagram) -> Operation:
    """What stands in a fence: a block, or a repetition when the title is the range of a variable."""
    found = re.fullmatch(r"\((\S+) = (-?\d+) … (-?\d+)\)( shared)?", title)
    if not found:
        return Block(title, body)
    return Repeat(found[1], int(found[2]), int(found[3]), body, bool(found[4]))


def _strips(scene: Scene) -> list[Strip]:
    """The columns: they meet where pieces end and begin, no line runs through and no mark is in the way."""
    starts = {round(w.points[0][0], 1) for w in scene.wires}
    ends = {round(w.points[-1][0], 1) for w in scene.wires}
    if not starts:
        raise ValueError("there is no line in the drawing")
    places = sorted({min(starts), max(ends), *(starts & ends)})
    blocked = [0] * (len(places) + 1)  # differences of the number of lines and marks over each place
    spans = [(w.points[0][0], w.points[-1][0]) for w in scene.wires]
    spans += [_width(mark) for mark in scene.marks if mark.kind not in ("text", "arrow")]
    for x0, x1 in spans:
        low, high = bisect_right(places, x0 + NEAR), bisect_left(places, x1 - NEAR)
        if low < high:
            blocked[low] += 1
            blocked[high] -= 1
    edges = [x for x, over in zip(places, accumulate(blocked)) if not over]
    if not edges or any(not edges[0] < x < edges[-1] for mark in scene.marks for x in _width(mark)):
        raise ValueError("a cut with no array leaves nothing on paper; the drawing cannot be read back")
    if len(edges) < 2 or len(edges) % 2:
        raise ValueError(f"the drawing has {len(edges)} column edges; data and operation columns must alternate")
    strips = [Strip(a, b) for a, b in zip(edges, edges[1:])]

    def at(x: float) -> int:
        return min(max(bisect_right(edges, x) - 1, 0), len(strips) - 1)

    for wire in scene.wires:
        strips[at((wire.points[0][0] + wire.points[-1][0]) / 2)].wires.append(wire)
    for mark in scene.marks:
        strips[at(sum(_width(mark)) / 2)].marks.append(mark)
    for label in scene.labels:
        strips[at(label.x)].labels.append(label)
    for dash in scene.dashes:
        first, last = dash.points[0][0], dash.points[-1][0]
        for strip in strips[at(first + NEAR) : at(last - NEAR) + 1]:
            x0 = max(strip.x0, first)
            strip.dashes.append((x0, min(strip.x1, last), _height(dash.points, x0)))
    return strips


def _width(mark: Mark) -> Point:
    xs = [x for x, _ in mark.points]
    return min(xs) - mark.r - 1, max(xs) + mark.r + 1


def _height(points: tuple[Point, ...], x: float) -> float | None:
    """The height of a line or dash at x, if it gets there."""
    if not points[0][0] - NEAR <= x <= points[-1][0] + NEAR:
        return None
    n = min(max(bisect_right(points, x, key=lambda p: p[0]), 1), len(points) - 1)
    (x0, y0), (x1, y1) = points[n - 1], points[n]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def _cut(strip: Strip) -> Cut:
    ys = sorted(w.points[0][1] for w in strip.wires)
    arrays: list[list[int]] = [[]]
    for n, y in enumerate(ys):
        if n and any(ys[n - 1] < dash < y for _, _, dash in strip.dashes):
            arrays.append([])
        arrays[-1].append(n)
    return Cut(strip, ys, arrays)


def _name(cut: Cut, known: list[Axis | None]) -> None:
    """Give each line of a cut its axis: its label stands right above it, or it is a line that was there before."""
    dotted = [w.points[0][1] for w in cut.strip.wires if w.scalar]
    for y, axis in zip(cut.ys, known, strict=True):
        over = [t for t in cut.strip.labels if y - 8 < t.y < y - 2]
        if over:
            double = any(w.double and abs(w.points[0][1] - y) < NEAR for w in cut.strip.wires)
            axis = axis_of(over[0].axis, over[0].size, double)
        elif axis is None and not any(abs(y - d) < NEAR for d in dotted):
            raise ValueError(f"the line at x = {cut.strip.x0:.0f}, y = {y:.0f} has no label")
        cut.axes.append(axis)


def _column(strip: Strip, left: Cut, right: Cut) -> list[tuple[int, Operation]]:
    """The operations of one column from top to bottom, each with its row; gives the lines at its right their axes."""
    pieces = []
    for w in strip.wires:
        (xa, ya), (xb, yb) = w.points[0], w.points[-1]
        come = _line(left, ya) if abs(xa - strip.x0) < NEAR else None
        leave = _line(right, yb) if abs(xb - strip.x1) < NEAR else None
        pieces.append(Piece(w.points, w.scalar, come, leave))
    known: list[Axis | None] = [None] * len(right.ys)
    for piece in pieces:
        if piece.right is None:
            continue
        if piece.left is not None:
            known[piece.right] = known[piece.right] or left.axes[piece.left]
            continue
        start = piece.points[0]  # maybe a line that goes on behind a shape that sits on it
        before = [p for p in pieces if p.right is None and p.points[-1][1] == start[1]]
        before = [p for p in before if any(_on(m, p.points[-1]) and _on(m, start) for m in strip.marks)]
        known[piece.right] = left.axes[before[0].left] if before else None
    _name(right, known)
    found, below = [], 0
    for drawn in _boxes(strip, left, right, pieces):
        op = operation_of(drawn)
        if op is not None:
            found.append((below, op))
        below += len(drawn.outs)
    return found


def _line(cut: Cut, y: float) -> int:
    return min(range(len(cut.ys)), key=lambda n: abs(cut.ys[n] - y))


def _boxes(strip: Strip, left: Cut, right: Cut, pieces: list[Piece]) -> list[Drawn]:
    """What belongs together in a column: arrays, lines and marks that touch, from top to bottom."""
    parent: dict = {}
    marks = strip.marks

    def root(item: tuple) -> tuple:
        while parent.setdefault(item, item) != item:
            item = parent[item]
        return item

    def join(a: tuple, b: tuple) -> None:
        parent[root(a)] = root(b)

    of_left = {n: ("in", k) for k, lines in enumerate(left.arrays) for n in lines}
    of_right = {n: ("out", k) for k, lines in enumerate(right.arrays) for n in lines}
    marked = set()
    for item in (*of_left.values(), *of_right.values()):
        root(item)
    for p, piece in enumerate(pieces):
        for line, arrays in ((piece.left, of_left), (piece.right, of_right)):
            if line is not None:
                join(("piece", p), arrays[line])
        for end, line in ((0, piece.left), (-1, piece.right)):
            if line is None:
                m = _touched(marks, piece.points[end])
                join(("piece", p), ("mark", m))
                marked.add(p)
    for m, mark in enumerate(marks):
        (x, y), ends = mark.points[0], (mark.points[0], mark.points[-1])
        if mark.kind == "dot":
            for p, piece in enumerate(pieces):
                at = _height(piece.points, x)
                if at is not None and abs(at - y) < NEAR:
                    join(("mark", m), ("piece", p))
                    marked.add(p)
        elif mark.kind == "arc":  # it joins what its two ends touch
            for other, there in enumerate(marks):
                if other != m and there.kind != "arc" and any(_on(there, end) for end in ends):
                    join(("mark", m), ("mark", other))
        elif mark.kind == "text" and ("mark", m) not in parent:
            dots = [k for k, d in enumerate(marks) if d.kind == "dot" and abs(d.points[0][0] - x) < NEAR]
            near = [k for k in dots if 8 < marks[k].points[0][1] - y < 18]
            above = [(h, p) for p, piece in enumerate(pieces) if (h := _height(piece.points, x)) is not None and h < y]
            join(("mark", m), ("mark", near[0]) if near else ("piece", max(above)[1]))
            if not near:
                marked.add(max(above)[1])
    for k, (upper, lower) in enumerate(zip(left.arrays, left.arrays[1:])):
        a, b = left.ys[upper[-1]], left.ys[lower[0]]
        through = any(a < y < b and x1 > strip.x1 - NEAR for x0, x1, y in strip.dashes if x0 < strip.x0 + NEAR)
        touched = [p for p, piece in enumerate(pieces) if p in marked and piece.left in (*upper, *lower)]
        if not through and not touched:  # the dash between two arrays ends, and no mark says why
            join(("in", k), ("in", k + 1))
    middle, members = (strip.x0 + strip.x1) / 2, {}
    for item in list(parent):
        members.setdefault(root(item), []).append(item)
    found = []
    for items in members.values():
        own = [pieces[n] for kind, n in sorted(items) if kind == "piece"]
        shapes = [marks[n] for kind, n in sorted(items) if kind == "mark"]
        ins = [left.arrays[n] for kind, n in sorted(items) if kind == "in"]
        outs = [right.arrays[n] for kind, n in sorted(items) if kind == "out"]
        ys = [y for m in shapes for _, y in m.points] + [h for p in own if (h := _height(p.points, middle)) is not None]
        if ins or outs:
            found.append((min(ys), Drawn(ins, outs, left.axes, right.axes, own, shapes)))
    return [drawn for _, drawn in sorted(found, key=lambda pair: pair[0])]


def _touched(marks: list[Mark], point: Point) -> int:
    """The mark at which a line ends."""
    near = [m for m, mark in enumerate(marks) if mark.kind not in ("arc", "text", "arrow") and _on(mark, point)]
    words = [m for m, mark in enumerate(marks) if mark.kind == "text" and abs(mark.points[0][1] - point[1]) < NEAR]
    words = [m for m in words if abs(marks[m].points[0][0] - point[0]) < 60]
    words.sort(key=lambda m: abs(marks[m].points[0][0] - point[0]))
    if not near and not words:
        raise ValueError(f"the line that ends at x = {point[0]:.0f}, y = {point[1]:.0f} touches nothing")
    return (near or words)[0]


def _on(mark: Mark, point: Point) -> bool:
    xs, ys = zip(*mark.points, strict=True)
    reach = mark.r + NEAR
    return min(xs) - reach <= point[0] <= max(xs) + reach and min(ys) - reach <= point[1] <= max(ys) + reach
