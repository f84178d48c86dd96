"""Reading the text form of a diagram word by word; `text` has the grammar."""

from __future__ import annotations

import ast
import operator
import re
from typing import NamedTuple

import sympy

from labcore.diagrams.axes import Axis, AxisError, Size, symbol
from labcore.diagrams.writing import NAME, RESERVED

TOKEN = re.compile(
    rf"\s*(?:(?P<word>linear\^T\+|linear\^T|linear\+|star\^T|{NAME})|(?P<number>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    r"|(?P<sign>->|[|()\[\]{},:.@#^=/])|(?P<formula>\S))"
)
LONGEST_FORMULA = 300  # characters: arithmetic nests as deep as its signs are many
LARGEST_POWER = 100  # of a size; an exponent beyond it asks for a number that does not end


class TextError(ValueError):
    """A text that is no diagram: where (line, column, from 1), why, and the axes at fault when there are any."""

    def __init__(self, why: str, line: int, column: int, error: AxisError | None = None) -> None:
        super().__init__(f"Line {line}, column {column}: {why}")
        self.line, self.column = line, column
        self.axes = error.axes if error else ()
        self.error = error


class Token(NamedTuple):
    kind: str
    text: str
    at: int


class Reader:
    """The words of a text, and the place `n` up to which they have been read."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.n = text, [], 0
        self.axes: dict[str, Axis] = {}  # those between the parentheses
        end = 0
        while match := TOKEN.match(text, end):
            end = match.end()
            self.tokens.append(Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        self.tokens.append(Token("end", "the end", len(text.rstrip())))

    def fail(self, why: str, at: Token | None = None, error: AxisError | None = None) -> TextError:
        where = (at or self.tokens[self.n]).at
        return TextError(why, self.text.count("\n", 0, where) + 1, where - self.text.rfind("\n", 0, where), error)

    def peek(self, *texts: str) -> bool:
        token = self.tokens[self.n]
        return token.text in texts and token.kind != "end"

    def kind(self, kind: str) -> bool:
        token = self.tokens[self.n]
        return token.kind == kind and token.text not in RESERVED

    def take(self, wanted: str, kind: str = "") -> str:
        token = self.tokens[self.n]
        if not (self.kind(kind) if kind else self.peek(wanted)):
            raise self.fail(f"{wanted} is expected, {token.text} is there")
        self.n += 1
        return token.text

    def accept(self, text: str) -> bool:
        if self.peek(text):
            self.n += 1
            return True
        return False

    def name(self, what: str = "a name") -> str:
        return self.take(what, "word")

    def number(self) -> int:
        text = self.take("a whole number", "number")
        if not re.fullmatch(r"-?\d+", text):
            raise self.fail(f"a whole number is expected, {text} is there", self.tokens[self.n - 1])
        return int(text)

    def size(self) -> Size:
        if not self.peek("("):
            return self.number()
        begin, depth = self.tokens[self.n], 0
        while True:
            token = self.tokens[self.n]
            if token.at - begin.at >= LONGEST_FORMULA:
                raise self.fail(f"the formula of the size is longer than {LONGEST_FORMULA} characters", begin)
            depth += (token.text == "(") - (token.text == ")")
            if token.kind == "end":
                raise self.fail("the formula of the size has no end", begin)
            self.n += 1
            if not depth:
                break
        try:
            size = formula(self.text[begin.at : token.at + 1])
            return size.subs({symbol(name): axis.size for name, axis in self.axes.items()})
        except (SyntaxError, ValueError) as error:
            raise self.fail(f"the size is no formula: {error}", begin) from None


def _power(base: Size, exponent: Size) -> Size:
    base, exponent = sympy.sympify(base), sympy.sympify(exponent)
    if exponent.is_number and (exponent.is_finite is not True or abs(exponent) > LARGEST_POWER):
        raise ValueError(f"a power beyond {LARGEST_POWER} is not allowed")
    if base.is_Integer and exponent.is_number and int(base).bit_length() * abs(exponent) > 1000:
        raise ValueError("a power of more than 300 digits is not allowed")
    return base**exponent


SIGNS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: sympy.sympify(a) / b,
    ast.Pow: _power,
}


def formula(text: str) -> Size:
    """The size that a formula stands for; names are sizes of axes. Only arithmetic and floor() are understood."""

    def value(node: ast.expr) -> Size:
        match node:
            case ast.Constant(value=int() as number):
                return sympy.Integer(number)
            case ast.Name(id=name):
                return symbol(name.replace("_prime", "'"))
            case ast.UnaryOp(op=ast.USub(), operand=inside):
                return -value(inside)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in SIGNS:
                return SIGNS[type(op)](value(left), value(right))
            case ast.Call(func=ast.Name(id="floor"), args=[inside]):
                return sympy.floor(value(inside))
        raise ValueError(f"{ast.unparse(node)} is not arithmetic")

    return value(ast.parse(text.replace("'", "_prime").replace("^", "**"), mode="eval").body)
