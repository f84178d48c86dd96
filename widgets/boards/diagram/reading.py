"""What a canvas shows of a neural circuit diagram: where its parts are, what they mean and cost, the data in them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from labcore.diagrams import Diagram, Layer, compile, cost, layout, parse, write
from labcore.diagrams.architectures import free
from labcore.diagrams.backprop import backward
from labcore.diagrams.boxes import Block, Repeat, flatten, plan
from labcore.diagrams.checks import draw
from labcore.diagrams.code import Program, program
from labcore.diagrams.cost import Cost
from labcore.diagrams.fuse import parameters
from labcore.diagrams.scene import Column, Mark, Scene
from labcore.diagrams.writing import step
from widgets.boards.diagram.edits import MOVABLE, Path, inside

PIXELS = 96  # rows of a heat map; it has up to four times as many columns
BUILT = 200_000  # numbers in an array that fusing leaves out, and that is built to be seen

MEANING = {
    "Outer": "Two arrays become one: every number of the first times every number of the second.",
    "Contract": "Two wires of the same axis meet and end: products are summed over it.",
    "Diag": "Two wires of the same axis become one: index meets the same index, and stays.",
    "Spread": "One wire becomes two, as on the diagonal of a matrix.",
    "Sum": "The wire ends: its numbers are summed.",
    "Mean": "The wire ends: its numbers are averaged.",
    "Max": "The wire ends: its largest number stays.",
    "SoftMax": "Along this wire the numbers become positive and add up to one.",
    "Norm": "Along these wires the numbers get mean 0 and variance 1.",
    "Linear": "A learned linear map takes the wires that end in its letter and makes those that leave it.",
    "Weight": "A learned array.",
    "Bias": "A learned number is added for each index of these wires.",
    "Scale": "Every number is multiplied by the same factor.",
    "Elementwise": "A function of each number by itself. It touches no wire.",
    "Star": "The wire is cut into windows: which window, and where in it. Nothing is computed.",
    "StarTransposed": "Windows are added back where they came from.",
    "Copy": "The array is used twice.",
    "Drop": "The array is not used.",
    "Add": "Two arrays of the same axes are added.",
    "Mul": "Two arrays of the same axes are multiplied, number by number.",
    "Concat": "Two arrays end to end along one axis.",
    "Group": "Several axes become one long one.",
    "Bundle": "Several axes are drawn as one double line, which stands for all of them.",
    "Split": "One axis becomes several.",
    "Transpose": "Axes change places.",
    "SwapArrays": "Arrays change places.",
    "Index": "One index of the wire is chosen, and the wire ends.",
    "Block": "A part with a name. Fold it, and it is one box.",
    "Repeat": "What stands between the parentheses runs again and again; the bars below are those of its first turn.",
}


class Reading(NamedTuple):
    """A diagram and what is read from it. `line`: the cut where the gradient begins to run back, when it does."""

    diagram: Diagram
    scene: Scene
    cost: Cost
    program: Program
    line: int | None


def read(diagram: Diagram, folded: Collection[str], back: bool, name: str) -> Reading:
    """All four readings of a diagram; of its backward diagram when `back`."""
    line = None
    if back:
        way = backward(diagram)
        diagram, line, name = way.diagram, way.forward, f"{name}_backward"
    closed = {*blocks(diagram)} & {*folded}
    return Reading(diagram, layout(diagram, closed), cost(diagram), program(diagram, name), line)


def summary(r: Reading, name: str) -> str:
    """The numbers of a diagram in a sentence."""
    top = max(range(len(r.cost.live)), key=lambda n: r.cost.live[n])
    where = f"after {r.cost.columns[top - 1].name}" if top else "at its beginning"
    return (
        f"{name}{', backward,' if r.line is not None else ''} has {len(r.cost.columns)} operations, "
        f"{int(r.cost.multiply_adds):,} multiply-adds, {r.cost.parameters:,} learned numbers and at most "
        f"{max(r.cost.live):,} numbers in memory, {where}."
    )


def hands(r: Reading, was: dict[int, int]) -> dict[str, Any]:
    """The drawing with the places of its wires, boxes and cuts, and the bars under it. `was`: the bars before."""
    cuts: dict[int, dict[str, Any]] = {}
    work = []
    for column in r.scene.columns:
        for path, cut, x in column.cuts:
            at = _opened_cut(r.diagram, as_path(path), cut)
            live = r.cost.live[at]
            cuts.setdefault(at, {"cut": at, "x": round(x, 1), "live": live, "was": was.get(at, live)})
        if column.boxes:
            own = [c for b in column.boxes for c in r.cost.columns[_columns(r.diagram, as_path(b))]]
            macs, other = sum(int(c.multiply_adds) for c in own), sum(int(c.pointwise) for c in own)
            work.append({"x": round((column.x0 + column.x1) / 2, 1), "macs": macs, "other": other})
    for fence in r.scene.fences:
        inner = _columns(r.diagram, as_path(fence.box))
        if fence.folded and inner.stop - inner.start > 1:  # a closed block hides its cuts, not what it holds at most
            top = max(range(inner.start + 1, inner.stop), key=lambda at: r.cost.live[at])
            live, x = r.cost.live[top], (fence.points[0][0] + fence.points[1][0]) / 2
            cuts[top] = {"cut": top, "x": round(x, 1), "live": live, "was": was.get(top, live), "inside": fence.name}
    return {
        "svg": r.scene.to_svg(),
        "width": round(r.scene.width, 1),
        "height": round(r.scene.height, 1),
        "wires": [
            [[[round(x, 1), round(y, 1)] for x, y in w.points], w.axis, w.size, w.wire, w.column, w.row, w.leg]
            for w in r.scene.wires
            if not w.scalar
        ],
        "kinds": [c.kind for c in r.scene.columns],
        "boxes": [_box(r, b, n) for n, c in enumerate(r.scene.columns) for b in c.boxes],
        "fences": [_fence(f) for f in r.scene.fences],
        "cuts": sorted(cuts.values(), key=lambda c: c["cut"]),
        "work": work,
        "line": cuts[r.line]["x"] if r.line in cuts else 0,
    }


def _fence(fence: Any) -> dict[str, Any]:
    """A block, and its upper right corner."""
    right = max(x for x, _ in fence.points)
    top = min(y for x, y in fence.points if x > right - 1)
    where = {"x": round(right - 9, 1), "y": round(top, 1)}
    return {"box": fence.box, "name": fence.name, "folded": fence.folded, **where}


def _box(r: Reading, box: str, n: int) -> dict[str, Any]:
    """Where a box is, and what it is called."""
    column: Column = r.scene.columns[n]
    marks = [p for m in r.scene.marks if m.box == box for p in _corners(m)]
    if not marks:  # a box without a shape of its own, as the outer product: where its wires bend
        wires = [p for w in r.scene.wires if w.box == box for p in w.points]
        wires = wires or [p for w in r.scene.wires if column.x0 <= w.points[0][0] <= column.x1 for p in w.points]
        middle, high = (column.x0 + column.x1) / 2, sum(y for _, y in wires) / max(len(wires), 1)
        marks = [(middle - 7, high - 7), (middle + 7, high + 7)]
    left, right = min(x for x, _ in marks) - 3, max(x for x, _ in marks) + 3
    top, low = min(y for _, y in marks) - 3, max(y for _, y in marks) + 3
    found = layer(r.diagram, box)
    return {
        "id": box,
        "column": n,
        "name": found.box.name,
        "step": step_text(found),
        "at": [round(v, 1) for v in (left, top, max(right - left, 14), max(low - top, 14))],
        "moves": isinstance(found.box.data, MOVABLE) and r.line is None,
    }


def details(r: Reading, box: str, name: str, axes: Collection[str]) -> dict[str, Any]:
    """One box: its line, its shapes, the wires that pass by, its cost as a formula of these axes and as a number."""
    found, path = layer(r.diagram, box), as_path(box)
    op, kind = found.box.data, found.box.name
    own = range(len(r.cost.columns))[_columns(r.diagram, path)]
    columns = [r.cost.columns[n] for n in own]
    by = {} if isinstance(op, Block | Repeat) else plan(found.box).passing()
    learned = parameters(r.diagram)
    names = [n for n in learned if n in (getattr(op, "name", ""), f"{getattr(op, 'name', '')}_bias")]
    line = r.program.line.get(columns[0].path, 0) if columns else 0
    source = r.program.source.split("\n")
    macs, other = (sum(int(getattr(c, f)) for c in columns) for f in ("multiply_adds", "pointwise"))
    formula = _formula(r, own, name, axes) if macs else ""
    work = "It costs nothing here: it is only a way to read the array, or part of a later einsum."
    if macs:
        work = f"{macs:,} multiply-adds{f' = {formula}' if formula else ''}."
    elif other:
        work = f"{other:,} other operations on single numbers."
    return {
        "box": box,
        "title": f"{kind}: {step_text(found)}",
        "meaning": MEANING.get(kind, ""),
        "line": line,
        "torch": source[line - 1].strip() if 0 < line <= len(source) and not isinstance(op, Block | Repeat) else "",
        "ins": [_shape(a) for a in found.box.dom],
        "outs": [_shape(a) for a in found.box.cod],
        "passing": list(dict.fromkeys(found.box.dom[row].axes[leg].name for row, leg in by)),
        "learned": [f"{n}: {' × '.join(f'{a.name} {a.size}' for a in learned[n])}" for n in names],
        "work": work,
        "live": r.cost.live[own[-1] + 1] if own else 0,
    }


def _formula(r: Reading, own: list[int], name: str, axes: Collection[str]) -> str:
    """The multiply-adds of these columns in the sizes of the axes."""
    try:
        table = cost(parse(write(r.diagram, name), **free(*axes)))
    except ValueError:  # a size that only makes sense as a number, as that of a patch
        return ""
    return str(sum(table.columns[n].multiply_adds for n in own)).replace("**", "^").replace("*", "·")


def heat_maps(diagram: Diagram, cut: int, seed: int) -> tuple[list[dict[str, Any]], bytes]:
    """The arrays at a cut of the opened diagram, on random numbers: what to say of each, and colours, a byte each."""
    arrays, levels = [], []
    tensors = compile(diagram, seed).cuts(*draw(diagram, seed), limit=BUILT)[cut]
    for tensor, array in zip(tensors, flatten(diagram).cuts[cut], strict=True):
        title = f"{array} {' × '.join(str(a.size) for a in array.axes) or '1'}"
        if tensor is None:
            arrays.append({"title": f"{title}: never built, the next einsum does without it", "rows": 0, "cols": 0})
            continue
        values = tensor.detach().numpy()
        grid = values.reshape(values.shape[0] if values.ndim else 1, -1)
        low, high = float(values.min()), float(values.max())
        shown = grid[:PIXELS, : 4 * PIXELS]
        # one colour scale for numbers of both signs, white at 0, and one for those that are never negative
        base, span = (0.0, high) if low >= 0 else (-max(-low, high), 2 * max(-low, high))
        levels.append(np.round(255 * (shown - base) / (span or 1)).astype(np.uint8).tobytes())
        arrays.append(
            {
                "title": title,
                "rows": shown.shape[0],
                "cols": shown.shape[1],
                "period": values.shape[-1] if values.ndim > 2 else 0,
                "names": [a.name for a in array.axes],
                "low": low,
                "high": high,
                "signed": low < 0,
                "cropped": shown.size < grid.size,
            }
        )
    return arrays, b"".join(levels)


def as_path(box: str) -> Path:
    """The path of a box id: "3.1" is (3, 1)."""
    return tuple(int(n) for n in box.split(".") if n)


def as_id(path: Path) -> str:
    return ".".join(map(str, path))


def layer(diagram: Diagram, box: str) -> Layer:
    """The layer of a box id."""
    path = as_path(box)
    return inside(diagram, path[:-1]).layers[path[-1]]


def paths_of(diagram: Diagram, kinds: Collection[str], above: Path = ()) -> list[Path]:
    """The paths of all boxes of some kinds, those inside blocks too."""
    found = []
    for n, one in enumerate(diagram.layers):
        if one.box.name in kinds:
            found.append((*above, n))
        if isinstance(one.box.data, Block | Repeat):
            found += paths_of(one.box.data.body, kinds, (*above, n))
    return found


def blocks(diagram: Diagram) -> list[str]:
    """The ids of all blocks and repetitions."""
    return [as_id(path) for path in paths_of(diagram, ("Block", "Repeat"))]


def step_text(one: Layer) -> str:
    """A box in the words of the text form."""
    if isinstance(one.box.data, Block):
        return f"block {one.box.data.name}"
    if isinstance(one.box.data, Repeat):
        return f"repeat {one.box.data.name}"
    known = {a.name: a for array in (*one.box.dom, *one.box.cod) for a in array.axes}
    return step(one.box.data, one.box.dom, known)


def _opened_cut(diagram: Diagram, path: Path, cut: int) -> int:
    """The number of a cut of a block, counted in the diagram with all blocks opened."""
    before = 0
    for column in path:
        before += sum(map(_length, diagram.layers[:column]))
        diagram = diagram.layers[column].box.data.body
    return before + sum(map(_length, diagram.layers[:cut]))


def _length(one: Layer) -> int:
    """How many operations a layer is when it is opened."""
    op = one.box.data
    turns = len(op.turns) if isinstance(op, Repeat) else 1
    return turns * sum(map(_length, op.body.layers)) if isinstance(op, Block | Repeat) else 1


def _columns(diagram: Diagram, box: Path) -> slice:
    """Which columns of the opened diagram a box is."""
    begin = _opened_cut(diagram, box[:-1], box[-1])
    return slice(begin, begin + _length(inside(diagram, box[:-1]).layers[box[-1]]))


def _shape(array: Any) -> str:
    return f"[{' '.join(f'{a.name} {a.size}' for a in array.axes)}]"


def _corners(mark: Mark) -> list[tuple[float, float]]:
    return [(x + s * mark.r, y + s * mark.r) for x, y in mark.points for s in (-1, 1)]
