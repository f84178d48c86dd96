"""Rewrite laws: what may be done to a diagram without changing its function.

    yank      a wire that is bent there and back is straight        Unit ; Contract = Id
    bend      a linear map on a bent wire is its transpose          Unit ; L ; Contract = L^T
    slide     neighbours that share no wire change places           f on c ; g on d = g on d ; f on c
    reorder   of two contractions in a row, either may come first   (A B) C = A (B C)
    fuse      a run of joins of wires is one einsum                 diag ; sum = contract

A law is a function of a diagram and of the column, from 0, where its left side begins; it returns the diagram with the
right side in its place, or raises `LawError`. On one array, `slide` and `reorder` hold for linear boxes only: a bias or
a softmax stands in the way. The bodies of blocks and repetitions are not looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from labcore.diagrams.axes import AxisError
from labcore.diagrams.boxes import (
    Block,
    Bundle,
    Contract,
    Diagram,
    Group,
    Index,
    Layer,
    Linear,
    Operation,
    Outer,
    Place,
    Repeat,
    Scale,
    Sketch,
    Slice,
    SwapArrays,
    Transpose,
    Unit,
    Weight,
    multilinear,
    plan,
)
from labcore.diagrams.fuse import schedule
from labcore.diagrams.rows import Rows

_WHOLE = Block | Repeat | Bundle | SwapArrays | Transpose | Group | Place


class LawError(ValueError):
    """A law whose left side does not stand at the column, or that does not hold for the boxes there."""


def yank(diagram: Diagram, column: int) -> Diagram:
    """Unit ; Outer ; Contract of one of the unit's wires: the wire itself, as the last or first axis of its array."""
    unit, outer, contract = _run(diagram, column, "yank", Unit, Outer, Contract)
    return _unbent(diagram, column, 3, unit, outer, contract, "yank")


def bend(diagram: Diagram, column: int) -> Diagram:
    """Unit ; Linear on one of its wires ; Outer ; Contract with the map's output: the map, read from its other side."""
    unit, linear, outer, contract = _run(diagram, column, "bend", Unit, Linear, Outer, Contract)
    op = linear.box.data
    if linear.offset != unit.offset or op.bias or len(op.ins) != 1 or len(op.outs) != 1 or op.shared:
        raise LawError(f"bend at column {column + 1}: the map {op.name} must take one wire of the unit to one, no bias")
    return _unbent(diagram, column, 4, unit, outer, contract, "bend", op)


def slide(diagram: Diagram, column: int) -> Diagram:
    """The boxes at `column` and after it change places: on different arrays any two, on one array what is linear.

    An index or a slice also slides past every box that it is no input of: this is what broadcasting means.
    """
    first, second = _run(diagram, column, "slide", object, object)
    f, g = first.box, second.box
    at, above = first.offset, second.offset
    if above >= at + len(f.cod):
        turned = [(g.data, above - len(f.cod) + len(f.dom)), (f.data, at)]
    elif above + len(g.dom) <= at:
        turned = [(g.data, above), (f.data, at + len(g.cod) - len(g.dom))]
    else:
        turned = _past(first, second, column)
    return _with(diagram, column, 2, turned)


def reorder(diagram: Diagram, column: int) -> Diagram:
    """Outer ; Contract ; Outer ; Contract on arrays A, B, C with B in both: B meets C first, and A then."""
    one, meet, two, again = _run(diagram, column, "reorder", Outer, Contract, Outer, Contract)  # the idea
    top = one.offset
    if not meet.offset == two.offset == again.offset == top:
        raise LawError(f"reorder at column {column + 1}: the second outer product must be with the array below")
    a, b = (len(x) for x in one.box.dom)
    i, j = sorted((meet.box.data.i, meet.box.data.j))
    left = [n for n in range(a + b) if n not in (i, j)]
    low, high = sorted((again.box.data.i, again.box.data.j))
    if not (i < a <= j and low < len(left) <= high and left[low] >= a):
        raise LawError(f"reorder at column {column + 1}: the wires must join A with B, and then B with C")
    middle, last = left[low] - a, b + high - len(left)
    rest = [n for n in range(b) if n != middle]
    turned = [(Outer(), top + 1), (Contract(middle, last), top + 1), (Outer(), top)]  # the idea
    return _with(diagram, column, 4, [*turned, (Contract(i, a + rest.index(j - a)), top)])  # the idea


