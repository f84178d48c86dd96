"""Where the columns of a drawing stand, as wide as labels, marks and moving lines need, and where its dashes run."""

from __future__ import annotations

from labcore.diagrams.layout import Draft, Groups, Strip, legs_of, room_of
from labcore.diagrams.scene import NAME_SIZE, NUMBER_SIZE, TITLE_SIZE


def between(draft: Draft, groups: Groups, y: dict, column: int) -> list[float]:
    """Heights of the dashed lines between arrays: halfway between what stands under one and over the next."""
    room = room_of(draft, groups, column)
    pairs = zip(groups, groups[1:], room[1:])
    return [(y[upper[-1]] + y[lower[0]] - above - 12) / 2 for upper, lower, above in pairs]


def _names(strip: Strip, sizes: list[int], phase: str) -> list[tuple]:
    """A name for each place between two arrays, the same before, in and after a column where a dash goes on."""
    owner, row, segment = [], 0, 0
    for act, size in zip(strip.acts, sizes, strict=True):
        while row < act.row:
            owner.append(segment)
            segment, row = segment + 1, row + 1
        owner += [segment] * size
        segment, row = segment + 1, row + len(act.box.dom)
    owner += range(segment, segment + len(strip.groups) - row)
    return [(a, n, phase) if a == b else (a,) for n, (a, b) in enumerate(zip(owner, owner[1:]))]


def dash_heights(draft: Draft, n: int) -> list[dict[tuple, float]]:
    """The dashed lines at the left, in the middle and at the right of an operation column, by the name of each."""
    strip = draft.strips[n]
    stages = (
        (strip.groups, strip.y, n - 1, _names(strip, [len(a.before) for a in strip.acts], "in")),
        (strip.mid, strip.y_mid, n, _names(strip, [len(a.mid) for a in strip.acts], "mid")),
        (strip.after, strip.y_after, n + 1, _names(strip, [len(a.after) for a in strip.acts], "out")),
    )
    return [dict(zip(names, between(draft, groups, y, at))) for groups, y, at, names in stages]


def _route(draft: Draft, n: int) -> tuple[float, float, float]:
    """Widths of the three parts of an operation column, by how far lines move."""
    strip = draft.strips[n]
    come = [abs(strip.y_mid[line] - y) for line, y in strip.y.items() if line in strip.y_mid]
    go = [abs(y - strip.y_mid[line]) for line, y in strip.y_after.items() if line in strip.y_mid]
    for act in strip.acts:
        before = {leg: strip.y[line] for leg, line in legs_of(act.before)}
        after = {leg: strip.y_after[line] for leg, line in legs_of(act.after)}
        come += [abs(strip.y_mid[slot] - before[leg]) for slot, leg in zip(act.slots, act.glyph.ins)]
        go += [abs(strip.y_mid[slot] - after[leg]) for slot, leg in zip(act.slots, act.glyph.outs)]
        for pairs, side in ((act.glyph.merge, go if act.glyph.style == "route" else come), (act.glyph.branch, go)):
            side += [abs(after[b] - before[a]) for a, b in pairs]
        if act.glyph.style == "join":  # its lines meet where they will stand
            come += [abs(after[b] - before[a]) for a, b in zip(act.glyph.ins, act.glyph.outs * 2)]
    left, middle, right = dash_heights(draft, n)
    come += [abs(middle[name] - left[name]) for name in middle.keys() & left.keys()]
    go += [abs(right[name] - middle[name]) for name in middle.keys() & right.keys()]
    come_most, go_most = max(come, default=0.0), max(go, default=0.0)
    widths = [min(14 + 0.5 * most, 64) if most > 1 else 0.0 for most in (come_most, go_most)]
    return widths[0], max((act.glyph.width for act in strip.acts), default=10.0) + 6, widths[1]


def place_columns(draft: Draft) -> None:
    """Where the columns stand. Data columns are as wide as the labels of the lines that begin there."""
    x, labelled = 8.0, {}
    for n, strip in enumerate(draft.strips):
        if strip.kind == "operation":
            a, b, c = _route(draft, n)
            strip.x = (x, x + a, x + a + b, x + a + b + c)
            x = strip.x[-1]
            continue
        for fence in reversed(strip.closes):
            wide = len(fence.name) * TITLE_SIZE * 0.58 + 14
            x = max(x + 6, fence.x[0] + wide)
            fence.x = (fence.x[0], x)
        last = n == len(draft.strips) - 1
        lines = [line for group in strip.groups for line in group if draft.lines[line]]
        fresh = [line for line in lines if x - labelled.get(line, -1e9) > (120 if last else 280)]
        labelled |= dict.fromkeys(fresh, x)
        wide = max((_label_width(*draft.lines[line]) + 12 for line in fresh), default=14.0)
        strip.labels, start = fresh, x
        x += wide + (6 if strip.closes else 0)
        strip.x = (draft.strips[n - 1].x[-1] if n else start, (start + x) / 2)
        for fence in strip.opens:
            fence.x = (x, x)
            x += 6
        strip.x += (x,)


def _label_width(axis: str, size: str) -> float:
    return len(axis) * NAME_SIZE * 0.56 + (3 + len(size) * NUMBER_SIZE * 0.6 if size else 0.0)
