"""The text form of neural circuit diagrams: `parse` reads it, `write` writes it, and each undoes the other.

    program   := name '(' [ axis { ',' axis } ] ')' '=' [ array { ',' array } ] { '|' step }
    axis      := name [ '=' size ]             in the parentheses, an axis without a size has its own name as size
    size      := number | '(' formula ')'      with + - * / ^ and floor(...)
               | '[' axis { axis } ']'         the axes that it stands for: a double line
                                               later on, an axis that a step has made (`star`, `group`) is known too
    array     := [ name ] '[' { axis } ']'
    step      := operation [ '@' number ]      the row of its first array, from 1; 1 when left out
    leg       := name [ '#' number ]           a wire of the step's array; #n is the n-th of its name, from the top
    place     := [ name | number ] '.' leg     in an input by its name, in a row, or in what the last step made
    pair      := leg leg | name ':' '(' place ',' place ')'
    operation := 'outer' | 'add' | 'mul' | 'copy' | 'drop' | 'swap' number { number }
               | ( 'contract' | 'diag' ) pair
               | ( 'spread' | 'sum' | 'mean' | 'softmax' | 'max' | 'largest' ) leg
               | ( 'norm' | 'deviation' | 'transpose' ) { leg }
               | ( 'unit' | 'ones' ) axis | 'zero' array | 'weight' name ':' array | 'bias' name ':' { leg }
               | 'scale' [ number ] { axis '^' number [ '/' number ] }
               | ( 'linear' | 'linear+' | 'linear^T' | 'linear^T+' ) name ':' { leg } '->' { axis } [ 'each' { leg } ]
               | 'map' function                a prime behind it is the derivative
               | ( 'group' | 'bundle' ) leg { leg } '->' name | 'split' leg '->' { axis } | 'concat' leg '->' name
               | 'index' leg number | 'place' axis number 'at' number
               | ( 'slice' | 'insert' ) leg '->' axis 'from' number
               | 'star' leg '->' name axis { option } | 'star^T' leg leg '->' axis { option }
               | 'block' name number '{' { '|' step } '}'     the number of arrays that go in
               | 'repeat' [ 'shared' ] name number number ':' array { ',' array } '{' { '|' step } '}'
                                               a variable, its first and last value, and what goes into a turn;
                                               sizes may be formulas of the variable
    option    := ( 'stride' | 'dilation' | 'pad' ) number

A pair with places in two arrays first puts them next to each other and merges them (`outer`), as in
`attention(y, x, k) = Q[y k], K[x k], V[x k] | contract k:(Q.k, K.k) | scale k^-1/2 | softmax x | contract x:(.x, V.x)`.
"""

from __future__ import annotations

from labcore.diagrams.axes import Array, Axis, AxisError, symbol
from labcore.diagrams.boxes import Block, Contract, Diag, Diagram, Operation, Outer, Repeat, Sketch, SwapArrays
from labcore.diagrams.steps import StepReader
from labcore.diagrams.tokens import TextError
from labcore.diagrams.writing import write

__all__ = ["TextError", "parse", "write"]

DEEPEST = 20  # blocks inside each other


def parse(text: str, **sizes: int) -> Diagram:
    """The diagram of a text; `sizes` replace those in the parentheses. Raises `TextError`."""
    return _Parser(text, sizes).program()


