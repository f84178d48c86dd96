"""The contract of `@experiment`: what a signature means, what is refused and with which words."""

import json
from typing import Annotated, Literal

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from labcore.experiment import Diverged, Experiment, FrameError, ParameterError, Seed, choice, experiment, number

Noise = Annotated[float, Field(ge=0, le=2, description="label noise", json_schema_extra={"unit": "V", "group": "data"})]
Width = Annotated[int, Field(ge=1, le=1000, description="width")]


def frame(progress=1.0, reading="It is 1.", **variables):
    return xr.Dataset({k: ("t", v) for k, v in variables.items()}, attrs={"progress": progress, "reading": reading})


def sweep(
    noise: Noise = 1,
    width: Width = 10,
    rule: Literal["sgd", "adam"] = "sgd",
    order: Literal[1, 2] = 1,
    clip: bool = False,
    decay: Annotated[float, Field(ge=0, le=1, json_schema_extra={"when": {"rule": ["adam"], "clip": [True]}})] = 0.5,
    rate: Annotated[float, Field(ge=1e-4, le=1, json_schema_extra={"scale": "linear"})] = 0.1,
    seed: Seed = 0,
):
    """Doc."""
    rng = np.random.default_rng(seed)
    for step in range(4):
        yield frame((step + 1) / 4, f"Step {step} of {width}.", x=noise * rng.standard_normal(width))


made = Experiment(sweep, "paper", {"width": 3})


def declare(function, **quick):
    return Experiment(function, "paper", quick)


# --- what a signature means ---


def test_parameters_are_read_from_the_signature():
    noise, width, rule, order, clip, decay, rate, seed = made.parameters.values()
    assert (noise.kind, noise.low, noise.high, noise.unit, noise.group) == ("float", 0, 2, "V", "data")
    assert (width.kind, width.default, width.description) == ("int", 10, "width")
    assert (rule.kind, rule.choices) == ("choice", ("sgd", "adam"))
    assert (order.choices, clip.kind) == ((1, 2), "bool")
    assert seed.high == 2**31 - 1
    assert made.id == "paper.sweep" and made.__doc__ == "Doc." and "noise, width" in repr(made)


def test_the_scale_is_logarithmic_over_three_decades_unless_said_otherwise():
    assert made.parameters["width"].log
    assert not made.parameters["noise"].log  # from 0
    assert not made.parameters["rate"].log  # said linear


def test_a_label_is_what_was_said_or_the_name_and_the_first_numbers_are_main_unless_others_are():
    assert [p.name for p in made.parameters.values() if p.main] == ["noise", "width", "decay"]

    def named(
        learning_rate: Annotated[float, number(0, 1, "Step", main=True)] = 0.1,
        depth: Annotated[int, number(1, 9, "Layers", label="layers L")] = 2,
        rule: Annotated[Literal["a", "b"], choice("Rule", main=True)] = "a",
        seed: Seed = 0,
    ):
        yield frame(x=[1])

    parameters = Experiment(named, "paper", {}).parameters.values()
    assert [(p.label, p.main) for p in parameters] == [
        ("learning rate", True),
        ("layers L", False),
        ("rule", True),
        ("seed", False),
    ]


def test_four_main_parameters_are_too_many():
    one = Annotated[float, number(0, 1, "One", main=True)]

    def four(a: one = 0, b: one = 0, c: one = 0, d: one = 0):
        yield frame(x=[1])

    with pytest.raises(TypeError, match="at most 3 parameters are main, not a, b, c, d"):
        Experiment(four, "paper", {})


def test_words_are_of_values_that_may_be_chosen():
    def made(rule: Annotated[Literal["a", "b"], choice("Rule", words={"a": "the first"})] = "a"):
        yield frame(1)

    def wrong(rule: Annotated[Literal["a", "b"], choice("Rule", words={"c": "the third"})] = "a"):
        yield frame(1)

    rule = Experiment(made, "toy", {}).parameters["rule"]
    assert [rule.word(value) for value in rule.choices] == ["the first", "b"]
    with pytest.raises(TypeError, match="'rule': 'c' has words, and is no choice"):
        Experiment(wrong, "toy", {})


def test_a_parameter_matters_only_when_all_its_conditions_hold():
    decay = made.parameters["decay"]
    assert decay.matters({"rule": "adam", "clip": True})
    assert not decay.matters({"rule": "adam", "clip": False})
    assert not decay.matters({"rule": "sgd", "clip": True})
    assert made.parameters["noise"].matters({})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("noise", "from 0 to 2 V"),
        ("width", "a whole number from 1 to 1000"),
        ("rule", "one of sgd, adam"),
        ("clip", "true or false"),
        ("seed", "a whole number from 0 to 2147483647"),
    ],
)
def test_what_is_allowed_is_said_in_words(name, words):
    assert made.parameters[name].allowed == words


# --- values ---


def test_values_are_converted_to_what_the_signature_says():
    values = made.validate(noise="0.5", width=np.int64(7), clip="true", order="2", rate=np.float32(0.5))
    assert values["noise"] == 0.5 and values["width"] == 7 and values["clip"] is True and values["order"] == 2
    assert [type(values[k]) for k in ("noise", "width", "order", "rate")] == [float, int, int, float]
    assert json.loads(json.dumps(values)) == values


