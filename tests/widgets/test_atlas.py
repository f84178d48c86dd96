"""The atlas: every paper of the catalogue as a card; and the small pictures on the cards."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from labcore import catalog
from labcore.figure import curve
from widgets.atlas.cards import Atlas, atlas
from widgets.previews import HEIGHT, WIDTH, preview, sketch

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


def drawn(spec, panel=""):
    """The paths of a sketch's traces as arrays of points; all are finite."""
    picture = ElementTree.fromstring(sketch(spec, panel))
    assert picture.attrib["viewBox"] == f"0 0 {WIDTH} {HEIGHT}"
    groups = [g for g in picture.iter() if g.get("data-trace") is not None]
    paths = [p.get("d") for g in groups for p in g.iter("{http://www.w3.org/2000/svg}path")]
    lines = [np.array(re.findall(r"([-\d.]+),([-\d.]+)", path), float) for path in paths]
    assert all(np.isfinite(line).all() for line in lines)
    return lines


def spec(*traces, x="linear", y="linear"):
    return {"data": list(traces), "layout": {"xaxis": {"type": x}, "yaxis": {"type": y}}}


def line(x, y, color="#2f86c9", pin=True, **more):
    return curve(np.asarray(x, float), np.asarray(y, float), "c", color, pin=pin, **more)


def test_a_sketch_fills_its_card():
    (points,) = drawn(spec(line([0, 1, 2], [0, 5, 10])))
    assert points[:, 0].tolist() == [6, 120, 234]
    assert points[0, 1] > 100 > 20 > points[2, 1], "up is up, though SVG counts downwards"


def test_a_sketch_shows_all_of_the_panel_of_the_first_pinnable_curve_or_of_the_one_that_is_named():
    traces = [line([0, 1], [0, 1e6], pin=False, axes="3"), line([0, 1], [0, 1]), line([0, 1], [1, 0], pin=False)]
    assert len(drawn(spec(*traces))) == 2
    assert len(drawn(spec(*traces), "x3y3")) == 1


def test_a_sketch_has_neither_axes_nor_words():
    made = sketch(spec(line([0, 1], [0, 1], mode="lines+text", text=["a", "b"])))
    assert "<text" not in made and "<line" not in made


def test_a_colour_of_the_page_follows_the_page():
    assert 'stroke="currentColor"' in sketch(spec(line([0, 1], [0, 1], color="@ink")))


@pytest.mark.parametrize("traces", [[], [line([0, 1], [0, 1], pin=False)]])
def test_a_figure_without_curves_is_an_error(traces):
    with pytest.raises(ValueError, match="no pinnable curve"):
        sketch(spec(*traces))
    with pytest.raises(ValueError, match="panel = 'x9y9' is not there"):
        sketch(spec(line([0, 1], [0, 1])), "x9y9")


@pytest.mark.parametrize("paper", READY, ids=lambda p: p.key)
def test_the_picture_of_a_ready_paper_is_the_one_that_its_view_makes(paper):
    made = preview(paper.key)
    assert len(made.encode()) < 40_000
    drawn = re.findall(r"[-\d.]+,[-\d.]+|<circle", made)
    assert "<image" in made or len(drawn) > 4, "something is to be seen"
    kept = (paper.folder / "preview.svg").read_text("utf-8")
    # the numbers may differ in a last digit from machine to machine, the parts may not
    parts = lambda text: re.findall(r"<(\w+)", text)  # noqa: E731
    assert set(parts(kept)) == set(parts(made))
