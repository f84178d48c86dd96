"""Reading one operation of the text form of a diagram; `text` has the grammar."""

from __future__ import annotations

import math
from fractions import Fraction

from labcore.diagrams import boxes
from labcore.diagrams.axes import Array, Axis, AxisError, Size
from labcore.diagrams.boxes import (
    Bias,
    Concat,
    Elementwise,
    Index,
    Insert,
    Linear,
    Operation,
    Place,
    Scale,
    Slice,
    Split,
    Star,
    StarTransposed,
    SwapArrays,
    Transpose,
    Weight,
    Zero,
)
from labcore.diagrams.tokens import LARGEST_POWER, Reader, Token
from labcore.diagrams.writing import PLAIN, WHOLE


class StepReader(Reader):
    """A reader that knows the axes of the program and the words for operations."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.made: dict[str, Axis] = {}  # those that operations have made

    def sized(self, name: str, size: Size, at: Token) -> Axis:
        try:
            return Axis(name, size)
        except AxisError as error:
            raise self.fail(f"{error}", at, error) from None

    def measured(self, name: str, at: Token) -> Axis:
        """An axis whose size is read now: a number, a formula, or other axes in brackets that it stands for."""
        return Axis.of(name, self.array().axes) if self.peek("[") else self.sized(name, self.size(), at)

    def axis(self) -> Axis:
        at, name = self.tokens[self.n], self.name("an axis")
        if self.accept("="):
            return self.measured(name, at)
        known = self.made | self.axes
        if name not in known:
            raise self.fail(
                f"the axis {name} is not declared between the parentheses; they hold {', '.join(known)}", at
            )
        return known[name]

    def all_axes(self) -> tuple[Axis, ...]:
        axes = []
        while self.kind("word"):
            axes.append(self.axis())
        return tuple(axes)

    def array(self) -> Array:
        self.take("[")
        axes = self.all_axes()
        self.take("]")
        return Array(axes)

    def leg(self, a: Array) -> int:
        """The position of a wire of the array."""
        at, name = self.tokens[self.n], self.name("a wire")
        found = [p for p, axis in enumerate(a.axes) if axis.name == name]
        if not found:
            raise self.fail(f"there is no axis {name} in {a}", at)
        if self.accept("#"):
            n = self.number()
            if not 1 <= n <= len(found):
                raise self.fail(f"there are {len(found)} axes {name} in {a}, number {n} is not among them", at)
            return found[n - 1]
        if len(found) > 1:
            raise self.fail(f"there are {len(found)} axes {name} in {a}; say {name}#1 to {name}#{len(found)}", at)
        return found[0]

    def legs(self, a: Array) -> tuple[int, ...]:
        found = []
        while self.kind("word"):
            found.append(self.leg(a))
        return tuple(found)

    def operation(self, word: str, a: Array, at: Token) -> Operation:
        kinds = {kind.__name__.lower(): kind for kind in boxes.Operation.__args__}
        if word in WHOLE:
            return kinds[word]()
        if word in PLAIN:
            return kinds[word](*(self.leg(a) for _ in PLAIN[word]))
        if word in ("norm", "deviation"):
            return kinds[word](self.legs(a))
        if word == "transpose":
            return Transpose(self.legs(a))
        if word == "swap":
            order = [self.number() - 1]
            while self.kind("number"):
                order.append(self.number() - 1)
            return SwapArrays(tuple(order))
        if word in ("unit", "ones"):
            return kinds[word](self.axis())
        if word == "zero":
            return Zero(self.array().axes)
        if word in ("weight", "bias"):
            name, _ = self.name(), self.take(":")
            return Weight(name, self.array().axes) if word == "weight" else Bias(name, self.legs(a))
        if word == "scale":
            return self.scale()
        if word.startswith("linear"):
            name, _, ins, _, outs = self.name(), self.take(":"), self.legs(a), self.take("->"), self.all_axes()
            shared = self.legs(a) if self.accept("each") else ()
            return Linear(name, ins, outs, shared, word.endswith("+"), "^T" in word)
        if word == "map":
            function = self.name("a function")
            return Elementwise(function.removesuffix("'"), function.endswith("'"))
        if word in ("group", "bundle"):
            legs, _, name = self.legs(a), self.take("->"), self.name()
            if not legs or legs != tuple(range(legs[0], legs[0] + len(legs))):
                raise self.fail(f"{word} needs adjacent axes of {a}, in their order", at)
            return kinds[word](legs[0], len(legs), name)
        if word == "index":
            return Index(self.leg(a), self.number())
        if word == "place":
            axis, index, _, position = self.axis(), self.number(), self.take("at"), self.number()
            return Place(position - 1, axis, index)
        if word in ("split", "concat", "slice", "insert", "star", "star^T"):
            i = self.leg(a)
            return self.arrow(word, a, i)
        raise self.fail(f"there is no operation {word}", at)

    def arrow(self, word: str, a: Array, i: int) -> Operation:
        j = self.leg(a) if word == "star^T" else 0
        self.take("->")
        if word == "split":
            return Split(i, self.all_axes())
        if word == "concat":
            return Concat(i, self.name())
        if word in ("slice", "insert"):
            axis, _, begin = self.axis(), self.take("from"), self.number()
            return (Slice if word == "slice" else Insert)(i, axis, begin)
        if word == "star":
            return Star(i, self.name(), self.axis(), **self.options())
        return StarTransposed(i, j, self.axis(), **self.options())

    def options(self) -> dict[str, int]:
        found = {}
        while self.peek("stride", "dilation", "pad"):
            word, self.n = self.tokens[self.n].text, self.n + 1
            found[word] = self.number()
        return found

    def scale(self) -> Scale:
        at = self.tokens[self.n]
        factor = float(self.take("a number", "number")) if self.kind("number") else 1.0
        if not math.isfinite(factor):
            raise self.fail(f"the factor {_shown(at.text)} is too large", at)
        powers = []
        while self.kind("word"):
            axis, _ = self.axis(), self.take("^")
            powers.append((axis, self.power()))
        return Scale(factor, tuple(powers))

    def power(self) -> Fraction:
        at = self.tokens[self.n]
        text = self.take("a number", "number")
        bottom = self.number() if self.accept("/") else 1
        # as a fraction, 1e999999999 would be written out
        if not bottom or abs(float(text) / bottom) > LARGEST_POWER:
            raise self.fail(f"the power {_shown(at.text)} is not allowed; it is at most {LARGEST_POWER} either way", at)
        return Fraction(text) / bottom


def _shown(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."
