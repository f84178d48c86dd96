"""The text form: it can be read back exactly, sizes can be changed, errors say where and which axes."""

from __future__ import annotations

import pytest

from labcore.diagrams import Axis, TextError, architecture, backprop, parse, write
from labcore.diagrams.architectures import ARCHITECTURES, EDITS, edited, text_of
from labcore.diagrams.axes import symbol
from labcore.diagrams.boxes import Outer, SoftMax, SwapArrays
from labcore.diagrams.checks import declared, variations
from tests.circuits.building import array, composed


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_round_trip(name):
    forms = [architecture(name), architecture(name, **{a: symbol(a) for a in declared(name) if a in "xmkhc"})]
    forms += [backprop(forms[0]), *(d for d, *_ in variations(name, 2))]
    for d in forms:
        text = write(d, name)
        assert parse(text) == d
        assert write(parse(text), name) == text


def test_the_example_of_the_paper_in_one_line():
    text = (
        "attn(y, x, k) = Q[y k],K[x k],V[x k] | contract k:(Q.k,K.k) | scale k^-1/2 | softmax x | contract x:(.x,V.x)"
    )
    d = parse(text)
    names = [layer.box.name for layer in d.layers]
    assert names == ["Outer", "Contract", "Scale", "SoftMax", "Outer", "Contract"]
    assert [str(a) for cut in d.cuts[-2:] for a in cut] == ["[y x x k]", "[y k]"]
    assert d.layers[3].box.data == SoftMax(1)


def test_places_bring_arrays_together():
    d = parse("f(a=2, b=3) = P[a], Q[b], R[a] | contract a: (R.a, P.a)")
    assert [layer.box.data for layer in d.layers[:2]] == [SwapArrays((1, 2, 0)), Outer()]
    assert d.cod == (array(Axis("b", 3)), array())
    same = parse("f(a=2, b=3) = P[a], Q[b], R[a] | contract a: (1.a, 3.a)")
    assert same.cod == (array(), array(Axis("b", 3)))


def test_legs_of_one_name_have_numbers():
    x = Axis("x", 3)
    d = composed((array(x, x),), SoftMax(1))
    assert "softmax x#2" in write(d) and parse(write(d)) == d
    with pytest.raises(TextError, match="say x#1 to x#2"):
        parse("f(x=3) = [x x] | softmax x")
    with pytest.raises(TextError, match="number 3"):
        parse("f(x=3) = [x x] | softmax x#3")


def test_one_name_with_two_sizes():
    d = composed((array(Axis("x", 3)), array(Axis("x", 4))))
    assert write(d) == "f(x=3) = [x], [x=4]" and parse(write(d)) == d


def test_sizes_can_be_changed():
    text = write(architecture("unet_2level"))
    for x in (16, 37):
        assert parse(text, x=x) == architecture("unet_2level", x=x)
    assert parse("f(a=2, b=(a*3+1)) = [b]").dom[0][0].size == 7
    assert parse("f(a=2, b=(a*3+1)) = [b]", a=4).dom[0][0].size == 13
    with pytest.raises(TextError, match="no axis z"):
        parse(text, z=3)


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("f(y=3, k=3) = [y k]\n| contract y k", 2, 3, "y .* and k .* different axes"),
        ("f(x=3) = [x]\n| softmax z", 2, 11, "there is no axis z"),
        ("f(x=3) = [x z]", 1, 13, "not declared"),
        ("f(x=3) = [x] | fold x", 1, 16, "no operation fold"),
        ("f(x=3) = [x] | sum x @4", 1, 16, "no row 4"),
        ("f(x=3) = [x] | sum x @0", 1, 23, "count from 1"),
        ("f(x=3, x=4) = [x]", 1, 8, "declared twice"),
        ("f(x=0) = [x]", 1, 3, "at least 1"),
        ("f(x=3) = [x", 1, 12, "\\] is expected, the end"),
        ("f(x=3) = [x] sum x", 1, 14, "\\| is expected|, is expected"),
        ("f(x=(3+) = [x]", 1, 5, "formula|end"),
        ("f(x=(__import__)) = [x]\n| index x 1.5", 2, 11, "whole number"),
        ("f(x=(g(3))) = [x]", 1, 5, "not arithmetic"),
        ("f(x=3) = Q[x] | contract x: (Q.x, R.x)", 1, 35, "no array R"),
        ("f(x=4, w=9) = [x] | star x -> p w", 1, 21, "does not fit"),
        ("f(x=4) = [x] | block b 2 { | add }", 1, 22, "needs 2 arrays"),
        ("", 1, 1, "the name of the diagram"),
        ("f(y=5) = [y]\n| scale 1e999", 2, 9, "factor 1e999 is too large"),
        ("f(y=5) = [y]\n| scale y^1e999999999", 2, 11, "power 1e999999999 is not allowed"),
        ("f(y=5) = [y]\n| scale y^1/0", 2, 11, "power 1 is not allowed"),
        (f"f(y=({'-' * 3000}5)) = [y]", 1, 5, "longer than 300 characters"),
        ("f(y=(9^9^9)) = [y]", 1, 5, "beyond 100"),
        ("f(y=((((9^99)^99)^99)^99)) = [y]", 1, 5, "300 digits"),
        ("f(y=5, x=(y^(0/0))) = [y]", 1, 10, "beyond 100"),
        ("f(y=5) = [y] " + "| block b 1 { " * 3000 + "}" * 3000, 1, 306, "more than 20 blocks"),
    ],
)
def test_errors_say_where_and_why(text, line, column, says):
    with pytest.raises(TextError, match=says) as error:
        parse(text)
    assert (error.value.line, error.value.column) == (line, column), str(error.value)
    assert str(error.value).startswith(f"Line {line}, column {column}: ")


def test_a_type_error_keeps_the_two_axes():
    with pytest.raises(TextError) as error:
        parse("f(y=3, k=3) = [y k]\n| contract y k")
    assert {a.name for a in error.value.axes} == {"y", "k"} and error.value.error.legs == ((0, 0), (0, 1))


def test_edits_type_check_and_the_wrong_ones_are_refused():
    for name in ("attention", "cross_attention", "multihead"):
        for edit in EDITS[: 5 if name == "multihead" else 4]:
            assert parse(edited(name, edit)).cod == architecture(name).cod
    for name, edit in (("attention", "one head"), ("mlp", "no softmax"), ("multihead", "paint it red")):
        with pytest.raises(ValueError, match="edit = "):
            edited(name, edit)
    with pytest.raises(ValueError, match="name = 'gpt'"):
        text_of("gpt")
    with pytest.raises(ValueError, match="stride = 0"):
        text_of("conv1d", stride=0)
    with pytest.raises(ValueError, match="name = 'a b' is not allowed"):
        write(composed((array(Axis("a b", 2)),)))
