"""A function as an experiment: what its signature means, what it may yield, what is refused and with which words."""

import functools
import json
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import labcore
from labcore.auto_view import auto_view
from labcore.experiment import FrameError, ParameterError, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.function_errors import told, traced
from labcore.functions import MOST_FRAMES, STILL_FRAMES, experiment_of
from tests.widgets.hands import check_csv
from widgets.benches.plot import jsonable
from widgets.svg.draw import svg


def parameters_of(function):
    return experiment_of(function).parameters


def once_with(value):
    """The frame of a function that returns this."""

    def made():
        return value

    return experiment_of(made).run()


def frames_of(*values):
    def made():
        yield from values

    return list(experiment_of(made).frames())


# --- what a signature means ---


def test_plain_defaults_mean_what_they_mean_to_interact():
    def made(up=2.0, down=-3, zero=0, between=(0.5, 5.0), whole=(0, 10), steps=(0, 10, 4), shape=["sine", 2], on=True):  # noqa: B006
        return 0

    up, down, zero, between, whole, steps, shape, on = parameters_of(made).values()
    assert (up.kind, up.default, up.low, up.high) == ("float", 2, -2, 6)
    assert (down.kind, down.default, down.low, down.high) == ("int", -3, -9, 3)
    assert (zero.kind, zero.low, zero.high) == ("int", 0, 1)
    assert (between.kind, between.default, between.log) == ("float", 2.75, False)
    assert (whole.kind, whole.default, whole.step) == ("int", 5, None)
    assert (steps.kind, steps.default, steps.step) == ("int", 4, 4)
    assert (shape.kind, shape.default, shape.choices) == ("choice", "sine", ("sine", 2))
    assert (on.kind, on.default) == ("bool", True)
    assert [p.main for p in (up, down, zero, between)] == [True, True, True, False]


def test_an_annotation_says_more_than_a_default():
    def made(
        a: Annotated[float, number(0, 1, "How much", label="amount α")] = 0.3,
        b: Literal["x", "y"] = "y",
        c: float = 2,
        n: int = 2,
        rule: Annotated[str, choice("The rule", label="rule ρ", main=True)] = ["one", "two"],  # noqa: B006
        seed: int = 3,
    ):
        return 0

    a, b, c, n, rule, seed = parameters_of(made).values()
    assert (rule.kind, rule.choices, rule.default, rule.label) == ("choice", ("one", "two"), "one", "rule ρ")
    assert (a.low, a.high, a.label, a.description) == (0, 1, "amount α", "How much")
    assert (b.choices, b.default) == (("x", "y"), "y")
    assert (c.kind, c.default, n.kind) == ("float", 2.0, "int")
    assert (seed.low, seed.high, seed.default) == (0, 2**31 - 1, 3)


def test_the_values_of_a_call_are_checked_and_converted():
    def made(x=(0.0, 1.0), rule=[0.1, 0.5]):  # noqa: B006
        assert isinstance(x, float) and isinstance(rule, float)
        return x + rule

    assert float(labcore.run(made, x="0.25", rule="0.5").made) == 0.75
    with pytest.raises(ParameterError, match="made: x = 2 is not allowed; it must be from 0 to 1"):
        labcore.run(made, x=2)
    with pytest.raises(ParameterError, match="rule = 0.2 is not allowed; it must be one of 0.1, 0.5"):
        labcore.run(made, rule=0.2)
    with pytest.raises(ParameterError, match="there is no parameter 'y'"):
        labcore.run(made, y=2)


def of(**defaults):
    """A function of one parameter, with this default."""
    ((name, default),) = defaults.items()
    made = {}
    exec(f"def made({name}=default): return 0", {"default": default}, made)
    return made["made"]


def bare(rate):
    return 0


def starred(*rates):
    return 0


def keywords(**rates):
    return 0


def positional(rate=1.0, /):
    return 0


def hinted(rate: "NoSuchName" = 1.0):  # noqa: F821
    return 0


def boundless(rate: Annotated[float, number(0, 1, "x")]):
    return 0


def literal(rate: Literal["a", "b"] = "c"):
    return 0


async def later(rate=1.0):
    return 0