def fuse(diagram: Diagram, column: int) -> Diagram:
    """The longest run of boxes from `column` on that is one einsum and can be said in fewer boxes.

    What is left: outer products, then wires that meet, then new wires, then a new order.
    """
    for stop in range(len(diagram.layers), column + 1, -1):
        run = diagram.layers[column:stop]
        if all(multilinear(x.box.data) and not isinstance(x.box.data, Linear | Weight) for x in run):
            top = min(x.offset for x in run)
            rows = max(x.offset + len(x.box.dom) + before - n for x, n, before in _counts(diagram, column, stop))
            part = Diagram(diagram.cuts[column][top:rows], tuple(Layer(x.offset - top, x.box) for x in run))
            if len(steps := schedule(part).nodes) == 1 and len(part.cod) == 1 and not steps[0].term.powers:
                term = steps[0].term
                if term.factor == 1 and [o.source for o in term.operands] == [*range(len(part.dom))]:
                    made = Rows({("now", n): a for n, a in enumerate(part.dom)})
                    made.einsum({("now", o.source): o.labels for o in term.operands}, term.out, term.axes, ("now", 0))
                    if len(made.sketch.layers) < len(run):
                        steps = [(x.box.data, x.offset + top) for x in made.sketch.layers]
                        return _with(diagram, column, stop - column, steps)
    raise LawError(f"fuse at column {column + 1}: no boxes from here on are one einsum that takes fewer")


LAWS: Mapping[str, Callable[[Diagram, int], Diagram]] = {
    "yank": yank,
    "bend": bend,
    "slide": slide,
    "reorder": reorder,
    "fuse": fuse,
}


def applicable(diagram: Diagram, law: str) -> list[int]:
    """The columns at which a law can be used. Raises ValueError for a law that is not in `LAWS`."""
    if law not in LAWS:
        raise ValueError(f"law = {law!r} is not allowed; it must be one of {', '.join(LAWS)}")
    found = []
    for column in range(len(diagram.layers)):
        try:
            LAWS[law](diagram, column)
        except LawError:
            continue
        found.append(column)
    return found


def _run(diagram: Diagram, column: int, law: str, *kinds: type) -> list[Layer]:
    """The layers from a column on, when they are of these kinds."""
    layers = list(diagram.layers[column : column + len(kinds)]) if column >= 0 else []
    if len(layers) < len(kinds) or not all(isinstance(x.box.data, k) for x, k in zip(layers, kinds, strict=True)):
        wanted = "two boxes" if kinds[0] is object else ", ".join(kind.__name__ for kind in kinds)
        raise LawError(f"{law} at column {column + 1}: it needs {wanted} there, one after the other")
    return layers


def _counts(diagram: Diagram, column: int, stop: int) -> list[tuple[Layer, int, int]]:
    """Each layer of a run with the number of arrays before it and before the run."""
    before = len(diagram.cuts[column])
    return [(diagram.layers[k], len(diagram.cuts[k]), before) for k in range(column, stop)]


def _with(diagram: Diagram, column: int, count: int, steps: list[tuple[Operation, int]]) -> Diagram:
    """The diagram with these operations in the place of `count` layers. Raises `LawError` when they do not fit."""
    sketch = Sketch(diagram.dom)
    sketch.layers, sketch.cut = list(diagram.layers[:column]), diagram.cuts[column]
    try:
        for op, row in steps:
            sketch.do(op, row)
    except AxisError as error:
        raise LawError(f"the other side of the law at column {column + 1} does not fit: {error}") from None
    if sketch.cut != diagram.cuts[column + count]:
        raise LawError(f"the law at column {column + 1} would change the order of the axes")
    return Diagram(diagram.dom, (*sketch.layers, *diagram.layers[column + count :]))


