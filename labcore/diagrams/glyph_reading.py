"""What one drawn box of a neural circuit diagram means: the inverse of `glyphs`, by shapes, words and touch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

import sympy

from labcore.diagrams.axes import Axis, Size, symbol
from labcore.diagrams.boxes import (
    Add,
    Bias,
    Bundle,
    Concat,
    Contract,
    Copy,
    Deviation,
    Diag,
    Drop,
    Elementwise,
    Group,
    Index,
    Insert,
    Largest,
    Linear,
    Max,
    Mean,
    Mul,
    Norm,
    Ones,
    Operation,
    Outer,
    Place,
    Scale,
    Slice,
    SoftMax,
    Split,
    Spread,
    Star,
    StarTransposed,
    Sum,
    SwapArrays,
    Transpose,
    Unit,
    Weight,
    Zero,
)  # fmt: skip
from labcore.diagrams.glyphs import T
from labcore.diagrams.scene import Mark, Point

Leg = tuple[int, int]


@dataclass
class Piece:
    """A stretch of a line in one column, and where its two ends are: a line of the left or right cut, or inside."""

    points: tuple[Point, ...]
    dotted: bool
    left: int | None = None
    right: int | None = None


def size_of(text: str) -> Size:
    """A size from its label: a whole number, or an expression in the sizes of axes."""
    if text.isdigit():
        return int(text)
    names = sorted(set(re.findall(r"[^\W\d][\w']*", text)) - {"floor", "ceiling", "Max", "Min"}, key=len, reverse=True)
    plain = {name: f"axis_{n}_" for n, name in enumerate(names)}
    for name, stand_in in plain.items():
        text = re.sub(rf"(?<![\w']){re.escape(name)}(?![\w'])", stand_in, text)
    return sympy.parse_expr(text, {stand_in: symbol(name) for name, stand_in in plain.items()})


def axis_of(name: str, text: str, double: bool) -> Axis:
    """The axis of a line: its name, and what its label says of its size; of a double line that is all its parts."""
    if not double:
        return Axis(name, size_of(text) if text else symbol(name))
    parts = [part.partition("=") for part in text[1:-1].split(" ")]
    return Axis.of(name, (axis_of(part, size, False) for part, _, size in parts))


@dataclass
class Drawn:
    """One box on paper: the arrays that it takes and gives (line numbers), the axes of all lines, pieces and marks."""

    ins: list[list[int]]
    outs: list[list[int]]
    left: list[Axis | None]
    right: list[Axis | None]
    pieces: list[Piece]
    marks: list[Mark]

    def leg_in(self, line: int) -> Leg:
        return next((row, lines.index(line)) for row, lines in enumerate(self.ins) if line in lines)

    def leg_out(self, line: int) -> Leg:
        return next((row, lines.index(line)) for row, lines in enumerate(self.outs) if line in lines)

    def ending(self) -> list[int]:
        """Positions, in their array, of the lines that end inside, by the height at which they end."""
        found = [p for p in self.pieces if p.right is None and not p.dotted]
        return [self.leg_in(p.left)[1] for p in sorted(found, key=lambda p: p.points[-1][1])]

    def starting(self) -> list[tuple[int, Axis]]:
        """Positions and axes of the lines that begin inside, by the height at which they begin."""
        found = [p for p in self.pieces if p.left is None and not p.dotted]
        return [(self.leg_out(p.right)[1], self.right[p.right]) for p in sorted(found, key=lambda p: p.points[0][1])]

    def out_axes(self) -> tuple[Axis, ...]:
        return tuple(self.right[n] for n in self.outs[0] if self.right[n])


def operation_of(box: Drawn) -> Operation | None:
    """The operation of one drawn box; None when its lines only pass."""
    kinds = {m.kind for m in box.marks}
    words = sorted((m for m in box.marks if m.text), key=lambda m: m.points[0])
    if not kinds:
        return _lines_only(box)
    if "cap" in kinds:
        return Contract(*box.ending())
    if "cup" in kinds:
        return Unit(box.out_axes()[0])
    if "triangle" in kinds:
        return SoftMax(*box.ending())
    if "circle" in kinds:
        return Norm(tuple(sorted(box.ending())))
    if "trapezoid" in kinds:
        return _star(box, words)
    if "pentagon" in kinds:
        if box.ending():
            return Index(box.ending()[0], int(words[0].text))
        return Place(*box.starting()[0], int(words[0].text))
    if "bar" in kinds:
        return _bar(box)
    if "letter" in kinds:
        return _letter(box, words[0])
    if "box" in kinds:
        return _box(box, words[0].text)
    if "dot" in kinds:
        return _dots(box, words)
    return _words(box, words)


def _lines_only(box: Drawn) -> Operation | None:
    moved = {}
    for piece in box.pieces:
        moved[box.leg_out(piece.right)] = box.leg_in(piece.left)
    if len(box.ins) == 2 and len(box.outs) == 1:
        return Outer()
    if len(box.ins) > 1:
        order = tuple(moved[row, 0][0] for row in range(len(box.outs)))
        return SwapArrays(order)
    order = tuple(moved[0, n][1] for n in range(len(box.outs[0])))
    return Transpose(order) if order != tuple(sorted(order)) else None


def _star(box: Drawn, words: list[Mark]) -> Operation:
    text = words[0].text if words else ""
    steps = {part[0]: int(part[1:]) for part in text.split()}
    steps = {"stride": steps.get("/", 1), "dilation": steps.get("d", 1), "pad": steps.get("p", 0)}
    if len(box.ending()) == 2:
        return StarTransposed(*box.ending(), box.starting()[0][1], **steps)
    (_, position), (_, kernel) = box.starting()
    return Star(box.ending()[0], position.name, kernel, **steps)


def _bar(box: Drawn) -> Operation:
    if not box.outs:
        return Drop()
    if len(box.ins) == 2:
        bar = next(m for m in box.marks if m.kind == "bar")
        at = next(p for p in box.pieces if p.left is None and abs(p.points[0][0] - bar.points[0][0]) < 1)
        return Concat(box.leg_out(at.right)[1], box.right[at.right].name)
    ends, begins = box.ending(), box.starting()
    if len(begins) == 1:
        joined = Bundle if begins[0][1].parts else Group
        return joined(min(ends), len(ends), begins[0][1].name)
    return Split(ends[0], tuple(axis for _, axis in begins))


def _letter(box: Drawn, word: Mark) -> Operation:
    if word.text == "b":
        return Bias(word.sup, tuple(sorted(box.ending())))
    if word.text == "0":
        return Zero(box.out_axes())
    if word.text == "W":
        return Weight(word.sup, box.out_axes())
    dots = [m.points[0] for m in box.marks if m.kind == "dot"]
    passing = [p for p in box.pieces if p.left is not None and p.right is not None]
    shared = [
        box.leg_in(p.left)[1]
        for p in passing
        for x, y in dots
        if any(abs(b[1] - y) < 1 for a, b in zip(p.points, p.points[1:]) if a[0] <= x <= b[0])
    ]
    outs = tuple(axis for _, axis in box.starting())
    turned = word.sup.endswith(T)
    name = word.sup.removesuffix(T)
    return Linear(name, tuple(box.ending()), outs, tuple(sorted(shared)), word.sub == "+", turned)


def _box(box: Drawn, text: str) -> Operation:
    if text == "argmax":
        return Largest(box.ending()[0])
    if text == "1/σ":
        return Deviation(tuple(box.ending()))
    kinds = {"⊂": Slice, "⊃": Insert}
    if text[:1] not in kinds:
        raise ValueError(f"a box with the word {text!r} has no meaning")
    return kinds[text[0]](box.ending()[0], box.starting()[0][1], int(text[1:]))


def _dots(box: Drawn, words: list[Mark]) -> Operation:
    if words:
        return {"+": Add, "×": Mul}[words[0].text]()
    if len(box.outs) == 2:
        return Copy()
    if box.ending():
        piece = next(p for p in box.pieces if p.right is None)
        (dot,) = (m.points[0] for m in box.marks if m.kind == "dot")
        (kept,) = (p for p in box.pieces if p.right is not None and p.left is not None and _through(p.points, dot))
        return Diag(box.leg_in(kept.left)[1], box.leg_in(piece.left)[1])
    ((position, _),) = box.starting()
    return Spread(position - 1)


def _through(points: tuple, dot: tuple[float, float]) -> bool:
    pairs = zip(points, points[1:])
    return any(a[0] <= dot[0] <= b[0] and abs(a[1] - dot[1]) < 1 and abs(b[1] - dot[1]) < 1 for a, b in pairs)


def _words(box: Drawn, words: list[Mark]) -> Operation:
    word = words[0]
    if box.ending():
        return {"Sum": Sum, "Max": Max, "Mean": Mean}[word.text](box.ending()[0])
    if not box.ins:
        return Ones(box.out_axes()[0])
    if word.text == "b":
        return Bias(word.sup, ())
    if not word.text.startswith("∗"):
        return Elementwise(word.text, word.sup == "′")
    factor, powers = 1.0, []
    for mark in words:
        name = mark.text[1:]
        if mark.sup:
            size = size_of(mark.sub) if mark.sub else symbol(name)
            powers.append((Axis(name, size), Fraction(mark.sup)))
        else:
            factor = float(name)
    return Scale(factor, tuple(powers))
