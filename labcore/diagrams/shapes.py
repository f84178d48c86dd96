"""The shapes of neural circuit diagrams, from dots to trapezoids, and where lines meet them."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin

from labcore.diagrams.glyphs import Glyph
from labcore.diagrams.scene import Mark, Point

DOT, RING = 3.6, 10.0  # radii
Ports = list[Point]


def draw_glyph(
    glyph: Glyph, box: str, column: int, x0: float, x1: float, ys: list[float], more: list[float]
) -> tuple[list[Mark], Ports, Ports]:
    """The marks of a glyph between x0 and x1, and where its lines end and begin.

    `ys`: its slots, or the lines of its beads or dots; `more`: the lines that its links go to.
    """
    mid, half = (x0 + x1) / 2, glyph.width / 2
    left, right = mid - half, mid + half
    ins, outs = [(left, y) for y in ys[: len(glyph.ins)]], [(right, y) for y in ys[: len(glyph.outs)]]
    top, low = (ys[0], ys[-1]) if ys else (0.0, 0.0)
    text, sup, sub = glyph.words[0] if glyph.words else ("", "", "")

    def mark(kind: str, *points: Point, text: str = "", sup: str = "", sub: str = "", r: float = 0.0) -> Mark:
        return Mark(kind, box, column, points, text, sup, sub, r)

    def arrow(x: float, y: float) -> Mark:
        return mark("arrow", (x, y), (x - 9, y - 4.5), (x - 6.5, y), (x - 9, y + 4.5))

    def frame(kind: str, top: float, low: float, **words: str) -> Mark:
        return mark(kind, (left, top - 10), (right, top - 10), (right, low + 10), (left, low + 10), **words)

    match glyph.kind:
        case "":
            return [], [], []
        case "dot":
            signs = [mark("text", (mid, top - 14), text=text)] if text else []
            return [mark("dot", (mid, y), r=DOT) for y in ys] + signs, [], []
        case "under":
            x, marks = left + 11, [arrow(left + 9, top)]
            for word in glyph.words:
                wide = 9 * len(word[0]) + 6 * max(len(word[1]), len(word[2]))
                marks.append(mark("text", (x + wide / 2, top), text=word[0], sup=word[1], sub=word[2]))
                x += wide
            return [*marks, arrow(right, top)], [], []
        case "cap" | "cup":
            side, edge = (1, left) if glyph.kind == "cap" else (-1, right)
            turn = [pi * n / 12 for n in range(13)]
            depth, height = 14.0, (low - top) / 2
            arc = tuple((edge + side * depth * sin(a), top + height - height * cos(a)) for a in turn)
            tip = (edge + depth, top + height)
            arrows = [arrow((tip[0] + 10), tip[1])] if glyph.kind == "cap" and glyph.outs else []
            return [mark(glyph.kind, *arc), *arrows], ins, [tip] * len(glyph.outs) if side > 0 else outs
        case "triangle":
            (y,) = ys
            return [mark("triangle", (left, y), (right, y - 11), (right, y + 11))], [(left, y)], [(right, y)]
        case "circle":
            marks = [mark("circle", (mid, y), r=RING) for y in ys]
            marks += [_arc(mark, mid, a + RING, b - RING) for a, b in zip(ys, ys[1:])]
            return marks, [(mid - RING, y) for y in ys], [(mid + RING, y) for y in ys]
        case "bar":
            join = glyph.style == "join"
            ins = [(mid, ys[0] - 5), (mid, ys[0] + 5)] if join else [(mid, y) for _, y in ins]
            outs = [(mid, y) for _, y in outs]
            return [mark("bar", (mid, top - 9), (mid, low + 9))], ins, outs
        case "stop":
            return [mark("bar", (mid, top - 8), (mid, low + 8))], [(mid, y) for _, y in ins], []
        case "word":
            arrows = [arrow(right, top)] if glyph.ins else []
            return [mark("text", (mid - 4 * bool(arrows), top), text=text), *arrows], ins, outs
        case "pentagon":
            tip = (left, right - 8, right) if glyph.ins else (right, left + 8, left)
            a, b, c = tip
            return (
                [mark("pentagon", (a, top - 10), (b, top - 10), (c, top), (b, top + 10), (a, top + 10), text=text)],
                [(left, y) for _, y in ins],
                outs,
            )
        case "trapezoid":
            tall, short = (right, left) if not sup else (left, right)
            points = (short, top - 10), (tall, top - 10), (tall, low + 9), (short, top + 22)
            return [mark("trapezoid", *points, text=text, sup=sup)], ins, outs
    # letters and boxes, alone or as beads
    if glyph.style == "bead":
        first = {"text": text, "sup": sup, "sub": sub}
        marks = [frame(glyph.kind, y, y, **(first if n == 0 else {"text": text})) for n, y in enumerate(ys)]
        marks += [_arc(mark, mid, a + 10, b - 10) for a, b in zip(ys, ys[1:])]
        return marks, [(left, y) for y in ys], [(right, y) for y in ys]
    marks = [frame(glyph.kind, top, low, text=text, sup=sup, sub=sub)]
    for y in more:
        edge = top - 10 if y < top else low + 10
        marks += [mark("dot", (mid, y), r=DOT), mark("arc", (mid, edge), (mid, y))]
    return marks, ins, outs


def _arc(mark: Callable[..., Mark], x: float, y0: float, y1: float) -> Mark:
    """A thin line that joins two beads of one box, bulging when there is room for lines between them."""
    bulge = 0.0 if y1 - y0 < 20 else 12.0
    return mark("arc", *((x + bulge * sin(pi * n / 8), y0 + (y1 - y0) * n / 8) for n in range(9)))
