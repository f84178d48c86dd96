"""Builders that all pictures share."""

import numpy as np
import pytest
import xarray as xr

from labcore.figure import apart, axis, log_axis, note, segments, sheet


def test_labels_keep_their_distance_and_their_order():
    heights = apart([0.5, 0.1, 0.52, 0.9], 0.1)
    assert heights == pytest.approx([0.5, 0.1, 0.6, 0.9])
    assert np.argsort(heights).tolist() == np.argsort([0.5, 0.1, 0.52, 0.9]).tolist()
    assert apart([], 0.1) == [] and apart([0.3], 1.0) == [0.3]


def test_labels_stay_under_the_top():
    heights = apart([0.95, 0.96, 0.97], 0.1, top=1.0)
    assert max(heights) == pytest.approx(1.0) and np.diff(heights) == pytest.approx([0.1, 0.1])
    assert apart([0.1, 0.5], 0.1, top=1.0) == [0.1, 0.5]


def test_segments_are_lines_with_gaps():
    x, y = segments(np.array([[0.0, 1.0], [4.0, 5.0]]), np.array([[2.0, 3.0], [6.0, 7.0]]))
    np.testing.assert_array_equal(x, [0, 2, np.nan, 4, 6, np.nan])
    np.testing.assert_array_equal(y, [1, 3, np.nan, 5, 7, np.nan])


def test_a_sheet_of_pictures_has_gaps_of_missing_values():
    out = sheet(np.arange(12.0).reshape(3, 2, 2), 2)
    expected = [
        [0, 1, np.nan, 4, 5],
        [2, 3, np.nan, 6, 7],
        [np.nan] * 5,
        [8, 9, np.nan, np.nan, np.nan],
        [10, 11, np.nan, np.nan, np.nan],
    ]
    np.testing.assert_array_equal(out, expected)


def test_titles_come_from_the_frame_or_are_words():
    time = xr.DataArray([1, 2], attrs={"long_name": "training time", "units": "steps"})
    share = xr.DataArray([1, 2], attrs={"long_name": "share", "units": ""})
    assert axis(time, range=[0, 1]) == {"title": {"text": "training time (steps)"}, "range": [0, 1]}
    assert axis(share)["title"]["text"] == "share" and axis("words")["title"]["text"] == "words"
    assert log_axis(time)["type"] == "log" and log_axis(time)["title"]["text"] == "training time (steps)"


def test_a_note_lies_in_its_panel():
    made = note(0.1, 0.9, "here", axes="2", xanchor="left")
    assert (made["xref"], made["yref"], made["xanchor"]) == ("x2 domain", "y2 domain", "left")
