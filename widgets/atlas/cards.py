"""The index: the lessons by their questions, along three paths, and the papers with their verdicts.

The cards are HTML that is made here, for the live page and the static one alike; `cards.js` only sorts and hides them.
"""

from __future__ import annotations

import os
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython.display import HTML, display

from labcore import catalog, ledger, lesson_text, search
from labcore.catalog import Lesson, Paper
from widgets.atlas.navigation import page_style
from widgets.benches.front_end import is_static

_HERE = Path(__file__).parent
NOTES_PAGE = "LABCORE_NOTES_PAGE"  # in the environment of a kernel whose server has the notes for teachers: where
_WORDS = {"holds": "hold", "not reproduced": "not reproduced at this scale", "fragile": "fragile"}
_WORDS |= {"broken": "BROKEN", "surprise": "hold against their entry"}


def paths() -> list[dict[str, Any]]:
    """The ways through the lessons: `label`, `note`, and groups of a `title` and the `names` of lessons."""
    rows = catalog.lessons()
    hour = [r for r in rows if r.first_hour]
    evenings = {n: [r for r in rows if r.evening == n] for n in sorted({r.evening for r in rows} - {0})}
    course = {f"Evening {n}, about {lesson_text.minutes(*row)} minutes": row for n, row in evenings.items()}
    if beyond := [r for r in rows if not r.evening]:
        course[f"Beyond the ten, about {lesson_text.minutes(*beyond)} minutes"] = beyond
    mechanisms = {m: [r for r in rows if r.mechanism == m] for m in dict.fromkeys(r.mechanism for r in rows)}
    return [
        _path("All questions", "In the order of the course.", {"": rows}),
        _path("A first hour", f"Nothing is asked before. About {lesson_text.minutes(*hour)} minutes.", {"": hour}),
        _path(
            "Ten evenings",
            "A course. What a lesson needs comes before it.",
            course,
        ),
        _path("By mechanism", "For somebody who knows what they look for.", mechanisms),
    ]


def _path(label: str, note: str, groups: dict[str, list[Lesson]]) -> dict[str, Any]:
    found = [{"title": title, "names": [r.name for r in rows]} for title, rows in groups.items()]
    return {"label": label, "note": note, "groups": found}


def _picture(key: str) -> str:
    file = catalog.paper(key).folder / "preview.svg"
    drawn = file.read_text(encoding="utf-8") if file.exists() else ""
    return f'<div class="labcore-preview" aria-hidden="true">{drawn}</div>'


def _link(name: str, text: str) -> str:
    return f'<a href="{escape(name)}.ipynb">{escape(text)}</a>'


def lesson_card(lesson: Lesson) -> str:
    """A lesson as HTML: its best picture, its question, level, minutes, opening words, and what it needs."""
    needs = ", ".join(_link(n, catalog.lesson(n).question) for n in lesson.needs)
    papers = "; ".join(f"{escape(p.title)} ({p.year})" for p in lesson.papers)
    return (
        f'<article class="labcore-lesson" data-name="{lesson.name}" data-text="{escape(search.text_of(lesson))}">'
        f"{_picture(lesson.picture.partition('.')[0])}"
        f"<h3>{_link(lesson.name, lesson.question)}</h3>"
        f'<p class="labcore-facts">{lesson.level}, about {lesson_text.minutes(lesson)} minutes</p>'
        f"<p>{escape(lesson_text.opening(lesson))}</p>"
        + (f'<p class="labcore-facts">First: {needs}</p>' if needs else "")
        + f'<p class="labcore-facts labcore-of">{papers}</p></article>'
    )


def verdicts(key: str) -> str:
    """What the last full run says of a paper's claims, in words; "" where it has none."""
    entries = ledger.last_full_run(key)
    if not entries:
        return ""
    counted = Counter(e.verdict for e in entries)
    told = ", ".join(f"{counted[v]} {words}" for v, words in _WORDS.items() if counted[v])
    old = ", with earlier code" if any(e.standing == "earlier" for e in entries) else ""
    return f"Claims: {told} (from the last full run{old})"