BAD = [
    (bare, "parameter 'rate' needs a default"),
    (boundless, "parameter 'rate' needs a default"),
    (starred, r"parameter \*rates has no control"),
    (keywords, r"parameter \*\*rates has no control"),
    (positional, "parameter 'rate' has no name in a call"),
    (hinted, "its annotations cannot be read .*NoSuchName"),
    (literal, "rate = 'c' is not allowed; it must be one of a, b"),
    (later, "later is not allowed; it must be a function that is not async"),
    (of(view=1), "no parameter may be named 'view'"),
    (of(budget=1), "no parameter may be named 'budget'"),
    (of(_x=1), "no parameter may be named '_x'"),
    (of(rate="sine"), r"parameter 'rate': a text is not allowed; list the choices, rate=\['sine', ...\]"),
    (of(rate=None), "parameter 'rate': the default None is not allowed"),
    (of(rate=np.nan), "parameter 'rate': the default nan is not allowed"),
    (of(rate=np.zeros(3)), "parameter 'rate': the default array"),
    (of(rate=(1,)), r"parameter 'rate': \(1,\) is not allowed; it must be \(low, high\)"),
    (of(rate=(1, 2, 3, 4)), r"parameter 'rate': \(1, 2, 3, 4\) is not allowed"),
    (of(rate=("a", "b")), r"parameter 'rate': \('a', 'b'\) is not allowed"),
    (of(rate=(2, 1)), "its low end must be below its high end"),
    (of(rate=(0, 1, 2)), "its step must be from 0 to 1"),
    (of(rate=(0, 1, -1)), "its step must be from 0 to 1"),
    (of(rate=[]), r"parameter 'rate': \[\] is not allowed"),
    (of(rate=[[1], 2]), r"parameter 'rate': the choice \[1\] is not allowed"),
    (of(rate=[1, "1"]), "no two choices may be the same"),
    (of(rate=[1, True]), "no two choices may be the same"),
    (3, "int is not allowed; it must be a function"),
    (dict, "dict is not allowed; it is a class: give an object of it"),
]


@pytest.mark.parametrize(("function", "words"), BAD, ids=[words[:60] for _, words in BAD])
def test_a_bad_signature_is_refused_with_the_name_of_its_parameter(function, words):
    with pytest.raises(ParameterError, match=words) as refused:
        experiment_of(function)
    assert "\n" not in str(refused.value)


def test_names_of_pydantic_are_names_like_others():
    def made(copy=1.0, json_like=2.0, schema=3.0, model_rate=4.0):
        return copy + schema + model_rate

    assert float(labcore.run(made).made) == 8


def test_what_is_called_like_a_function_is_one():
    class Model:
        def __init__(self, k):
            self.k = k

        def energy(self, x=(0.0, 2.0)):
            return self.k * x

        def __call__(self, x=(0.0, 2.0)):
            return self.k * x

    assert experiment_of(Model(3).energy).run(x=2).energy == 6
    assert experiment_of(Model(3)).run(x=2).Model == 6
    assert experiment_of(lambda x=(0.0, 2.0): x).run(x=2).function == 2
    partly = functools.partial(Model.energy, Model(2), x=0.5)
    assert experiment_of(partly).run(x=1).energy == 2


FRAME = Frame(step=axis("step"), loss=var("step", "loss"))


@experiment(quick=dict(n=2), frame=FRAME)
def declared(n: Annotated[int, number(1, 9, "steps")] = 5):
    """As in a paper."""
    yield FRAME(dict(loss=np.ones(n)), f"{n} steps.")


def test_an_experiment_that_belongs_to_no_paper_is_one_too():
    made = experiment_of(declared)
    assert not made.named and made.id == "declared" and made.notebook == ""
    assert made.run("quick").sizes["step"] == 2 and made.run().attrs["reading"] == "5 steps."


# --- what it may yield ---

