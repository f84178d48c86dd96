"""What `docs/teaching.md` takes from the catalogue and the notebooks: `python -m widgets.teaching` writes it anew.

Derived are the order and minutes of the lessons, and of each lesson its questions with their options and explanations.
They stand between marks, `<!-- order -->` and `<!-- lesson NAME -->`; the rest is a teacher's and stays. Which option
holds is known by running the experiment: it is bold, kept as it stands, and measured by the nightly tests.
"""

from __future__ import annotations

import re
from pathlib import Path

from labcore import catalog, lesson_text
from labcore.catalog import Lesson
from labcore.lesson_files import LESSONS, TEACHING
from widgets.benches.asked import Asked, asked

# by lesson and question, and by lesson and options, for a question that is put in other words: what is bold
Held = dict[tuple[str, str | tuple[str, ...]], set[str]]


def slug(heading: str) -> str:
    """What a heading is called in links, as GitHub does it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def held(text: str) -> Held:
    """The options that the page says hold."""
    found: Held = {}
    for name, block in re.findall(r"<!-- lesson (\S+) -->\n(.*?)<!-- /lesson -->", text, re.DOTALL):
        for question, options in re.findall(r"^\*\*\d+\.\*\* (.+)\n\n((?:- .+\n)+)", block, re.MULTILINE):
            right = set(re.findall(r"^- \*\*(.+)\*\*$", options, re.MULTILINE))
            every = (row[2:].partition(" (it is so with `")[0].strip("*") for row in options.splitlines())
            found[name, question] = found[name, tuple(every)] = right
    return found


def render(text: str) -> str:
    """The page with what is derived written anew."""
    known = held(text)
    text = _between(text, "order", _order())
    row = catalog.lessons()
    for number, lesson in reversed([*enumerate(row, 1)]):
        after = f"lesson {row[number].name}" if number < len(row) else ""
        text = _between(text, f"lesson {lesson.name}", _lesson(number, lesson, known), after)
    return text


def _between(text: str, mark: str, words: str, after: str = "") -> str:
    """What stands behind a mark, replaced; one that is not there comes before the mark `after`, or at the end."""
    end = mark.partition(" ")[0]
    block = f"<!-- {mark} -->\n{words}<!-- /{end} -->"
    new, count = re.subn(rf"<!-- {re.escape(mark)} -->\n.*?<!-- /{end} -->", lambda _: block, text, flags=re.DOTALL)
    if count:
        return new
    before, mark, rest = text.partition(f"<!-- {after} -->\n")
    return f"{before}{block}\n\n{mark}{rest}" if mark else f"{text}\n{block}\n"


def _order() -> str:
    rows = ["| evening | lesson | level | minutes | do first |", "| --- | --- | --- | --- | --- |"]
    for number, lesson in enumerate(catalog.lessons(), 1):
        needs = ", ".join(catalog.lesson(name).question for name in lesson.needs)
        link = f"[{lesson.question}](#{slug(f'{number}. {lesson.question}')})"
        rows.append(f"| {lesson.evening or ''} | {link} | {lesson.level} | {lesson_text.minutes(lesson)} | {needs} |")
    hour = [lesson for lesson in catalog.lessons() if lesson.first_hour]
    names = " and ".join(f"*{lesson.question}*" for lesson in hour)
    return "\n".join(rows) + f"\n\nFor a first hour: {names}, about {lesson_text.minutes(*hour)} minutes together.\n"


def _lesson(number: int, lesson: Lesson, known: Held) -> str:
    questions = asked(LESSONS / f"{lesson.name}.ipynb")
    evening = f"Evening {lesson.evening}, " if lesson.evening else ""
    facts = f"{evening}{lesson.level}, about {lesson_text.minutes(lesson)} minutes, {len(questions)} questions."
    parts = [f"## {number}. {lesson.question}", facts[0].upper() + facts[1:]]
    for at, question in enumerate(questions, 1):
        parts.append(f"**{at}.** {question.question}")
        right = known.get((lesson.name, question.question)) or known.get((lesson.name, question.options), set())
        parts.append(_answers(question, right))
        why = question.why.strip()
        parts.append(f"<details><summary>What the lesson says then</summary>\n\n{why}\n\n</details>")
    return "\n\n".join(parts) + "\n"


def _answers(question: Asked, right: set[str]) -> str:
    """The options, those that hold in bold, and of a wrong one the values with which it would hold."""
    if question.kind != "options":
        return f"*Drawn: {question.y.title}, over {question.x.title}.*"
    rows = []
    for option in question.options:
        values = ", ".join(f"{name}={value!r}" for name, value in (question.instead or {}).get(option, {}).items())
        other = f" (it is so with `{values}`)" if values and option not in right else ""
        rows.append(f"- **{option}**" if option in right else f"- {option}{other}")
    return "\n".join(rows)


def write(page: Path = TEACHING) -> None:
    """Write the page anew."""
    page.write_text(render(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
