"""Write a neural circuit diagram as text; `text` has the grammar and reads it back."""

from __future__ import annotations

import re
from collections.abc import Iterator

from labcore.diagrams.axes import Array, Axis, symbol
from labcore.diagrams.boxes import Block, Diagram, Operation, Repeat

NAME = r"[A-Za-z_][A-Za-z_0-9]*'*"
RESERVED = {"each", "from", "at", "stride", "dilation", "pad"}
# operations that are their keyword and the wires that they touch
PLAIN = {
    "contract": ("i", "j"),
    "diag": ("i", "j"),
    "spread": ("i",),
    "sum": ("i",),
    "mean": ("i",),
    "softmax": ("i",),
    "max": ("i",),
    "largest": ("i",),
}
WHOLE = ("outer", "add", "mul", "copy", "drop")  # operations that are their keyword alone


def write(diagram: Diagram, name: str = "f") -> str:
    """The diagram as text, one operation a line. Raises ValueError for a name that the text form cannot hold."""
    sizes, made = {}, {}
    for axis, new in _axes(diagram):
        if axis.name not in sizes and made.get(axis.name) != axis:
            (made if new else sizes).setdefault(_word(axis.name), axis)
    head = ", ".join(a.name if a.size == symbol(a.name) else f"{a.name}={_size(a, sizes)}" for a in sizes.values())
    sizes = made | sizes
    arrays = ", ".join(_array(a, sizes) for a in diagram.dom)
    return "\n".join([f"{_word(name)}({head}) = {arrays}".rstrip(), *_steps(diagram, sizes, "")])


def _axes(diagram: Diagram) -> Iterator[tuple[Axis, bool]]:
    """The axes in the order of the text, and whether an operation makes them, so that they need no declaration."""
    yield from ((part, False) for a in diagram.dom for axis in a.axes for part in _whole(axis))
    for layer in diagram.layers:
        op = layer.box.data
        if isinstance(op, Block):
            yield from _axes(op.body)
        elif isinstance(op, Repeat):  # sizes that depend on the turn are written where they stand
            fixed = ((axis, new) for axis, new in _axes(op.body) if symbol(op.variable) not in _unknown(axis))
            yield from fixed
            yield from ((axis, True) for a in layer.box.cod for axis in a.axes)
        else:
            yield from ((axis, False) for axis in _within(tuple(vars(op).values())))
            yield from ((axis, True) for a in layer.box.cod for axis in a.axes)


def _unknown(axis: Axis) -> set:
    return set() if isinstance(axis.size, int) else axis.size.free_symbols


def _whole(axis: Axis) -> Iterator[Axis]:
    """The axes that an axis stands for, then the axis itself: the order in which they are declared."""
    for part in axis.parts:
        yield from _whole(part)
    yield axis


def _within(value: object) -> Iterator[Axis]:
    if isinstance(value, Axis):
        yield from _whole(value)
    elif isinstance(value, tuple):
        for item in value:
            yield from _within(item)


def _steps(diagram: Diagram, sizes: dict[str, Axis], indent: str) -> list[str]:
    lines = []
    for layer in diagram.layers:
        op, row = layer.box.data, f" @{layer.offset + 1}" if layer.offset else ""
        if isinstance(op, Block):
            inner = _steps(op.body, sizes, indent + "    ")
            lines += [f"{indent}| block {_word(op.name)} {len(op.body.dom)} {{", *inner, f"{indent}}}{row}"]
        elif isinstance(op, Repeat):
            inner = _steps(op.body, sizes, indent + "    ")
            arrays = ", ".join(_array(a, sizes) for a in op.body.dom)
            head = f"repeat{' shared' * op.shared} {_word(op.variable)} {op.low} {op.high}: {arrays}"
            lines += [f"{indent}| {head} {{", *inner, f"{indent}}}{row}"]
        else:
            lines.append(f"{indent}| {step(op, layer.box.dom, sizes)}{row}")
    return lines


def step(op: Operation, dom: tuple[Array, ...], sizes: dict[str, Axis] | None = None) -> str:
    """One operation as text, without its row. An axis gets its size unless `sizes` has it."""
    known = {} if sizes is None else sizes
    word = type(op).__name__.lower()
    if word in WHOLE:
        return word
    if word in PLAIN:
        return f"{word} {_legs(dom[0], [getattr(op, f) for f in PLAIN[word]])}"
    return globals()[f"_{word}"](op, dom[0] if dom else Array(), known)


