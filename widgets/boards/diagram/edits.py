"""What hands do to a neural circuit diagram: put an operation on wires, take one away, move one to another wire.

A diagram is edited as a list of steps, (operation, row). After every change all steps are taken again from the left, so
that whatever no longer fits is found, with the two axes at fault.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from labcore.diagrams import Axis, AxisError, Diagram
from labcore.diagrams.boxes import (
    Add,
    Block,
    Concat,
    Contract,
    Copy,
    Diag,
    Drop,
    Elementwise,
    Group,
    Index,
    Linear,
    Max,
    Mean,
    Mul,
    Norm,
    Operation,
    Outer,
    Scale,
    Sketch,
    SoftMax,
    Spread,
    Star,
    Sum,
    SwapArrays,
    Transpose,
    Ty,
)
from labcore.diagrams.functions import ELEMENTWISE
from labcore.diagrams.steps import StepReader

Path = tuple[int, ...]
Leg = tuple[int, int]  # row of the tuple, position in its array
Step = tuple[Operation, int, int | None]  # operation, row, the column where it was before the edit


class EditError(ValueError):
    """An edit that is not possible. `axes`: those at fault; `box`: the path of the operation that no longer fits."""

    def __init__(self, why: str, axes: tuple[Axis, ...] = (), box: Path | None = None) -> None:
        super().__init__(why)
        self.axes, self.box = axes, box


class Tool(NamedTuple):
    """One operation of the palette: how many wires it wants, and what else has to be said (`ask`, as in `usual`)."""

    label: str
    group: str
    least: int
    most: int
    says: str
    ask: str = ""
    usual: str = ""


TOOLS = {
    "linear": Tool(
        "L learned map", "learned", 1, 6, "the wires that it takes in", "name, + for a bias: axes", "L: n=8"
    ),
    "outer": Tool("outer product", "join", 2, 2, "a wire of each of two arrays"),
    "contract": Tool("contract", "join", 2, 2, "the two wires to sum over"),
    "diag": Tool("diagonal", "join", 2, 2, "the two wires that become one"),
    "sum": Tool("sum", "join", 1, 1, "the wire to sum over"),
    "softmax": Tool("softmax", "functions", 1, 1, "the wire to normalise"),
    "norm": Tool("norm", "functions", 1, 6, "the wires to normalise over"),
    "map": Tool("f of each number", "functions", 1, 1, "a wire of the array", "function", "relu"),
    "scale": Tool("scale", "functions", 1, 1, "the wire whose size is the factor", "power", "-1/2"),
    "max": Tool("max", "functions", 1, 1, "the wire to take the largest of"),
    "mean": Tool("mean", "functions", 1, 1, "the wire to average over"),
    "star": Tool(
        "★ windows", "shape", 1, 1, "the wire to cut into windows", "position, kernel", "p w=3 stride 1 pad 1"
    ),
    "spread": Tool("spread", "shape", 1, 1, "the wire that becomes two"),
    "transpose": Tool("swap wires", "shape", 2, 2, "the two wires of an array that change places"),
    "group": Tool("group", "shape", 2, 6, "neighbouring wires that become one", "name", "g"),
    "index": Tool("choose index", "shape", 1, 1, "the wire to fix", "index, from 0", "0"),
    "copy": Tool("copy", "tuple", 1, 1, "a wire of the array"),
    "add": Tool("add", "tuple", 2, 2, "a wire of each of two arrays"),
    "mul": Tool("multiply", "tuple", 2, 2, "a wire of each of two arrays"),
    "concat": Tool("concatenate", "tuple", 2, 2, "the wire of each array that is made longer", "name", "c"),
    "swap": Tool("swap arrays", "tuple", 2, 2, "a wire of each of two arrays"),
    "drop": Tool("drop", "tuple", 1, 1, "a wire of the array"),
}
MOVABLE = SoftMax | Sum | Mean | Max
_ON_ONE_WIRE = {"sum": Sum, "softmax": SoftMax, "max": Max, "mean": Mean, "spread": Spread}
_ON_TWO_ARRAYS = {"outer": Outer, "add": Add, "mul": Mul}


def rebuilt(dom: Ty, steps: list[Step]) -> Diagram:
    """The diagram of these steps. Raises `EditError` at the first that does not fit."""
    sketch = Sketch(dom)
    for op, row, origin in steps:
        try:
            if isinstance(op, Block):
                inside = sketch.cut[row : row + op.rows]
                op = Block(op.name, rebuilt(inside, steps_of(op.body)))
            sketch.do(op, row)
        except (AxisError, EditError) as error:
            raise EditError(str(error), error.axes, None if origin is None else (origin,)) from None
    return sketch.diagram


def steps_of(diagram: Diagram) -> list[Step]:
    return [(layer.box.data, layer.offset, column) for column, layer in enumerate(diagram.layers)]


def edited(diagram: Diagram, path: Path, change: Callable[[list[Step]], list[Step]]) -> Diagram:
    """The diagram after a change of the steps of the block at `path`, or of its own steps when that is ()."""
    steps = steps_of(diagram)
    if not path:
        return rebuilt(diagram.dom, change(steps))
    block, row, column = steps[path[0]]
    try:
        body = edited(block.body, path[1:], change)
    except EditError as error:
        raise EditError(str(error), error.axes, error.box and (path[0], *error.box)) from None
    try:
        steps[path[0]] = (dataclasses.replace(block, body=body), row, column)
    except AxisError as error:  # a turn of a repetition that does not fit the next
        raise EditError(str(error), error.axes, (path[0],)) from None
    return rebuilt(diagram.dom, steps)


def inserted(diagram: Diagram, path: Path, cut: int, new: list[tuple[Operation, int]]) -> Diagram:
    """New steps at a cut of the diagram or of the block at `path`."""
    fresh: list[Step] = [(op, row, None) for op, row in new]
    return edited(diagram, path, lambda steps: [*steps[:cut], *fresh, *steps[cut:]])


def removed(diagram: Diagram, box: Path) -> Diagram:
    """The diagram without one box."""
    return edited(diagram, box[:-1], lambda steps: [s for s in steps if s[2] != box[-1]])


def moved(diagram: Diagram, box: Path, leg: Leg) -> Diagram:
    """The same operation on another wire of its array; `leg` counts rows from those of the box's block."""
    column = inside(diagram, box[:-1]).layers[box[-1]]
    op, name = column.box.data, column.box.name
    if not isinstance(op, MOVABLE):
        raise EditError(f"{name} cannot be moved to another wire", box=box)
    if leg[0] != column.offset:
        here, there = column.box.dom[0], inside(diagram, box[:-1]).cuts[box[-1]]
        where = there[leg[0]] if 0 <= leg[0] < len(there) else "another block"
        axes = (here[op.i], where[leg[1]]) if where != "another block" else (here[op.i],)
        raise EditError(f"{name} stands on {here[op.i]} of {here}; that wire is in {where}", axes, box)
    new = dataclasses.replace(op, i=leg[1])
    return edited(diagram, box[:-1], lambda steps: [(new, s[1], s[2]) if s[2] == box[-1] else s for s in steps])