def test_a_default_and_the_same_value_typed_are_the_same_run():
    # noise: float = 1 must not become the integer 1 when it is left alone
    assert json.dumps(made.validate()) == json.dumps(made.validate(noise=1)) == json.dumps(made.validate(noise="1"))
    assert type(made.parameters["noise"].default) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"noise": 3}, "paper.sweep: noise = 3 is not allowed; it must be from 0 to 2 V"),
        ({"noise": float("nan")}, "noise = nan is not allowed"),
        ({"noise": float("inf")}, "noise = inf is not allowed"),
        ({"noise": None}, "noise = None is not allowed"),
        ({"noise": "much"}, "noise = 'much' is not allowed"),
        ({"noise": True}, "noise = True is not allowed"),
        ({"noise": np.ones(2)}, "noise = array([1., 1.]) is not allowed"),
        ({"width": 2.5}, "width = 2.5 is not allowed; it must be a whole number from 1 to 1000"),
        ({"width": np.bool_(True)}, "width = True is not allowed"),
        ({"rule": "lion"}, "rule = 'lion' is not allowed; it must be one of sgd, adam"),
        ({"order": True}, "order = True is not allowed; it must be one of 1, 2"),
        ({"clip": 2}, "clip = 2 is not allowed; it must be true or false"),
        ({"nose": 1}, "there is no parameter 'nose'; did you mean 'noise'?"),
        ({"self": 1}, "there is no parameter 'self'"),
        ({"zzz": 1}, "there is no parameter 'zzz'; it has noise, width, rule"),
        ({"noise": 3, "width": 0}, "noise = 3 is not allowed; it must be from 0 to 2 V; width = 0 is not allowed"),
        ({"zzz": 1, "noise": True}, "there is no parameter 'zzz'"),
    ],
)
def test_a_wrong_value_is_one_line_with_name_value_and_range(values, message):
    with pytest.raises(ParameterError) as caught:
        made.validate(**values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_long_wrong_value_is_cut():
    with pytest.raises(ParameterError) as caught:
        made.validate(rule="x" * 500)
    assert len(str(caught.value)) < 160


@given(st.integers(-(10**6), 10**6))
def test_integers_pass_exactly_within_their_bounds(value):
    if 1 <= value <= 1000:
        assert made.validate(width=value)["width"] == value
    else:
        with pytest.raises(ParameterError, match="width"):
            made.validate(width=value)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_floats_pass_exactly_within_their_bounds(value):
    if 0 <= value <= 2:
        assert made.validate(noise=value)["noise"] == value
    else:
        with pytest.raises(ParameterError, match="noise"):
            made.validate(noise=value)


@given(st.one_of(st.none(), st.text(), st.binary(), st.lists(st.integers()), st.dictionaries(st.text(), st.integers())))
def test_anything_at_all_is_either_accepted_or_refused_in_one_way(value):
    try:
        width = made.validate(width=value)["width"]
    except ParameterError as error:
        assert "width = " in str(error)
    else:
        assert type(width) is int and 1 <= width <= 1000


# --- budgets ---


def test_quick_overrides_defaults_and_a_given_value_overrides_quick():
    assert made.settings()["width"] == 10
    assert made.settings("quick")["width"] == 3
    assert made.settings("quick", width=5)["width"] == 5


def test_an_unknown_budget_is_refused():
    with pytest.raises(ParameterError, match="budget = 'fast' is not allowed; it must be quick or full"):
        made.settings("fast")


# --- frames ---


def test_the_call_validates_before_the_first_frame():
    with pytest.raises(ParameterError):
        made.frames(noise=9)


def test_frames_carry_what_made_them():
    frames = list(made("quick", seed=4))
    assert len(frames) == 4
    for f in frames:
        assert f.attrs["experiment"] == "paper.sweep"
        assert json.loads(f.attrs["parameters"]) == made.settings("quick", seed=4)


def test_run_is_the_last_frame_and_the_same_bits_every_time():
    last = list(made.frames(seed=1))[-1]
    xr.testing.assert_identical(made.run(seed=1), last)
    assert not np.array_equal(made.run(seed=2).x, last.x)


def test_closing_the_iterator_stops_the_run():
    log = []

    def slow(seed: Seed = 0):
        try:
            while True:
                yield frame(0.5, x=[1.0])
        finally:
            log.append("cleaned")

    frames = declare(slow).frames()
    next(frames)
    frames.close()
    assert log == ["cleaned"]


def test_the_frames_before_an_error_are_delivered():
    def breaks(seed: Seed = 0):
        yield frame(0.5, x=[1.0])
        raise RuntimeError("in the middle")

    frames = declare(breaks).frames()
    assert next(frames).attrs["progress"] == 0.5
    with pytest.raises(RuntimeError, match="in the middle"):
        next(frames)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"x": 1}, "a frame must be an xarray.Dataset, got dict"),
        (frame(reading="", x=[1.0]), 'a frame needs attrs\\["reading"\\]'),
        (frame(reading=3, x=[1.0]), 'a frame needs attrs\\["reading"\\]'),
        (frame(progress=1.5, x=[1.0]), "progress"),
        (frame(progress=None, x=[1.0]), "progress"),
        (frame(progress=float("nan"), x=[1.0]), "progress"),
        (frame(x=[1.0, np.nan, np.inf]), "x has 2 non-finite values; a run that diverges must end"),
        (frame(x=np.array([1 + 1j * np.inf])), "x has 1 non-finite values"),
        (frame(x=[1.0]).assign_coords(t=("t", [np.nan])), "t has 1 non-finite"),
    ],
)
def test_a_frame_that_breaks_the_contract_is_a_bug_and_raises(bad, message):
    def page(seed: Seed = 0):
        yield bad

    with pytest.raises(FrameError, match=message):
        declare(page).run()


