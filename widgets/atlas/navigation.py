"""The way from a lesson: to the index, the lessons beside it, its papers; the words of the field; the page's look."""

from __future__ import annotations

from html import escape
from pathlib import Path

import anywidget
import traitlets
from IPython.display import HTML, display

from labcore import catalog, glossary, lesson_text
from labcore.catalog import Lesson
from widgets.atlas.progress import begin
from widgets.benches.front_end import is_site, is_static

_HERE = Path(__file__).parent


def page_style() -> str:
    """The look of a page that holds a lesson, as HTML; a page of `make site` has it already."""
    look = (_HERE / "page.css").read_text(encoding="utf-8")
    return "" if is_site() else f'<style class="labcore-style">{look}</style>'


def _link(lesson: Lesson, text: str, rel: str = "") -> str:
    # from the folder of any lesson; JupyterLab and Notebook open such a link of a cell's output in their own way
    return f'<a {rel and f"rel={rel} "}href="../{escape(lesson.name)}.ipynb">{escape(text)}</a>'


def navigation_html(lesson: Lesson) -> str:
    """The links of a lesson as HTML, which needs no kernel and no script."""
    before, after = lesson_text.before_and_after(lesson)
    ways = ['<a href="../index.ipynb">All lessons</a>']
    ways += [f"Before: {_link(before, before.question, 'prev')}"] if before else []
    ways += [f"Next: {_link(after, after.question, 'next')}"] if after else []
    needs = ", ".join(_link(n, n.question) for n in map(catalog.lesson, lesson.needs))
    papers = "; ".join(f'<a href="{escape(p.link)}">{escape(p.title)}</a> ({p.year})' for p in lesson.papers)
    facts = [f"{lesson.level.capitalize()}, about {lesson_text.minutes(lesson)} minutes."]
    facts += [f"First: {needs}."] if needs else []
    facts += [f"{'Papers' if len(lesson.papers) > 1 else 'Paper'}: {papers}."] if papers else []
    return (
        '<nav class="labcore-way" aria-label="Lessons"><p class="labcore-ways">'
        f"{''.join(f'<span>{way}</span>' for way in ways)}</p><p>{' '.join(facts)}</p></nav>"
    )


class Glossary(anywidget.AnyWidget):
    """Marks the first use of each term in the lesson's prose. What a term means is shown on hover, focus and tap."""

    _esm = "".join((_HERE / name).read_text(encoding="utf-8") for name in ("scrolled.js", "glossary.js"))

    terms = traitlets.List().tag(sync=True)  # of dicts: word, every, means


_INDEX = (
    '<nav class="labcore-way" aria-label="Lessons"><p class="labcore-ways">'
    '<span><a href="index.ipynb">All lessons</a></span></p></nav>'
)


def lesson_nav(name: str = "") -> None:
    """Show the links of a lesson, named THEME/TOPIC as in the catalogue, and mark the glossary's words in its prose.

    Without a name the page is one beside the index, and its link leads there. The page takes the look of the house.
    What is answered from here on is kept in the learner's browser, under the name of the lesson.

    Executed as a batch, only the links: there is nobody to ask what a word means. Raises `UnknownKey`.
    """
    display(HTML(page_style() + (navigation_html(catalog.lesson(name)) if name else _INDEX)))
    if not is_static():
        if name:
            display(begin(name))
        rows = [{"word": t.word, "every": list(t.every), "means": t.means} for t in glossary.terms()]
        display(Glossary(terms=rows))