def inside(diagram: Diagram, path: Path) -> Diagram:
    """The body of the block at a path."""
    for column in path:
        diagram = diagram.layers[column].box.data.body
    return diagram


def above(diagram: Diagram, path: Path) -> int:
    """How many arrays pass above the block at a path, which is what its rows count from."""
    rows = 0
    for column in path:
        rows += diagram.layers[column].offset
        diagram = diagram.layers[column].box.data.body
    return rows


def steps_for(tool: str, arrays: Ty, picks: list[Leg], said: str, axes: dict[str, Axis]) -> list[tuple[Operation, int]]:
    """The steps that an operation of the palette takes on the wires that were picked.

    arrays: those of the cut; said: what the tool asks for, in the words of the text form; axes: those known by name.
    """
    rows = list(dict.fromkeys(row for row, _ in picks))
    reader = StepReader(said)
    reader.axes = dict(axes)
    if tool in ("contract", "diag"):
        (row, i), (_, j) = picks = sorted(picks)
        steps: list[tuple[Operation, int]] = []
        if len(rows) == 2:
            steps = [*_adjacent(*sorted(rows)), (Outer(), row)]
            j += len(arrays[row])
        return [*steps, (Contract(i, j) if tool == "contract" else Diag(i, j), row)]
    if tool in _ON_TWO_ARRAYS or tool in ("concat", "swap"):
        if len(rows) != 2:
            raise EditError(f"{TOOLS[tool].label} needs two arrays; both wires are in {arrays[rows[0]]}")
        if tool == "swap":
            low, high = sorted(rows)
            return [(SwapArrays((high - low, *range(1, high - low), 0)), low)]
        op = Concat(picks[0][1], _all(reader, reader.name)) if tool == "concat" else _ON_TWO_ARRAYS[tool]()
        return [*_adjacent(*rows), (op, min(rows))]
    if len(rows) != 1:
        raise EditError(f"{TOOLS[tool].label} needs wires of one array; these are in {len(rows)}")
    row, positions = rows[0], [position for _, position in picks]
    return [(_on_one_array(tool, arrays[row], positions, reader), row)]


