"""A checked function says what is wrong with its arguments before any compiled code sees them."""

import inspect
import re
from collections.abc import Callable
from html import unescape
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pytest
from jaxtyping import Bool, Float, Int

from labcore.checked import ANY, CONTIGUOUS, EMPTY, INFINITE, above, checked, index, rows, within
from labcore.kernels import kernel
from widgets import source

Array = np.ndarray


class Graph(NamedTuple):
    starts: Annotated[Int[Array, " N+1"], rows("E")]
    ends: Annotated[Int[Array, " E"], index("N"), EMPTY]
    groups: int


@checked
@kernel
def gather(graph: Graph, x: Float[Array, "N groups"], out: Annotated[Float[Array, " N"], ANY]) -> None:
    """The first column of the neighbours, summed."""
    for i in range(len(x)):
        out[i] = 0.0
        for e in range(graph.starts[i], graph.starts[i + 1]):
            out[i] += x[graph.ends[e], 0]


GRAPH = Graph(np.array([0, 1, 3]), np.array([1, 0, 1]), 3)
X = np.arange(6.0).reshape(2, 3)


def test_what_fits_goes_through():
    out = np.full(2, np.nan)
    gather(GRAPH, X, out=out)
    assert out.tolist() == [3, 3]
    gather(GRAPH._replace(starts=np.zeros(3, int), ends=np.zeros(0, int)), X, out)
    assert out.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(x=X[:1]), "out has shape (2,); it must be (N,) with N = 1"),
        (dict(x=X[:, :2]), "x has shape (2, 2); it must be (N, groups) with groups = 3"),
        (dict(x=X[0]), "x has shape (3,); it must be (N, groups)"),
        (dict(x=X.tolist()), "x = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] is not allowed; it must be an array"),
        (dict(x=X.astype(int)), "x has dtype int64; it must be float64"),
        (dict(x=X.astype(">f8")), "x has dtype >f8; it must be float64"),
        (dict(x=np.where(X == 4, np.nan, X)), "x[1, 1] = nan is not allowed; it must be finite"),
        (dict(x=np.where(X == 5, -np.inf, X)), "x[1, 2] = -inf is not allowed; it must be finite"),
        (dict(out=np.empty(3)), "out has shape (3,); it must be (N,) with N = 2"),
        (dict(starts=np.array([0, 3])), "graph.starts has shape (2,); it must be (N+1,) with N = 2"),
        (dict(starts=np.array([0, 2, 1])), "graph.starts[2] = 1 is not allowed; it must be from 0 to 3"),
        (dict(starts=np.array([1, 1, 3])), "graph.starts[0] = 1"),
        (dict(starts=np.array([0, 4, 3])), "graph.starts[1] = 4"),
        (dict(ends=np.array([1, 0, 2])), "graph.ends[2] = 2 is not allowed; it must be from 0 to 1"),
        (dict(ends=np.array([1, 0, -1])), "graph.ends[2] = -1"),
        (dict(groups=2.0), "graph.groups = 2.0 is not allowed; it must be a whole number"),
        (dict(graph=(1, 2, 3)), "graph = (1, 2, 3) is not allowed; it must be a Graph"),
    ],
)
def test_what_does_not_fit_is_named(change, words):
    given = dict(graph=GRAPH, x=X, out=np.empty(2))
    for name, value in change.items():
        if name in Graph._fields:
            given["graph"] = GRAPH._replace(**{name: value})
        else:
            given[name] = value
    with pytest.raises(ValueError) as error:
        gather(**given)
    assert words in str(error.value)


@checked
def settings(
    rate: Annotated[float, above(0)],
    high: Annotated[float, INFINITE],
    label: Annotated[int, index("n")],
    share: Annotated[float, within(0, 1)],
    learn: bool,
    rule: Literal["a", "b"],
    seen: Bool[Array, " n"],
    w: Annotated[Float[Array, "n+1 4"], CONTIGUOUS] | None = None,
    law: Callable[..., None] = print,
):
    return rate, high, label, share, learn, rule


FITS = dict(rate=1, high=np.inf, label=np.int64(1), share=0.5, learn=np.True_, rule="a", seen=np.ones(2, bool))


