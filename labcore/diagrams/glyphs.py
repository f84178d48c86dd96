"""How each operation of a neural circuit diagram is drawn: the conventions of the paper, one operation a case.

A glyph says which lines go on, which meet or part in a dot, and which end at a mark or begin at it. Its style says what
stands in the middle of its column:
    mark   lines come together at a shape (letter, half circle, trapezoid, bar, pentagon, box, word)
    bead   shapes sit on lines where they are (triangle of a softmax, circles of a norm)
    under  a word below the array, on an axis of length 1, with arrow heads (elementwise functions)
    fork, join, route   dots where lines part, dots where they meet, and nothing but lines
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from labcore.diagrams.axes import symbol
from labcore.diagrams.boxes import (
    Add,
    Bias,
    Block,
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
    Outer,
    Place,
    Repeat,
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
    plan,
)  # fmt: skip
from labcore.diagrams.diagram import Box
from labcore.diagrams.plan import Leg

Pairs = tuple[tuple[Leg, Leg], ...]
T = "ᵀ"  # a learned map or a convolution tensor read from the other side


@dataclass(frozen=True)
class Glyph:
    """The lines of one operation, by leg (array of the operation, position), and the mark in their middle.

    through  pairs of legs: the line goes on                beads   the same, with a shape on it
    merge    the line ends in one that goes on              branch  a line begins in one that goes on
    ins      lines that end at the mark, from top to bottom  outs   lines that begin at it
    """

    style: str
    through: Pairs = ()
    beads: Pairs = ()
    merge: Pairs = ()
    branch: Pairs = ()
    ins: tuple[Leg, ...] = ()
    outs: tuple[Leg, ...] = ()
    slots: int = 0
    kind: str = ""
    words: tuple[tuple[str, str, str], ...] = ()  # text, superscript, subscript
    width: float = 12.0
    links: tuple[Leg, ...] = ()  # lines that pass by, each of whose indices has learned numbers of its own


def glyph_of(box: Box) -> Glyph:
    """The drawing of one box."""
    op, wires = box.data, plan(box)
    through = tuple(sorted(wires.passing().items()))
    entry, leave = map(tuple, wires.touched())
    bare_in = tuple((row, 0) for row, a in enumerate(box.dom) if not len(a))  # arrays without axes have a line too
    bare_out = tuple((row, 0) for row, a in enumerate(box.cod) if not len(a))
    every = tuple((row, p) for row, a in enumerate(box.dom) for p in range(len(a) or 1))
    mark = Glyph("mark", through, ins=entry + bare_in, outs=leave + bare_out)
    match op:
        case Outer():
            kept = through or (((0, 0), (0, 0)),)
            return Glyph("route", kept, merge=tuple((leg, (0, 0)) for leg in bare_in if (leg, (0, 0)) not in kept))
        case Transpose():
            return Glyph("route", through or (((0, 0), (0, 0)),))
        case SwapArrays():
            moved = tuple(((op.order[row], 0), (row, 0)) for row, _ in bare_out)
            return Glyph("route", tuple(sorted(through + moved)))
        case Elementwise(function, derivative):
            return _under(box, ((function, "′" if derivative else "", ""),))
        case Scale(factor, powers):
            size = {axis: "" if axis.size == symbol(axis.name) else str(axis.size) for axis, _ in powers}
            words = tuple(("∗" + axis.name, str(power), size[axis]) for axis, power in powers)
            number = ((f"∗{factor!r}", "", ""),) if factor != 1 or not powers else ()
            return _under(box, number + words)
        case Bias(name, ()):
            return _under(box, (("b", name, ""),))
        case SoftMax(i):
            return _beads(box, (i,), "triangle", ("", "", ""), 28)
        case Largest(i):
            return _beads(box, (i,), "box", ("argmax", "", ""), 62)
        case Norm(positions):
            return _beads(box, positions, "circle", ("", "", ""), 30)
        case Bias(name, positions):
            return _beads(box, positions, "letter", ("b", name, ""), 34 + 6 * len(name))
        case Copy():
            kept = tuple((leg, leg) for leg in every)
            return Glyph("fork", kept, branch=tuple((leg, (1, leg[1])) for leg in every), kind="dot")
        case Spread(i):
            return Glyph("fork", through + (((0, i), (0, i)),), branch=(((0, i), (0, i + 1)),), kind="dot")
        case Diag(i, j):
            out = (0, i - (j < i))
            return Glyph("join", through + (((0, i), out),), merge=(((0, j), out),), kind="dot")
        case Add() | Mul():
            sign = (("+" if isinstance(op, Add) else "×", "", ""),)
            first, second = [leg for leg in every if not leg[0]], [leg for leg in every if leg[0]]
            kept, ends = tuple((a, a) for a in first), tuple((b, a) for a, b in zip(first, second, strict=True))
            return Glyph("join", kept, merge=ends, kind="dot", words=sign)
        case Concat(i, _):
            rest = [p for p in range(len(box.dom[0])) if p != i]
            kept, ends = tuple(((0, p), (0, p)) for p in rest), tuple(((1, p), (0, p)) for p in rest)
            return Glyph("join", kept, merge=ends, ins=((0, i), (1, i)), outs=((0, i),), kind="bar", width=16)
        case Contract(i, j):
            wide = 26 if bare_out else 16
            return _slots(replace(mark, kind="cap", ins=((0, i), (0, j)), width=wide))
        case Unit():
            return _slots(replace(mark, kind="cup", outs=((0, 0), (0, 1)), width=16))
        case Sum() | Max() | Mean():
            return _word(mark, ((type(op).__name__, "", ""),))
        case Ones():
            return _word(mark, (("1", "", ""),))
        case Linear(name, ins, _, shared, bias, transposed):
            legs = tuple((0, p) for p in ins) + bare_in
            word = ("L", name + T * transposed, "+" * bias)
            return _letter(replace(mark, ins=legs, links=tuple((0, p) for p in shared)), word)
        case Weight(name, _):
            return _letter(mark, ("W", name, ""))
        case Zero():
            return _letter(mark, ("0", "", ""))
        case Group() | Bundle() | Split():
            return _slots(replace(mark, kind="bar", width=12))
        case Index(_, index) | Place(_, _, index):
            return _slots(replace(mark, kind="pentagon", words=((str(index), "", ""),), width=24 + 7 * len(str(index))))
        case Star():
            return _slots(replace(mark, kind="trapezoid", words=(_steps(op, ""),), width=48))
        case StarTransposed(i, j):
            return _slots(replace(mark, kind="trapezoid", ins=((0, i), (0, j)), words=(_steps(op, T),), width=48))
        case Deviation(positions):
            return _box(replace(mark, ins=tuple((0, p) for p in positions)), "1/σ")
        case Slice(_, _, at):
            return _box(mark, f"⊂{at}")
        case Insert(_, _, at):
            return _box(mark, f"⊃{at}")
        case Drop():
            return _slots(replace(mark, kind="stop", width=8))
        case Block() | Repeat():
            return _box(mark, op.name)
    raise ValueError(f"there is no drawing for the operation {op!r}")


def _slots(glyph: Glyph) -> Glyph:
    return replace(glyph, slots=max(len(glyph.ins), len(glyph.outs), 1))


def _under(box: Box, words: tuple) -> Glyph:
    kept = tuple(((0, p), (0, p)) for p in range(len(box.dom[0]) or 1))
    wide = sum(9 * len(t) + 6 * max(len(a), len(b)) for t, a, b in words)
    return Glyph("under", kept, slots=1, kind="under", words=words, width=30 + wide)


def _beads(box: Box, positions: tuple[int, ...], kind: str, word: tuple[str, str, str], width: float) -> Glyph:
    pairs = tuple(((0, p), (0, p)) for p in range(len(box.dom[0])))
    on = tuple(pairs[p] for p in positions)
    return Glyph("bead", tuple(p for p in pairs if p not in on), on, kind=kind, words=(word,), width=width)


def _word(glyph: Glyph, words: tuple) -> Glyph:
    return _slots(replace(glyph, kind="word", words=words, width=16 + 9 * len(words[0][0])))


def _letter(glyph: Glyph, word: tuple[str, str, str]) -> Glyph:
    return _slots(replace(glyph, kind="letter", words=(word,), width=34 + 6.5 * max(len(word[1]), len(word[2]))))


def _box(glyph: Glyph, text: str) -> Glyph:
    return _slots(replace(glyph, kind="box", words=((text, "", ""),), width=20 + 8 * len(text)))


def _steps(op: Star | StarTransposed, turned: str) -> tuple[str, str, str]:
    parts = (
        [f"/{op.stride}"] * (op.stride != 1) + [f"d{op.dilation}"] * (op.dilation != 1) + [f"p{op.pad}"] * bool(op.pad)
    )
    return " ".join(parts) or " ", turned, ""
