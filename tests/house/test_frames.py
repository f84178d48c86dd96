"""Declared frames: what is given, what counts, what may be left out, and errors that name the variable."""

import numpy as np
import pytest
import xarray as xr

from labcore.frames import Frame, FrameError, axis, label, snapshot, var

FRAME = Frame(
    repeat=axis("run"),
    time=axis("training time", "steps"),
    model=axis("network", values=("wide", "deep")),
    layer=axis("layer", start=1),
    error=var("repeat time", "test error"),
    size=var("layer", "size of a layer", "1", optional=True),
    score=var("model", "accuracy", "%", optional=True),
    clock=label("time", "passes over the data", optional=True),
)
ERROR = dict(time=[1, 10], error=np.zeros((3, 2)))


def test_a_frame_has_the_declared_words_and_what_counts_counts():
    frame = FRAME(dict(ERROR, size=[4.0, 5.0], score=[0.5, 0.7], clock=[0.1, 1.0]), "It is 0.", 0.5, seen=3)
    expected = xr.Dataset(
        {
            "error": (("repeat", "time"), np.zeros((3, 2)), {"long_name": "test error", "units": ""}),
            "size": ("layer", [4.0, 5.0], {"long_name": "size of a layer", "units": "1"}),
            "score": ("model", [0.5, 0.7], {"long_name": "accuracy", "units": "%"}),
        },
        coords={
            "repeat": ("repeat", np.arange(3), {"long_name": "run", "units": ""}),
            "time": ("time", [1, 10], {"long_name": "training time", "units": "steps"}),
            "model": ("model", ["wide", "deep"], {"long_name": "network", "units": ""}),
            "layer": ("layer", [1, 2], {"long_name": "layer", "units": ""}),
            "clock": ("time", [0.1, 1.0], {"long_name": "passes over the data", "units": ""}),
        },
        attrs={"reading": "It is 0.", "progress": 0.5, "seen": 3},
    )
    xr.testing.assert_identical(frame, expected)


@pytest.mark.parametrize(
    "said, read",
    [
        ("After 10000000 steps it is 0.", "After 10,000,000 steps it is 0."),
        ("After 12345.", "After 12,345."),
        ("In 2018, 1778 of 0.123456 and 1e10000, v10000.", "In 2018, 1778 of 0.123456 and 1e10000, v10000."),
    ],
)
def test_long_numbers_of_a_reading_are_read_in_groups(said, read):
    frame = Frame(time=axis("time"), error=var("time", "error"))
    assert frame(dict(error=[0.0]), said).attrs["reading"] == read


def test_a_dimension_comes_along_only_with_its_variables():
    frame = FRAME(ERROR, "It is 0.")
    assert set(frame.variables) == {"repeat", "time", "error"} and frame.attrs["progress"] == 1


def test_a_name_may_be_other_in_one_frame():
    named = FRAME(ERROR, "It is 0.", names=dict(error="training error"))
    assert named.error.attrs["long_name"] == "training error"
    assert FRAME(ERROR, "It is 0.").error.attrs["long_name"] == "test error"


def test_two_declarations_are_one():
    both = Frame(time=axis("time")) | Frame(repeat=axis("run"), level=var("repeat", "level"))
    assert list(both.columns) == ["time", "repeat", "level"]
    with pytest.raises(TypeError, match="time"):
        both | Frame(time=axis("another time"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (dict(ERROR, eror=1), "eror is not declared; the frame has repeat, time"),
        (dict(time=[1]), "error is declared and not given"),
        (dict(ERROR, error=[1.0]), "error has 1 dimensions and is declared over 2: repeat time"),
    ],
)
def test_what_does_not_fit_is_named(values, message):
    with pytest.raises(FrameError, match=message):
        FRAME(values, "It is 0.")


def test_a_variable_over_nothing_declared_is_refused_at_once():
    with pytest.raises(FrameError, match="error lies over time, which is not declared as an axis"):
        Frame(error=var("time", "test error"))
    with pytest.raises(FrameError, match="error lies over size"):
        Frame(size=var("", "size"), error=var("size", "test error"))


def test_a_film_of_frames_is_what_xarray_would_make_of_each(monkeypatch):
    # coordinates that stay, grow, come as words and are given anew, with words and attributes of their own
    film = [
        dict(time=np.arange(k + 1.0), error=np.full((2, k + 1), k), score=[0.5, k], clock=np.arange(k + 1) / 7)
        for k in (3, 3, 4, 2)
    ]
    fast = [FRAME(v, "It is.", names={"time": f"time {k}"}) for k, v in enumerate(film)]
    monkeypatch.setattr("labcore.frames._direct", None)
    slow = [FRAME(v, "It is.", names={"time": f"time {k}"}) for k, v in enumerate(film)]
    for a, b in zip(fast, slow, strict=True):
        xr.testing.assert_identical(a, b)
        assert a.sizes == b.sizes and a.indexes["time"].equals(b.indexes["time"])
        xr.testing.assert_identical(a.sel(time=2.0, model="deep"), b.sel(time=2.0, model="deep"))
    # two frames share an index, not their words
    fast[0].time.attrs["long_name"] = "another"
    assert fast[1].time.attrs["long_name"] == "time 1"


def test_objects_are_never_taken_for_those_of_the_frame_before():
    frame = Frame(word=axis("word"), score=var("word", "score"))
    for words in (["a", "b"], ["a", "c"]):
        made = frame(dict(word=np.array(words, object), score=[1.0, 2.0]), "It is.")
        assert made.word.values.tolist() == words


def test_lengths_that_do_not_fit_are_named():
    with pytest.raises(FrameError, match="error has 2 values along time, where others have 3|time has"):
        FRAME(dict(time=[1, 2, 3], error=np.zeros((3, 2))), "It is.")


def test_a_coordinate_stays_what_it_was_whatever_is_written_into_its_array_later():
    frame, time = Frame(time=axis("time"), error=var("time", "error")), np.array([1.0, 2.0])
    first = frame(dict(time=time, error=[0.0, 0.0]), "It is.")
    kept = snapshot(first)
    time[:] = [3.0, 4.0]
    again = frame(dict(time=[1.0, 2.0], error=[0.0, 0.0]), "It is.")
    other = frame(dict(time=time, error=[0.0, 0.0]), "It is.")
    for made, values in ((first, [1, 2]), (kept, [1, 2]), (again, [1, 2]), (other, [3, 4])):
        assert made.time.values.tolist() == made.indexes["time"].tolist() == values


def test_a_snapshot_is_its_frame_as_it_was():
    frame = FRAME(dict(ERROR, clock=[0.1, 1.0]), "It is 0.", 0.5)
    for whole in (frame, frame.drop_vars("clock")):
        kept, before = snapshot(whole), whole.copy(deep=True)
        for values in (whole[name].values for name in whole.variables if name not in whole.xindexes):
            values += 7
        xr.testing.assert_identical(kept, before)
