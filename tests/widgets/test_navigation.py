"""The links of a lesson, which need no script, and the glossary that a live page gets with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labcore import catalog, glossary, lesson_text
from widgets.atlas import navigation, progress
from widgets.atlas.navigation import Glossary, lesson_nav, navigation_html
from widgets.atlas.progress import Progress

ROOT = Path(catalog.__file__).parents[1]
LESSONS = catalog.lessons()


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_leads_to_the_index_to_its_neighbours_and_to_its_papers(lesson):
    html = navigation_html(lesson)
    links = dict(re.findall(r'href="([^"]+)">([^<]+)<', html))
    here = ROOT / "notebooks" / Path(lesson.name).parent
    for link in links:
        assert link.startswith("https://") or (here / link).resolve().is_file(), link
    assert links["../index.ipynb"] == "All lessons"
    assert {p.link for p in lesson.papers} == {link for link in links if link.startswith("https://")}
    at = LESSONS.index(lesson)
    around = {"prev": LESSONS[at - 1] if at else None, "next": LESSONS[at + 1] if at + 1 < len(LESSONS) else None}
    for rel, other in around.items():
        found = re.findall(rf'rel={rel} href="\.\./([^"]+)\.ipynb"', html)
        assert found == ([other.name] if other else [])
    assert f"about {lesson_text.minutes(lesson)} minutes" in html
    assert all(f"../{name}.ipynb" in links for name in lesson.needs)


def shown(monkeypatch, front):
    told = []
    monkeypatch.setattr(navigation, "display", told.append)
    monkeypatch.setattr(progress, "_opened", None)
    monkeypatch.setenv("LABCORE_FRONTEND", front)
    assert lesson_nav("kan/spline_edges") is None
    return told


def test_a_live_page_gets_the_glossary_and_the_progress_too(monkeypatch):
    links, done, words = shown(monkeypatch, "live")
    assert isinstance(done, Progress) and done.lesson == "kan/spline_edges" and done is progress.opened()
    assert "labcore-way" in links.data and isinstance(words, Glossary)
    assert [t["word"] for t in words.terms] == [t.word for t in glossary.terms()]
    (links,) = shown(monkeypatch, "static")
    assert "labcore-way" in links.data and "<script" not in links.data


def test_an_unknown_lesson_is_refused():
    with pytest.raises(catalog.UnknownKey, match="there is no lesson 'kan/spline'; did you mean kan/spline_edges"):
        lesson_nav("kan/spline")
