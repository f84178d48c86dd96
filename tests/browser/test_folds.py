"""What a lesson folds: formulas of its prose and the whole of a listing, in both front ends."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.browser.front import open_on_desk

CELLS = [
    new_code_cell("from widgets import source\nfrom labcore.circuits.boolean_threshold import relax_reflect"),
    new_markdown_cell(
        "Words first.\n\n<details><summary>As a formula</summary>\n\n"
        "$$\\int_0^1 x^2\\, dx = \\tfrac13 \\quad\\text{and}\\quad \\lVert w \\rVert$$\n\n</details>\n\n"
        "Then a table.\n\n"
        "| name | state |\n| --- | --- |\n| zero | $\\vert 0\\rangle$ |"
    ),
    new_code_cell("source(relax_reflect.advance)"),
]


@pytest.mark.parametrize("front", ["voila", "lab"])
def test_folds_open_and_their_formulas_are_set(request, page, desk, front):
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=CELLS, metadata=kernel), desk / "folds.ipynb")
    open_on_desk(request, page, front, "folds.ipynb")
    whole = page.locator("details.labcore-whole")
    whole.wait_for(timeout=120_000)
    assert not page.get_by_text("number of iterations done").is_visible(), "docstrings are folded away"
    page.get_by_text("project_b").first.wait_for()
    whole.locator("summary").click()
    page.get_by_text("number of iterations done").wait_for()
    fold = page.locator(".jp-RenderedMarkdown details")
    formula = fold.locator("mjx-container, .MathJax").first
    formula.wait_for(state="attached", timeout=60_000)
    assert not formula.is_visible()
    fold.locator("summary").click()
    formula.wait_for()
    box = formula.bounding_box()
    assert box["width"] > 80 and 20 < box["height"] < 120, box
    assert "$$" not in fold.inner_text()
    row = page.locator(".jp-RenderedMarkdown td")
    assert row.count() == 2 and row.locator("mjx-container, .MathJax").first.is_visible()