GOOD = {
    "a number": (3.0, {"made": ()}),
    "an array": (np.arange(4), {"made": (4,)}),
    "a list": ([1, 2, 3], {"made": (3,)}),
    "y over x": ((np.arange(4), np.arange(4.0) ** 2), {"y": (4,)}),
    "a picture": (np.ones((5, 6)), {"made": (5, 6)}),
    "pictures": (np.ones((7, 5, 6)), {"made": (7, 5, 6)}),
    "points": (np.ones((5, 2)), {"made": (5, 2)}),
    "a tensor": (torch.ones(3, requires_grad=True), {"made": (3,)}),
    "a dict": (dict(loss=[1, 2], grid=np.ones((2, 3))), {"loss": (2,), "grid": (2, 3)}),
    "named dimensions": ({"loss": ("epoch", [1.0, 2.0], {"units": "nats"})}, {"loss": (2,)}),
    "a Dataset": (xr.Dataset({"a": ("t", [1.0, 2.0])}), {"a": (2,)}),
    "a DataArray": (xr.DataArray([1.0], dims="t", name="a"), {"a": (1,)}),
    "a table": (pd.DataFrame({"a": [1, 2], "b": [3, 4]}), {"a": (2,), "b": (2,)}),
    "words": (dict(name=["a", "b"], score=[1, 2]), {"score": (2,)}),
    "gaps": ([1.0, np.nan, np.inf], {"made": (3,)}),
    "nothing yet": (np.array([]), {"made": (0,)}),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_a_function_returns_is_a_frame_with_a_figure_a_reading_and_a_file(name):
    value, shapes = GOOD[name]
    frame = once_with(value)
    assert {str(n): v.shape for n, v in frame.data_vars.items()} == shapes
    assert frame.attrs["progress"] == 1 and frame.attrs["experiment"] == "made"
    for variable in frame.variables.values():
        assert {"long_name", "units"} <= variable.attrs.keys()
    assert set(frame.dims) <= set(frame.coords)
    reading = frame.attrs["reading"]
    assert any(c.isdigit() for c in reading) and reading[0].isupper() and reading.endswith("."), reading
    spec = auto_view(frame)
    json.dumps(jsonable(spec), allow_nan=False)
    assert svg(spec, page=False).startswith("<svg")
    if name not in ("gaps", "nothing yet"):  # text has no way to write them
        check_csv(frame)


def test_an_array_called_x_is_the_axis_of_those_as_long():
    frame = once_with(dict(x=np.linspace(0, 1, 5), y=np.ones(5), z=np.ones(3)))
    assert frame.y.dims == ("x",) and list(frame.x.values) == [0, 0.25, 0.5, 0.75, 1] and frame.z.dims == ("index",)
    field = once_with(dict(x=np.arange(4), y=np.arange(3), z=np.ones((3, 4)))).z
    assert field.dims == ("y", "x")


def test_a_reading_and_a_progress_may_be_told():
    (frame,) = frames_of(dict(loss=[1.0], reading="It is 1.", progress=0.25))
    assert frame.attrs["reading"] == "It is 1." and frame.attrs["progress"] == 0.25
    with pytest.raises(FrameError, match="made, frame 1: progress = 7.0 is not allowed"):
        frames_of(dict(loss=[1.0], progress=7))


def test_a_reading_tells_no_course_where_there_is_none():
    def said(value):
        return once_with(value).attrs["reading"]

    assert said([1.0, 3.0, 2.0]) == "Made goes from 1 to 3 and ends at 2."
    assert said([2.0, 2.0]) == "Made is always 2."
    assert said(dict(word=["a", "b"], share=[0.5, 0.1])) == "Share is from 0.1 to 0.5."


def test_single_numbers_of_a_generator_are_a_curve_over_its_frames():
    last = frames_of(*({"loss": 1 / k} for k in (1, 2, 4)))[-1]
    assert list(last.loss.values) == [1, 0.5, 0.25] and list(last.frame.values) == [1, 2, 3]


def test_a_generator_may_write_into_what_it_has_yielded():
    def made():
        state = np.zeros(3)
        for _ in range(3):
            state += 1
            yield state

    assert [f.made.values[0] for f in experiment_of(made).frames()] == [1, 2, 3]


def test_a_curve_may_grow():
    sizes = [f.sizes["index"] for f in frames_of(np.ones(1), np.ones(2), np.ones(3))]
    assert sizes == [1, 2, 3]


WRONG = {
    "None": (None, "it returned None; it must return"),
    "a text": ("abc", "is a str and no array of numbers"),
    "an object": (object(), "is an object and no array of numbers"),
    "rows of several lengths": ([[1], [1, 2]], "made has rows of several lengths; give each a name in a dict"),
    "numbers and a gap": ([1.0, None], "made holds a NoneType and is no array of numbers"),
    "complex numbers": (np.array([1j]), "is of type complex128"),
    "an empty dict": ({}, "it holds no variable"),
    "lengths that differ": ({"a": ("t", [1]), "b": ("t", [1, 2])}, "conflicting sizes"),
    "a dimension too many": ({"a": ("t", [[1]])}, "a: dimensions"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_frame_is_refused_in_plain_words(name):
    value, words = WRONG[name]
    with pytest.raises(FrameError, match=f"^made: .*{words}") as refused:
        once_with(value)
    assert "\n" not in str(refused.value)


def test_frames_of_another_shape_are_refused_with_their_number():
    with pytest.raises(FrameError, match=r"made, frame 3: made has the shape \(2, 3\), of 2 dimensions, and 1 in the"):
        frames_of(np.ones(3), np.ones(4), np.ones((2, 3)))
    with pytest.raises(FrameError, match="made, frame 2: it holds b, and the first frame held a"):
        frames_of(dict(a=[1]), dict(b=[1]))
    with pytest.raises(FrameError, match="made, frame 2: it yielded None; it must yield"):
        frames_of(dict(a=[1]), None)


def test_a_generator_without_a_frame_says_so():
    def made():
        yield from ()

    with pytest.raises(FrameError, match="made yielded no frame"):
        labcore.run(made)


def test_a_function_that_never_ends_is_ended():
    closed = []

    def made():
        try:
            while True:
                yield 1.0
        finally:
            closed.append(True)

    frame = experiment_of(made).still()
    assert closed and frame.sizes["frame"] == STILL_FRAMES
    assert frame.attrs["reading"].endswith("It had not ended after 1,000 frames.")


def test_a_run_that_never_ends_is_an_error(monkeypatch):
    monkeypatch.setattr("labcore.functions.MOST_FRAMES", 50)
    assert MOST_FRAMES == 10_000

    def made():
        while True:
            yield np.zeros(1)

    with pytest.raises(FrameError, match="made had not ended after 50 frames"):
        labcore.run(made)


# --- the figure ---


def test_one_colour_a_variable_and_one_panel_for_what_shares_dimension_and_units():
    spec = auto_view(once_with(dict(x=np.arange(20), train=np.ones(20), test=np.ones(20))))
    assert [t["name"] for t in spec["data"]] == ["train", "test"] and all(t["meta"]["pin"] for t in spec["data"])
    assert len({t["line"]["color"] for t in spec["data"]}) == 2 and "xaxis2" not in spec["layout"]
    units = {"a": ("t", [1, 2], {"units": "m"}), "b": ("t", [1, 2], {"units": "s"})}
    assert "xaxis2" in auto_view(once_with(units))["layout"]


def test_one_colour_a_category():
    values = xr.DataArray(np.ones((2, 20)), dims=("kind", "t"), coords={"kind": ["wide", "deep"]}, name="error")
    spec = auto_view(once_with(values))
    assert [t["name"] for t in spec["data"]] == ["wide", "deep"]
    assert spec["layout"]["yaxis"]["title"]["text"] == "error"


def test_dimensions_choose_the_kind_of_picture():
    def kind(value):
        (trace,) = auto_view(once_with(value))["data"]
        return trace["type"], trace.get("mode")

    assert kind(np.ones(50)) == ("scatter", "lines") and kind(np.ones(3)) == ("scatter", "lines+markers")
    assert kind(np.ones((5, 2))) == ("scatter", "markers")
    assert kind(np.ones((5, 6))) == kind(np.ones((3, 5, 6))) == ("heatmap", None)
    assert kind(2.0) == kind(dict(name=["a", "b"], score=[1, 2])) == ("bar", None)


def test_a_field_shows_its_numbers_where_they_lie():
    z = np.arange(12.0).reshape(3, 4)
    (trace,) = auto_view(once_with(dict(x=[10, 20, 30, 40], y=[1, 2, 3], z=z)))["data"]
    assert list(trace["x"]) == [10, 20, 30, 40] and list(trace["y"]) == [1, 2, 3]
    assert (trace["z"] == z).all() and (trace["zmin"], trace["zmax"]) == (0, 11)


def test_what_has_no_figure_asks_for_a_view():
    with pytest.raises(ValueError, match=r"no figure for made \(2, 2, 2, 2\); give one, view="):
        auto_view(once_with(np.ones((2, 2, 2, 2))))


# --- errors of the function ---


def halves(n):
    return 1 / n


def breaks(n=0):
    yield 1.0
    yield halves(n)


def test_an_error_is_told_with_the_line_of_your_code():
    with pytest.raises(ZeroDivisionError) as error:
        list(experiment_of(breaks).frames())
    number = halves.__code__.co_firstlineno + 1
    assert told(error.value) == (
        f"ZeroDivisionError: division by zero (line {number} of test_functions.py, in halves: return 1 / n)"
    )
    assert "labcore/" not in traced(error.value) and "yield halves(n)" in traced(error.value)
