"""The index: every lesson and every paper of the catalogue as a card; and the small pictures on the cards."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from labcore import catalog, ledger, lesson_text
from labcore.figure import curve
from widgets.atlas.cards import NOTES_PAGE, Atlas, atlas, lesson_card, verdicts
from widgets.previews import HEIGHT, WIDTH, preview, sketch

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
    assert 1 < len(names[1]) < len(every)
    *evenings, beyond = live.paths[2]["groups"]
    assert len(evenings) == 10 and beyond["title"].startswith("Beyond the ten")
    assert all(not catalog.lesson(name).evening for name in beyond["names"])


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
    assert not re.search(r"&(?!\w+;|#)", re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)), (
        "titles and ideas are escaped"
    )


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
    drawn = re.findall(r"[-\d.]+,[-\d.]+|<circle|<rect", made)
    assert "<image" in made or len(drawn) > 4, "something is to be seen"
    kept = (paper.folder / "preview.svg").read_text("utf-8")
    # the numbers may differ in a last digit from machine to machine, the parts may not
    parts = lambda text: re.findall(r"<(\w+)", text)  # noqa: E731
    assert set(parts(kept)) == set(parts(made))


def test_a_server_that_has_the_notes_for_teachers_is_linked(live, monkeypatch):
    monkeypatch.delenv(NOTES_PAGE, raising=False)
    assert atlas().notes == ""
    monkeypatch.setenv(NOTES_PAGE, "/labcore/teaching")
    assert atlas().notes == "/labcore/teaching"
