"""Builders that all pictures share."""

import numpy as np
import pytest
import xarray as xr

from labcore.figure import (
    BLUE,
    apart,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    log_axis,
    note,
    scale,
    segments,
    sheet,
    vertical,
)


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


def test_a_line_of_one_point_is_a_dot():
    assert [curve(x, x, "now", BLUE)["mode"] for x in ([1], [1, 2])] == ["lines+markers", "lines"]
    assert curve([1], [1], "now", BLUE, mode="markers")["mode"] == "markers"


def test_titles_come_from_the_frame_or_are_words():
    time = xr.DataArray([1, 2], attrs={"long_name": "training time", "units": "steps"})
    share = xr.DataArray([1, 2], attrs={"long_name": "share", "units": ""})
    assert axis(time, range=[0, 1]) == {"title": {"text": "training time (steps)"}, "range": [0, 1]}
    assert axis(share)["title"]["text"] == "share" and axis("words")["title"]["text"] == "words"
    assert log_axis(time)["type"] == "log" and log_axis(time)["title"]["text"] == "training time (steps)"


def test_a_note_lies_in_its_panel():
    made = note(0.1, 0.9, "here", axes="2", xanchor="left")
    assert (made["xref"], made["yref"], made["xanchor"]) == ("x2 domain", "y2 domain", "left")


def test_a_headline_takes_no_room_from_the_picture():
    layout = {"height": 400, "margin": {"t": 40, "l": 9}, "annotations": [note(0, 1, "peak")]}
    made = headline(layout, "One line.", "Another one.")
    room = made["height"] - 400
    assert room > 40 and made["margin"] == {"t": 40 + room, "l": 9} and layout["height"] == 400
    first, words = made["annotations"]
    assert first["text"] == "peak" and words["text"] == "One line.<br>Another one."
    assert words["yshift"] == 40, "above what stands in the margin"


def test_lines_over_a_panel_are_each_others_mirror():
    across, up = horizontal(3.0, axes="2"), vertical(3.0, axes="2")
    assert (across["x0"], across["x1"], across["xref"], across["yref"]) == (0, 1, "x2 domain", "y2")
    assert across["y0"] == across["y1"] == up["x0"] == up["x1"] == 3
    assert (up["y0"], up["y1"], up["xref"], up["yref"]) == (0, 1, "x2", "y2 domain")


def test_a_hand_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match="needs a parameter"):
        hand(1.0, 2.0)
    with pytest.raises(ValueError, match="'height' along y needs a place"):
        hand(1.0, None, up="height")


def test_a_hand_that_goes_around_goes_nowhere_else_and_has_a_radius():
    assert hand(1.0, 2.0, around="angle", centre=(1.0, 0.0))["centre"] == [1.0, 0.0]
    for given in (dict(across="height"), dict(up="height"), dict(centre=(1.0, 2.0))):
        with pytest.raises(ValueError, match="goes around moves in no other way"):
            hand(1.0, 2.0, around="angle", **given)
    with pytest.raises(ValueError, match="goes around"):
        hand(1.0, None, around="angle")


def test_a_scale_goes_one_way():
    assert scale("height", [1, 2], [5, 3])["parameter"] == "height"
    for places, values, words in (
        ([1], [1], "2 or more"),
        ([1, 2, 3], [1, 2], "as many"),
        ([1, 2, 2], [1, 2, 3], "places must only rise"),
        ([1, 2, 3], [1, 2, 1], "values must only rise"),
    ):
        with pytest.raises(ValueError, match=f"height.*{words}"):
            scale("height", places, values)