def test_numbers_become_what_is_declared():
    made = settings(**FITS, w=np.zeros((3, 4)))
    assert made == (1.0, np.inf, 1, 0.5, True, "a")
    assert [type(v) for v in made] == [float, float, int, float, bool, str]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("rate", 0, "rate = 0.0 is not allowed; it must be above 0"),
        ("rate", np.nan, "rate = nan is not allowed; it must be finite"),
        ("rate", "1", "rate = '1' is not allowed; it must be a number"),
        ("rate", 1j, "rate = 1j is not allowed; it must be a number"),
        ("rate", None, "rate = None is not allowed; it must be a number"),
        ("high", np.nan, "high = nan is not allowed; it must be a number"),
        ("label", 2, "label = 2 is not allowed; it must be from 0 to 1"),
        ("label", 1.0, "label = 1.0 is not allowed; it must be a whole number"),
        ("label", 2**63, "it must be a whole number of at most 64 bits"),
        ("share", 1.5, "share = 1.5 is not allowed; it must be from 0 to 1"),
        ("learn", 1, "learn = 1 is not allowed; it must be True or False"),
        ("rule", "c", "rule = 'c' is not allowed; it must be one of a, b"),
        ("seen", np.zeros(0, bool), "seen has shape (0,); it must have at least one entry"),
        ("seen", np.ones(2), "seen has dtype float64; it must be bool"),
        ("w", np.zeros((4, 4)), "w has shape (4, 4); it must be (n+1, 4) with n = 2"),
        ("w", np.zeros((3, 8))[:, ::2], "w is a view with gaps; it must be contiguous"),
        ("law", 3, "law = 3 is not allowed; it must be a Callable"),
    ],
)
def test_a_number_or_a_choice_that_does_not_fit_is_named(name, value, words):
    with pytest.raises(ValueError) as error:
        settings(**FITS | {name: value})
    assert words in str(error.value)


def test_a_kernel_that_calls_a_checked_one_calls_the_kernel():
    @kernel
    def twice(graph, x, out):
        gather(graph, x, out)
        out *= 2

    out, hollow = np.zeros(2), np.where(X == 0, np.nan, X)
    with pytest.raises(ValueError):
        gather(GRAPH, hollow, out)
    twice(GRAPH, hollow, out)  # not checked: what is fit to go in is the matter of the outer function
    np.testing.assert_array_equal(out, [6, np.nan])


def test_a_kernel_of_one_signature_is_given_no_other():
    from numba import float64

    @checked
    @kernel(signatures=(float64(float64[::1]),))
    def first(x: Float[Array, " n"]) -> float:
        return x[0]

    assert first(np.arange(3.0)) == 0 and len(first.kernel.signatures) == 1
    with pytest.raises(ValueError, match="x is array.float64, 1d, A.*; it must be array.float64, 1d, C"):
        first(np.arange(6.0)[::2])


def test_the_source_is_that_of_the_kernel_and_the_signature_is_kept():
    assert "out[i] += x[graph.ends[e], 0]" in unescape(re.sub("<[^>]+>", "", source(gather).data))
    assert list(inspect.signature(gather).parameters) == ["graph", "x", "out"]
    assert gather.__doc__ == "The first column of the neighbours, summed."


def test_a_type_that_cannot_be_checked_is_refused_at_once():
    with pytest.raises(TypeError, match="parameter x needs a type"):
        checked(lambda x: x)

    def odd(x: "int | str"):
        return x

    with pytest.raises(TypeError, match="cannot be checked"):
        checked(odd)


@checked
def leading(x: Float[Array, "*K n"], y: Float[Array, " n"]) -> None:
    """Any axes before the last."""


def test_a_star_stands_for_any_axes_before():
    for shape in ((3,), (2, 3), (4, 2, 3)):
        leading(np.ones(shape), np.ones(3))
    with pytest.raises(ValueError, match=r"x has shape \(3, 2\); it must be \(\*K, n\)|y has shape \(3,\)"):
        leading(np.ones((3, 2)), np.ones(3))
