"""The drawing of a neural circuit diagram: lines, dashes, labels, marks and fences.

The conventions are those of Abbott, Neural Circuit Diagrams (2024), arXiv:2402.05424: time runs from left to right,
one horizontal line an axis, dashed lines between the arrays of a tuple.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from labcore.diagrams.boxes import Block, Diagram, Repeat
from labcore.diagrams.columns import between, dash_heights, place_columns
from labcore.diagrams.layout import TITLE, Act, Draft, Strip, legs_of, place_rows
from labcore.diagrams.scene import Column, Dash, Fence, Label, Mark, Point, Scene, Wire
from labcore.diagrams.shapes import DOT, draw_glyph

_BEND = [(t / 14, (t / 14) ** 2 * (3 - 2 * t / 14)) for t in range(15)]
_HEAD, _FOOT = 20.0, 11.0  # from the first line of an array up to its fence, and from the last one down


def layout(diagram: Diagram, folded: Collection[str] = ()) -> Scene:
    """The drawing of a diagram. `folded` holds the ids of the blocks to draw closed (see `scene`), or is "all".

    A repetition whose sizes depend on the turn is always closed: its body would have other labels in each turn.

    Ids of what is no block, or not there, are left alone.
    """
    if isinstance(folded, str) and folded != "all":
        raise ValueError(f'folded = {folded!r} is not allowed; it must be a collection of box ids, or "all"')
    draft = place_rows(diagram, folded)
    place_columns(draft)
    wires, dashes, labels, marks, columns, closed = [], [], [], [], [], []
    for n, strip in enumerate(draft.strips):
        x0, x1 = strip.x[0], strip.x[-1]
        cuts = strip.cuts
        at = (
            [strip.x[1]]
            if strip.kind == "data"
            else [x0 + (x1 - x0) * (k + 1) / (len(cuts) + 1) for k in range(len(cuts))]
        )
        placed = tuple((*cut, at[min(k, len(at) - 1)]) for k, cut in enumerate(cuts))
        columns.append(Column(strip.kind, x0, x1, placed, tuple(act.id for act in strip.acts)))
        if strip.kind == "data":
            wires += [
                _wire(draft, n, leg, line, [(x0, strip.y[line]), (x1, strip.y[line])])
                for leg, line in legs_of(strip.groups)
            ]
            labels += _labels(draft, n, strip)
        else:
            for act in strip.acts:
                found, pieces = _act(draft, n, strip, act)
                marks += found
                if isinstance(act.box.data, Block | Repeat):
                    outline = found[0].points
                    closed.append(Fence(act.id, act.box.data.name, True, outline, outline[0]))
                wires += pieces
            wires += _passing(draft, n, strip)
        dashes += _dashes(draft, n, strip)
    fences = _fences(draft) + closed
    height = max((y for w in wires for _, y in w.points), default=0.0)
    height = max(height, *(y for f in fences for _, y in f.points), *(y for m in marks for _, y in m.points), 0.0) + 14
    return Scene(
        draft.strips[-1].x[-1] + 8, height, *map(tuple, (columns, wires, _lengthened(dashes), labels, marks, fences))
    )


def _wire(draft: Draft, column: int, leg: tuple[int, int], line: int, points: list[Point], box: str = "") -> Wire:
    axis, size = draft.lines[line] or ("", "")
    double = size.startswith("[")
    return Wire(_joined(points), axis, size, line, column, *leg, box, draft.lines[line] is None, double)


def _labels(draft: Draft, column: int, strip: Strip) -> Iterator[Label]:
    for leg, line in legs_of(strip.groups):
        if line in strip.labels:
            yield Label(strip.x[1], strip.y[line] - 5, *draft.lines[line], line, column, *leg)


def _bend(x0: float, y0: float, x1: float, y1: float) -> list[Point]:
    """A smooth way from one point to another, level at both ends."""
    if abs(y1 - y0) < 0.01:
        return [(x0, y0), (x1, y1)]
    return [(x0 + (x1 - x0) * t, y0 + (y1 - y0) * s) for t, s in _BEND]


def _joined(*parts: list[Point]) -> tuple[Point, ...]:
    """Parts of one way put together; points in the middle of a straight line are left out."""
    points: list[Point] = []
    for point in (p for part in parts for p in part):
        if points and abs(points[-1][0] - point[0]) + abs(points[-1][1] - point[1]) < 0.01:
            continue
        if len(points) > 1 and points[-2][1] == points[-1][1] == point[1]:
            points.pop()
        points.append(point)
    return tuple(points)


def _passing(draft: Draft, column: int, strip: Strip) -> Iterator[Wire]:
    """The lines that go through an operation column, whatever the boxes in it do to others."""
    x0, xa, xb, x1 = strip.x
    broken = {act.before[row][i] for act in strip.acts for (row, i), _ in act.glyph.beads}
    for leg, line in legs_of(strip.groups):
        if line in strip.y_after and line not in broken:
            y, mid, after = strip.y[line], strip.y_mid[line], strip.y_after[line]
            yield _wire(
                draft, column, leg, line, _bend(x0, y, xa, mid) + _bend(xb, after if xb == x1 else mid, x1, after)
            )


def _act(draft: Draft, column: int, strip: Strip, act: Act) -> tuple[list[Mark], list[Wire]]:
    """The marks of one box, and the pieces of lines that end or begin at it."""
    x0, xa, xb, x1 = strip.x
    glyph, mid = act.glyph, (xa + xb) / 2
    before, after = dict(legs_of(act.before)), dict(legs_of(act.after))

    def wire(leg: tuple[int, int], line: int, points: list[Point], incoming: bool) -> Wire:
        row = (act.row if incoming else act.row_after) + leg[0]
        return _wire(draft, column, (row, leg[1]), line, points, act.id)

    match glyph.style:
        case "bead":
            ys = [strip.y_mid[before[leg]] for leg, _ in glyph.beads]
        case "fork":
            ys = [strip.y_mid[before[leg]] for leg, _ in glyph.branch]
        case "join":
            ys = [strip.y_after[after[leg]] for _, leg in glyph.merge]
            if glyph.kind == "bar":
                ys = [strip.y_after[after[glyph.outs[0]]]]
        case _:
            ys = [strip.y_mid[slot] for slot in act.slots]
    links = [strip.y_mid[before[leg]] for leg in glyph.links]
    marks, ends, begins = draw_glyph(glyph, act.id, column, xa, xb, ys, links)
    if glyph.kind == "bar" and glyph.style == "join":
        marks += [Mark("dot", act.id, column, ((mid, strip.y_after[after[leg]]),), r=DOT) for _, leg in glyph.merge]
    wires = []
    if glyph.style == "bead":
        for (leg, out), (xl, y), (xr, _) in zip(glyph.beads, ends, begins, strict=True):
            line = before[leg]
            wires.append(wire(leg, line, _bend(x0, strip.y[line], xa, y) + [(xl, y)], True))
            wires.append(wire(out, line, [(xr, y), *_bend(xb, y, x1, strip.y_after[line])], False))
        return marks, wires
    turn = x0 if glyph.style == "route" else mid
    for leg, out in glyph.merge:
        end = x1 if glyph.style == "route" else mid
        wires.append(wire(leg, before[leg], _bend(x0, strip.y[before[leg]], end, strip.y_after[after[out]]), True))
    for leg, out in glyph.branch:
        wires.append(wire(out, after[out], _bend(turn, strip.y_mid[before[leg]], x1, strip.y_after[after[out]]), False))
    for leg, (x, y) in zip(glyph.ins, ends, strict=True):
        wires.append(wire(leg, before[leg], _bend(x0, strip.y[before[leg]], xa, y) + [(x, y)], True))
    for leg, (x, y) in zip(glyph.outs, begins, strict=True):
        wires.append(wire(leg, after[leg], [(x, y), *_bend(xb, y, x1, strip.y_after[after[leg]])], False))
    return marks, wires


def _lengthened(dashes: list[Dash]) -> list[Dash]:
    """Dashes that touch put together, so that their gaps stay regular; they come column by column."""
    found: list[tuple[int, list[list[Point]]]] = []
    ends: dict[Point, int] = {}
    for dash in dashes:
        n = ends.pop(dash.points[0], None)
        if n is None:
            n = len(found)
            found.append((dash.column, []))
        found[n][1].append(list(dash.points))
        ends[dash.points[-1]] = n
    return [Dash(_joined(*parts), column) for column, parts in found]


def _dashes(draft: Draft, n: int, strip: Strip) -> Iterator[Dash]:
    if strip.kind == "data":
        for y in between(draft, strip.groups, strip.y, n):
            yield Dash(((strip.x[0], y), (strip.x[-1], y)), n)
        return
    at = dash_heights(draft, n)
    x0, xa, xb, x1 = strip.x
    for key in dict.fromkeys((*at[0], *at[2])):
        a, b, c = (heights.get(key) for heights in at)
        if a is not None and c is not None:
            b = a if b is None else b
            yield Dash(_joined(_bend(x0, a, xa, b), _bend(xb, b, x1, c)), n)
        elif a is not None:
            yield Dash(((x0, a), (x0 + 4 + 0.3 * (xa - x0), a)), n)
        else:
            yield Dash(((x1 - 4 - 0.3 * (x1 - xb), c), (x1, c)), n)


def _fences(draft: Draft) -> list[Fence]:
    """Fences around unfolded blocks: rectangles where nothing is in the way, else outlines along the rows."""
    found: dict[str, Fence] = {}
    edges: dict[str, list[list]] = {}  # for each fence: x, top, bottom, from left to right
    for fence in sorted(draft.fences, key=lambda f: -f.id.count(".")):
        inner = [f for f in draft.fences if f.id.startswith(fence.id + ".")]
        trace, free = [], []
        for n in range(fence.first, fence.last + 1):
            strip = draft.strips[n]
            for x, groups, y, at in _phases(strip, n):
                own = groups[fence.above : len(groups) - fence.below]
                if not own:
                    continue
                here = [f for f in inner if f.first <= at <= f.last]
                tops = sum(f.above == fence.above for f in here)
                lows = sum(f.below == fence.below for f in here)
                top, low = y[own[0][0]] - _HEAD - TITLE * (tops + 1) + 2, y[own[-1][-1]] + _FOOT + 3 * lows
                for f in here:
                    reach = [e for e in edges[f.id] if e[0] == x]
                    top = min([top, *(e[1] - TITLE for e in reach)])
                    low = max([low, *(e[2] + 3 for e in reach)])
                x = min(max(x, fence.x[0]), fence.x[1])
                trace.append([x, top, low])
                dash = between(draft, groups, y, at)
                free.append(
                    (
                        dash[fence.above - 1] if fence.above else -1e9,
                        dash[-fence.below] if fence.below else 1e9,
                    )
                )
        if not trace:  # nothing goes in, nothing comes out, nothing is in between
            strip = draft.strips[fence.first]
            y = strip.y[strip.groups[fence.above - 1][-1]] + 8 if fence.above else 2.0
            trace, free = [[x, y, y + 8] for x in fence.x], []
        top, low = min(e[1] for e in trace), max(e[2] for e in trace)
        if all(a + 1 < top and low < b - 1 for a, b in free):
            trace = [[x, top, low] for x, _, _ in trace]
        edges[fence.id] = trace
        upper = [p for a, b in zip(trace, trace[1:]) for p in _bend(a[0], a[1], b[0], b[1])]
        lower = [p for a, b in zip(trace, trace[1:]) for p in _bend(a[0], a[2], b[0], b[2])]
        outline = _joined(upper) + _joined(lower)[::-1]
        found[fence.id] = Fence(fence.id, fence.name, False, outline, (trace[0][0] + 5, trace[0][1] + 11))
    return [found[f.id] for f in draft.fences]


def _phases(strip: Strip, n: int) -> Iterator[tuple[float, list[list], dict, int]]:
    """The places in a column where heights are known: x, arrays, heights, the column whose fences make room there."""
    if strip.kind == "data":
        yield strip.x[0], strip.groups, strip.y, n
        yield strip.x[-1], strip.groups, strip.y, n
    else:
        x0, xa, xb, x1 = strip.x
        yield x0, strip.groups, strip.y, n - 1
        yield xa, strip.mid, strip.y_mid, n
        yield xb, strip.mid, strip.y_mid, n
        yield x1, strip.after, strip.y_after, n + 1
