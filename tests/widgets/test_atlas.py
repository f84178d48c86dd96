"""The index: every lesson and every paper of the catalogue as a card; and the small pictures on the cards."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from labcore import catalog, ledger, lesson_text
from labcore.figure import bundle, curve, view_of
from widgets.atlas.cards import Atlas, atlas, lesson_card, verdicts
from widgets.previews import HEIGHT, WIDTH, sketch

ROOT = Path(catalog.__file__).parents[1]
READY = [p for p in catalog.papers() if p.status == "ready"]


class Cards(HTMLParser):
    """The articles of some HTML, in order: their attributes, and their text, links and headings."""

    def __init__(self, html):
        super().__init__()
        self.found, self.tags = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        if tag == "article":
            self.found.append({**attributes, "text": "", "title": "", "links": []})
        elif tag == "a" and self.found:
            self.found[-1]["links"].append(attributes["href"])

    def handle_endtag(self, tag):
        while self.tags and self.tags.pop() != tag:
            pass

    def handle_data(self, data):
        if self.found:
            self.found[-1]["text"] += data
            if "h3" in self.tags:
                self.found[-1]["title"] += data


@pytest.fixture
def live(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "live")
    return atlas()


def test_the_index_has_a_card_for_every_lesson_with_its_question_level_minutes_and_needs(live):
    assert isinstance(live, Atlas)
    cards = Cards(live.lessons).found
    assert [c["data-name"] for c in cards] == [lesson.name for lesson in catalog.lessons()]
    for card, lesson in zip(cards, catalog.lessons(), strict=True):
        assert card["title"] == lesson.question
        assert f"{lesson.level}, about {lesson_text.minutes(lesson)} minutes" in card["text"]
        assert card["links"] == [f"{name}.ipynb" for name in (lesson.name, *lesson.needs)]
        assert all((ROOT / "notebooks" / link).is_file() for link in card["links"]), "the index stands in notebooks/"
        assert all(p.title in card["text"] for p in lesson.papers)


def test_a_lesson_shows_the_picture_that_the_catalogue_names(live):
    for lesson in catalog.lessons():
        key = lesson.picture.partition(".")[0]
        picture = (catalog.paper(key).folder / "preview.svg").read_text("utf-8")
        assert "<svg" in picture and picture in lesson_card(lesson)


def test_every_paper_is_there_with_its_title_and_the_ready_ones_come_first(live):
    cards = Cards(live.papers).found
    assert {c["data-key"] for c in cards} == {p.key for p in catalog.papers()} and len(cards) == len(catalog.papers())
    ready = [c["data-status"] == "ready" for c in cards]
    assert ready == sorted(ready, reverse=True)
    for card in cards:
        paper = catalog.paper(card["data-key"])
        assert card["title"] == paper.title and str(paper.year) in card["text"] and paper.idea in card["text"]
        lesson = [paper.notebook.removeprefix("notebooks/")] if paper.status == "ready" else []
        assert card["links"] == lesson + ([paper.link] if paper.link else [])


def test_verdicts_are_of_the_last_full_run_also_where_nothing_was_measured_here(live, monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_: str(tmp_path))
    for card in Cards(atlas().papers).found:
        if card["data-status"] == "ready":
            entries = ledger.last_full_run(card["data-key"])
            assert entries and "from the last full run" in card["text"], card["data-key"]
            for verdict, words in (("holds", "hold"), ("not reproduced", "not reproduced at this scale")):
                n = sum(e.verdict == verdict for e in entries)
                assert (f"{n} {words}" in card["text"]) == bool(n)
        assert "not measured" not in card["text"]
        assert ("Claims" in card["text"]) == (card["data-status"] == "ready")


def test_what_this_machine_measured_does_not_change_the_index(monkeypatch, tmp_path):
    before = verdicts("double_descent")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_: str(tmp_path))
    entry = ledger.last_full_run("double_descent")[0]
    ledger.keep("double_descent", [replace(entry, verdict="broken")])
    assert any(e.verdict == "broken" for e in ledger.recorded("double_descent"))
    assert verdicts("double_descent") == before and "BROKEN" not in before


def test_three_paths_lead_through_all_lessons(live):
    every = [lesson.name for lesson in catalog.lessons()]
    assert [p["label"] for p in live.paths] == ["All questions", "A first hour", "Ten evenings", "By mechanism"]
    names = [[name for group in p["groups"] for name in group["names"]] for p in live.paths]
    assert names[0] == names[2] == every and sorted(names[3]) == sorted(every)
    assert 1 < len(names[1]) < len(every) and len(live.paths[2]["groups"]) == 10


def test_the_summary_counts_the_catalogue(live):
    ready = sum(p.status == "ready" for p in catalog.papers())
    lessons, planned = len(catalog.lessons()), len(catalog.papers()) - ready
    assert (
        live.summary == f"{lessons} lessons on {ready} papers are here; {planned} more papers are listed and planned."
    )


def test_executed_as_a_batch_the_index_is_a_page_of_the_same_cards(monkeypatch, live):
    monkeypatch.setenv("LABCORE_FRONTEND", "static")
    page = atlas().data
    cards = Cards(page).found
    assert [c["title"] for c in cards if "data-name" in c] == [c["title"] for c in Cards(live.lessons).found]
    assert [c["title"] for c in cards if "data-key" in c] == [c["title"] for c in Cards(live.papers).found]
    assert "<svg" in page and "<script" not in page and lesson_text.RULE in page
    assert not re.search(r"&(?!\w+;|#)", re.sub(r"<style>.*?</style>", "", page)), "titles and ideas are escaped"


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
