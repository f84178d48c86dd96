"""What people type as an answer, read as a number."""

from __future__ import annotations

import math
import re


class Ambiguous(ValueError):
    """A text that could be one of two numbers."""


def number(text: str) -> float:
    """A number as a person writes it: 0.5, 0,5, 1e-3, 50%, 1/3, 10^5, 3×10^-4, 10 000, 10 million.

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
        value = _evaluate(plain.replace(",", "."))
    except (ValueError, ArithmeticError, RecursionError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]!r} is not a number; write for example 0.5, 1e-3, 50% or 1/3")
    return value


_COUNTS = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_SIGNS = str.maketrans("\N{MINUS SIGN}×·x", "-***")


def _evaluate(text: str) -> float:
    """A number, or products, quotients and powers of numbers; powers bind first, then from left to right."""
    text = text.strip()
    if text.endswith("%"):
        return _evaluate(text[:-1]) / 100
    if counted := re.fullmatch(rf"(.*\d)\s*({'|'.join(_COUNTS)})", text, re.DOTALL):
        return _evaluate(counted[1]) * _COUNTS[counted[2]]
    if halves := re.fullmatch(r"(.*)([*/])([^*/]*)", text, re.DOTALL):
        left, right = _evaluate(halves[1]), _evaluate(halves[3])
        return left * right if halves[2] == "*" else left / right
    if text.startswith("-"):
        return -_evaluate(text[1:])
    if "^" in text:
        base, _, power = text.partition("^")
        return _evaluate(base) ** _evaluate(power)
    return float(text)
