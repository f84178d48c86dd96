"""The typed operations of a neural circuit diagram, and how a diagram is put together from them.

A wire is an axis, an object of the tuple is an array (`axes`). An operation is a frozen dataclass that says what
it does to wires (`plan`, see `plan`); a `diagram.Box` holds it as `data`, with the arrays that it got as types.

    sketch = Sketch((Array((y, k)), Array((x, k))))
    sketch.do(Outer())           # [y k], [x k] -> [y k x k]
    sketch.do(Contract(1, 3))    # [y k x k] -> [y x]
    d = sketch.diagram

The mechanism is that of Abbott, Neural Circuit Diagrams (2024), arXiv:2402.05424.
"""

from __future__ import annotations

from collections.abc import Iterator

from labcore.diagrams.axes import AxisError
from labcore.diagrams.diagram import Box, Diagram, Layer, Ty
from labcore.diagrams.multilinear import (
    Contract,
    Diag,
    Linear,
    Mean,
    Ones,
    Outer,
    Scale,
    Spread,
    Sum,
    Transpose,
    Unit,
    Weight,
)
from labcore.diagrams.nonlinear import (
    Bias,
    Bundle,
    Deviation,
    Elementwise,
    Group,
    Index,
    Insert,
    Largest,
    Max,
    Norm,
    Place,
    Slice,
    SoftMax,
    Split,
    Star,
    StarTransposed,
)
from labcore.diagrams.plan import Plan
from labcore.diagrams.repeat import Repeat
from labcore.diagrams.tuples import Add, Block, Concat, Copy, Drop, Mul, SwapArrays, Zero

STRUCTURAL = Outer | Contract | Diag | Spread | Unit | Ones | Sum | Mean | Scale | Transpose | Linear | Weight
FUNCTIONS = Elementwise | SoftMax | Norm | Deviation | Max | Largest | Bias | Star | StarTransposed
SHAPES = Group | Bundle | Split | Index | Place | Slice | Insert
TUPLES = Add | Mul | Concat | Copy | Drop | Zero | SwapArrays | Block | Repeat
Operation = STRUCTURAL | FUNCTIONS | SHAPES | TUPLES

__all__ = [kind.__name__ for kind in Operation.__args__] + [
    "Diagram",
    "Layer",
    "Operation",
    "Plan",
    "Sketch",
    "Ty",
    "flatten",
    "multilinear",
    "plan",
    "unfolded",
]


def multilinear(op: Operation) -> bool:
    """Whether the operation is an einsum, so that it slides past others and fuses with its neighbours."""
    return getattr(op, "multilinear", False)


def plan(box: Box) -> Plan:
    """What a box does to its wires."""
    return box.data.plan(*box.dom)


class Sketch:
    """A diagram that is being built from left to right; `cut` holds the arrays at its right end."""

    def __init__(self, dom: Ty) -> None:
        self.dom, self.cut = tuple(dom), tuple(dom)
        self.layers: list[Layer] = []

    def do(self, op: Operation, row: int = 0) -> None:
        """Put an operation on the arrays from `row` on. Raises `AxisError`; the sketch stays as it was."""
        rows, name = op.rows, type(op).__name__
        found = self.cut[row : row + rows]
        try:
            if row < 0 or len(found) < rows or row > len(self.cut):
                raise AxisError(f"it needs {rows} arrays from row {row + 1} on, and there are {len(self.cut)}")
            box = Box(name, found, op.plan(*found).cod, op)
        except AxisError as error:
            column = len(self.layers)
            located = AxisError(f"Column {column + 1}, {name} on row {row + 1}: {error}.", error.axes, error.legs)
            located.column, located.row = column, row
            raise located from None
        self.layers.append(Layer(row, box))
        self.cut = (*self.cut[:row], *box.cod, *self.cut[row + rows :])

    @property
    def diagram(self) -> Diagram:
        return Diagram(self.dom, tuple(self.layers))


def flatten(diagram: Diagram) -> Diagram:
    """The diagram with every block replaced by its body, and every repetition by its turns."""
    return Diagram(diagram.dom, tuple(layer for _, layer in unfolded(diagram)))


def unfolded(diagram: Diagram, above: int = 0, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Layer]]:
    """The layers inside all blocks, each with its path: its column, then the columns inside the blocks it is in.

    A layer of a repetition comes once for each turn, always with the same path.
    """
    for column, layer in enumerate(diagram.layers):
        if isinstance(layer.box.data, Block):
            yield from unfolded(layer.box.data.body, above + layer.offset, (*path, column))
        elif isinstance(layer.box.data, Repeat):
            for n in layer.box.data.turns:
                yield from unfolded(layer.box.data.turn(n), above + layer.offset, (*path, column))
        else:
            yield (*path, column), Layer(above + layer.offset, layer.box)