def _on_one_array(tool: str, a, positions: list[int], reader: StepReader) -> Operation:
    i, known = positions[0], reader.axes
    if tool in _ON_ONE_WIRE:
        return _ON_ONE_WIRE[tool](i)
    if tool == "copy":
        return Copy()
    if tool == "drop":
        return Drop()
    if tool == "norm":
        return Norm(tuple(sorted(positions)))
    if tool == "transpose":
        order = list(range(len(a)))
        order[i], order[positions[1]] = order[positions[1]], order[i]
        return Transpose(tuple(order))
    if tool == "group":
        if sorted(positions) != list(range(min(positions), max(positions) + 1)):
            raise EditError(f"group needs neighbouring wires of {a}")
        return Group(min(positions), len(positions), _all(reader, reader.name))
    if tool == "index":
        return Index(i, _all(reader, reader.number))
    if tool == "map":
        function = _all(reader, reader.name)
        if function not in ELEMENTWISE:
            raise EditError(f"there is no function {function}; there are {', '.join(ELEMENTWISE)}")
        return Elementwise(function)
    if tool == "scale":
        if not re.fullmatch(r"-?\d+(/[1-9]\d*)?", reader.text.strip()):
            raise EditError(f"{reader.text!r} is no power; write for example -1/2")
        return Scale(1.0, ((a[i], Fraction(reader.text.strip())),))
    if tool == "star":
        name, kernel = reader.name("the name of the position"), reader.axis()
        return Star(i, name, kernel, **_all(reader, reader.options))
    name, plus, outs = re.fullmatch(r"\s*([\w']*)\s*(\+?)\s*:?(.*)", reader.text).groups()
    reader = StepReader(outs)
    reader.axes = known
    return Linear(name or "L", tuple(sorted(positions)), _all(reader, reader.all_axes), bias=bool(plus))


def _all(reader: StepReader, read: Callable):
    """What `read` reads, when nothing is left behind it."""
    found = read()
    if not reader.kind("end"):
        raise EditError(f"{reader.tokens[reader.n].text} is not understood here")
    return found


def _adjacent(first: int, second: int) -> list[tuple[Operation, int]]:
    """The step that brings two rows next to each other, in this order; none when they are."""
    if second == first + 1:
        return []
    low, high = min(first, second), max(first, second)
    rest = [n for n in range(low, high + 1) if n not in (first, second)]
    return [(SwapArrays(tuple(n - low for n in (first, second, *rest))), low)]
