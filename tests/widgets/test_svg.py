"""The renderer of figures as SVG: where things stand, what words and colours become, and what it refuses."""

import base64
import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest

from labcore.figure import BLUE, RED, axis, curve, label, log_axis
from widgets.svg import marks
from widgets.svg.axes import Axis, plain
from widgets.svg.draw import svg
from widgets.svg.fields import crossings

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*traces, page=True, **layout):
    return ElementTree.fromstring(svg({"data": list(traces), "layout": layout}, page=page))


def group(picture, number=0):
    return next(g for g in picture.iter(SVG + "g") if g.get("data-trace") == str(number))


def spots(path):
    return np.array([[float(v) for v in point.split(",")] for point in re.findall(r"[-\d.]+,[-\d.]+", path)])


def test_a_line_runs_from_corner_to_corner_of_its_axes():
    picture = drawn(curve([0, 10], [0, 1], "a", BLUE), xaxis=axis("x", range=[0, 10]), yaxis=axis("y", range=[0, 1]))
    path = group(picture).find(SVG + "path")
    # margins of 64, 16, 24 and 48 pixels around a picture of 860 x 420
    assert spots(path.get("d")).tolist() == [[64, 372], [844, 24]]
    assert path.get("stroke") == BLUE


def test_a_log_axis_has_equal_ways_for_equal_factors_and_skips_what_has_no_logarithm():
    traces = curve([1, 10, 100], [1, 0, 1], "a", BLUE, mode="markers", marker={"color": RED})
    picture = drawn(traces, xaxis=log_axis("x", range=[0, 2]), yaxis=log_axis("y", range=[-1, 1]))
    middles = [float(c.get("cx")) for c in group(picture).iter(SVG + "circle")]
    assert middles == [64, 844], "0 has no place"
    ticks = ["".join(t.itertext()) for t in picture.iter(SVG + "text")]
    assert {"1", "10", "102"} <= {t.replace("\u200b", "") for t in ticks}


def test_a_gap_of_missing_values_is_a_gap():
    picture = drawn(curve([0, 1, 2, 3, 4], [0, 1, np.nan, 1, 0], "a", BLUE))
    assert group(picture).find(SVG + "path").get("d").count("M") == 2


def test_stacked_bars_stand_on_each_other_and_grouped_ones_side_by_side():
    bars = [{"type": "bar", "x": ["a", "b"], "y": [1, 2], "marker": {"color": c}} for c in (BLUE, RED)]
    for mode, same in (("stack", True), ("group", False)):
        picture = drawn(*bars, barmode=mode)
        (low, high) = ([r for r in group(picture, k).iter(SVG + "rect")] for k in (0, 1))
        assert (low[0].get("x") == high[0].get("x")) is same
        foot = [float(r[0].get("y")) + float(r[0].get("height")) for r in (low, high)]
        assert (abs(foot[1] - float(low[0].get("y"))) < 0.1) is same
        assert (abs(foot[0] - foot[1]) < 0.1) is not same


def test_a_reversed_axis_begins_at_the_top():
    z = np.array([[0.0, 0.0], [1.0, 1.0]])
    field = {"type": "heatmap", "z": z, "colorscale": [[0, BLUE], [1, RED]], "showscale": False}
    for auto, first in ((True, RED), ("reversed", BLUE)):
        picture = drawn(field, yaxis={"autorange": auto})
        top = min(group(picture).iter(SVG + "path"), key=lambda p: spots(p.get("d"))[0][1])
        assert top.get("fill") == first


def test_panels_that_share_a_scale_are_square():
    field = {"type": "heatmap", "z": np.zeros((4, 4)), "colorscale": "Greys", "showscale": False}
    square = {"constrain": "domain"}
    picture = drawn(field, xaxis=square, yaxis={**square, "scaleanchor": "x"})
    box = picture.find(f"{SVG}defs/{SVG}clipPath/{SVG}rect")
    assert box.get("width") == box.get("height") == "348"


