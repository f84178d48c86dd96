"""Numbers as people write them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore.answers import Ambiguous, number

relaxed = settings(deadline=None, max_examples=40)  # a shared runner may take its time over one example


@pytest.mark.parametrize(
    "text, value",
    [
        ("0.5", 0.5), (" 7 ", 7), ("-3", -3), ("−3", -3), (".5", 0.5), ("1e-3", 1e-3), ("1E5", 1e5), ("+2", 2),
        ("0,5", 0.5), ("1,25", 1.25), ("0,125", 0.125), ("1,5e3", 1500), ("1,000,000", 1e6), ("12,345.5", 12345.5),
        ("10 000", 1e4), ("10 000 000", 1e7), ("10\u202f000,5", 10000.5), ("1_000", 1000),
        ("50%", 0.5), ("33,3 %", 0.333), ("1/2%", 0.005),
        ("1/3", 1 / 3), ("1 / 3", 1 / 3), ("1/2/2", 0.25), ("1/2*4", 2), ("2*3", 6), ("-1/4", -0.25),
        ("10^5", 1e5), ("10**5", 1e5), ("10^-3", 1e-3), ("2^0.5", 2**0.5), ("-2^2", -4), ("2^3^2", 512),
        ("10 million", 1e7), ("2.5 million", 2.5e6), ("1,5 billion", 1.5e9), ("20thousand", 2e4),
        ("10 000 thousand", 1e7),
        ("3×10^-4", 3e-4), ("3·10^4", 3e4), ("3 x 10^4", 3e4), ("5*10**2", 500), ("2/10^3", 2e-3), ("10^5/2", 5e4),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text, value):
    assert number(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "many", "1.2.3", "1 2", "1.000,5", "nan", "inf", "-inf", "1e999", "1/0", "0^-1", "10^100000", "%",
        "/", "^", "-", "2^", "(-8)^(1/3)", "1+1", "__import__('os')", "-" * 5000, "1/" * 5000 + "1", "9^9^9^9",
        "million", "ten million", "1 million 5", "- million",
    ],
)  # fmt: skip
def test_what_is_no_number_is_a_value_error(text):
    with pytest.raises(ValueError, match="is not a number; write for example"):
        number(text)


@pytest.mark.parametrize("text", ["1,000", "10,000", "999,125"])
def test_a_comma_that_could_mean_two_things_is_asked_back(text):
    whole, thousandths = text.replace(",", ""), text.replace(",", ".")
    with pytest.raises(Ambiguous, match=f"could be two numbers; .* as {whole} or as {thousandths}"):
        number(text)


@relaxed
@given(st.floats(-1e15, 1e15))
def test_python_s_own_spelling_is_read_exactly(value):
    assert number(repr(value)) == value


@relaxed
@given(st.fractions(-1000, 1000, max_denominator=1000))
def test_fractions(value):
    assert number(f"{value.numerator}/{value.denominator}") == pytest.approx(float(Fraction(value)))


@relaxed
@given(st.text("0123456789.,eE+-*/^% x×", max_size=30))
def test_any_text_is_a_finite_number_or_a_value_error(text):
    try:
        assert np.isfinite(number(text)) and isinstance(number(text), float)
    except ValueError:
        pass