def paper_card(paper: Paper) -> str:
    """A paper as HTML: title, year, theme, idea, verdicts, and the way to its lesson and to itself.

    That of a guest says whose it is, and how it is opened.
    """
    ready = paper.status == "ready"
    theme = next((f"{t.title}, " for t in catalog.themes() if t.key == paper.theme), "")
    title = escape(paper.title)
    if ready and paper.notebook:
        title = _link(paper.notebook.removeprefix("notebooks/").removesuffix(".ipynb"), paper.title)
    told = verdicts(paper.key) if ready and not paper.guest else ""
    whose = f"A guest, of {paper.of}. " if paper.guest else ""
    if paper.guest and paper.experiments:
        whose += f'bench("{paper.key}.{paper.experiments[0]}") opens it.'
    source = f', <a href="{escape(paper.link)}">{escape(paper.source)}</a>' if paper.link else ""
    return (
        f'<article class="labcore-paper {paper.status}" data-key="{paper.key}" data-theme="{paper.theme}" '
        f'data-year="{paper.year}" data-status="{paper.status}" data-text="{escape(search.text_of(paper))}">'
        f"<h3>{title}</h3>"
        f'<p class="labcore-facts">{paper.year}, {escape(theme)}{paper.status}{source}</p>'
        f"<p>{escape(paper.idea)}</p>"
        + (f'<p class="labcore-facts">{escape(whose)}</p>' if whose else "")
        + (f'<p class="labcore-facts labcore-verdicts">{escape(told)}</p>' if told else "")
        + "</article>"
    )


class Atlas(anywidget.AnyWidget):
    """The index, with a search and the paths; both run in the page."""

    _esm = _HERE / "cards.js"
    _css = _HERE / "cards.css"

    lessons = traitlets.Unicode().tag(sync=True)  # HTML
    papers = traitlets.Unicode().tag(sync=True)  # HTML
    themes = traitlets.List().tag(sync=True)
    paths = traitlets.List().tag(sync=True)
    summary = traitlets.Unicode().tag(sync=True)
    rule = traitlets.Unicode().tag(sync=True)
    notes = traitlets.Unicode().tag(sync=True)  # the address of the notes for teachers, "" where there are none


def atlas() -> Atlas | HTML:
    """The index of the whole catalogue, guests last; executed as a batch, a page of the same cards without search.

    The page takes the look of the house.
    """
    cards = {lesson.name: lesson_card(lesson) for lesson in catalog.lessons()}
    # the ready ones first: they are what a visitor can open
    listed = sorted(catalog.papers(), key=lambda p: p.status != "ready") + catalog.guests()
    papers = "".join(map(paper_card, listed))
    summary = " ".join([catalog.summary(), *(f"{line[0].upper()}{line[1:]}." for line in catalog.left_out())])
    if not is_static():
        display(HTML(page_style()))
        return Atlas(
            lessons="".join(cards.values()),
            papers=papers,
            themes=[{"key": t.key, "title": t.title, "question": t.question} for t in catalog.themes()],
            paths=paths(),
            summary=summary,
            rule=lesson_text.RULE,
            notes=os.environ.get(NOTES_PAGE, ""),
        )
    evenings = "".join(
        f'<h2>{escape(group["title"])}</h2><div class="labcore-grid">{"".join(cards[n] for n in group["names"])}</div>'
        for group in paths()[2]["groups"]
    )
    look = page_style() + f"<style>{(_HERE / 'cards.css').read_text(encoding='utf-8')}</style>"
    return HTML(
        f'{look}<div class="labcore-atlas"><p>{escape(summary)} {lesson_text.RULE}</p>{evenings}'
        f'<h2>The papers</h2><div class="labcore-papers">{papers}</div></div>'
    )