def _unbent(
    diagram: Diagram, column: int, count: int, unit: Layer, outer: Layer, contract: Layer, law: str,
    linear: Linear | None = None,
) -> Diagram:  # fmt: skip
    """What is left of a bent wire: its array with the wire moved to where the free end was, a map on it or none."""
    top = outer.offset
    below = unit.offset == top + 1
    rest, bent = (outer.box.dom if below else outer.box.dom[::-1]) if unit.offset in (top, top + 1) else ((), ())
    n = len(rest)
    legs = {contract.box.data.i, contract.box.data.j}
    free = {n, n + 1} if below else {0, 1}
    wire = [leg - (0 if below else 2) for leg in legs - free]
    used = [leg - min(free) for leg in legs & free]
    if not (len(bent) == 2 and contract.offset == top and len(wire) == len(used) == 1):
        raise LawError(f"{law} at column {column + 1}: one end of the bent wire must meet a wire of another array")
    if linear and used != [linear.ins[0]]:
        raise LawError(f"{law} at column {column + 1}: the output of the map {linear.name} must be what is contracted")
    steps: list[tuple[Operation, int]] = []
    if linear:
        turned = Linear(linear.name, (wire[0],), (unit.box.data.axis,), transposed=not linear.transposed)
        steps.append((turned, top))
    others = [p for p in range(n) if p != wire[0]]
    order = (*others, wire[0]) if below else (wire[0], *others)
    if order != tuple(range(n)):
        steps.append((Transpose(order), top))
    return _with(diagram, column, count, steps)


def _past(first: Layer, second: Layer, column: int) -> list[tuple[Operation, int]]:
    """Two boxes on one array, the other way round."""
    f, g, where = first.box.data, second.box.data, f"slide at column {column + 1}"
    names = f"{type(f).__name__} and {type(g).__name__}"
    if isinstance(f, Scale) and multilinear(g) and len(second.box.cod) == 1:
        return [(g, second.offset), (f, second.offset)]
    if isinstance(g, Scale) and multilinear(f) and f.rows:
        return [(g, first.offset), (f, first.offset)]
    if any(isinstance(op, _WHOLE) or (isinstance(op, Linear) and not op.ins) for op in (f, g)):
        raise LawError(f"{where}: {names} touch the array as a whole")
    if not (multilinear(f) and multilinear(g)) and not any(isinstance(op, Index | Slice) for op in (f, g)):
        stiff = f if not multilinear(f) else g
        name = f"the map {stiff.name} has a bias and" if isinstance(stiff, Linear) else type(stiff).__name__
        raise LawError(f"{where}: {name} is not linear, and the two share an array")
    if first.offset != second.offset or len(first.box.cod) != 1 or f.rows != 1 or g.rows != 1:
        raise LawError(f"{where}: {names} do not both act on this one array alone")
    # the wires of g, seen from before f; then those of f, seen from after g
    back = {out[1]: into[1] for into, out in plan(first.box).passing().items()}
    if not {p for _, p in plan(second.box).touched()[0]} <= back.keys():
        raise LawError(f"{where}: {names} share a wire")
    earlier = _moved(g, back)
    there = {into[1]: out[1] for into, out in earlier.plan(*first.box.dom).passing().items()}
    return [(earlier, first.offset), (_moved(f, there), first.offset)]


def _moved(op: Operation, place: Mapping[int, int]) -> Operation:
    """The operation on the same wires when they stand elsewhere: `place` gives the new position of each."""
    new = {name: place[getattr(op, name)] for name in ("i", "j") if hasattr(op, name)}
    many = ("positions", "ins", "shared")
    new |= {name: tuple(place[p] for p in getattr(op, name)) for name in many if hasattr(op, name)}
    return replace(op, **new)
