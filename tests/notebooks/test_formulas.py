"""Formulas of the lessons: none breaks a table, and none stands in the way of a picture."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import nbformat
import pytest

from tests.notebooks.test_lessons import LESSONS, ROOT, cells, named

RULE = re.compile(r"^\s*\|?\s*:?-{3,}:?\s*(\|\s*:?-{3,}:?\s*)*\|?\s*$")  # between a table's head and its rows


def bars_in_tables(text: str) -> list[str]:
    """Formulas in the tables of a Markdown text that hold `|`: Voila and other readers end the cell there."""
    found, lines = [], text.split("\n")
    for at, line in enumerate(lines):
        if not (RULE.match(line) and "|" in line and at):
            continue
        rows = [lines[at - 1]]
        for below in lines[at + 1 :]:
            if "|" not in below:
                break
            rows.append(below)
        # between the first and the second dollar is a formula, between the third and the fourth another
        found += [f"${part}$" for row in rows for part in row.replace(r"\$", "").split("$")[1::2] if "|" in part]
    return found


def texts(notebook) -> Iterator[str]:
    """All Markdown of a lesson: its cells, and the strings of its code."""
    for cell in cells(notebook, "markdown"):
        yield cell.source
    for cell in cells(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


@pytest.mark.parametrize("lesson", [*LESSONS, "notebooks/index.ipynb"], ids=named)
def test_no_formula_breaks_a_table(lesson):
    wrong = [bar for text in texts(nbformat.read(ROOT / lesson, as_version=4)) for bar in bars_in_tables(text)]
    assert not wrong, f"write \\mid, \\vert or \\lVert in place of |: {wrong}"


@pytest.mark.parametrize(
    "text, found",
    [
        ("| a | $b$ |\n| --- | --- |\n| $|0>$ | $c$ |", ["$|0>$"]),
        ("a | b\n:--- | ---:\n$x$ | $\\|y\\|$", ["$\\|y\\|$"]),
        ("| $|a|$ | b |\n| --- | --- |\n| 1 | 2 |", ["$|a|$"]),
        ("| a | $b$ |\n| --- | --- |\n| $\\vert 0>$ | $c$ |\n\nAnd $|x|$ here.", []),
        ("No table, $|x|$.\n\n---\n\n$|y|$", []),
    ],
)
def test_a_bar_in_a_table_is_found(text, found):
    assert bars_in_tables(text) == found


def blocking(notebook) -> list[str]:
    """Display formulas that stand open, under the heading of a picture, over the first picture that follows it."""
    found: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # a listing or a question does not come in place of a picture
            if re.search(r"^(bench|diagram_canvas|memory_board|KanBoard)\(", cell.source, re.M):
                yield from found
            found = []
            continue
        open_text = re.sub(r"<details>.*?</details>", "", cell.source, flags=re.S)
        last = re.split(r"^## ", open_text, flags=re.M)[-1] if "## " in open_text else ""
        found += re.findall(r"\$\$.*?\$\$", last, flags=re.S)


@pytest.mark.parametrize("lesson", LESSONS, ids=named)
def test_a_picture_comes_before_its_formulas(lesson):
    assert not list(blocking(nbformat.read(ROOT / lesson, as_version=4)))


@pytest.mark.parametrize("lesson", LESSONS, ids=named)
def test_a_fold_is_one_that_every_page_reads(lesson):
    """Markdown begins again after an empty line, and a formula in HTML would not be set."""
    for cell in cells(nbformat.read(ROOT / lesson, as_version=4), "markdown"):
        folds = re.findall(r"<details>.*?</details>", cell.source, re.S)
        assert len(folds) == cell.source.count("<details") == cell.source.count("</details>")
        for fold in folds:
            assert re.fullmatch(r"<details><summary>[^<$]+</summary>\n\n.+\n\n</details>", fold, re.S), fold
