"""What a lesson's notebook says of itself: its question, its opening words, and how long it takes.

The minutes are counted: the words of its prose at `WORDS_A_MINUTE` (a formula is a word, sources are not read), and for
what is done in it the times of `MINUTES`, a call each. A lesson that changes takes another time by itself.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator

from labcore import catalog
from labcore.catalog import Lesson

WORDS_A_MINUTE = 150
MINUTES = {
    "bench": 3,
    "diagram_canvas": 3,
    "memory_board": 3,
    "kan_board": 3,
    "Prediction": 1,
    "Sketch": 1,
    "exercise": 3,
    "source": 1,
    "ledger": 1,
}
RULE = (
    f"Minutes are counted: {WORDS_A_MINUTE} words of prose a minute, {MINUTES['bench']} minutes a bench or board, "
    f"{MINUTES['exercise']} an exercise, {MINUTES['Prediction']} a prediction, a listing or a table of claims."
)


def _cells(lesson: Lesson) -> list[tuple[str, str]]:
    """Kind and source of each cell. Raises OSError."""
    # the module that knows where the lessons are reads the catalogue, which must be importable without it
    from labcore.lesson_files import LESSONS

    path = LESSONS / f"{lesson.name}.ipynb"
    return _read(str(path), path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _read(path: str, changed: int) -> list[tuple[str, str]]:
    with open(path, encoding="utf-8") as file:
        return [(c["cell_type"], "".join(c["source"])) for c in json.load(file)["cells"]]


def _prose(lesson: Lesson) -> str:
    text = "\n\n".join(source for kind, source in _cells(lesson) if kind == "markdown")
    return re.split(r"^## Sources", text, flags=re.MULTILINE)[0]


def _words(text: str) -> int:
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$", " formula ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)", "]", text)  # a link's address is not read
    return len(re.findall(r"[^\W\d_][\w'’-]*", text))


def _calls(lesson: Lesson) -> Iterator[str]:
    """The names of the functions that its code calls."""
    for kind, source in _cells(lesson):
        if kind == "code":
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield node.func.id


def heading(lesson: Lesson) -> str:
    """The title of its notebook. Raises OSError."""
    return _prose(lesson).partition("\n")[0].removeprefix("# ").strip()


def opening(lesson: Lesson) -> str:
    """Its first paragraph, as plain text. Raises OSError."""
    first = next(p for p in _prose(lesson).split("\n\n")[1:] if p.strip())
    return re.sub(r"[*`$]|\]\([^)]*\)|\[", "", first).strip()


def minutes(*lessons: Lesson) -> int:
    """How long these lessons take one after another, each a multiple of 5. Raises OSError."""
    return sum(max(5, 5 * round(_minutes(each) / 5)) for each in lessons)


def _minutes(lesson: Lesson) -> float:
    return _words(_prose(lesson)) / WORDS_A_MINUTE + sum(MINUTES.get(name, 0) for name in _calls(lesson))


def before_and_after(lesson: Lesson) -> tuple[Lesson | None, Lesson | None]:
    """The lessons on both sides of this one, in the order of the course."""
    row = catalog.lessons()
    at = row.index(lesson)
    return row[at - 1] if at else None, row[at + 1] if at + 1 < len(row) else None
