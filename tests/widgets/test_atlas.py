"""The atlas: every paper of the catalogue as a card; and the small pictures on the cards."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from labcore import catalog
from labcore.figure import bundle, curve, view_of
from widgets.atlas.cards import Atlas, atlas
from widgets.previews import HEIGHT, WIDTH, sketch

ROOT = Path(catalog.__file__).parents[1]
READY = [p for p in catalog.papers() if p.status == "ready"]


@pytest.fixture
def live(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "live")
    return atlas()


def test_the_atlas_has_a_card_for_every_paper(live):
    assert isinstance(live, Atlas)
    assert [row["key"] for row in live.papers] == [p.key for p in catalog.papers()]
    assert {row["theme"] for row in live.papers} <= {theme["key"] for theme in live.themes}
    assert {row["status"] for row in live.papers} == {"ready", "planned"}


def test_the_link_of_a_ready_card_opens_its_lesson(live):
    for row in live.papers:
        if row["status"] == "ready":
            assert (ROOT / "notebooks" / row["link"]).is_file(), "the index stands in notebooks/"


def test_a_card_counts_claims_without_importing_a_page(live):
    claims = {p.key: len(p.claims) for p in catalog.papers()}
    assert {row["key"]: row["claims"] for row in live.papers} == claims and claims["double_descent"] > 0


def test_a_ready_card_shows_the_picture_of_its_folder(live):
    for row in live.papers:
        file = catalog.paper(row["key"]).folder / "preview.svg"
        assert row["preview"] == (file.read_text("utf-8") if row["status"] == "ready" else "")


def test_executed_as_a_batch_the_atlas_is_a_list(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "static")
    listed = atlas().data
    assert listed.count("<li>") == len(catalog.papers())
    assert not re.search(r"&(?!\w+;|#)", listed), "titles and ideas are escaped"


def drawn(spec):
    """The polylines of a sketch as arrays of points; all are finite and inside the picture."""
    picture = ElementTree.fromstring(sketch(spec))
    assert picture.attrib["viewBox"] == f"0 0 {WIDTH} {HEIGHT}"
    lines = []
    for element in picture:
        assert element.tag.endswith("polyline") and re.fullmatch("#[0-9a-f]{6}|currentColor", element.attrib["stroke"])
        points = np.array([[float(v) for v in p.split(",")] for p in element.attrib["points"].split()])
        assert np.isfinite(points).all() and len(points)
        assert (points >= 0).all() and (points <= [WIDTH, HEIGHT]).all()
        lines.append(points)
    return lines


def spec(*traces, x="linear", y="linear"):
    return {"data": list(traces), "layout": {"xaxis": {"type": x}, "yaxis": {"type": y}}}


def line(x, y, color="#2f86c9", pin=True, **more):
    return curve(np.asarray(x, float), np.asarray(y, float), "c", color, pin=pin, **more)


def test_a_straight_line_goes_from_corner_to_corner():
    (points,) = drawn(spec(line([0, 1, 2], [0, 5, 10])))
    assert points.tolist() == [[8, 84], [120, 46], [232, 8]], "up is up, though SVG counts downwards"


@pytest.mark.parametrize("log", ["x", "y"])
def test_a_power_law_is_straight_on_log_axes_only(log):
    x = 10.0 ** np.arange(4)
    straight = line(x, [1, 2, 3, 4]) if log == "x" else line([1, 2, 3, 4], x / 1e3)
    (points,) = drawn(spec(straight, **{log: "log"}))
    assert np.allclose(np.diff(points, axis=0), np.diff(points, axis=0)[0], atol=0.11)
    (bent,) = drawn(spec(straight))
    assert not np.allclose(np.diff(bent, axis=0), np.diff(bent, axis=0)[0], atol=2)


def test_a_curve_that_vanishes_on_a_log_axis_stays_in_the_picture():
    high, low = drawn(spec(line([0, 1], [1, 1]), line([0, 1], [1e-2, 0]), y="log"))
    assert high[0, 1] == 8 and low[1, 1] == 84 and 50 < low[0, 1] < 70, "three decades are shown"


@pytest.mark.parametrize("y", [[1, 1, 1], [0, 0, 0], [-1, -1, -2]])
@pytest.mark.parametrize("kind", ["linear", "log"])
def test_flat_zero_and_negative_curves_are_drawn(y, kind):
    drawn(spec(line([0, 1, 2], y), x=kind, y=kind))


def test_gaps_are_gaps():
    pieces = drawn(spec(line(*bundle(np.array([0.0, 1.0]), np.array([[0.0, 1.0], [1.0, 0.0]])))))
    assert [len(p) for p in pieces] == [2, 2]


def test_only_pinnable_curves_of_the_first_panel_are_drawn():
    other = line([0, 1], [0, 1e9], axes="2")
    loose = line([0, 1], [0, 1e6], pin=False, axes="3")
    (points,) = drawn(spec(loose, line([0, 1], [0, 1]), other))
    assert points.tolist() == [[8, 84], [232, 8]]


def test_a_colour_of_the_page_follows_the_page():
    assert 'stroke="currentColor"' in sketch(spec(line([0, 1], [0, 1], color="@ink")))


@pytest.mark.parametrize("traces", [[], [line([0, 1], [0, 1], pin=False)]])
def test_a_figure_without_curves_is_an_error(traces):
    with pytest.raises(ValueError, match="no pinnable curve"):
        sketch(spec(*traces))


@pytest.mark.parametrize("paper", READY, ids=lambda p: p.key)
def test_every_ready_paper_has_a_picture(paper):
    experiment = catalog.load_experiment(f"{paper.key}.{paper.experiments[0]}")
    lines = drawn(view_of(experiment)(experiment.run("quick")))
    assert np.ptp(np.vstack(lines), axis=0).min() > 50, "something is seen to happen"
