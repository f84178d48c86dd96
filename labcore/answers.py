"""What people type as an answer, read as a number, or as the value of a parameter: "1/3", "d = 1/3"."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labcore.experiment import Parameter


class Ambiguous(ValueError):
    """A text that could be one of two numbers."""


def number(text: str) -> float:
    """A number as a person writes it: 0.5, 0,5, 1e-3, 50%, 1/3, 10^5, 3×10^-4, sqrt(2), 2/(3*7), 10 000, 10 million.

    Raises ValueError, and for 1,000, which is another number on each side of a border, its kind `Ambiguous`.
    """
    plain = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))", "", text).replace("**", "^").translate(_SIGNS)
    if re.search(r"\d,\d{3},\d{3}|,\d{3}\.", plain):
        plain = plain.replace(",", "")
    elif ambiguous := re.search(r"(?<![\d.])[1-9]\d{0,2},\d{3}(?!\d)", plain):
        whole, thousandths = ambiguous[0].replace(",", ""), ambiguous[0].replace(",", ".")
        raise Ambiguous(
            f"{ambiguous[0]!r} could be two numbers; write it without the comma, as {whole} or as {thousandths}"
        )
    try:
        value = _unfold(plain.replace(",", "."))
    except (ValueError, ArithmeticError, RecursionError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]!r} is not a number; write for example 0.5, 1e-3, 50% or 1/3")
    return value


def taken(parameter: Parameter, text: str) -> int | float | str:
    """What a person typed for a number, with its name or without, as its value; a sentence as it stands.

    Raises `ParameterError`, in words for that person, where it is not allowed, or could be two numbers, or has the name
    of something else.
    """
    from labcore.experiment import ParameterError  # numbers alone are read without it

    if parameter.kind == "text":
        sentence = parameter.spelled(text)
        if wrong := parameter.wrong(sentence):
            raise ParameterError(f"{parameter.label} = {_short(sentence)} {wrong}")
        return sentence
    name, _, value = (part.strip() for part in text.rpartition("="))
    if name and not called(name, parameter):
        wanted = f"what is asked for, {parameter.label}; write its value alone"
        raise ParameterError(f"{_short(text)} does not name {wanted}")
    short = _short(value)
    try:
        read = number(value)
    except Ambiguous as question:
        raise ParameterError(f"{parameter.label}: {question}") from None
    except ValueError:
        wanted = f"such as 0.5, 1e-3, 50% or 1/3; it must be {parameter.allowed}"
        raise ParameterError(f"{parameter.label} = {short} is not a number {wanted}") from None
    if parameter.low <= read <= parameter.high and (parameter.kind == "float" or read == int(read)):
        return int(read) if parameter.kind == "int" else read
    raise ParameterError(f"{parameter.label} = {short} is not allowed; it must be {parameter.allowed}")


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 60 else text[:57] + "...")


def called(name: str, parameter: Parameter) -> bool:
    """Whether a person may mean this parameter: by its symbol, some words of its label, or its name in Python."""
    said = _words(name)
    return bool(said) and said <= _words(f"{parameter.label} {parameter.name}")


def _words(name: str) -> set[str]:
    """The words of a name: small, with subscripts as digits and Greek letters by their names. f_γ is f and gamma."""
    plain = unicodedata.normalize("NFKC", name).lower()
    for letter in re.findall(r"[α-ω]", plain):
        spelled = unicodedata.name(letter).split()[-1].lower()
        plain = plain.replace(letter, f" {spelled.replace('lamda', 'lambda')} ")
    return set(re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z]) (?=\d)", "", plain)))


def several(parameters: tuple[Parameter, ...], text: str) -> list[int | float]:
    """The values of several parameters: in their order, with blanks or commas between, or each with its name.

    Raises `ParameterError` as `taken` does, and where they are not as many.
    """
    from labcore.experiment import ParameterError

    if "=" in text:
        parts = re.findall(r"[^=]+=\s*[^\s;=]+", text)
        parts = [part.strip(" ,;\t\n") for part in parts]
        found = [next((p for p in parts if called(p.partition("=")[0], q)), None) for q in parameters]
    else:
        # a comma with a digit on both sides may be a decimal one, and is so where something else parts the numbers
        ways = (r"\s*;\s*", r",?\s+", r",")
        splits = [re.split(way, text.strip(" ,;\t\n")) for way in ways]
        found = next((s for s in splits if len(s) == len(parameters)), [None])
    if len(found) != len(parameters) or None in found:
        labels = ", ".join(p.label for p in parameters)
        raise ParameterError(f"{_short(text)} is not {len(parameters)} numbers; write, in this order: {labels}")
    return [taken(p, part) for p, part in zip(parameters, found)]


_COUNTS = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_SIGNS = str.maketrans("\N{MINUS SIGN}×·x", "-***")


_FUNCTIONS = {"": float, "sqrt": math.sqrt, "√": math.sqrt, "ln": math.log}
_INNERMOST = re.compile(r"(sqrt|√|ln|)\s*\(([^()]*)\)|(√)\s*([\d.]+)")


def _unfold(text: str) -> float:
    """A number with parts in parentheses, or under a root: each is read first, and «n» then stands in its place."""
    if "«" in text:
        raise ValueError("the mark is our own")
    parts: list[float] = []
    while found := _INNERMOST.search(text):
        name, inner = (found[1], found[2]) if found[2] is not None else (found[3], found[4])
        parts.append(_FUNCTIONS[name](_evaluate(inner, parts)))
        text = f"{text[: found.start()]}«{len(parts) - 1}»{text[found.end() :]}"
    return _evaluate(text, parts)


def _evaluate(text: str, parts: list[float]) -> float:
    """A number, or products, quotients and powers of numbers; powers bind first, then from left to right."""
    text = text.strip()
    if text.endswith("%"):
        return _evaluate(text[:-1], parts) / 100
    if counted := re.fullmatch(rf"(.*\d)\s*({'|'.join(_COUNTS)})", text, re.DOTALL):
        return _evaluate(counted[1], parts) * _COUNTS[counted[2]]
    if halves := re.fullmatch(r"(.*)([*/])([^*/]*)", text, re.DOTALL):
        left, right = _evaluate(halves[1], parts), _evaluate(halves[3], parts)
        return left * right if halves[2] == "*" else left / right
    if text.startswith("-"):
        return -_evaluate(text[1:], parts)
    if "^" in text:
        base, _, power = text.partition("^")
        value = _evaluate(base, parts) ** _evaluate(power, parts)
        if isinstance(value, complex):
            raise ValueError("a root of a negative number")
        return value
    if part := re.fullmatch(r"«(\d+)»", text):
        return parts[int(part[1])]
    return float(text)