def test_a_large_field_is_an_image_whose_pixels_are_its_colours():
    z = np.zeros((40, 50))
    z[0, 0] = 1
    field = {"type": "heatmap", "z": z, "colorscale": [[0, "@paper"], [1, RED]], "showscale": False}
    image = next(group(drawn(field)).iter(SVG + "image"))
    data = base64.b64decode(image.get("href").partition(",")[2])
    assert data[16:24] == (50).to_bytes(4, "big") + (40).to_bytes(4, "big")
    start = data.index(b"IDAT")
    raw = zlib.decompress(data[start + 4 : start + 4 + int.from_bytes(data[start - 4 : start], "big")])
    pixels = np.frombuffer(raw, np.uint8).reshape(40, 201)[:, 1:].reshape(40, 50, 4)
    assert pixels[-1, 0].tolist() == [0xD5, 0x5E, 0x00, 255], "the first row is the lowest"
    assert (pixels[:-1, :, 3] == 0).all(), "the page shines through where its own colour is meant"


def test_page_colours_follow_the_page_and_paper_has_its_own():
    traces = curve([0, 1], [0, 1], "a", "@ink")
    assert group(drawn(traces)).find(SVG + "path").get("stroke") == "var(--labcore-ink, #1f2328)"
    alone = svg({"data": [traces], "layout": {}}, page=False)
    assert "var(" not in alone and 'fill="#ffffff"' in alone and 'stroke="#1f2328"' in alone


def test_words_are_escaped_and_a_few_tags_are_kept():
    picture = drawn(
        curve([0, 1], [0, 1], "a", BLUE),
        xaxis=axis("a < b & c"),
        annotations=[
            label(0.5, 0.5, "<b>bold</b> 10<sup>3</sup><br>x &gt; <i>y</i>"),
            label(0.1, 0.1, "<script>1</script>"),
        ],
    )
    texts = ["".join(t.itertext()) for t in picture.iter(SVG + "text")]
    assert "a < b & c" in texts and "bold 103\u200bx > y" in texts and "<script>1</script>" in texts
    assert not list(picture.iter(SVG + "script"))


def test_a_legend_names_the_traces_that_ask_for_it():
    traces = [curve([0, 1], [k, k], f"run {k}", BLUE, showlegend=k < 2) for k in range(3)]
    texts = ["".join(t.itertext()) for t in drawn(*traces).iter(SVG + "text")]
    assert "run 0" in texts and "run 1" in texts and "run 2" not in texts


def test_a_kind_or_a_scale_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="'pie'"):
        svg({"data": [{"type": "pie", "values": [1]}], "layout": {}})
    with pytest.raises(ValueError, match="'Jet' is not known"):
        svg({"data": [{"type": "heatmap", "z": np.eye(2), "colorscale": "Jet"}], "layout": {}})


def test_a_contour_lies_where_the_field_has_its_value():
    x = np.linspace(-1, 1, 41)
    z = x[None] ** 2 + x[:, None] ** 2
    radius = np.hypot(*crossings(z, x, x, 0.5).reshape(-1, 2).T)
    assert len(radius) > 40 and np.allclose(radius, np.sqrt(0.5), atol=2e-3)


@pytest.mark.parametrize(
    ("value", "step", "said"),
    [
        (0.25, 0.05, "0.25"),
        (0.0, 0.1, "0"),
        (1500, 500, "1500"),
        (20_000, 10_000, "20k"),
        (3e6, 1e6, "3M"),
        (1, 0.5, "1.0"),
    ],
)
def test_numbers_of_an_axis_are_short(value, step, said):
    assert plain(value, step) == said


def test_ticks_are_round_and_inside():
    ruler = Axis("x", "", {}, "", span=(0.03, 0.97), pixels=(0, 400))
    at = [place for place, _ in ruler.ticks()]
    assert at == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_a_long_line_keeps_its_spikes():
    x = np.linspace(0, 100, 20_000)
    y = np.zeros(20_000)
    y[12_345] = 50
    thin_x, thin_y = marks.thinned(x, y)
    assert len(thin_x) < 2000 and thin_y.max() == 50
