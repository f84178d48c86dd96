"""Rows and order of what is drawn of a diagram: one horizontal line an axis, arrays below one another.

Data columns and operation columns alternate. Boxes of neighbouring layers that stand below one another share a column.
An operation column has three parts: the lines come together, the box acts, the lines go to their new rows. Lines that
the box does not touch pass straight by: that is broadcasting.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from labcore.diagrams.axes import Axis, symbol
from labcore.diagrams.diagram import Box, Diagram
from labcore.diagrams.glyphs import Glyph, glyph_of
from labcore.diagrams.scene import (
    PITCH,
)

GAP = 2 * PITCH  # from the last axis of an array to the first of the next: room for a dash and for labels
TITLE = PITCH / 2  # what a fence adds above its first line

Groups = list[list]  # the lines (or slots of a box) that stand at one place, array by array


@dataclass
class Act:
    """A box in its column: `row` arrays stand above it before the column, `row_after` after it; `slots` are places at
    its mark, from top to bottom."""

    id: str
    row: int
    row_after: int
    box: Box
    glyph: Glyph
    before: Groups = field(default_factory=list)
    after: Groups = field(default_factory=list)
    mid: Groups = field(default_factory=list)
    slots: list = field(default_factory=list)


@dataclass
class Strip:
    """A column being laid out. `groups` and `y` are those at its left side; an operation column also has the others."""

    kind: str
    groups: Groups
    cuts: list[tuple[str, int]] = field(default_factory=list)
    opens: list[Fenced] = field(default_factory=list)
    closes: list[Fenced] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    mid: Groups = field(default_factory=list)
    after: Groups = field(default_factory=list)
    y: dict = field(default_factory=dict)
    y_mid: dict = field(default_factory=dict)
    y_after: dict = field(default_factory=dict)
    x: tuple[float, ...] = ()
    labels: list[int] = field(default_factory=list)


@dataclass
class Fenced:
    """An unfolded block: which arrays are not its own (constant while it lasts), and its first and last column."""

    id: str
    name: str
    above: int
    below: int
    first: int
    last: int = -1
    x: tuple[float, float] = (0.0, 0.0)


@dataclass
class Draft:
    strips: list[Strip] = field(default_factory=list)
    fences: list[Fenced] = field(default_factory=list)
    lines: list[tuple[str, str] | None] = field(default_factory=list)  # name and size; None: an array without axes

    def array(self, axes: tuple) -> list[int]:
        """New lines for one array."""
        self.lines += [(axis.name, _size_label(axis)) for axis in axes] or [None]
        return list(range(len(self.lines) - max(len(axes), 1), len(self.lines)))


def _size_label(axis: Axis) -> str:
    """What stands beside the name of an axis: its size, or all axes that it stands for."""
    if axis.parts:
        return (
            "[" + " ".join("=".join(filter(None, (a.name, _size_label(a).replace(" ", "")))) for a in axis.parts) + "]"
        )
    return "" if axis.size == symbol(axis.name) else str(axis.size)


def place_rows(diagram: Diagram, folded: Collection[str]) -> Draft:
    """The columns of a diagram in their order, with the heights of all lines."""
    draft = Draft()
    draft.strips.append(Strip("data", [draft.array(array.axes) for array in diagram.dom]))
    _unroll(draft, diagram, "", 0, folded)
    _settle_rows(draft)
    return draft


def _unroll(draft: Draft, diagram: Diagram, path: str, above: int, folded: Collection[str]) -> None:
    """Append the columns of a diagram whose arrays stand below `above` others; blocks are unrolled in their fence."""
    draft.strips[-1].cuts.append((path, 0))
    for k, layer in enumerate(diagram.layers):
        name = f"{path}.{k}" if path else str(k)
        row, strip = above + layer.offset, draft.strips[-1]
        body = getattr(layer.box.data, "body", None)
        closed = folded == "all" or name in folded or getattr(layer.box.data, "varies", False)
        if body is not None and not closed:
            below = len(strip.groups) - row - len(layer.box.dom)
            fence = Fenced(name, layer.box.data.name, row, below, len(draft.strips) - 1)
            draft.fences.append(fence)
            strip.opens.append(fence)
            _unroll(draft, body, name, row, folded)
            if draft.strips[-1] is strip:  # an empty body still needs a place between the two ends of its fence
                _operate(draft, [], (name, 0), [])
            draft.strips[-1].closes.append(fence)
            fence.last = len(draft.strips) - 1
            draft.strips[-1].cuts.append((path, k + 1))
            continue
        act = Act(name, row, row, layer.box, glyph_of(layer.box))
        before = draft.strips[-2] if len(draft.strips) > 1 else None
        if before and before.acts and _fits_below(before.acts[-1], act, strip):
            # counted before the boxes above it act
            act.row -= sum(len(o.box.cod) - len(o.box.dom) for o in before.acts)
            del draft.strips[-2:]
            _operate(draft, [*before.acts, act], (path, k + 1), before.cuts + strip.cuts)
        else:
            _operate(draft, [act], (path, k + 1), [])


def _fits_below(upper: Act, act: Act, strip: Strip) -> bool:
    """Whether a box may share the column of the box before it: same body, arrays strictly below, no fence between."""
    same = upper.id.rpartition(".")[0] == act.id.rpartition(".")[0]
    return same and not strip.opens and not strip.closes and act.row_after >= upper.row_after + len(upper.box.cod)


def _operate(draft: Draft, acts: list[Act], cut: tuple[str, int], between: list[tuple[str, int]]) -> None:
    """Append an operation column and the data column after it."""
    strip = Strip("operation", draft.strips[-1].groups, between, acts=acts)
    row = 0
    for act in acts:
        skipped = strip.groups[row : act.row]
        taken = strip.groups[act.row : act.row + len(act.box.dom)]
        row = act.row + len(act.box.dom)
        _apply(draft, act, taken)
        strip.mid += skipped + act.mid
        strip.after += skipped + act.after
    strip.mid += strip.groups[row:]
    strip.after += strip.groups[row:]
    draft.strips += [strip, Strip("data", strip.after, [cut])]


def _apply(draft: Draft, act: Act, taken: Groups) -> None:
    """The lines after a box, and what stands in the middle of its column: lines that pass, and slots of its mark."""
    glyph = act.glyph
    act.before = taken
    act.after = [draft.array(array.axes) for array in act.box.cod]
    for (row, i), (out, j) in (*glyph.through, *glyph.beads):
        act.after[out][j] = taken[row][i]  # the same line goes on
    act.slots = [(act.id, n) for n in range(glyph.slots)]
    if glyph.style == "join":
        act.mid = act.after
    elif glyph.style == "mark":
        touched = glyph.outs or glyph.ins
        side = 1 if glyph.outs else 0
        passing = sorted(glyph.through, key=lambda pair: pair[side])
        above = sum(not touched or pair[side] < touched[0] for pair in passing)
        lines = [taken[row][i] for (row, i), _ in passing]
        act.mid = [lines[:above] + act.slots + lines[above:]]
    else:
        act.mid = [list(group) for group in taken]
        if act.slots:
            act.mid[-1] += act.slots


def room_of(draft: Draft, groups: Groups, column: int) -> list[float]:
    """What fences that stand in this column add above each array, for their titles."""
    room = [0.0] * len(groups)
    for fence in draft.fences:
        if fence.first <= column <= fence.last and fence.above < len(groups) - fence.below:
            room[fence.above] += TITLE
    return room


def _settle(groups: Groups, room: list[float], wanted: dict) -> dict:
    """Rows of the lines: fixed pitch in an array, at least the gap between arrays, else as near as can be to `wanted`.

    Least total movement is an isotonic regression in the absolute norm: pooled neighbours move to their median.
    """
    tops, edge = [], 0.0
    for group, above in zip(groups, room, strict=True):
        tops.append(edge + above)
        edge += above + (len(group) - 1) * PITCH + GAP
    pools: list[tuple[list[float], list[int]]] = []
    for g, group in enumerate(groups):
        pull = sorted(wanted[line] - tops[g] - n * PITCH for n, line in enumerate(group) if line in wanted)
        pools.append((pull, [g]))
        # an array of new lines has no wish of its own: it stands right below the one before it
        while len(pools) > 1 and not (pools[-1][0] and pools[-2][0] and _median(pools[-2][0]) <= _median(pools[-1][0])):
            pull, members = pools.pop()
            pools[-1] = (sorted(pools[-1][0] + pull), pools[-1][1] + members)
    y = {}
    for pull, members in pools:
        shift = _median(pull) if pull else 0.0
        for g in members:
            y |= {line: tops[g] + shift + n * PITCH for n, line in enumerate(groups[g])}
    return y


def _median(values: list[float]) -> float:
    return values[len(values) // 2]


def _settle_rows(draft: Draft) -> None:
    """Heights of all lines. Once from left to right and once back, so that lines stay straight where they can."""
    stages: list[tuple[Strip, str, Groups, int, dict]] = []  # strip, name of its heights, arrays, column, slot -> line
    for n, strip in enumerate(draft.strips):
        if strip.kind == "data":
            stages.append((strip, "y", strip.groups, n, {}))
        else:
            stages.append((strip, "y_mid", strip.mid, n, {}))
    for n, (strip, name, groups, column, _) in enumerate(stages):
        wanted = _carried(stages[n - 1][0], strip, False) if n else {}
        setattr(strip, name, _settle(groups, room_of(draft, groups, column), wanted))
    for n in reversed(range(len(stages) - 1)):
        strip, name, groups, column, _ = stages[n]
        wanted = getattr(strip, name) | _carried(stages[n + 1][0], strip, True)
        setattr(strip, name, _settle(groups, room_of(draft, groups, column), wanted))
    low = min((y for strip in draft.strips for y in (*strip.y.values(), *strip.y_mid.values())), default=0.0)
    shift = 26.0 + TITLE * max((f.id.count(".") + 1 for f in draft.fences), default=0) - low
    for strip in draft.strips:
        strip.y = {line: y + shift for line, y in strip.y.items()}
        strip.y_mid = {line: y + shift for line, y in strip.y_mid.items()}
    for before, strip, after in zip(draft.strips, draft.strips[1:], draft.strips[2:]):
        if strip.kind == "operation":
            strip.y, strip.y_after = before.y, after.y


def _carried(there: Strip, here: Strip, back: bool) -> dict:
    """The heights that lines and slots of one column have in the neighbouring column `there`."""
    strip = here if here.kind == "operation" else there
    found = dict(there.y_mid if there.kind == "operation" else there.y)
    for act in strip.acts:
        slots = zip(act.slots, act.glyph.outs) if (here.kind == "operation") == back else zip(act.slots, act.glyph.ins)
        side = act.after if (here.kind == "operation") == back else act.before
        for slot, (row, i) in slots:
            one, other = (side[row][i], slot) if there.kind == "data" else (slot, side[row][i])
            found[other] = found[one]
    return found


def legs_of(groups: Groups) -> list[tuple[tuple[int, int], int]]:
    return [((row, i), line) for row, group in enumerate(groups) for i, line in enumerate(group)]