def test_frames_of_integers_words_and_flags_are_fine():
    def page(seed: Seed = 0):
        yield frame(0, x=[1, 2]).assign(word=("t", ["a", "b"]), flag=("t", [True, False]))

    assert declare(page).run().word.values.tolist() == ["a", "b"]


def test_an_experiment_without_a_frame_raises():
    def page(seed: Seed = 0):
        yield from ()

    with pytest.raises(FrameError, match="paper.page yielded no frame"):
        declare(page).run()


# --- declarations that are refused when the paper is imported ---


def test_a_declaration_needs_types_defaults_bounds_and_free_names():
    def no_type(x=1): ...
    def no_default(x: Width): ...
    def no_bound(x: Annotated[float, Field(ge=0)] = 1.0): ...
    def open_bound(x: Annotated[float, Field(gt=0, le=1)] = 1.0): ...
    def text(x: str = "a"): ...
    def taken(budget: Width = 1): ...
    def dangling(x: Annotated[bool, Field(json_schema_extra={"when": {"y": [1]}})] = True): ...

    for function, message in [
        (no_type, "paper.no_type: parameter 'x' needs a type and a default"),
        (no_default, "parameter 'x' needs a type and a default"),
        (no_bound, "parameter 'x': a number needs both bounds"),
        (open_bound, "parameter 'x': a number needs both bounds"),
        (text, "parameter 'x': type <class 'str'> is not supported"),
        (taken, "no parameter may be named 'budget'"),
        (dangling, "parameter 'x' depends on 'y', which does not exist"),
    ]:
        with pytest.raises(TypeError) as caught:
            declare(function)
        assert message in str(caught.value)


def test_defaults_and_quick_values_must_be_in_range():
    def page(x: Width = 0): ...
    def good(x: Width = 1): ...

    with pytest.raises(ParameterError, match="x = 0 is not allowed"):
        declare(page)
    with pytest.raises(ParameterError, match="x = 2000 is not allowed"):
        declare(good, x=2000)
    with pytest.raises(ParameterError, match="there is no parameter 'y'"):
        declare(good, y=1)


@pytest.mark.parametrize(
    ("module", "key"),
    [
        ("labcore.kan.noble.experiments", "noble"),
        ("labcore.kan.copied.experiments", "copied"),
        ("noble.experiments", "noble"),
        ("__main__", "__main__"),
    ],
)
def test_the_key_is_the_folder_in_which_the_function_lies(module, key):
    def plain(seed: Seed = 0): ...
    def short(width: Width = 10): ...

    plain.__module__ = short.__module__ = module
    assert (experiment(plain).id, experiment(plain).quick) == (f"{key}.plain", {})
    made = experiment(quick={"width": 3})(short)
    assert (made.id, made.quick, made.__module__) == (f"{key}.short", {"width": 3}, module)
    assert experiment()(plain).id == f"{key}.plain"


def plain(height):
    return xr.Dataset({"y": ("x", [height])}, attrs={"reading": f"It is {height}.", "progress": 0.5})


def runs_away(after, shown=True):
    def run(seed: Seed = 0):
        for step in range(1, 10):
            if step == after:
                raise Diverged(step, None if shown else plain(float(step)))
            if shown:
                yield plain(float(step))

    return declare(run)


def test_a_run_that_diverges_ends_with_its_last_frame_and_says_so():
    *before, last = runs_away(4).frames()
    assert [float(f.y[0]) for f in before] == [1, 2, 3] and float(last.y[0]) == 3
    assert last.attrs["reading"] == "The training diverged before step 4. Before that: It is 3.0."
    assert last.attrs["progress"] == 1 and before[-1].attrs["reading"] == "It is 3.0."


def test_a_frame_that_was_not_shown_can_be_the_last():
    [only] = runs_away(4, shown=False).frames()
    assert only.attrs["reading"] == "The training diverged before step 4. Before that: It is 4.0."
    assert only.attrs["experiment"].endswith(".run") and only.attrs["progress"] == 1


def test_a_run_that_diverges_before_its_first_frame_is_a_bug():
    with pytest.raises(FrameError, match="diverged before step 1, and before its first frame"):
        list(runs_away(1).frames())