def _word(name: str) -> str:
    if not re.fullmatch(NAME, name) or name in RESERVED:
        raise ValueError(f"name = {name!r} is not allowed; a name is letters, digits and _ and then primes")
    return name


def _size(axis: Axis, sizes: dict[str, Axis]) -> str:
    if axis.parts:
        return _array(Array(axis.parts), sizes)
    return str(axis.size) if isinstance(axis.size, int) else f"({axis.size})"


def _axis(axis: Axis, sizes: dict[str, Axis]) -> str:
    return axis.name if sizes.get(axis.name) == axis else f"{_word(axis.name)}={_size(axis, sizes)}"


def _array(a: Array, sizes: dict[str, Axis]) -> str:
    return "[" + " ".join(_axis(axis, sizes) for axis in a.axes) + "]"


def _legs(a: Array, positions: tuple[int, ...] | list[int]) -> str:
    """Wires of an array by name; #n is the n-th of its name."""
    names = [axis.name for axis in a.axes]
    return " ".join(
        names[p] if names.count(names[p]) == 1 else f"{names[p]}#{names[: p + 1].count(names[p])}" for p in positions
    )


def _norm(op, a, sizes):
    return f"norm {_legs(a, op.positions)}"


def _deviation(op, a, sizes):
    return f"deviation {_legs(a, op.positions)}"


def _transpose(op, a, sizes):
    return f"transpose {_legs(a, op.order)}".rstrip()


def _scale(op, a, sizes):
    powers = [f"{_axis(axis, sizes)}^{power}" for axis, power in op.powers]
    factor = [] if op.factor == 1 and powers else [repr(op.factor)]
    return " ".join(["scale", *factor, *powers])


def _linear(op, a, sizes):
    word = "linear" + "^T" * op.transposed + "+" * op.bias
    each = f"each {_legs(a, op.shared)}" if op.shared else ""
    outs = " ".join(_axis(axis, sizes) for axis in op.outs)
    return " ".join(part for part in (f"{word} {_word(op.name)}:", _legs(a, op.ins), "->", outs, each) if part)


def _bias(op, a, sizes):
    return f"bias {_word(op.name)}: {_legs(a, op.positions)}"


def _weight(op, a, sizes):
    return f"weight {_word(op.name)}: {_array(Array(op.axes), sizes)}"


def _zero(op, a, sizes):
    return f"zero {_array(Array(op.axes), sizes)}"


def _unit(op, a, sizes):
    return f"unit {_axis(op.axis, sizes)}"


def _ones(op, a, sizes):
    return f"ones {_axis(op.axis, sizes)}"


def _elementwise(op, a, sizes):
    return f"map {op.function}" + "'" * op.derivative


def _group(op, a, sizes):
    return f"group {_legs(a, range(op.i, op.i + op.count))} -> {_word(op.name)}"


def _bundle(op, a, sizes):
    return f"bundle {_legs(a, range(op.i, op.i + op.count))} -> {_word(op.name)}"


def _split(op, a, sizes):
    return f"split {_legs(a, [op.i])} -> {' '.join(_axis(axis, sizes) for axis in op.axes)}"


def _index(op, a, sizes):
    return f"index {_legs(a, [op.i])} {op.index}"


def _place(op, a, sizes):
    return f"place {_axis(op.axis, sizes)} {op.index} at {op.i + 1}"


def _slice(op, a, sizes):
    return f"slice {_legs(a, [op.i])} -> {_axis(op.axis, sizes)} from {op.start}"


def _insert(op, a, sizes):
    return f"insert {_legs(a, [op.i])} -> {_axis(op.axis, sizes)} from {op.start}"


def _star(op, a, sizes):
    return f"star {_legs(a, [op.i])} -> {_word(op.position)} {_axis(op.kernel, sizes)}{_steps_of(op)}"


def _startransposed(op, a, sizes):
    return f"star^T {_legs(a, [op.i, op.j])} -> {_axis(op.axis, sizes)}{_steps_of(op)}"


def _steps_of(op) -> str:
    given = {"stride": (op.stride, 1), "dilation": (op.dilation, 1), "pad": (op.pad, 0)}
    return "".join(f" {word} {value}" for word, (value, usual) in given.items() if value != usual)


def _concat(op, a, sizes):
    return f"concat {_legs(a, [op.i])} -> {_word(op.name)}"


def _swaparrays(op, a, sizes):
    return "swap " + " ".join(str(n + 1) for n in op.order)
