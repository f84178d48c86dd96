"""Numbers as people write them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore.answers import Ambiguous, called, number, several, taken
from labcore.exercises import asked
from labcore.experiment import ParameterError

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
        ("sqrt(100)", 10), ("√2", 2**0.5), ("√ 0,25", 0.5), ("√(2×8)", 4), ("2*sqrt(2)", 8**0.5), ("1/sqrt(4)", 0.5),
        ("(1/3)", 1 / 3), ("1/(2*5)", 0.1), ("2 / ( 3 * 4 )", 1 / 6), ("((2))", 2), ("(-2)^2", 4), ("-(2^2)", -4),
        ("(2*3)^(1/2)", 6**0.5), ("sqrt(2/(3*0.06))", (2 / 0.18) ** 0.5), ("4^(-1/2)", 0.5), ("(8/2)%", 0.04),
        ("ln(100)", np.log(100)), ("ln(63*19)/0.05", np.log(63 * 19) / 0.05), ("sqrt(sqrt(16))", 2),
        ("3×10^-4", 3e-4), ("3·10^4", 3e4), ("3 x 10^4", 3e4), ("5*10**2", 500), ("2/10^3", 2e-3), ("10^5/2", 5e4),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text, value):
    assert number(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "many", "1.2.3", "1 2", "1.000,5", "nan", "inf", "-inf", "1e999", "1/0", "0^-1", "10^100000", "%",
        "/", "^", "-", "2^", "(-8)^(1/3)", "1+1", "sqrt(-1)", "ln(0)", "sqrt()", "()", "(1", "1)", "sqrt 2 2",
        "√", "«0»", "(1)«0»", "2(3)", "(2)3", "cos(1)", "sqrt", "(" * 5000, "(" * 3000 + "1" + ")" * 3000 + "/0",
        "__import__('os')", "-" * 5000, "1/" * 5000 + "1", "9^9^9^9",
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


PIECES = st.lists(st.sampled_from(["sqrt", "ln", "(", ")", "2", "-", "^", "/", "0.5"]), max_size=12).map("".join)


@relaxed
@given(PIECES | st.text("0123456789.,eE+-*/^% x×()√«»", max_size=30))
def test_any_text_is_a_finite_number_or_a_value_error(text):
    try:
        assert np.isfinite(number(text)) and isinstance(number(text), float)
    except ValueError:
        pass


SHARE = asked("blank share d", 0.0, 0.95)
DEGREE = asked("spline degree k", 1, 5)
SIZES = (asked("weight w", -3.0, 3.0), asked("constant c", -3.0, 3.0))


@pytest.mark.parametrize(
    "text, value",
    [
        ("1/3", 1 / 3), ("d=1/3", 1 / 3), ("d = 1/3", 1 / 3), (" D  =  0,25 ", 0.25), ("share d = 20 %", 0.2),
        ("blank share = 0.5", 0.5), ("= 0.5", 0.5),
    ],
)  # fmt: skip
def test_a_value_may_come_with_its_name(text, value):
    assert taken(SHARE, text) == pytest.approx(value)


def test_a_whole_number_is_one():
    assert taken(DEGREE, "k = 2") == taken(DEGREE, "2,0") == 2 and isinstance(taken(DEGREE, "4/2"), int)


@pytest.mark.parametrize(
    "asks, text, said",
    [
        (SHARE, "d = 2", "blank share d = '2' is not allowed; it must be from 0 to 0.95"),
        (SHARE, "T = 0.2", "'T = 0.2' does not name what is asked for, blank share d; write its value alone"),
        (DEGREE, "2.5", "spline degree k = '2.5' is not allowed; it must be a whole number from 1 to 5"),
        (DEGREE, "two", "spline degree k = 'two' is not a number such as 0.5, 1e-3, 50% or 1/3; it must be a whole"),
        (DEGREE, "1,000", "spline degree k: '1,000' could be two numbers"),
        (DEGREE, "", "spline degree k = '' is not a number"),
    ],
)
def test_what_is_refused_is_explained_in_the_words_of_the_question(asks, text, said):
    with pytest.raises(ParameterError) as refused:
        taken(asks, text)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    "label, name",
    [
        ("shrinking factor κ", "kappa"), ("shrinking factor κ", "κ"), ("fast rhythm f_γ", "f_gamma"),
        ("first frequency w₁", "w1"), ("head's clock w_osc", "w_osc"), ("ridge λ", "lambda"), ("T", "t"),
    ],
)  # fmt: skip
def test_symbols_are_known_however_they_are_written(label, name):
    assert called(name, asked(label, 0, 1)) and not called("", asked(label, 0, 1))
    assert not called(f"other {name}", asked(label, 0, 1))


@pytest.mark.parametrize(
    "text", ["-1 0.5", "-1; 0,5", "-1,0.5", "-1, 0.5", "w = -1, c = 0.5", "c=1/2 w=-1", "c=.5; w=-1"]
)
def test_several_values_in_their_order_or_with_their_names(text):
    assert several(SIZES, text) == [-1, 0.5]


@pytest.mark.parametrize("text", ["", "1", "1 2 3", "w = 1", "w = 1, d = 2"])
def test_another_number_of_values_is_refused(text):
    with pytest.raises(ParameterError, match="is not 2 numbers; write, in this order: weight w, constant c"):
        several(SIZES, text)


@relaxed
@given(st.text("0123456789.,;=wc-/ ", max_size=20))
def test_any_text_is_two_values_or_a_refusal(text):
    try:
        assert all(-3 <= value <= 3 for value in several(SIZES, text))
    except ParameterError as error:
        assert str(error)
