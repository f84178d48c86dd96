"""Rewrite laws: the diagrams before and after are one function, and what is no law is refused."""

from __future__ import annotations

import pytest

from labcore.diagrams import backprop, cost, parse
from labcore.diagrams.architectures import ARCHITECTURES, architecture
from labcore.diagrams.boxes import flatten
from labcore.diagrams.checks import difference
from labcore.diagrams.laws import LAWS, LawError, applicable, bend, fuse, reorder, slide, yank

SIZES = "(x=5, y=4, k=3, v=2)"


def of(text):
    return parse(f"f{SIZES} = {text}")


def operations(diagram):
    return [(layer.box.name, layer.offset) for layer in diagram.layers]


@pytest.mark.parametrize(
    ("law", "before", "after"),
    [
        (yank, "[x k] | unit k @2 | outer | contract k#1 k#2", "[x k]"),
        (yank, "[x k] | unit k @2 | outer | contract k#3 k#1", "[x k]"),
        (yank, "[k x] | unit k @2 | outer | contract k#1 k#2", "[k x] | transpose x k"),
        (yank, "[x k] | unit k @1 | outer | contract k#2 k#3", "[x k] | transpose k x"),
        (yank, "[k x] | unit k @1 | outer | contract k#1 k#3", "[k x]"),
        (bend, "[k] | unit x @2 | linear L: x#1 -> k @2 | outer | contract k#1 k#2", "[k] | linear^T L: k -> x"),
        (bend, "[k] | unit x @2 | linear L: x#2 -> k @2 | outer | contract k#1 k#2", "[k] | linear^T L: k -> x"),
        (bend, "[k] | unit x @1 | linear^T L: x#2 -> k | outer | contract k#1 k#2", "[k] | linear L: k -> x"),
        (bend, "[k y] | unit x @2 | linear L: x#1 -> k @2 | outer | contract k#1 k#2",
         "[k y] | linear^T L: k -> x | transpose y x"),
        (slide, "[x k] | linear L: k -> v | sum x", "[x k] | sum x | linear L: k -> v"),
        (slide, "[x k y] | linear L: x y -> v | sum k", "[x k y] | sum k | linear L: x y -> v"),
        (slide, "[y x k] | softmax x | index y 2", "[y x k] | index y 2 | softmax x"),
        (slide, "[y k] | linear+ L: k -> v | index y 1", "[y k] | index y 1 | linear+ L: k -> v"),
        (slide, "[y k], [x k] | scale k^-1/2 | outer", "[y k], [x k] | outer | scale k^-1/2"),
        (slide, "[y k], [x k] | softmax k | copy @2", "[y k], [x k] | copy @2 | softmax k"),
        (slide, "[y k], [x k] | sum x @2 | drop", "[y k], [x k] | drop | sum x"),
        (reorder, "Q[y k], K[x k], V[x v] | contract k: (Q.k, K.k) | contract x: (.x, V.x)",
         "Q[y k], K[x k], V[x v] | contract x: (K.x, V.x) | contract k: (Q.k, 2.k)"),
        (fuse, "A[y k], B[x k] | diag k: (A.k, B.k) | sum k", "A[y k], B[x k] | contract k: (A.k, B.k)"),
        (fuse, "[x k y] | transpose y x k | transpose k y x", "[x k y] | transpose k y x"),
        (fuse, "[x k] | spread k | diag k#1 k#2", "[x k]"),
    ],
)  # fmt: skip
def test_both_sides_are_one_function(law, before, after):
    one, other = of(before), of(after)
    assert law(one, 0) == other
    assert difference(one, other, 0) < 1e-12


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_wherever_a_law_applies_the_function_stays(name, direction):
    built = flatten(architecture(name))
    if direction == "backward":
        built = backprop(built)
    for law, rewritten in LAWS.items():
        for column in applicable(built, law)[::5]:
            other = rewritten(built, column)
            assert (other.dom, other.cod) == (built.dom, built.cod) and other != built
            assert difference(built, other, 1) < 1e-9
            if law == "slide":
                assert slide(other, column) == built


@pytest.mark.parametrize(
    ("law", "text", "says"),
    [
        (slide, "[x k] | linear+ L: k -> v | sum x", "the map L has a bias"),
        (slide, "[x k] | sum x | linear+ L: k -> v", "the map L has a bias"),
        (slide, "[x k] | softmax x | linear L: k -> v", "SoftMax is not linear"),
        (slide, "[x k] | map relu | sum x", "Elementwise is not linear"),
        (slide, "[x k] | linear L: k -> v | sum v", "share a wire"),
        (slide, "[x k] | softmax k | index k 1", "share a wire"),
        (slide, "[x k] | sum k", "two boxes"),
        (yank, "[x k] | unit x @2 | outer | contract x#2 x#3", "must meet a wire of another"),
        (bend, "[k] | unit x @2 | linear+ L: x#1 -> k @2 | outer | contract k#1 k#2", "no bias"),
        (bend, "[x] | unit x @2 | linear L: x#1 -> x @2 | outer | contract x#1 x#3", "must be what is contracted"),
        (reorder, "Q[y k], K[x k], V[x v] | contract k: (Q.k, K.k) | softmax x | contract x: (.x, V.x)", "Outer"),
        (reorder, "Q[x k], K[y k], V[x v] | contract k: (Q.k, K.k) | contract x: (.x, V.x)", "then B with C"),
        (fuse, "A[y k], B[x k] | contract k: (A.k, B.k)", "takes fewer"),
        (fuse, "[x k] | sum x | softmax k", "takes fewer"),
    ],
)
def test_what_is_no_law_is_refused(law, text, says):
    with pytest.raises(LawError, match=says):
        law(of(text), 0)


def test_an_unlawful_exchange_is_another_function():
    """What is refused is refused for a reason: done by hand, it changes what comes out."""
    pairs = [
        ("[x k] | linear+ L: k -> v | sum x", "[x k] | sum x | linear+ L: k -> v"),
        ("[x k] | softmax x | linear L: k -> v", "[x k] | linear L: k -> v | softmax x"),
    ]
    for one, other in pairs:
        assert difference(of(one), of(other), 0) > 1e-2
    with pytest.raises(ValueError, match="other = "):
        difference(of("[x k]"), of("[x]"), 0)


def test_attention_without_softmax_becomes_linear_attention():
    """Slide the scale to the end, then let the values come first: nothing of the size y x is left."""
    built = of("Q[y k], K[x k], V[x v] | contract k: (Q.k, K.k) | scale k^-1/2 | contract x: (.x, V.x)")
    moved = slide(slide(built, 2), 3)
    other = reorder(moved, 0)
    assert [name for name, _ in operations(other)] == ["Outer", "Contract", "Outer", "Contract", "Scale"]
    assert difference(built, other, 0) < 1e-12
    text = "f(x=512, y=512, k=3, v=2) = Q[y k], K[x k], V[x v] | contract k: (Q.k, K.k) | contract x: (.x, V.x)"
    assert cost(parse(text)).peak > 512 * 512 and cost(reorder(parse(text), 0)).peak < 512 * 10


def test_laws_have_names():
    built = of("[x k] | linear L: k -> v | sum x")
    assert applicable(built, "slide") == [0] and applicable(built, "yank") == []
    with pytest.raises(ValueError, match="law = 'pull'"):
        applicable(built, "pull")