class _Parser(StepReader):
    def __init__(self, text: str, sizes: dict[str, int]) -> None:
        super().__init__(text)
        self.given, self.depth = sizes, 0

    def program(self) -> Diagram:
        self.name("the name of the diagram")
        self.take("(")
        while not self.accept(")"):
            at, name = self.tokens[self.n], self.name("the name of an axis")
            axis = self.measured(name, at) if self.accept("=") else Axis(name, symbol(name))
            if name in self.axes:
                raise self.fail(f"the axis {name} is declared twice", at)
            if name in self.given and axis.parts:
                raise self.fail(f"the axis {name} has the size of its parts; give sizes to them", at)
            self.axes[name] = self.sized(name, self.given[name], at) if name in self.given else axis
            if not self.peek(")"):
                self.take(",")
        if unknown := self.given.keys() - self.axes.keys():
            raise self.fail(f"there is no axis {min(unknown)} to give a size to", self.tokens[0])
        self.take("=")
        arrays, names = [], []
        while not self.peek("|", "the end") and not self.kind("end"):
            if arrays:
                self.take(",")
            names.append(self.name() if self.kind("word") else "")
            arrays.append(self.array())
        sketch = Sketch(tuple(arrays))
        self.steps(sketch, names)
        if not self.kind("end"):
            raise self.fail(f"| is expected, {self.tokens[self.n].text} is there")
        return sketch.diagram

    def steps(self, sketch: Sketch, names: list[str]) -> None:
        last = 0  # the row that the last step made
        while self.accept("|"):
            at, begin = self.tokens[self.n], self.n
            row = self.row_of_step()
            self.n = begin
            word = self.name("an operation")
            if row > len(sketch.cut):
                raise self.fail(f"there is no row {row + 1}; there are {len(sketch.cut)} arrays", at)
            dom = sketch.cut[row : row + 1]
            try:
                if word in ("contract", "diag") and self.tokens[self.n + 1].text == ":":
                    row, op = self.places(word, sketch, names, last)
                elif word == "block":
                    op = self.block(sketch, row)
                elif word == "repeat":
                    op = self.repeat()
                else:
                    op = self.operation(word, dom[0] if dom else Array(), at)
                sketch.do(op, row)
            except AxisError as error:
                raise self.fail(str(error), at, error) from None
            for a in sketch.layers[-1].box.cod:
                self.made.update({axis.name: axis for axis in a.axes if axis.name not in self.axes})
            self.rename(op, row, names, len(sketch.cut))
            last = row
            if self.accept("@"):
                self.number()

    def row_of_step(self) -> int:
        """Look ahead for the row behind the step, and over blocks that have rows of their own."""
        depth = 0
        while not self.kind("end"):
            token = self.tokens[self.n]
            depth += (token.text == "{") - (token.text == "}")
            if depth < 0 or (not depth and token.text == "|"):
                break
            self.n += 1
            if not depth and token.text == "@":
                at, row = self.tokens[self.n], self.number()
                if row < 1:
                    raise self.fail(f"row {row} is not allowed; rows count from 1", at)
                return row - 1
        return 0

    def places(self, word: str, sketch: Sketch, names: list[str], last: int) -> tuple[int, Operation]:
        """A pair given by places. Merges their two arrays first when they are not in one."""
        self.name("an axis")
        self.take(":")
        self.take("(")
        (row, i), _, (other, j) = self.place(sketch, names, last), self.take(","), self.place(sketch, names, last)
        self.take(")")
        if row != other:
            first, after = min(row, other), max(row, other)
            if abs(row - other) > 1 or other < row:
                rest = [n for n in range(first, after + 1) if n not in (row, other)]
                order = [row, other, *rest] if row < other else [*rest, row, other]
                sketch.do(SwapArrays(tuple(n - first for n in order)), first)
                names[first : after + 1] = [names[n] for n in order]
                row = first + order.index(row)
            j += len(sketch.cut[row])
            sketch.do(Outer(), row)
            names[row : row + 2] = [""]
        return row, Contract(i, j) if word == "contract" else Diag(i, j)

    def place(self, sketch: Sketch, names: list[str], last: int) -> tuple[int, int]:
        at = self.tokens[self.n]
        if self.kind("word"):
            name = self.name()
            if name not in names:
                raise self.fail(f"there is no array {name}; there are {', '.join(filter(None, names)) or 'none'}", at)
            row = names.index(name)
        else:
            row = self.number() - 1 if self.kind("number") else last
        if not 0 <= row < len(sketch.cut):
            raise self.fail(f"there is no array {row + 1}; there are {len(sketch.cut)}", at)
        self.take(".")
        return row, self.leg(sketch.cut[row])

    def rename(self, op: Operation, row: int, names: list[str], rows: int) -> None:
        """Keep the inputs' names on the rows where they still are."""
        old, gone = names[row : row + op.rows], op.rows
        new = [""] * (rows - len(names) + gone)
        if isinstance(op, SwapArrays):
            new = [old[n] for n in op.order]
        elif old and new:
            new[0] = old[0] if gone == 1 else ""
        names[row : row + gone] = new

    def block(self, sketch: Sketch, row: int) -> Block:
        at, name, rows = self.tokens[self.n], self.name(), self.number()
        dom = sketch.cut[row : row + rows]
        if rows < 0 or len(dom) < rows:
            raise self.fail(f"the block {name} needs {rows} arrays from row {row + 1} on", at)
        return Block(name, self.body(dom))

    def body(self, dom: tuple[Array, ...]) -> Diagram:
        """What stands between the braces of a block."""
        at, self.depth = self.tokens[self.n], self.depth + 1
        if self.depth > DEEPEST:
            raise self.fail(f"more than {DEEPEST} blocks stand inside each other", at)
        self.take("{")
        sketch = Sketch(dom)
        self.steps(sketch, [""] * len(dom))
        self.take("}")
        self.depth -= 1
        return sketch.diagram

    def repeat(self) -> Repeat:
        shared, at = self.accept("shared"), self.tokens[self.n]
        name, low, high, _ = self.name("a variable"), self.number(), self.number(), self.take(":")
        if name in self.axes:
            raise self.fail(f"the variable {name} is already the name of an axis", at)
        dom = [self.array()]
        while self.accept(","):
            dom.append(self.array())
        return Repeat(name, low, high, self.body(tuple(dom)), shared)
