"""The source that a lesson shows: essential lines, and the whole in a fold."""

from __future__ import annotations

import ast
import inspect
import re
from html import unescape

import nbformat
import pytest

import widgets
from labcore import catalog
from labcore.without import declared
from tests.notebooks.test_lessons import LESSONS, ROOT, cells, named
from widgets.listing import essential, listing, plain

MOST = 16  # lines that are seen at once

CODE = '''@kernel
def step(
    x: Float[Array, " n"],
    w: Float[Array, " n"],
) -> float:
    """One step.

    Of many.
    """
    total = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            total += x[i]
        else:
            # below nothing
            w[i] -= x[i]  # the idea
        x[i] = 0
    # the idea
    total = (
        total + 1
    )
    return total
'''


def test_marked_statements_are_shown_with_what_is_around_them():
    assert essential(CODE) == (
        "def step(x, w):\n    ...\n    for i in range(len(x)):\n        if x[i] > 0:\n            ...\n        else:\n"
        "            w[i] -= x[i]\n        ...\n    total = (\n        total + 1\n    )\n    ...\n"
    )


def test_the_line_that_is_taken_out_is_essential():
    shown = essential(CODE.replace("  # the idea", "").replace("    # the idea\n", ""), "total += x[i]")
    assert "            total += x[i]\n" in shown and "w[i]" not in shown and "return" not in shown


def test_where_nothing_is_marked_only_docstrings_and_decorators_are_left_out():
    code = CODE.replace("  # the idea", "").replace("    # the idea\n", "")
    shown = essential(code)
    assert "One step" not in shown and "@kernel" not in shown
    assert shown.endswith(code[code.index("    total = 0.0") :])


def test_a_class_and_what_has_no_docstring():
    code = '''class Rule:
    """A rule."""

    def f(self):
        """Its step."""
        return 1  # the idea

    def g(self):
        return 2
'''
    assert (
        essential(code) == "class Rule:\n\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n"
    )
    longer = code + "".join(f"        x = {k}\n" for k in range(12))
    assert essential(longer) == "class Rule:\n    def f(self):\n        return 1\n    ...\n"
    short = "def f(x):\n    return x\n"
    assert essential(short) == short


def shown_in(lesson: str) -> list:
    """What the `source` cells of a lesson show."""
    shown, names = [], {"source": lambda *functions: shown.extend(functions)}
    for cell in cells(nbformat.read(ROOT / lesson, as_version=4)):
        tree = ast.parse(cell.source)
        for node in tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)) and "widgets" not in ast.unparse(node):
                exec(ast.unparse(node), names)
            elif isinstance(node, ast.Expr) and ast.unparse(node).startswith("source("):
                exec(ast.unparse(node), names)
    return shown


def seen(html: str) -> str:
    return unescape(re.sub("<[^>]+>", "", html))


@pytest.mark.parametrize("lesson", LESSONS, ids=named)
def test_a_lesson_shows_few_lines_and_the_whole_a_click_away(lesson):
    functions = shown_in(lesson)
    assert functions
    for function in functions:
        html, code = listing(function), inspect.getsource(plain(function))
        first, _, whole = html.partition("<details")
        assert len(seen(first).strip().splitlines()) <= MOST, f"{function}: mark its essential lines"
        assert "# the idea" not in first
        assert " ".join(code.split()) in " ".join(seen(html).split()), "all of what runs is there"


def test_the_line_that_carries_a_paper_is_seen_where_its_function_is_shown():
    count = 0
    for lesson in LESSONS:
        keys = [p.key for p in catalog.papers() if p.notebook == lesson and p.has_without]
        for function in shown_in(lesson):
            for without in map(declared, keys):
                if inspect.getsourcefile(plain(function)) != str(without.path):
                    continue
                if without.line in map(str.strip, inspect.getsource(plain(function)).splitlines()):
                    count += 1
                    assert without.line in seen(listing(function).partition("<details")[0]), without
    assert count >= 10


def test_source_puts_its_listings_one_below_the_other():
    html = widgets.source(essential, listing).data
    assert seen(html).index("def essential(") < seen(html).index("def listing(") and html.count("<details") == 2
